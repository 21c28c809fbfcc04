// The table of all images: sorts, filters, and opens the spectra of each.
(() => {
  const { columns, rows, bad, notes, whys, pictures, thumbs, curves } = DATA;
  const BATCH = 100, PRINTED = 500;
  const table = document.getElementById("table"), [body] = table.tBodies;
  const find = document.getElementById("find"), only = document.getElementById("only");
  const more = document.getElementById("more"), next = document.getElementById("next");
  const count = document.getElementById("count");
  const index = Object.fromEntries(columns.map((column, i) => [column.name, i]));
  const names = rows.map((row) => row[0].toLowerCase());
  // The most unusual images come first, where there are enough to say what is usual.
  let sorted = rows.length < 5 ? { column: -1, down: false } : { column: index.unusual, down: true };
  let order = rows.map((_, i) => i), length = BATCH;

  const make = (tag, properties = {}, ...children) => {
    const one = Object.assign(document.createElement(tag), properties);
    one.append(...children);
    return one;
  };
  const digits = (value, { digits: n, decimals, times }) => {
    if (value === null || value === "") return "–";
    if (typeof value === "string") return value === "inf" ? "∞" : value;
    value *= times;
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = decimals !== null ? value.toFixed(decimals)
      : size >= 1e3 ? Math.round(value).toLocaleString("en")
      : size < 1e-3 ? value.toExponential(1) : value.toPrecision(n);
    return text.replace(/^-0(?:\.0*)?$/, "0").replace(/^-/, "−").replace("e-", "e−");
  };
  // What stands behind a number so that decimal points of a column lie below each other.
  const behind = (text, most) => {
    if (/[e∞–]/.test(text)) return "";
    const point = text.indexOf("."), n = point < 0 ? 0 : text.length - point - 1;
    return (point < 0 && most ? "\u2008" : "") + "\u2007".repeat(Math.max(most - n, 0));
  };
  const most = columns.map((column, j) => column.text ? 0 : Math.max(0, ...rows.slice(0, 2000).map((row) => {
    const text = digits(row[j], column), point = text.indexOf(".");
    return point < 0 || text.includes("e") ? 0 : text.length - point - 1;
  })));
  const tenTo = (power) => `10${[...String(power)].map((one) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(one)]).join("")}`;
  const number = (value) => value === null ? -Infinity : value === "inf" ? Infinity : Number(value);
  const shown = () => columns.map((_, i) => i).filter((i) => more.checked || !columns[i].more);

  function sort() {
    const { column, down } = sorted;
    order = rows.map((_, i) => i);
    if (column < 0) return;
    const sign = down ? -1 : 1;
    const compare = columns[column].text
      ? new Intl.Collator("en", { numeric: true }).compare : (a, b) => a - b || 0;
    const keys = rows.map((row) => columns[column].text ? row[column] : number(row[column]));
    const empty = (i) => rows[i][column] === null;  // what has no number comes last both ways
    order.sort((a, b) => empty(a) - empty(b) || (empty(a) ? 0 : sign * compare(keys[a], keys[b])) || a - b);
  }

  function wanted() {
    const text = find.value.trim().toLowerCase();
    return order.filter((i) => names[i].includes(text)
      && (!only.checked || rows[i][index.unusual] >= DATA.unusual));
  }

  function head(list) {
    const line = make("tr"), groups = make("tr", { className: "groups" });
    for (const i of list) {
      const { group } = columns[i], last = groups.lastElementChild;
      if (last && last.textContent === group) last.colSpan += 1;
      else groups.append(make("th", { scope: "colgroup" }, group));
      const button = make("button", { type: "button", title: columns[i].title }, columns[i].label);
      const cell = make("th", { scope: "col" }, button);
      if (columns[i].unit) cell.append(make("small", {}, columns[i].unit));
      cell.setAttribute("aria-sort", sorted.column === i ? (sorted.down ? "descending" : "ascending") : "none");
      button.addEventListener("click", () => {
        const again = sorted.column === i;
        sorted = { column: i, down: again ? !sorted.down : !columns[i].text };
        sort();
        draw();
        table.tHead.querySelector(`[data-column="${i}"]`).focus();
      });
      button.dataset.column = i;
      line.append(cell);
    }
    table.tHead.replaceChildren(groups, line);
  }

  function line(i, list) {
    const one = make("tr");
    one.dataset.row = i;
    for (const j of list) {
      const cell = make("td", { className: bad[i]?.includes(j) ? "bad" : "" });
      if (j === 0) {
        const button = make("button", { type: "button" }, rows[i][0] || "(no name)");
        button.setAttribute("aria-expanded", "false");
        button.addEventListener("click", () => open(i, one, button, list.length));
        cell.append(button);
      } else {
        const text = digits(rows[i][j], columns[j]);
        cell.textContent = text + behind(text, most[j]);
      }
      one.append(cell);
    }
    return one;
  }

  function open(i, after, button, width) {
    if (button.getAttribute("aria-expanded") === "true") {
      after.nextElementSibling.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const holder = make("div"), start = make("div", { className: "start" });
    if (i in thumbs) start.append(make("img", { src: pictures[thumbs[i]], alt: rows[i][0] }));
    if (whys[i]) start.append(make("p", {}, whys[i]));
    holder.append(start);
    if (curves.length && curves[i].length) holder.append(legend(), picture(i));
    if (notes[i]) holder.append(make("p", {}, `Notes: ${notes[i]}`));
    let group, list;
    for (const [j, column] of columns.entries()) {
      if (!j) continue;
      if (column.group !== group) {
        ({ group } = column);
        if (group) holder.append(make("h4", {}, group[0].toUpperCase() + group.slice(1)));
        list = holder.appendChild(make("dl"));
      }
      const unit = column.unit && `, ${column.unit}`;
      list.append(make("div", {}, make("dt", { title: column.title }, column.label + unit),
        make("dd", {}, digits(rows[i][j], column))));
    }
    after.after(make("tr", { className: "own" }, make("td", { colSpan: width }, holder)));
    button.setAttribute("aria-expanded", "true");
  }

  function legend() {
    const keys = [["image", "image"], ["seen", "seen under masks, mean over all masks"],
      ["kept", "kept of the image under masks"]];
    return make("ul", { className: "legend" }, ...keys.map(([key, text]) =>
      make("li", {}, make("i", { className: `key-${key}` }), text)));
  }

  function picture(i) {
    const [f0, f1, p0, p1, text] = curves[i], n = DATA.points;
    const levels = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const ratio = rows[i][index.mask_ratio], fade = 2 * Math.log10(Math.max(1 - ratio, 1e-6));
    const low = p0 + Math.min(fade, 0), high = p1 + 0.1;
    const narrow = document.documentElement.clientWidth < 560, wide = narrow ? 340 : 600;
    const left = 58, right = wide - 8, top = 10, bottom = 250;
    const x = (f) => left + (right - left) * (f - f0) / (f1 - f0);
    const y = (p) => bottom - (bottom - top) * (p - low) / (high - low);
    const power = (k) => p0 + (p1 - p0) * (levels[k] - 1) / (DATA.levels - 1);
    const space = "http://www.w3.org/2000/svg";
    const draw = (tag, attributes, text = "") => {
      const one = document.createElementNS(space, tag);
      for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
      one.textContent = text;
      return one;
    };
    const svg = draw("svg", { viewBox: `0 0 ${wide} 292`, class: "curves", role: "img",
      "aria-label": `Radial power spectrum of ${rows[i][0]}, before and under masks` });
    const step = Math.max(1, Math.ceil((high - low) / 6));
    for (let p = Math.ceil(low); p <= high; p += step) {
      svg.append(draw("line", { x1: left, x2: right, y1: y(p), y2: y(p), class: "grid" }),
        draw("text", { x: left - 8, y: y(p) + 4, "text-anchor": "end" }, tenTo(p)));
    }
    for (const f of narrow ? [0.01, 0.05, 0.2, 0.5] : [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]) {
      const at = Math.log10(f);
      if (at < f0 - 0.05 || at > f1 + 0.05) continue;  // the last ring may end just below 0.5
      svg.append(draw("line", { x1: x(at), x2: x(at), y1: top, y2: bottom, class: "grid" }),
        draw("text", { x: x(at), y: bottom + 16, "text-anchor": "middle" }, String(f)));
    }
    svg.append(draw("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" },
      "frequency (cycles/pixel)"), draw("text", { x: 12, y: (top + bottom) / 2, "text-anchor": "middle",
      transform: `rotate(-90 12 ${(top + bottom) / 2})` }, "power per (cycle/pixel)²"));
    const path = (name, first, shift) => {
      const points = Array.from({ length: n }, (_, k) =>
        `${x(f0 + (f1 - f0) * k / (n - 1)).toFixed(1)},${y(power(first + k) + shift).toFixed(1)}`);
      svg.append(draw("path", { d: `M${points.join("L")}`, class: name }));
    };
    path("images", 0, 0);
    path("kept", 0, fade);
    path("seen", n, 0);
    return svg;
  }

  function draw() {
    const list = shown(), there = wanted();
    head(list);
    const none = make("tr", { className: "empty" }, make("td", { colSpan: list.length }, "No image matches."));
    body.replaceChildren(...(there.length ? there.slice(0, length).map((i) => line(i, list)) : [none]));
    next.hidden = there.length <= length;
    count.textContent = `${there.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`
      + (there.length > length ? `, the first ${length} shown` : "");
  }
  // Lead to the row of an image, and open it.
  function lead(i) {
    find.value = "";
    only.checked = false;
    length = Math.max(length, order.indexOf(i) + 1);
    draw();
    const button = body.querySelector(`tr[data-row="${i}"] button`);
    button.click();
    button.focus();
    button.closest("tr").scrollIntoView({ block: "start" });
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-row], a[data-unusual]");
    if (!link) return;
    if (link.dataset.row !== undefined && Number(link.dataset.row) < rows.length) {
      event.preventDefault();
      lead(Number(link.dataset.row));
    } else if (link.dataset.unusual !== undefined) {
      find.value = "";
      only.checked = true;
      again();
    }
  });
  const again = () => { length = BATCH; draw(); };
  find.addEventListener("input", again);
  only.addEventListener("change", again);
  more.addEventListener("change", draw);
  next.addEventListener("click", () => { length += BATCH; draw(); });
  addEventListener("beforeprint", () => { length = Math.max(length, PRINTED); draw(); });
  sort();
  draw();
})();
