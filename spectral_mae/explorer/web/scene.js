// All that the page shows, computed from what was chosen; nothing is computed twice.

import { DESIGNS } from "./designs.js";
import { PairSums, expectedOfWaves, pairSpectrum } from "./expectation.js";
import { centred, wave, wavesOf } from "./images.js";
import { expectedMaskDensity, maskDensity, masked, visiblePixels } from "./masks.js";
import { generator } from "./random.js";
import { Rings, density, leakageByOctave } from "./spectra.js";

export const WAVE = "wave"; // name of the image that is made here

/** Remembers the last value of a function while what it depends on stays the same. */
function remembered() {
  let key, value;
  return (depends, make) => {
    const asked = JSON.stringify(depends);
    if (asked !== key) [key, value] = [asked, make()];
    return value;
  };
}

export class Scene {
  /** images: list of { name, pixels } of size × size pixels. */
  constructor(images, size) {
    Object.assign(this, { images, size, rings: new Rings(size) });
    const parts = ["level", "shown", "original", "sums", "design", "mean", "pairs", "drawn", "power"];
    this.memory = Object.fromEntries(parts.map((part) => [part, remembered()]));
  }

  /** chosen: { image, wave, centred, patch, ratio, design, seed }. */
  update(chosen) {
    const { memory, size, rings } = this;
    const { patch, ratio, seed } = chosen;
    const image = [chosen.image, chosen.image === WAVE ? chosen.wave : null, chosen.centred];
    const design = [chosen.design, patch, ratio];
    const counts = size / patch;

    this.centred = chosen.centred;
    this.level = memory.level(image, () => this.#level(chosen));
    this.pixels = memory.shown(image, () => this.#pixels(chosen));
    this.original = memory.original(image, () => this.#spectrum(density(this.pixels, size)));
    this.design = memory.design(design, () => DESIGNS[chosen.design].make(counts, ratio));
    Object.assign(
      this,
      memory.drawn([design, seed], () => {
        const kept = this.design.draw(generator(seed));
        const visible = visiblePixels(kept, size, patch);
        return { kept, visible, mask: maskDensity(kept, size, patch) };
      }),
    );
    this.maskedImage = memory.power([image, design, seed], () =>
      this.#spectrum(density(masked(this.pixels, this.visible), size)),
    );
    const { pairs, mean } = memory.pairs(design, () => {
      const spectrum = pairSpectrum(this.design.pairs, counts);
      return { pairs: spectrum, mean: expectedMaskDensity(spectrum, size, patch) };
    });
    this.expectedMask = mean;
    this.expected = memory.mean([image, design], () =>
      this.#spectrum(
        chosen.image === WAVE
          ? expectedOfWaves(wavesOf(chosen.wave, size, chosen.centred), pairs, size, patch)
          : this.#sums(image, patch).expected(this.design.pairs),
      ),
    );
    const { inclusion } = this.design;
    this.stays = this.original.rings.map((power) => power * inclusion ** 2);
    this.leakage = leakageByOctave(rings, this.original.power, this.expected.power, inclusion);
    return this;
  }

  #whole(chosen) {
    const { size, images } = this;
    return chosen.image === WAVE
      ? wave(chosen.wave, size)
      : images.find(({ name }) => name === chosen.image).pixels;
  }

  /** The mean gray of the image. */
  #level(chosen) {
    const pixels = this.#whole(chosen);
    return pixels.reduce((sum, one) => sum + one, 0) / pixels.length;
  }

  #pixels(chosen) {
    const pixels = this.#whole(chosen);
    return chosen.centred ? centred(pixels) : pixels;
  }

  /** The pairs of pixels of an image, which are kept for each patch as long as it is shown. */
  #sums(image, patch) {
    const bySize = this.memory.sums(image, () => new Map());
    if (!bySize.has(patch)) bySize.set(patch, new PairSums(this.pixels, this.size, patch));
    return bySize.get(patch);
  }

  #spectrum(power) {
    return { power, rings: this.rings.means(power) };
  }
}
