// Designs of masks: how patches are chosen, with ρ in closed form, and the text of --design.
//
// A design on a grid of counts × counts patches has
//   text       the design as spectral_mae.designs.parse reads it,
//   inclusion  π₁, the probability that a patch is kept,
//   pairs      ρ(δ), the probability that two patches at the offset δ are both kept, row by row,
//   draw       a function of random numbers: 1 for each patch that is kept.
// Draws of one seed are nested as the mask ratio changes, so that dragging it moves no other patch.

import { permutation } from "./random.js";

/** ρ from a function of the offset. */
function byOffset(counts, value) {
  return Float64Array.from({ length: counts * counts }, (_, i) =>
    value(Math.floor(i / counts), i % counts),
  );
}

/** How many places a block of `length` on a ring of `counts` shares with itself shifted. */
function overlap(length, counts, offset) {
  if (offset === 0) return length;
  return Math.max(length - offset, 0) + Math.max(length - (counts - offset), 0);
}

/** The number of things kept of `total`: ⌊total (1 − ratio)⌋, but at least one and not all. */
function keptOf(total, ratio) {
  // The ratio has two decimals; so 0.9 of 10 keeps one, where floating point would say none.
  const kept = Math.floor((total * Math.round((1 - ratio) * 100)) / 100);
  return Math.min(Math.max(kept, 1), total - 1);
}

/** Rows and columns of the block whose number of patches is nearest to a fraction of all. */
function blockNear(fraction, counts) {
  let best = [1, 1];
  const wanted = fraction * counts * counts;
  const miss = ([rows, columns]) => Math.abs(rows * columns - wanted) + (rows - columns) / 1000;
  for (let columns = 1; columns <= counts; columns++)
    for (let rows = columns; rows <= Math.min(counts, columns + 1); rows++)
      if (rows * columns < counts * counts && miss([rows, columns]) < miss(best))
        best = [rows, columns];
  return best;
}

/** Set the patches of a block to `value`; it goes on at the opposite border. */
function paint(kept, counts, [rows, columns], [top, left], value) {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      kept[((top + i) % counts) * counts + ((left + j) % counts)] = value;
}

/** A random position on the grid. */
function position(counts, random) {
  return [Math.floor(random() * counts), Math.floor(random() * counts)];
}

function fixed(counts, ratio) {
  const total = counts * counts,
    kept = keptOf(total, ratio);
  const inclusion = kept / total,
    both = (inclusion * (kept - 1)) / (total - 1);
  return {
    text: `fixed:${1 - inclusion}`,
    inclusion,
    pairs: byOffset(counts, (down, across) => (down || across ? both : inclusion)),
    draw(random) {
      const found = new Uint8Array(total);
      for (const patch of permutation(total, random).subarray(0, kept)) found[patch] = 1;
      return found;
    },
  };
}

function bernoulli(counts, ratio) {
  const inclusion = 1 - ratio;
  return {
    text: `bernoulli:${ratio}`,
    inclusion,
    pairs: byOffset(counts, (down, across) => (down || across ? inclusion ** 2 : inclusion)),
    draw: (random) =>
      Uint8Array.from({ length: counts * counts }, () => (random() < inclusion ? 1 : 0)),
  };
}

function block(counts, ratio, keep) {
  const size = blockNear(keep ? 1 - ratio : ratio, counts),
    total = counts * counts;
  const patches = size[0] * size[1];
  const shared = (down, across) =>
    overlap(size[0], counts, down) * overlap(size[1], counts, across);
  return {
    text: `block:${size.join("x")}${keep ? ",keep" : ""}`,
    inclusion: (keep ? patches : total - patches) / total,
    pairs: byOffset(counts, (down, across) =>
      keep ? shared(down, across) / total : 1 - (2 * patches - shared(down, across)) / total,
    ),
    draw(random) {
      const found = new Uint8Array(total).fill(keep ? 0 : 1);
      // About its middle, so that it grows in place.
      const [row, column] = position(counts, random);
      const top = row + counts - (size[0] >> 1),
        left = column + counts - (size[1] >> 1);
      paint(found, counts, size, [top, left], keep ? 1 : 0);
      return found;
    },
  };
}

function cutouts(counts, ratio) {
  const side = counts > 2 ? 2 : 1,
    total = counts * counts;
  const miss = 1 - (side * side) / total; // the probability that one block leaves a patch alone
  const number = Math.max(1, Math.round(Math.log(1 - ratio) / Math.log(miss)));
  const shared = (down, across) => overlap(side, counts, down) * overlap(side, counts, across);
  return {
    text: `cutouts:${side}x${side},${number}`,
    inclusion: miss ** number,
    pairs: byOffset(
      counts,
      (down, across) => (1 - (2 * side * side - shared(down, across)) / total) ** number,
    ),
    draw(random) {
      const found = new Uint8Array(total).fill(1);
      for (let i = 0; i < number; i++)
        paint(found, counts, [side, side], position(counts, random), 0);
      return found;
    },
  };
}

function columns(counts, ratio) {
  const kept = keptOf(counts, ratio),
    inclusion = kept / counts;
  const both = (inclusion * (kept - 1)) / (counts - 1);
  return {
    text: `tube:0/fixed:${1 - inclusion}`,
    inclusion,
    pairs: byOffset(counts, (_, across) => (across ? both : inclusion)),
    draw(random) {
      const chosen = new Set(permutation(counts, random).subarray(0, kept));
      return Uint8Array.from({ length: counts * counts }, (_, i) =>
        chosen.has(i % counts) ? 1 : 0,
      );
    },
  };
}

export const DESIGNS = {
  fixed: { name: "Random patches (MAE)", make: fixed },
  bernoulli: { name: "Each patch by itself", make: bernoulli },
  cutouts: { name: "Scattered small blocks", make: cutouts },
  block: { name: "One block hidden", make: (counts, ratio) => block(counts, ratio, false) },
  keep: { name: "One block kept", make: (counts, ratio) => block(counts, ratio, true) },
  columns: { name: "Whole columns", make: columns, stripes: true },
};
