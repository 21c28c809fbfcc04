// Discrete Fourier transforms: unnormalised, with exp(−2πi kn/N) forward, as NumPy has them.

const plans = new Map();

/** Cosines, sines and bit-reversed places of one length, a power of two. */
function plan(length) {
  if (!plans.has(length)) {
    if (length < 1 || length & (length - 1)) throw new RangeError(`${length} is no power of two`);
    const half = Math.max(1, length >> 1);
    const cos = new Float64Array(half),
      sin = new Float64Array(half);
    for (let i = 0; i < half; i++) {
      cos[i] = Math.cos((2 * Math.PI * i) / length);
      sin[i] = -Math.sin((2 * Math.PI * i) / length);
    }
    const place = new Uint32Array(length);
    for (let i = 1; i < length; i++) place[i] = (place[i >> 1] >> 1) | (i & 1 ? length >> 1 : 0);
    plans.set(length, { cos, sin, place });
  }
  return plans.get(length);
}

/**
 * Transform the middle axis of an array of shape (outer, length, inner), in place.
 * Lines lie `inner` apart, so any axis of an array can be the middle one, and none is moved.
 */
export function transformAxis(re, im, outer, length, inner) {
  const { cos, sin, place } = plan(length);
  const lines = length * inner;
  for (let base = 0; base < outer * lines; base += lines) {
    for (let i = 1; i < length; i++) {
      const j = place[i];
      if (j <= i) continue;
      let a = base + i * inner,
        b = base + j * inner;
      for (const end = a + inner; a < end; a++, b++) {
        const real = re[a],
          imaginary = im[a];
        re[a] = re[b];
        im[a] = im[b];
        re[b] = real;
        im[b] = imaginary;
      }
    }
    for (let half = 1; half < length; half *= 2) {
      const step = length / (2 * half),
        apart = half * inner;
      for (let j = 0; j < half; j++) {
        const c = cos[j * step],
          s = sin[j * step];
        for (let first = base + j * inner; first < base + lines; first += 2 * apart) {
          for (let a = first; a < first + inner; a++) {
            const b = a + apart;
            const real = re[b] * c - im[b] * s,
              imaginary = re[b] * s + im[b] * c;
            re[b] = re[a] - real;
            im[b] = im[a] - imaginary;
            re[a] += real;
            im[a] += imaginary;
          }
        }
      }
    }
  }
}

/** Transform a square array of `size` rows, in place. */
export function transformSquare(re, im, size) {
  transformAxis(re, im, size, size, 1);
  transformAxis(re, im, 1, size, size);
}

/** |X|² of a square array of real numbers, in FFT order, divided by `by`. */
export function squaredTransform(pixels, size, by = 1) {
  const re = Float64Array.from(pixels),
    im = new Float64Array(size * size);
  transformSquare(re, im, size);
  for (let i = 0; i < re.length; i++) re[i] = (re[i] * re[i] + im[i] * im[i]) / by;
  return re;
}
