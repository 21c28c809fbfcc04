"""Pages as their readers see them: Chromium without a window, driven by Selenium.

A test asks for the fixture `browser` of ``tests/conftest.py`` and bears the mark ``browser``::

    pytestmark = pytest.mark.browser

    def test_a_table_sorts(browser, tmp_path):
        browser.open(tmp_path / "report.html")
        browser.resize(390)
        browser.prefer("dark")
        browser.screenshot(tmp_path / "narrow-dark.png")
        assert browser.run("return document.title") == "…"

When the test is over, it fails for everything that the page wrote to the console as an error, for
every exception that nobody caught, and for every request that left the machine. A test that
expects such a thing takes it with `Browser.problems`.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOCAL = ("file:", "data:", "blob:", "about:", "chrome:", "devtools:")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root cannot have, as in containers
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    # No name is found, so a page that asks for an address is seen and gets no answer.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def found(*names: str) -> str | None:
    """The first of some programs that is installed."""
    return next(filter(None, map(shutil.which, names)), None)


CHROMIUM = found("chromium", "chromium-browser", "google-chrome")
DRIVER = found("chromedriver")


def missing() -> str:
    """What the tests in a browser lack here; empty if nothing."""
    lacks = [
        name
        for name, there in (
            ("Chromium", CHROMIUM),
            ("chromedriver", DRIVER),
            ("the extra browser (Selenium)", importlib.util.find_spec("selenium")),
        )
        if not there
    ]
    return f"not installed: {', '.join(lacks)}" if lacks else ""


class Browser:
    """One Chromium, and what its page has done so far.

    Parameters
    ----------
    driver : selenium.webdriver.Chrome
        With the logs "browser" and "performance" turned on.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path | str) -> None:
        """Open a file, or a URL, and wait until it is loaded."""
        self.driver.get(page.resolve().as_uri() if isinstance(page, Path) else page)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; ``return`` gives a value back, also that of a promise."""
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, expression: str, seconds: float = 20.0) -> bool:
        """Wait until a JavaScript expression is true; False if that took too long."""
        return self.run(WAIT.replace("EXPRESSION", expression), seconds * 1000)

    def tell(self, command: str, **parameters: Any) -> Any:
        """Send a command of the Chrome DevTools Protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, width: int, height: int = 900, *, scale: float = 1.0) -> None:
        """Make the window so many CSS pixels wide and high, with ``scale`` dots to a pixel."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def prefer(self, scheme: str = "", *, media: str = "", reduced_motion: bool = False) -> None:
        """Be a reader who prefers a "light" or a "dark" scheme, or the medium "print"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        if reduced_motion:
            features.append({"name": "prefers-reduced-motion", "value": "reduce"})
        self.tell("Emulation.setEmulatedMedia", media=media, features=features)

    def screenshot(self, path: Path, *, whole: bool = True) -> Path:
        """Write a PNG of the page, or of the part of it that the window shows."""
        shot = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def press(self, *keys: str) -> None:
        """Press keys, each in turn, in what has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        for key in keys:
            ActionChains(self.driver).send_keys(getattr(Keys, key.upper(), key)).perform()

    def requests(self) -> list[str]:
        """The addresses that were asked for beyond this machine since the last call."""
        events = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        asked = (
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        )
        return [url for url in asked if not url.startswith(LOCAL)]

    def problems(self) -> list[str]:
        """Errors of the console, exceptions and requests since the last call."""
        errors = [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]
        return [*errors, *(f"request: {url}" for url in self.requests())]

    def sticks_out(self) -> list[str]:
        """What is wider than the window, so that the page scrolls sideways."""
        return self.run(STICKS_OUT)

    def low_contrast(self) -> list[str]:
        """Texts whose contrast is below that of WCAG 2 AA: 4.5, and 3 for large letters."""
        return self.run(LOW_CONTRAST)

    def nameless(self) -> list[str]:
        """Controls and pictures that a screen reader cannot name."""
        nodes = self.tell("Accessibility.getFullAXTree")["nodes"]
        roles = {
            "button", "checkbox", "combobox", "image", "img", "link", "listbox", "radio",
            "searchbox", "slider", "spinbutton", "switch", "tab", "textbox",
        }  # fmt: skip
        return [
            f"{node['role']['value']}: {self._source(node['backendDOMNodeId'])}"
            for node in nodes
            if not node.get("ignored")
            and node.get("role", {}).get("value") in roles
            and not node.get("name", {}).get("value", "").strip()
        ]

    def _source(self, node: int) -> str:
        found = self.tell("DOM.getOuterHTML", backendNodeId=node)
        return found["outerHTML"].partition("\n")[0][:120]

    def reset(self) -> None:
        """Forget the page, what it stored, and what was emulated."""
        if not self.driver.current_url.startswith("data:"):
            self.tell("Storage.clearDataForOrigin", origin="file://", storageTypes="all")
        self.tell("Emulation.clearDeviceMetricsOverride")
        self.tell("Emulation.setEmulatedMedia", media="", features=[])
        self.driver.get("about:blank")
        self.problems()


WAIT = """
  const [milliseconds] = arguments, begun = performance.now();
  return new Promise((done) => {
    const look = () => {
      const found = Boolean(EXPRESSION);
      if (found || performance.now() - begun > milliseconds) done(found);
      else setTimeout(look, 10);
    };
    look();
  });
"""

STICKS_OUT = """
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > wide + 0.5)
    .map((one) => one.outerHTML.slice(0, 120));
"""

LOW_CONTRAST = """
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {  // any CSS colour, as the browser itself draws it
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement)
      layers.push(rgba(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest(":disabled, script, style"))
      continue;
    const style = getComputedStyle(element), paper = behind(element);
    const ink = element.closest("svg") ? style.fill : style.color;
    const bright = [luminance(over(rgba(ink), paper)), luminance(paper)].sort((a, b) => b - a);
    const contrast = (bright[0] + 0.05) / (bright[1] + 0.05);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    if (contrast < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5))
      found.push(`${contrast.toFixed(2)} ${text.slice(0, 60)}`);
  }
  return found;
"""


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile in an empty folder, and end it."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Named, so that Selenium looks for no driver in the network.
    driver = webdriver.Chrome(options=options, service=Service(executable_path=DRIVER))
    try:
        driver.set_page_load_timeout(60)
        driver.set_script_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()
