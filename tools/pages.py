"""Page through decks in a headless Chromium: what runs off a slide, and pictures of all of them.

`python -m tools.pages build/slides/01_filters.html [folder for the pictures]`
"""

from __future__ import annotations

import argparse
import base64
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SMALLEST_PICTURE = 240  # pixels of a slide's 720
SMALLEST_TEXT = 12.5  # likewise; a figure's smallest text has 12 points, 25 pixels of its own
# A slide's faults, as sentences; run on the page that is shown.
FAULTS = f"""
const page = Reveal.getCurrentSlide().querySelector(".page"), found = [];
const over = (a, b, way) => {{ if (a > b + 1) found.push(`runs ${{a - b}} px off the ${{way}}`); }};
over(page.scrollHeight, page.clientHeight, "bottom");
over(page.scrollWidth, page.clientWidth, "right");
for (const box of page.querySelectorAll("pre, table, img, math, svg")) {{
  const inner = box.getBoundingClientRect(), outer = page.getBoundingClientRect();
  over(Math.round(inner.right), Math.round(outer.right), "right, a " + box.tagName.toLowerCase());
}}
for (const img of page.querySelectorAll("img")) {{
  if (!img.complete || !img.naturalWidth) found.push("has a picture that did not load");
  const height = img.clientHeight;
  const small = img.closest(".picture") && height < {SMALLEST_PICTURE};
  if (small) found.push(`shrinks a picture to ${{height}} px`);
  const text = 25 * Math.min(img.clientWidth / img.naturalWidth, height / img.naturalHeight);
  if (img.closest(".picture") && text < {SMALLEST_TEXT})
    found.push(`shrinks a picture's text to ${{text.toFixed(1)}} px of 720: nobody reads it from the back`);
}}
if (!page.querySelector("h1, h2, h3")) found.push("has no heading");
if (!page.innerText.trim() && !page.querySelector("img, svg")) found.push("is empty");
return found;
"""
# Calls back when the shown page's pictures are there.
LOADED = """
const pictures = [...Reveal.getCurrentSlide().querySelectorAll("img")];
Promise.all(pictures.map(picture => picture.decode().catch(() => 0))).then(arguments[0]);
"""
PAGE = "return [Reveal.getIndices().h, Reveal.getIndices().v]"
STEPS = 1000  # a deck that is not done by then goes round in circles
PLACES = "return Reveal.getSlides().map(s => [Reveal.getIndices(s).h, Reveal.getIndices(s).v])"


def missing() -> str:
    """Why there is no browser to look with; empty where there is one."""
    if not shutil.which("chromedriver"):
        return "no chromedriver on the PATH"
    return "" if _binary() else f"no browser on the PATH: {', '.join(BROWSERS)}"


@contextmanager
def browser(width: int = 1280, height: int = 720) -> Iterator[Any]:
    """A headless Chromium with an empty profile, closed and cleared away at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = _binary()
        for flag in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            "no-first-run",
            "hide-scrollbars",
            f"window-size={width},{height}",
            f"user-data-dir={profile}",
        ):
            options.add_argument(f"--{flag}")
        driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        try:
            # The window's inside, not its frame, has this size.
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
            )
            yield driver
        finally:
            driver.quit()


def look(driver: Any, deck: Path, pictures: Path | None = None) -> dict[int, list[str]]:
    """Turn all pages of a deck; returns each page's faults, by its number. pictures: a folder for PNGs."""
    driver.get(deck.resolve().as_uri())
    places = driver.execute_script(PLACES)
    found = {}
    for number, (column, row) in enumerate(places, 1):
        driver.execute_script(f"Reveal.slide({column}, {row}, 99)")  # 99: all its fragments
        driver.execute_async_script(LOADED)
        found[number] = driver.execute_script(FAULTS)
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(pictures / f"{deck.stem}-{number:02}.png"))
    return found


def turn(driver: Any, deck: Path) -> list[tuple[int, int]]:
    """The pages that the right arrow alone comes to, from the first to where it goes no further."""
    driver.get(deck.resolve().as_uri())
    seen: list[tuple[int, int]] = []
    before = None
    for _ in range(STEPS):
        column, row = driver.execute_script(PAGE)
        state = driver.execute_script("return JSON.stringify(Reveal.getState())")
        if state == before:
            return seen
        before = state
        if (column, row) not in seen:
            seen.append((column, row))
        ActionChains(driver).send_keys(Keys.ARROW_RIGHT).perform()
    raise RuntimeError(f"{deck.name}: {STEPS} presses of the right arrow, and no end")


def pdf(driver: Any, deck: Path) -> bytes:
    """What Ctrl+P prints of a deck: a PDF with a sheet for each page."""
    driver.get(deck.resolve().as_uri())
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    return base64.b64decode(printed["data"])


def _binary() -> str:
    return next((path for name in BROWSERS if (path := shutil.which(name))), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deck", type=Path)
    parser.add_argument("pictures", type=Path, nargs="?", help="a folder for a picture of each slide")
    arguments = parser.parse_args()
    with browser() as driver:
        found = look(driver, arguments.deck, arguments.pictures)
        reached = turn(driver, arguments.deck)
    faults = [f"slide {number} {fault}" for number, of_page in found.items() for fault in of_page]
    if len(reached) < len(found):
        faults.append(f"the right arrow reaches {len(reached)} of {len(found)} slides")
    print("\n".join(faults) or f"{len(found)} slides, nothing runs off the page")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
