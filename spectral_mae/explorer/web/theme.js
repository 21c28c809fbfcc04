// Light and dark colours: those of the system, or what the reader chose.

const THEMES = ["system", "light", "dark"];
const KEY = "spectral-mae-colours";

function stored() {
  try {
    return localStorage.getItem(KEY) ?? "system";
  } catch {
    return "system"; // where nothing may be stored
  }
}

/** Show the page in the colours that were chosen before. */
export function showTheme(theme = stored()) {
  const known = THEMES.includes(theme) ? theme : "system";
  document.documentElement.dataset.theme = known;
  document.getElementById("theme").textContent = `Colours: ${known}`;
}

/** Go on to the next of the themes. */
export function nextTheme() {
  const now = document.documentElement.dataset.theme;
  const theme = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It then lasts as long as the page.
  }
  showTheme(theme);
}
