// The images of the page: bytes that were packed into it, and waves that are made here.

import { placed } from "./spectra.js";

/** Gray values from 0 to 1 of an image that the page holds as deflated bytes in base 64. */
async function unpacked({ bytes, low, high }) {
  const packed = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const levels = new Uint8Array(await new Response(stream).arrayBuffer());
  return Float64Array.from(levels, (level) => low + ((high - low) * level) / 255);
}

/** All images that the page holds: name, notes and pixels. */
export async function embeddedImages(list) {
  return Promise.all(list.map(async (image) => ({ ...image, pixels: await unpacked(image) })));
}

const GRAY = 0.5,
  CONTRAST = 0.45; // of a wave, whose pixels are from 0.05 to 0.95

/** One wave about a gray of ½: so many cycles per image [down, across]. */
export function wave([down, across], size) {
  const found = new Float64Array(size * size);
  const cosine = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  for (let row = 0, i = 0; row < size; row++)
    for (let column = 0; column < size; column++, i++)
      // The phase is reduced in whole numbers, so that the wave has no other frequency.
      found[i] = GRAY + CONTRAST * cosine[placed(down * row + across * column, size)];
  return found;
}

/** The transform of that wave: its mean, itself and its mirror image, each frequency once. */
export function wavesOf([down, across], size, isCentred) {
  const pixels = size * size,
    found = new Map();
  const add = (frequency, amplitude) => {
    const key = frequency.map((k) => placed(k, size)).join();
    const before = found.get(key)?.amplitude ?? 0;
    found.set(key, { frequency, amplitude: before + amplitude * pixels });
  };
  add([down, across], CONTRAST / 2);
  add([-down, -across], CONTRAST / 2);
  add([0, 0], GRAY);
  if (isCentred) found.delete("0,0");
  return [...found.values()];
}

/** An image without its mean. */
export function centred(pixels) {
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  return pixels.map((value) => value - mean);
}
