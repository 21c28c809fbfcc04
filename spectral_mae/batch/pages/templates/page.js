// Contents of the page, from its headings, and the switch between light and dark.
(() => {
  const root = document.documentElement, title = document.querySelector("h1");
  const headings = [...document.querySelectorAll("h2:not([data-plain])")];
  if (title && headings.length > 2) {
    const contents = document.createElement("nav"), list = document.createElement("ul");
    contents.className = "contents";
    contents.setAttribute("aria-label", "Contents");
    headings.forEach((heading, number) => {
      heading.id ||= `section-${number + 1}`;
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = `#${heading.id}`;
      link.textContent = heading.textContent;
      item.append(link);
      list.append(item);
    });
    contents.append(list);
    const lead = document.querySelector("[data-contents]") ?? document.querySelector(".lead") ?? title;
    lead.after(contents);
  }
  const button = document.getElementById("theme");
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const say = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.setAttribute("aria-label", "Switch between light and dark");
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    say();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", say);
  say();
  // A table or a picture that is wider than the page says so.
  for (const frame of document.querySelectorAll(".scroll, .plate")) {
    const hint = document.createElement("p");
    hint.className = "sideways";
    hint.textContent = frame.matches(".plate")
      ? "Scroll the picture sideways to see all of it."
      : "Scroll the table sideways to see all of its columns.";
    frame.before(hint);
    const look = () => { hint.hidden = frame.scrollWidth <= frame.clientWidth + 1; };
    const watch = new ResizeObserver(look);
    for (const one of [frame, ...frame.children]) watch.observe(one);
    look();
  }
  // What is folded is printed too.
  const folded = [];
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      folded.push(one);
      one.open = true;
    }
  });
  addEventListener("afterprint", () => { for (const one of folded.splice(0)) one.open = false; });
})();
