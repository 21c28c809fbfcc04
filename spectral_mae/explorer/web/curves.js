// Power over frequency as curves, on logarithmic axes.

import { drawn } from "./maps.js";

const MARGIN = { left: 58, right: 10, top: 10, bottom: 40 };
const FREQUENCIES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const MOST_DECADES = 9;
const LEAST = 1e-20; // below it is what rounding leaves
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A power of ten as people write it, such as 10⁻³. */
export function tenTo(exponent) {
  const digits = [...String(Math.abs(exponent))].map((digit) => RAISED[digit]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** A curve; where there is no power within the axis there is no line, and its ends are upright. */
function path(curve, places, y, least, bottom) {
  let found = "",
    drawing = false;
  curve.forEach((power, i) => {
    const x = places[i].toFixed(1);
    if (power >= least) {
      const start = i > 0 ? `M${x} ${bottom}L` : "M"; // up from the axis
      found += `${drawing ? "L" : start}${x} ${y(power).toFixed(1)}`;
    } else if (drawing) found += `V${bottom}`;
    drawing = power >= least;
  });
  return found;
}

export class Curves {
  /** series: class of each curve, from the lowest layer to the highest. */
  constructor(svg, frequency, series) {
    Object.assign(this, { svg, frequency, range: null, of: null });
    this.frame = svg.appendChild(drawn("g", { class: "frame" }));
    this.zeros = svg.appendChild(drawn("path", { class: "zero-lines" }));
    this.lines = Object.fromEntries(
      series.map((name) => [name, svg.appendChild(drawn("path", { class: `curve ${name}` }))]),
    );
    new ResizeObserver(() => this.#resize()).observe(svg);
    this.#resize();
  }

  #resize() {
    const { width, height } = this.svg.getBoundingClientRect();
    Object.assign(this, { width, height });
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const [low, high] = [this.frequency[0], 0.5].map(Math.log10);
    this.x = (frequency) =>
      MARGIN.left +
      ((Math.log10(frequency) - low) / (high - low)) * (width - MARGIN.left - MARGIN.right);
    this.places = this.frequency.map(this.x);
    if (this.range) this.#draw();
  }

  /** Let the axis fit what is shown next. */
  reset() {
    this.of = null;
  }

  /**
   * Draw curves {class: power of each ring}, and lines at some frequencies.
   * The axis grows by decades as long as `of` is the same, and never shrinks: it does not jump.
   */
  show(curves, zeros, of) {
    const powers = Object.values(curves)
      .flatMap((curve) => [...curve])
      .filter((one) => one > LEAST);
    if (powers.length === 0) powers.push(1); // a black image has no power
    const high = Math.ceil(Math.log10(Math.max(...powers)));
    const low = Math.max(Math.floor(Math.log10(Math.min(...powers))), high - MOST_DECADES);
    const before = this.of === of && this.range ? this.range : [low, high];
    this.range = [Math.min(low, before[0]), Math.max(high, before[1], before[0] + 1)];
    Object.assign(this, { of, curves, at: zeros });
    this.#draw();
  }

  #draw() {
    const [low, high] = this.range;
    const bottom = this.height - MARGIN.bottom,
      tall = bottom - MARGIN.top;
    const y = (power) => MARGIN.top + ((high - Math.log10(power)) / (high - low)) * tall;
    const scale = [this.width, this.height, low, high].join();
    if (scale !== this.scale) this.#axes(low, high, y, bottom);
    this.scale = scale;
    this.zeros.setAttribute(
      "d",
      this.at.map((one) => `M${this.x(one).toFixed(1)} ${MARGIN.top}V${bottom}`).join(""),
    );
    for (const [name, curve] of Object.entries(this.curves)) {
      this.lines[name].setAttribute("d", path(curve, this.places, y, 10 ** low, bottom));
    }
  }

  #axes(low, high, y, bottom) {
    const { left, right, top } = MARGIN;
    this.frame.replaceChildren();
    const text = (x, at, content, attributes) => {
      const element = drawn("text", { x, y: at, ...attributes });
      element.textContent = content;
      this.frame.append(element);
    };
    let grid = "";
    const every = high - low > 6 ? 2 : 1;
    for (let decade = low; decade <= high; decade += 1) {
      const at = y(10 ** decade);
      grid += `M${left} ${at}H${this.width - right}`;
      if (decade % every === 0) text(left - 6, at + 4, tenTo(decade), { "text-anchor": "end" });
    }
    for (const frequency of FREQUENCIES) {
      const at = this.x(frequency);
      grid += `M${at} ${top}V${bottom}`;
      text(at, bottom + 16, String(frequency), {
        "text-anchor": frequency === 0.5 ? "end" : "middle",
      });
    }
    this.frame.prepend(drawn("path", { class: "grid", d: grid }));
    const middle = (top + bottom) / 2;
    text(11, middle, "power per (cycle/pixel)²", {
      "text-anchor": "middle",
      transform: `rotate(-90 11 ${middle})`,
    });
    text((left + this.width - right) / 2, bottom + 34, "frequency (cycles/pixel)", {
      "text-anchor": "middle",
    });
  }
}
