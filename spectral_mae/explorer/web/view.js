// What is seen of a scene: pictures, curves, tables, and numbers in words.

import { POWER_COLORS, cssColor, decades, pixel } from "./colors.js";
import { Curves, tenTo } from "./curves.js";
import { DESIGNS } from "./designs.js";
import { wavesOf } from "./images.js";
import { MOST_LINES, Marks, Picture } from "./maps.js";
import { gratingZeros } from "./masks.js";
import { WAVE } from "./scene.js";
import { arrivals, largest } from "./sources.js";
import { OCTAVES, placed } from "./spectra.js";
import { answer, leakageText, octaveName, part, pythonText, share, waveWords } from "./words.js";

const HIDDEN = pixel("#d4ccde"); // of no gray photograph
const PARTS = 5; // rows of the table of the largest parts
const LEAST_PART = 0.0005; // of what arrives, below which a row says nothing
const ARRIVING = 8; // decades below all that arrives which the map of it shows
const PICTURES = [
  "image",
  "mask",
  "masked",
  "image-power",
  "mask-power",
  "masked-power",
  "arrivals",
];

/** The element of a name. */
export function $(id) {
  return document.getElementById(id);
}

/** A row of a table with these texts, of which the first may be a heading. */
function tableRow(texts, first = "td") {
  const row = document.createElement("tr");
  texts.forEach((text, i) => {
    const cell = row.appendChild(document.createElement(i ? "td" : first));
    if (cell.tagName === "TH") cell.scope = "row";
    cell.textContent = text;
  });
  return row;
}

/** Fill the bars that show the colours of power. */
function drawBars() {
  for (const canvas of document.querySelectorAll(".colors")) {
    [canvas.width, canvas.height] = [POWER_COLORS.length, 1];
    const context = canvas.getContext("2d"),
      bar = context.createImageData(canvas.width, 1);
    new Uint32Array(bar.data.buffer).set(POWER_COLORS);
    context.putImageData(bar, 0, 0);
  }
}

export class View {
  constructor(scene) {
    const { size, rings } = scene;
    this.scene = scene;
    this.size = size;
    this.pictures = Object.fromEntries(PICTURES.map((id) => [id, new Picture($(id), size)]));
    this.marks = Object.fromEntries(
      ["image", "mask", "masked", "arrivals"].map((id) => [id, new Marks($(`${id}-marks`), size)]),
    );
    const series = ["original", "stays", "expected", "this"];
    this.curves = new Curves($("curves"), rings.frequency, series);
    this.octaves = OCTAVES.map((_, i) => {
      const row = $("octaves").appendChild(tableRow([octaveName(i), waveWords(i), ""], "th"));
      return row.lastChild;
    });
    drawBars();
  }

  /** Draw all that depends on what was chosen, with what arrives at the frequency `at`. */
  draw(chosen, at) {
    const { scene, size, pictures, marks } = this;
    const shown = `${chosen.image} ${chosen.centred}`;
    if (this.scaledFor !== shown) this.#setScales(chosen);
    if (this.drawnFor !== scene.pixels) {
      pictures.image.grays(scene.pixels, this.limits);
      pictures["image-power"].powers(scene.original.power, this.scale);
    }
    Object.assign(this, { scaledFor: shown, drawnFor: scene.pixels });
    pictures.mask.grays(scene.visible, [0, 1]);
    pictures.masked.grays(scene.pixels, this.limits, scene.visible, HIDDEN);
    const mean = chosen.show === "all";
    pictures["mask-power"].powers(mean ? scene.expectedMask : scene.mask, this.scale);
    pictures["masked-power"].powers((mean ? scene.expected : scene.maskedImage).power, this.scale);
    const zeros = chosen.zeros ? gratingZeros(size, chosen.patch) : [];
    const waves = chosen.image === WAVE ? wavesOf(chosen.wave, size, chosen.centred) : [];
    marks.mask.zeros(zeros);
    marks.masked.zeros(waves.length ? [] : zeros); // each wave has zeros of its own, elsewhere
    for (const name of ["image", "masked", "arrivals"])
      marks[name].at(waves.map(({ frequency }) => frequency));
    this.waves = waves.map(({ frequency }) => frequency);
    this.#dots("image", scene.original.power, this.scale);
    this.curves.show(
      {
        original: scene.original.rings,
        stays: scene.stays,
        expected: scene.expected.rings,
        this: scene.maskedImage.rings,
      },
      zeros.length > MOST_LINES ? [] : zeros.filter((k) => k > 0).map((k) => k / size),
      shown,
    );
    this.drawArrivals(at);
    this.#say(chosen);
  }

  /** Draw what arrives at a frequency [down, across], and its largest parts. */
  drawArrivals(at) {
    const { scene, size } = this;
    const power = arrivals(at, scene.mask, scene.original.power, size);
    const total = power.reduce((sum, value) => sum + value, 0),
      top = Math.log10(total);
    this.pictures.arrivals.powers(power, [top - ARRIVING, top]);
    this.#dots("arrivals", power, [top - ARRIVING, top]);
    for (const mark of Object.values(this.marks)) mark.point(at);
    $("across-text").textContent = part(at[1], size);
    $("down-text").textContent = part(at[0], size);
    $("stays").textContent = share(at, power, total, size);
    const rows = largest(power, size, PARTS).filter((one) => one.share > LEAST_PART);
    $("largest").replaceChildren(
      ...rows.map(({ frequency: [down, across], share: of }) => {
        const here = down === at[0] && across === at[1];
        const which = down === 0 && across === 0 ? " (the mean)" : here ? " (stays)" : "";
        const from = `${part(across, size)}, ${part(down, size)}${which}`;
        return tableRow([from, `${(100 * of).toFixed(1)} %`]);
      }),
    );
  }

  /** The points of waves on a map, as large as the eye needs, in the colours of their powers. */
  #dots(name, power, ends) {
    const { size, waves } = this;
    const colors = waves.map(([down, across]) =>
      cssColor(power[placed(down, size) * size + placed(across, size)], ends),
    );
    this.marks[name].points(waves, colors);
  }

  /** Say what a drag would say too often: a sentence, names of pictures, and code. */
  conclude(chosen) {
    const { scene, size } = this;
    $("answer").textContent = answer(scene);
    $("python").textContent = pythonText(scene.design.text, chosen, size);
    const names = {
      image: "The image",
      mask: `The mask: ${$("ratio-text").textContent} patches hidden`,
      masked: "The image under the mask",
      "image-power": "Power spectrum of the image",
      "mask-power": $("mask-power-caption").textContent,
      "masked-power": $("masked-power-caption").textContent,
      arrivals: `Power that arrives, by the frequency it comes from. ${$("stays").textContent}`,
    };
    for (const [id, name] of Object.entries(names)) $(id).setAttribute("aria-label", name);
  }

  #say({ patch, ratio, show, design }) {
    const { scene, size } = this;
    const total = scene.kept.length,
      kept = scene.kept.reduce((sum, one) => sum + one, 0);
    $("ratio-text").textContent = `${Math.round(100 * ratio)} % (${total - kept} of ${total})`;
    $("zeros-words").textContent =
      `The spectrum of every mask of these patches is zero on lines ${size / patch} cycles per ` +
      `image apart (1/${patch} cycles/pixel): the grating.`;
    scene.leakage.forEach((value, i) => {
      this.octaves[i].textContent = leakageText(value);
    });
    $("leakage-of").textContent = scene.centred ? ", the mean gray subtracted" : ", with the mean gray";
    $("patch-help").firstChild.textContent = DESIGNS[design].stripes
      ? "Width of the stripes that are hidden or kept. "
      : "Side of the squares that are hidden or kept. ";
    $("patch-scale").textContent =
      `The image has ${size} pixels here: ${patch} of them are to it what ` +
      `${Number(((patch * 224) / size).toPrecision(2))} are to one of 224.`;
    const one = show === "one";
    $("mask-power-caption").textContent = one
      ? "Spectrum of the mask"
      : "Mean spectrum of all masks";
    $("masked-power-caption").textContent = one
      ? "Spectrum of the masked image"
      : "Mean under all masks, exact";
  }

  /** Ends of the scales, and their labels: the same for one image, however it is masked. */
  #setScales(chosen) {
    const { pixels, original } = this.scene;
    // An image less its mean looks as the image does.
    const level = chosen.centred ? this.scene.level : 0;
    this.limits = grayLimits(pixels.map((one) => one + level)).map((one) => one - level);
    this.scale = decades(original.power);
    const [low, high] = this.scale,
      ticks = [];
    for (let decade = high; decade >= low; decade -= high - low > 4 ? 2 : 1) {
      const tick = document.createElement("span");
      tick.textContent = tenTo(decade);
      tick.className = { [low]: "first", [high]: "last" }[decade] ?? "";
      tick.style.left = `${(100 * (decade - low)) / (high - low)}%`;
      ticks.push(tick);
    }
    $("scale-ticks").replaceChildren(...ticks);
  }
}

/** Gray values that are drawn black and white: 0 and 1, or beyond where pixels are. */
export function grayLimits(pixels) {
  return pixels.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [0, 1]);
}
