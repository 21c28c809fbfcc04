// The page: what was chosen, its controls, and one frame for each change.

import { DESIGNS } from "./designs.js";
import { PairSums, expectedOfWaves, pairSpectrum } from "./expectation.js";
import { embeddedImages, wave, wavesOf } from "./images.js";
import { Picture, pointed } from "./maps.js";
import { expectedMaskDensity, maskDensity, masked, visiblePixels } from "./masks.js";
import { generator } from "./random.js";
import { Scene, WAVE } from "./scene.js";
import { arrivals, largest } from "./sources.js";
import { Rings, density, leakageByOctave } from "./spectra.js";
import { PATCHES, START, fromText, toText } from "./state.js";
import { nextTheme, showTheme } from "./theme.js";
import { $, View, grayLimits } from "./view.js";

const QUIET = 400; // milliseconds after the last change until it is said in words
const TIMES = 600; // frames whose times are kept

const data = JSON.parse($("page-data").textContent);
const { size } = data;
const images = await embeddedImages(data.images);
const names = [...images.map(({ name }) => name), WAVE];
const start = { ...START, image: images[0].name };
const chosen = addressed();
const scene = new Scene(images, size);
const view = new View(scene);
let passing = null; // a frequency that the pointer passes over, and did not press

/** What the address chose. */
function addressed() {
  return fromText(location.hash.slice(1), start, names, size);
}

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

const times = []; // milliseconds of work of the last frames
let later = 0; // a timer
let asked = ""; // what the next frame draws: "", "arrivals" or "all"

/** Draw in the next frame, however often this is called before it. */
function change(update = {}) {
  Object.assign(chosen, update);
  showChosen();
  redraw(Object.keys(update).every((name) => name === "frequency") ? "arrivals" : "all");
}

function redraw(what) {
  if (!asked) requestAnimationFrame(frame);
  asked = asked === "all" ? asked : what;
}

function frame() {
  const begun = performance.now(),
    at = passing ?? chosen.frequency;
  if (asked === "all") {
    scene.update(chosen);
    view.draw(chosen, at);
  } else view.drawArrivals(at);
  asked = "";
  clearTimeout(later); // here, for a page that is not seen draws no frame, and has nothing to say
  later = setTimeout(conclude, QUIET);
  times.push(performance.now() - begun);
  if (times.length > TIMES) times.shift();
}

/** Say what is seen, and keep the view in the address. */
function conclude() {
  view.conclude(chosen);
  const text = toText(chosen, start);
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

/** Take a frequency into account: for now, or for good. */
function point(frequency, { keep }) {
  passing = keep ? null : frequency;
  if (keep) change({ frequency });
  else redraw("arrivals");
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
    new Picture(canvas, size).grays(pixels, grayLimits(pixels));
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
  $("reset").addEventListener("click", () => {
    view.curves.reset();
    change({ ...start });
  });
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
  addEventListener("hashchange", () => change(addressed()));
}

for (const [value, { name }] of Object.entries(DESIGNS))
  $("design").append(new Option(name, value));
addImages();
connect();
showTheme();
change({ ...chosen });

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
