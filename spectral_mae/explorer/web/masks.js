// Masks on a grid of patches: their pixels, and their power by the closed form of one patch.

import { squaredTransform } from "./fft.js";

/** R[k], the transform of a patch that begins at pixel 0: with the phase exp(−iπk(p−1)/n). */
export function patchTransform(size, patch) {
  const re = new Float64Array(size),
    im = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const turned = (Math.PI * ((k * (patch - 1)) % (2 * size))) / size;
    const sine = Math.sin((Math.PI * ((patch * k) % (2 * size))) / size);
    let value = k === 0 ? patch : sine / Math.sin((Math.PI * k) / size);
    if (k !== 0 && (patch * k) % size === 0) value = 0; // a zero of every mask, and not 1e-16
    re[k] = value * Math.cos(turned);
    im[k] = -value * Math.sin(turned);
  }
  return { re, im };
}

const kernels = new Map();

/** |R[k]|² of a patch on an axis, which is p² at k = 0; the same array each time. */
function patchPower(size, patch) {
  const key = `${size} ${patch}`;
  if (!kernels.has(key)) {
    const { re, im } = patchTransform(size, patch);
    kernels.set(
      key,
      re.map((real, k) => real * real + im[k] * im[k]),
    );
  }
  return kernels.get(key);
}

/** Frequencies in cycles per image at which |R|² is zero: multiples of size/patch, but for 0. */
export function gratingZeros(size, patch) {
  const apart = size / patch,
    found = [];
  for (let k = -size / 2; k < size / 2; k += apart) if (k !== 0) found.push(k);
  return found;
}

/** Multiply |R|² of rows and columns with a spectrum of the patch grid, which repeats. */
function onPixels(gridPower, size, patch) {
  const kernel = patchPower(size, patch),
    counts = size / patch;
  const power = new Float64Array(size * size);
  for (let row = 0, i = 0; row < size; row++)
    for (let column = 0; column < size; column++, i++)
      power[i] =
        kernel[row] * kernel[column] * gridPower[(row % counts) * counts + (column % counts)];
  return power;
}

/** |M|²/N of a mask: kept is 1 for each patch that stays visible, row by row. */
export function maskDensity(kept, size, patch) {
  return onPixels(squaredTransform(kept, size / patch, size * size), size, patch);
}

/** E|M|²/N over all masks of a design: L ρ̂(q) |R[k]|² (ρ̂ from `pairSpectrum`). */
export function expectedMaskDensity(pairSpectrum, size, patch) {
  const gridPower = pairSpectrum.map((value) => (value * pairSpectrum.length) / (size * size));
  return onPixels(gridPower, size, patch);
}

/** Which pixels are visible: 1 in each patch that is kept. */
export function visiblePixels(kept, size, patch) {
  const counts = size / patch,
    found = new Uint8Array(size * size);
  for (let row = 0, i = 0; row < size; row++) {
    const first = Math.floor(row / patch) * counts;
    for (let column = 0; column < size; column++, i++)
      found[i] = kept[first + Math.floor(column / patch)];
  }
  return found;
}

/** An image with the hidden pixels set to zero. */
export function masked(pixels, visible) {
  return pixels.map((value, i) => (visible[i] ? value : 0));
}
