for (const root of document.querySelectorAll(".spectral-mae-slider:not([data-ready])")) {
  const packed = root.querySelector('script[type="application/json"]');
  if (!packed) continue;
  root.dataset.ready = "";
  const { controls, frames } = JSON.parse(packed.textContent);
  const img = root.querySelector("img");
  const says = root.querySelector(".says");
  const at = controls.map((one) => one.at);
  const place = () => controls.reduce((sum, one, i) => sum * one.values.length + at[i], 0);
  frames[place()][0] = img.src;
  const show = () => {
    const [source, sentence] = frames[place()];
    img.src = source;
    says.textContent = sentence;
  };
  const panel = document.createElement("div");
  panel.className = "controls";
  controls.forEach((one, i) => {
    const label = document.createElement("label");
    const name = document.createElement("span");
    name.textContent = one.name;
    let input;
    if (one.numbers) {
      input = document.createElement("input");
      Object.assign(input, { type: "range", min: 0, max: one.values.length - 1, step: 1 });
      const output = document.createElement("output");
      const tell = () => {
        at[i] = Number(input.value);
        output.textContent = one.values[at[i]];
        input.setAttribute("aria-valuetext", one.values[at[i]]);
      };
      input.value = at[i];
      tell();
      input.addEventListener("input", () => {
        tell();
        show();
      });
      label.append(name, input, output);
    } else {
      input = document.createElement("select");
      for (const value of one.values) input.add(new Option(value));
      input.selectedIndex = at[i];
      input.addEventListener("change", () => {
        at[i] = input.selectedIndex;
        show();
      });
      label.append(name, input);
    }
    // Jupyter takes keys such as the arrows for itself unless they stay here.
    input.addEventListener("keydown", (event) => event.stopPropagation());
    input.setAttribute("aria-label", one.name);
    panel.append(label);
  });
  root.insertBefore(panel, says);
}
