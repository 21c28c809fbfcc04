// Colours of power: matplotlib's map "inferno" (CC0), as in the figures of the package.

const STOPS =
  "000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e 7d1e6d 8a226a " +
  "972766 a32c61 b0315b bc3754 c63d4d d04545 da4e3c e35933 eb6429 f1711f f67e14 f98c0a fb9b06 " +
  "fcaa0f fbba1f f9c932 f5d949 f2e865 f3f586 fcffa4";
const OPAQUE = 0xff000000; // of pixels as numbers of 32 bits, alpha first (little endian)

/** 256 colours between the stops, as pixels. */
export const POWER_COLORS = (() => {
  const stops = STOPS.split(" ").map((stop) => parseInt(stop, 16));
  const channel = (color, shift) => (color >> shift) & 255;
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1),
      below = Math.min(Math.floor(at), stops.length - 2);
    const mixed = (shift) => {
      const low = channel(stops[below], shift),
        high = channel(stops[below + 1], shift);
      return Math.round(low + (high - low) * (at - below));
    };
    return (OPAQUE | (mixed(0) << 16) | (mixed(8) << 8) | mixed(16)) >>> 0;
  });
})();

/** The place of a power among `POWER_COLORS`, on a scale whose ends are exponents of ten. */
export function level(power, [low, high]) {
  const found = ((Math.log10(power) - low) * 255) / (high - low);
  return found > 0 ? Math.min(Math.round(found), 255) : 0;
}

/** The colour of a power as CSS has it. */
export function cssColor(power, ends) {
  const color = POWER_COLORS[level(power, ends)];
  return `rgb(${color & 255} ${(color >> 8) & 255} ${(color >> 16) & 255})`;
}

/** A pixel of a gray value from 0 to 1. */
export function gray(value) {
  const level = Math.max(0, Math.min(255, Math.round(255 * value)));
  return (OPAQUE | (level << 16) | (level << 8) | level) >>> 0;
}

/** A pixel of a colour "#rrggbb". */
export function pixel(color) {
  const bits = parseInt(color.slice(1), 16);
  return (OPAQUE | ((bits & 255) << 16) | (bits & 0xff00) | (bits >> 16)) >>> 0;
}

/**
 * Powers of ten at the ends of a scale for the spectrum of an image: its largest power is inside,
 * and so are all but its smallest ones, over no more than eight decades.
 */
export function decades(power) {
  const positive = power.filter((value) => value > 0).sort();
  if (positive.length === 0) return [-8, 0];
  const high = Math.ceil(Math.log10(positive.at(-1)));
  const low = Math.floor(Math.log10(positive[Math.floor(positive.length / 50)]));
  return [Math.min(Math.max(low, high - 8), high - 2), high];
}
