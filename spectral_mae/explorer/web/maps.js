// Square pictures of pixels and of spectra, with zero frequency in the middle of the latter.

import { POWER_COLORS, gray, level } from "./colors.js";

const SVG = "http://www.w3.org/2000/svg";
export const MOST_LINES = 16; // of zero power along an axis, beyond which they would hide what is below

/** A new element of an SVG. */
export function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A picture of size × size pixels in a canvas. */
export class Picture {
  constructor(canvas, size) {
    canvas.width = canvas.height = size;
    this.size = size;
    this.context = canvas.getContext("2d", { alpha: false });
    this.data = this.context.createImageData(size, size);
    this.pixels = new Uint32Array(this.data.data.buffer);
  }

  #show() {
    this.context.putImageData(this.data, 0, 0);
  }

  /** Gray values from low to high; where `visible` is 0, the colour of hiding. */
  grays(values, [low, high], visible = null, hidden = 0) {
    const scale = 1 / (high - low);
    for (let i = 0; i < values.length; i++)
      this.pixels[i] = !visible || visible[i] ? gray((values[i] - low) * scale) : hidden;
    this.#show();
  }

  /** Powers in FFT order on a logarithmic scale, whose ends are exponents of ten. */
  powers(values, ends) {
    const { size, pixels } = this;
    const half = size / 2;
    for (let row = 0, i = 0; row < size; row++) {
      const from = ((row + half) % size) * size;
      for (let column = 0; column < size; column++, i++)
        pixels[i] = POWER_COLORS[level(values[from + ((column + half) % size)], ends)];
    }
    this.#show();
  }
}

/** Marks over the map of a spectrum, in cycles per image from the middle. */
export class Marks {
  constructor(svg, size) {
    const half = size / 2;
    // The cell of frequency k reaches from k − ½ to k + ½.
    svg.setAttribute("viewBox", `${-half - 0.5} ${-half - 0.5} ${size} ${size}`);
    this.size = size;
    this.lines = svg.appendChild(drawn("path", { class: "zeros" }));
    this.dots = svg.appendChild(drawn("g", { class: "dots" }));
    this.copies = svg.appendChild(drawn("path", { class: "copies" }));
    this.cross = svg.appendChild(drawn("g", { class: "cross" }));
    // Drawn twice: a dark line below a bright one is seen on every colour.
    for (const name of ["below", "above"])
      this.cross.append(
        drawn("path", { class: name, d: "M-7 0H-2M2 0H7M0 -7V-2M0 2V7" }),
        drawn("circle", { class: name, r: 2.6 }),
      );
  }

  /** Lines of zero power; where there are many, short ticks at the edges. */
  zeros(frequencies) {
    const half = this.size / 2,
      low = -half - 0.5,
      high = half - 0.5;
    const reach = frequencies.length > MOST_LINES ? 3 : this.size;
    this.lines.setAttribute(
      "d",
      frequencies
        .map(
          (k) =>
            `M${k} ${low}v${reach}M${k} ${high}v${-Math.min(reach, 3)}` +
            `M${low} ${k}h${reach}M${high} ${k}h${-Math.min(reach, 3)}`,
        )
        .join(""),
    );
  }

  /** Rings about the frequencies to which a wave moves the spectrum of the mask. */
  at(frequencies) {
    const ring = ([down, across]) => `M${across - 4} ${down}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`;
    this.copies.setAttribute("d", frequencies.map(ring).join(""));
  }

  /** Dots at frequencies that are single points of a map, too small to be seen: of such colours. */
  points(frequencies, colors) {
    this.dots.replaceChildren(
      ...frequencies.map(([down, across], i) =>
        drawn("circle", { cx: across, cy: down, r: 2.4, style: `fill: ${colors[i]}` }),
      ),
    );
  }

  /** The frequency that was pointed at, [down, across]. */
  point([down, across]) {
    this.cross.setAttribute("transform", `translate(${across} ${down})`);
  }
}

/** The frequency [down, across] below the pointer on a map. */
export function pointed(event, element, size) {
  const box = element.getBoundingClientRect();
  const at = (offset, length) =>
    Math.max(0, Math.min(size - 1, Math.floor((offset / length) * size))) - size / 2;
  return [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
}
