// Numbers of the page in words.

import { OCTAVES, placed } from "./spectra.js";

/** A frequency in cycles per image as cycles/pixel, such as −0.055. */
export function part(frequency, size) {
  const text = (Math.abs(frequency) / size).toFixed(3);
  return frequency < 0 ? `−${text}` : text;
}

/** An octave in cycles/pixel, as `all_octave_names` of the package has it. */
export function octaveName(i) {
  const names = OCTAVES.map((low) => `1/${1 / low}`);
  if (i === 0) return `below ${names[1]}`;
  return i === OCTAVES.length - 1 ? `from ${names[i]}` : `${names[i]}–${names[i + 1]}`;
}

/** The waves of an octave by their lengths, as the pages of the package have it. */
export function waveWords(i) {
  const lengths = OCTAVES.map((low) => 1 / low);
  if (i === 0) return `> ${lengths[1]} px`;
  return i === OCTAVES.length - 1 ? "corners" : `${lengths[i + 1]}–${lengths[i]} px`;
}

/** Leakage with two or three digits. */
export function leakageText(value) {
  if (Number.isNaN(value)) return "–";
  if (value > 1e6) return "nothing stays";
  if (value < 0.0005) return "0";
  return value >= 100
    ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(2)));
}

/** How much of what arrives at a frequency [down, across] is its own. */
export function share([down, across], power, total, size) {
  const own = power[placed(down, size) * size + placed(across, size)];
  if (!(total > 0)) return "Nothing arrives there.";
  if (own / total < 0.0005)
    return "All of the power that arrives there comes from other frequencies.";
  const percent = (value) => `${(100 * value).toFixed(value > 0.0995 && value < 0.9005 ? 0 : 1)} %`;
  return `${percent(1 - own / total)} of the power that arrives there comes from other frequencies, ${percent(own / total)} is its own.`;
}

/** The answer that the page gives, in a sentence. */
export function answer(scene) {
  const value = scene.leakage[4];
  const detail = "Fine detail, waves of 2 to 4 pixels (1/4 to 1/2 cycles/pixel)";
  if (Number.isNaN(value)) return `${detail}: there is no power.`;
  const what =
    value <= 1e6
      ? `${leakageText(value)} times as much power arrives from other frequencies as stays in place`
      : "all power arrives from other frequencies, and nothing stays in place";
  const mean = scene.centred ? "the mean gray subtracted" : "the mean gray not subtracted";
  return `${detail}: ${what}, on average over all such masks, ${mean}.`;
}

/** The same spectra in Python. */
export function pythonText(design, { patch, centred }, size) {
  const detrend = centred ? ', detrend="constant"' : "";
  return [
    "import spectral_mae as sm",
    "",
    `image = sm.resize_and_crop(sm.read_image("photo.jpg"), ${size}).pixels`,
    `design = sm.designs.parse("${design}").on(sm.PatchGrid(image.shape, ${patch}))`,
    `expected = sm.expected_masked_psd(image, design=design${detrend}).radial()`,
    `leakage = sm.leakage(image, design=design${detrend}).band(0.25, 0.5)`,
  ].join("\n");
}
