// Power spectra of square images, and their means over rings and octaves of frequency.

import { squaredTransform } from "./fft.js";

// Lower ends of the octaves in cycles/pixel; the last one reaches into the corners.
export const OCTAVES = [0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2];

/** Power spectral density |X|²/N on the whole grid in FFT order, as `spectral_mae.psd` has it. */
export function density(pixels, size) {
  return squaredTransform(pixels, size, size * size);
}

/** The frequency at place `i` of an axis in FFT order, in cycles per image: from −size/2 on. */
export function signed(i, size) {
  return i < size / 2 ? i : i - size;
}

/** The place of a frequency, in cycles per image, on an axis in FFT order. */
export function placed(frequency, size) {
  return ((frequency % size) + size) % size;
}

/** Rings of frequencies at equal distances from zero, one cycle per image wide, and octaves. */
export class Rings {
  constructor(size) {
    this.length = size / 2;
    this.ring = new Int16Array(size * size).fill(-1); // of each frequency; −1 in the corners
    this.octave = new Int8Array(size * size).fill(-1); // −1 at zero frequency
    this.count = new Float64Array(this.length);
    this.frequency = new Float64Array(this.length); // mean of each ring, cycles/pixel
    for (let i = 0; i < size * size; i++) {
      const distance = Math.hypot(signed(i % size, size), signed(Math.floor(i / size), size));
      if (distance === 0) continue;
      this.octave[i] = OCTAVES.findLastIndex((low) => distance / size >= low);
      const ring = Math.round(distance) - 1;
      if (distance > size / 2) continue;
      this.ring[i] = ring;
      this.count[ring] += 1;
      this.frequency[ring] += distance / size;
    }
    for (let r = 0; r < this.length; r++) this.frequency[r] /= this.count[r];
  }

  /** Mean power in each ring. */
  means(power) {
    const found = new Float64Array(this.length);
    for (let i = 0; i < power.length; i++) if (this.ring[i] >= 0) found[this.ring[i]] += power[i];
    for (let r = 0; r < this.length; r++) found[r] /= this.count[r];
    return found;
  }

  /** Sum of the power in each octave, zero frequency left out. */
  octaves(power) {
    const found = new Float64Array(OCTAVES.length);
    for (let i = 0; i < power.length; i++)
      if (this.octave[i] >= 0) found[this.octave[i]] += power[i];
    return found;
  }
}

/** Power from other frequencies over what stays in place, by octave: E|Y|²/(π₁²|X|²) − 1. */
export function leakageByOctave(rings, original, expected, inclusion) {
  const kept = rings.octaves(original).map((power) => power * inclusion ** 2);
  return rings.octaves(expected).map((power, i) => (power - kept[i]) / kept[i]);
}
