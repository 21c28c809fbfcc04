// The mean power spectrum of one image over all masks of a design: exact, without drawing masks.

import { transformAxis, transformSquare } from "./fft.js";
import { patchTransform } from "./masks.js";
import { placed } from "./spectra.js";

/**
 * Pairs of pixels of an image, by the offset of their patches and by their lag within patches.
 *
 * E|Y[k]|² is the transform of Σ_δ ρ(δ) B(δ, l) at the lag pδ + l, where ρ(δ) is the probability
 * that two patches at the offset δ are both kept, and B(δ, l) the cross-correlation of the pixels
 * of such patches. B is the transform, over patches and over pixels in a patch, of the squared
 * transform of the image cut into patches with zeros behind each. It serves all designs whose
 * pairs depend on the offset alone (spectral_mae.masked_spectra.patch_sums.pair_power).
 */
export class PairSums {
  constructor(pixels, size, patch) {
    const counts = size / patch,
      padded = 2 * patch,
      wide = 2 * size;
    const re = new Float64Array(wide * wide),
      im = new Float64Array(wide * wide);
    // Axes: patch and pixel along rows, patch and pixel along columns.
    const spread = (i) => Math.floor(i / patch) * padded + (i % patch);
    for (let row = 0, i = 0; row < size; row++)
      for (let column = 0; column < size; column++, i++)
        re[spread(row) * wide + spread(column)] = pixels[i];
    const forward = () => {
      transformAxis(re, im, wide * counts, padded, 1);
      transformAxis(re, im, wide, counts, padded);
      transformAxis(re, im, counts, padded, wide);
      transformAxis(re, im, 1, counts, padded * wide);
    };
    forward();
    const scale = wide * wide * size * size; // of the transform back, and of a density
    for (let i = 0; i < re.length; i++) re[i] = (re[i] * re[i] + im[i] * im[i]) / scale;
    im.fill(0);
    forward(); // as good as backward: what is transformed is even
    Object.assign(this, { size, patch, sums: re });
  }

  /** E|Y|²/N on the whole grid in FFT order; `pairs` is ρ by offset, row by row. */
  expected(pairs) {
    const { size, patch, sums } = this;
    const counts = size / patch,
      padded = 2 * patch,
      wide = 2 * size;
    const re = new Float64Array(size * size),
      im = new Float64Array(size * size);
    const offset = new Int32Array(wide),
      lag = new Int32Array(wide);
    for (let i = 0; i < wide; i++) {
      offset[i] = Math.floor(i / padded);
      const within = i % padded;
      lag[i] = (offset[i] * patch + within - (within < patch ? 0 : padded) + size) % size;
    }
    for (let row = 0, i = 0; row < wide; row++) {
      const above = offset[row] * counts,
        to = lag[row] * size;
      for (let column = 0; column < wide; column++, i++)
        re[to + lag[column]] += pairs[above + offset[column]] * sums[i];
    }
    transformSquare(re, im, size);
    // A sum of squares, but for rounding.
    for (let i = 0; i < re.length; i++) if (re[i] < 0) re[i] = 0;
    return re;
  }
}

/**
 * E|Y|²/N of an image that is the sum of few waves, without a transform.
 *
 * Of a design whose pairs depend on the offset alone, E[M[k] M*[k′]] is L ρ̂(q) R[k] R*[k′] where k
 * and k′ differ by a multiple of `counts` along each axis (q is what is left), and 0 elsewhere. So
 * E|Y[k]|² = (L/N²) Σ ρ̂(k−j) |Σ_j X[j] R[k−j]|², with an outer term for each class of waves j that
 * differ by such multiples.
 *
 * waves: list of { frequency: [down, across], amplitude: X[j] }, real; spectrum: ρ̂, row by row.
 */
export function expectedOfWaves(waves, spectrum, size, patch) {
  const counts = size / patch,
    pixels = size * size,
    found = new Float64Array(pixels);
  const { re, im } = patchTransform(size, patch);
  const real = new Float64Array(pixels),
    imaginary = new Float64Array(pixels);
  // A table of an axis, moved to the right by a frequency.
  const moved = (table, by) =>
    Float64Array.from({ length: size }, (_, k) => table[placed(k - by, table.length)]);
  for (const alike of classes(waves, counts)) {
    real.fill(0);
    imaginary.fill(0);
    for (const {
      frequency: [down, across],
      amplitude,
    } of alike) {
      const [rowRe, rowIm] = [moved(re, down), moved(im, down)];
      const [columnRe, columnIm] = [moved(re, across), moved(im, across)];
      for (let row = 0, i = 0; row < size; row++) {
        const a = amplitude * rowRe[row],
          b = amplitude * rowIm[row];
        for (let column = 0; column < size; column++, i++) {
          real[i] += a * columnRe[column] - b * columnIm[column];
          imaginary[i] += a * columnIm[column] + b * columnRe[column];
        }
      }
    }
    const [down, across] = alike[0].frequency;
    const scale = spectrum.length / pixels ** 3; // L/N², and of a density
    const place = Uint32Array.from({ length: size }, (_, k) => placed(k - across, counts));
    for (let row = 0, i = 0; row < size; row++) {
      const first = placed(row - down, counts) * counts;
      for (let column = 0; column < size; column++, i++) {
        const power = real[i] * real[i] + imaginary[i] * imaginary[i];
        found[i] += scale * spectrum[first + place[column]] * power;
      }
    }
  }
  return found;
}

/** Waves in lists of those whose frequencies differ by multiples of `counts`. */
function classes(waves, counts) {
  const found = new Map();
  for (const one of waves) {
    const key = one.frequency.map((k) => placed(k, counts)).join();
    found.set(key, [...(found.get(key) ?? []), one]);
  }
  return found.values();
}

/** ρ̂, the transform of ρ over the offsets of patches: real and not negative. */
export function pairSpectrum(pairs, counts) {
  const re = Float64Array.from(pairs),
    im = new Float64Array(pairs.length);
  transformSquare(re, im, counts);
  const rounding = 1e-15 * Math.max(...re);
  return re.map((value) => (value > rounding ? value : 0));
}
