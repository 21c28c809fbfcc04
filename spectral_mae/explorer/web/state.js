// What was chosen, and its text behind the # of the address, so that a view can be kept.

import { DESIGNS } from "./designs.js";

export const PATCHES = [2, 4, 8, 16, 32, 64];

export const START = {
  image: "",
  wave: [3, 12],
  centred: true,
  patch: 8,
  ratio: 0.75,
  design: "fixed",
  seed: 1,
  show: "one",
  zeros: true,
  frequency: [5, 21],
};

const whole = (low, high) => (text) => {
  const number = Number(text);
  return Number.isInteger(number) && number >= low && number <= high ? number : undefined;
};

const oneOf = (names) => (text) => (names.includes(text) ? text : undefined);

function pair(low, high) {
  return (text) => {
    const numbers = text.split(",").map(whole(low, high));
    return numbers.length === 2 && !numbers.includes(undefined) ? numbers : undefined;
  };
}

const flag = (text) => ({ 1: true, 0: false })[text];

/** How each part is read; what cannot be read is left as it was. */
function readers(images, size) {
  return {
    image: oneOf(images),
    wave: pair(0, size / 2),
    centred: flag,
    patch: (text) => oneOf(PATCHES.map(String))(text) && Number(text),
    ratio: (text) => {
      const percent = whole(5, 95)(text);
      return percent === undefined ? undefined : percent / 100;
    },
    design: oneOf(Object.keys(DESIGNS)),
    seed: whole(0, 999999),
    show: oneOf(["one", "all"]),
    zeros: flag,
    frequency: pair(-size / 2, size / 2 - 1),
  };
}

/** The text of what was chosen, without what is as it was at the start. */
export function toText(chosen, start) {
  const text = (value) => (typeof value === "boolean" ? String(Number(value)) : String(value));
  const found = new URLSearchParams();
  for (const name of Object.keys(START)) {
    const value = name === "ratio" ? Math.round(chosen.ratio * 100) : chosen[name];
    const before = name === "ratio" ? Math.round(start.ratio * 100) : start[name];
    if (text(value) !== text(before)) found.set(name, text(value));
  }
  return found.toString();
}

/** What a text chose, and the start for everything else. */
export function fromText(text, start, images, size) {
  const chosen = { ...start },
    read = readers(images, size);
  for (const [name, value] of new URLSearchParams(text))
    if (Object.hasOwn(read, name)) chosen[name] = read[name](value) ?? chosen[name];
  return chosen;
}
