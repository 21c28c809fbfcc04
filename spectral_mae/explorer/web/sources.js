// What arrives at one frequency of a masked image, and from where.
//
// Y[k] = (1/N) Σ_j M[k−j] X[j]: each frequency j of the image sends a part of its amplitude to k,
// as much as the mask has at the difference k − j. Amplitudes add up with their phases; the powers
// |M[k−j]|² |X[j]|² / N² say how strong each part is.

import { placed, signed } from "./spectra.js";

/**
 * Power that arrives at a frequency [down, across], in cycles per image, from each frequency of
 * the image, in FFT order. Given densities of mask and image, the result is a density.
 */
export function arrivals([down, across], maskDensity, imageDensity, size) {
  const found = new Float64Array(size * size);
  for (let row = 0, i = 0; row < size; row++) {
    const from = placed(down - row, size) * size;
    for (let column = 0; column < size; column++, i++)
      found[i] = (maskDensity[from + placed(across - column, size)] * imageDensity[i]) / size ** 2;
  }
  return found;
}

/** The largest of them: frequency [down, across], power and share of the sum, in falling order. */
export function largest(power, size, count) {
  let total = 0;
  const best = []; // places, in falling order of power
  for (let i = 0; i < power.length; i++) {
    total += power[i];
    if (best.length === count && power[i] <= power[best.at(-1)]) continue;
    let at = best.length;
    while (at > 0 && power[best[at - 1]] < power[i]) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best.map((i) => ({
    frequency: [signed(Math.floor(i / size), size), signed(i % size, size)],
    power: power[i],
    share: total > 0 ? power[i] / total : 0,
  }));
}
