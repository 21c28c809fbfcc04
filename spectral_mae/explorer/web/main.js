// The page: controls, one frame for each change, and what is seen of the scene.

import { POWER_COLORS, decades, pixel } from "./colors.js";
import { Curves, tenTo } from "./curves.js";
import { DESIGNS } from "./designs.js";
import { PairSums, expectedOfWaves, pairSpectrum } from "./expectation.js";
import { embeddedImages, wave, wavesOf } from "./images.js";
import { Marks, Picture, pointed } from "./maps.js";
import { expectedMaskDensity, gratingZeros, maskDensity, masked, visiblePixels } from "./masks.js";
import { generator } from "./random.js";
import { Scene, WAVE } from "./scene.js";
import { arrivals, largest } from "./sources.js";
import { Rings, density, leakageByOctave } from "./spectra.js";
import { PATCHES, START, fromText, toText } from "./state.js";
import { nextTheme, showTheme } from "./theme.js";
import { answer, leakageText, octaveName, part, pythonText, share } from "./words.js";

const HIDDEN = pixel("#d4ccde"); // of no gray photograph
const PARTS = 5; // rows of the table of the largest parts
const LEAST_PART = 0.0005; // of what arrives, below which a row says nothing
const QUIET = 400; // milliseconds after the last change until it is said in words

const $ = (id) => document.getElementById(id);

const data = JSON.parse($("page-data").textContent);
const { size } = data;
const images = await embeddedImages(data.images);
const scene = new Scene(images, size);
const start = { ...START, image: images[0].name };
const chosen = fromText(
  location.hash.slice(1),
  start,
  [...images.map(({ name }) => name), WAVE],
  size,
);

// Pictures, and what lies over them.

const pictures = Object.fromEntries(
  ["image", "mask", "masked", "image-power", "mask-power", "masked-power", "arrivals"].map((id) => [
    id,
    new Picture($(id), size),
  ]),
);
const marks = Object.fromEntries(
  ["image", "mask", "masked", "arrivals"].map((id) => [id, new Marks($(`${id}-marks`), size)]),
);
const curves = new Curves($("curves"), scene.rings.frequency, [
  "original",
  "stays",
  "expected",
  "this",
]);
let limits = [0, 1]; // gray values that are drawn black and white
let scale = [-4, 4]; // powers of ten at the ends of the colours
let scaledFor = ""; // what the scales were made for
let drawnFor = null; // pixels whose picture and spectrum are drawn
let passing = null; // a frequency that the pointer passes over, and did not press

/** Ends of the scales, and their labels: the same for one image, however it is masked. */
function setScales() {
  const { pixels, original } = scene;
  const lowest = pixels.reduce((one, other) => Math.min(one, other), 0);
  const highest = pixels.reduce((one, other) => Math.max(one, other), 1);
  limits = chosen.centred ? [-0.5, 0.5] : [lowest, highest];
  scale = decades(original.power);
  const [low, high] = scale,
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

/** Draw all that depends on what was chosen. */
function draw() {
  scene.update(chosen);
  const shown = `${chosen.image} ${chosen.centred}`;
  if (scaledFor !== shown) setScales();
  if (drawnFor !== scene.pixels) {
    pictures.image.grays(scene.pixels, limits);
    pictures["image-power"].powers(scene.original.power, scale);
  }
  [scaledFor, drawnFor] = [shown, scene.pixels];
  pictures.mask.grays(scene.visible, [0, 1]);
  pictures.masked.grays(scene.pixels, limits, scene.visible, HIDDEN);
  const mean = chosen.show === "all";
  pictures["mask-power"].powers(mean ? scene.expectedMask : scene.mask, scale);
  pictures["masked-power"].powers(mean ? scene.expected.power : scene.maskedImage.power, scale);
  const zeros = chosen.zeros ? gratingZeros(size, chosen.patch) : [];
  const waves = chosen.image === WAVE ? wavesOf(chosen.wave, size, chosen.centred) : [];
  marks.mask.zeros(zeros);
  marks.masked.zeros(waves.length ? [] : zeros); // each wave has zeros of its own, elsewhere
  for (const name of ["image", "masked", "arrivals"])
    marks[name].at(waves.map(({ frequency }) => frequency));
  curves.show(
    {
      original: scene.original.rings,
      stays: scene.stays,
      expected: scene.expected.rings,
      this: scene.maskedImage.rings,
    },
    zeros.filter((k) => k > 0).map((k) => k / size),
    shown,
  );
  drawArrivals();
}

/** Draw what arrives at the frequency that is pointed at. */
function drawArrivals() {
  const at = passing ?? chosen.frequency;
  const power = arrivals(at, scene.mask, scene.original.power, size);
  const parts = largest(power, size, PARTS);
  const total = power.reduce((sum, value) => sum + value, 0);
  const whole = Math.log10(total);
  pictures.arrivals.powers(power, [whole - 8, whole]);
  for (const mark of Object.values(marks)) mark.point(at);
  $("across-text").textContent = part(at[1], size);
  $("down-text").textContent = part(at[0], size);
  $("stays").textContent = share(at, power, total, size);
  $("largest").replaceChildren(
    ...parts
      .filter(({ share: of }) => of > LEAST_PART)
      .map(({ frequency, share: of }) => {
        const row = document.createElement("tr");
        const [from, how] = [document.createElement("td"), document.createElement("td")];
        const [down, across] = frequency;
        const here = down === at[0] && across === at[1];
        from.textContent = `${part(across, size)}, ${part(down, size)}`;
        if (down === 0 && across === 0) from.textContent += " (the mean)";
        else if (here) from.textContent += " (stays)";
        how.textContent = `${(100 * of).toFixed(of < 0.1 ? 1 : 0)} %`;
        row.append(from, how);
        return row;
      }),
  );
}

// Controls.

/** Show what was chosen in the controls and in their texts. */
function showChosen() {
  const { patch, ratio, design, seed, image } = chosen;
  for (const input of document.querySelectorAll("[name=image]"))
    input.checked = input.value === image;
  for (const input of document.querySelectorAll("[name=show]"))
    input.checked = input.value === chosen.show;
  $("patch").value = PATCHES.indexOf(patch);
  $("patch").setAttribute("aria-valuetext", `${patch} pixels`);
  $("patch-text").textContent = `${patch} × ${patch} pixels`;
  $("ratio").value = Math.round(100 * ratio);
  $("ratio").setAttribute("aria-valuetext", `${Math.round(100 * ratio)} percent`);
  $("design").value = design;
  if (Number($("seed").value) !== seed || $("seed").value === "") $("seed").value = seed;
  $("centred").checked = chosen.centred;
  $("zeros").checked = chosen.zeros;
  $("wave").hidden = $("wave-words").hidden = image !== WAVE;
  [$("wave-down").value, $("wave-across").value] = chosen.wave;
  [$("wave-down-text").textContent, $("wave-across-text").textContent] = chosen.wave;
  [$("down").value, $("across").value] = chosen.frequency;
  $("image-note").textContent =
    image === WAVE
      ? "Made here: a cosine about a gray of ½."
      : images.find(({ name }) => name === image).note;
}

/** Say in words what is seen; not while a slider is still moving. */
function say() {
  const { patch, ratio } = chosen;
  const total = scene.kept.length,
    hidden = total - scene.kept.reduce((sum, one) => sum + one, 0);
  $("ratio-text").textContent = `${Math.round(100 * ratio)} % (${hidden} of ${total})`;
  const apart = size / patch;
  const many = gratingZeros(size, patch).length > 0;
  $("zeros-words").textContent = many
    ? `The spectrum of every mask of these patches is zero on lines ${apart} cycles per image apart (1/${patch} cycles/pixel): the grating.`
    : "";
  $("octaves").replaceChildren(
    ...Array.from(scene.leakage, (value, i) => {
      const row = document.createElement("tr");
      const [name, number] = [document.createElement("th"), document.createElement("td")];
      name.scope = "row";
      name.textContent = octaveName(i);
      number.textContent = leakageText(value);
      row.append(name, number);
      return row;
    }),
  );
  $("mask-power-caption").textContent =
    chosen.show === "all" ? "Mean spectrum of all masks" : "Spectrum of the mask";
  $("masked-power-caption").textContent =
    chosen.show === "all" ? "Mean under all masks, exact" : "Spectrum of the masked image";
}

/** What takes too long for each frame of a drag, or would be read out too often. */
function sayAll() {
  $("answer").textContent = answer(scene);
  $("python").textContent = pythonText(scene.design.text, chosen, size);
  for (const [id, text] of Object.entries({
    image: "The image",
    mask: `The mask: ${$("ratio-text").textContent}`,
    masked: "The image under the mask",
    "image-power": "Power spectrum of the image",
    "mask-power": $("mask-power-caption").textContent,
    "masked-power": $("masked-power-caption").textContent,
    arrivals: `Power that arrives, by the frequency it comes from. ${$("stays").textContent}`,
  }))
    $(id).setAttribute("aria-label", text);
  const text = toText(chosen, start);
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

const times = []; // milliseconds of work of the last frames
let waiting = false,
  later = 0;

/** Draw in the next frame, however often this is called before it. */
function change(update = {}) {
  Object.assign(chosen, update);
  showChosen();
  if (!waiting) requestAnimationFrame(frame);
  waiting = true;
  clearTimeout(later);
  later = setTimeout(sayAll, QUIET);
}

function frame() {
  waiting = false;
  const begun = performance.now();
  draw();
  say();
  times.push(performance.now() - begun);
  if (times.length > 600) times.shift();
}

/** Take a frequency into account: for now, or for good. */
function point(frequency, { keep }) {
  passing = keep ? null : frequency;
  if (keep) change({ frequency });
  else change();
}

function addImages() {
  const choices = [...images, { name: WAVE, title: "One wave", pixels: wave(START.wave, size) }];
  for (const { name, title, pixels } of choices) {
    const label = document.createElement("label"),
      input = document.createElement("input");
    const canvas = document.createElement("canvas"),
      text = document.createElement("span");
    Object.assign(input, { type: "radio", name: "image", value: name });
    input.addEventListener("change", () => change({ image: name }));
    new Picture(canvas, size).grays(pixels, [Math.min(0, ...pixels), Math.max(1, ...pixels)]);
    canvas.setAttribute("aria-hidden", "true");
    text.textContent = title;
    label.append(input, canvas, text);
    $("images").append(label);
  }
}

function connect() {
  const on = (id, update, event = "input") =>
    $(id).addEventListener(event, ({ target }) => {
      const changed = update(target);
      if (changed) change(changed);
    });
  on("patch", ({ value }) => ({ patch: PATCHES[value] }));
  on("ratio", ({ value }) => ({ ratio: value / 100 }));
  on("design", ({ value }) => ({ design: value }));
  on("seed", ({ value, validity }) => value !== "" && validity.valid && { seed: Number(value) });
  on("centred", ({ checked }) => ({ centred: checked }));
  on("zeros", ({ checked }) => ({ zeros: checked }));
  on("wave-across", ({ value }) => ({ wave: [chosen.wave[0], Number(value)] }));
  on("wave-down", ({ value }) => ({ wave: [Number(value), chosen.wave[1]] }));
  on("across", ({ value }) => ({ frequency: [chosen.frequency[0], Number(value)] }));
  on("down", ({ value }) => ({ frequency: [Number(value), chosen.frequency[1]] }));
  for (const input of document.querySelectorAll("[name=show]"))
    input.addEventListener("change", () => change({ show: input.value }));
  $("again").addEventListener("click", () => change({ seed: (chosen.seed + 1) % 1000000 }));
  $("reset").addEventListener("click", () => change({ ...start }));
  $("theme").addEventListener("click", nextTheme);
  for (const id of ["image-power", "mask-power", "masked-power"]) {
    const map = $(id).parentElement;
    map.addEventListener("pointerdown", (event) =>
      point(pointed(event, map, size), { keep: true }),
    );
    map.addEventListener("pointermove", (event) =>
      point(pointed(event, map, size), { keep: event.buttons > 0 }),
    );
    map.addEventListener("pointerleave", () => passing && point(null, { keep: false }));
  }
  addEventListener("hashchange", () =>
    change(
      fromText(location.hash.slice(1), start, [...images.map(({ name }) => name), WAVE], size),
    ),
  );
}

function drawScales() {
  for (const canvas of document.querySelectorAll(".colors")) {
    [canvas.width, canvas.height] = [POWER_COLORS.length, 1];
    const context = canvas.getContext("2d"),
      bar = context.createImageData(canvas.width, 1);
    new Uint32Array(bar.data.buffer).set(POWER_COLORS);
    context.putImageData(bar, 0, 0);
  }
}

for (const [value, { name }] of Object.entries(DESIGNS))
  $("design").append(new Option(name, value));
addImages();
connect();
drawScales();
showTheme();
change();

/** What the page computes, for its tests and for the console. */
window.spectralMae = {
  size,
  images,
  chosen,
  scene,
  change,
  times,
  DESIGNS,
  density,
  masked,
  visiblePixels,
  maskDensity,
  expectedMaskDensity,
  pairSpectrum,
  leakageByOctave,
  arrivals,
  largest,
  generator,
  wave,
  wavesOf,
  PairSums,
  expectedOfWaves,
  Rings,
};
