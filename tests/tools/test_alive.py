"""Widgets without a kernel: lesson 06's square answers in its deck, from the disk, with camlib's numbers."""

import time
from operator import itemgetter
from typing import Any

import pytest
import torch
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from camlib import SquareExplorer, critters, load
from tools import alive, lesson, pages, slides

pytestmark = pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here")

# What the widget shows: each class, its answer, and the lengths of its two bars.
ROWS = """
const share = bar => parseFloat(bar.style.width) / 100;
return [...document.querySelectorAll(".camlib-square .row")].map(row => {
  const part = name => row.querySelector(name);
  return [part(".name").textContent, share(part(".was")), share(part(".now"))];
});
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The deck, at the page with the widget, which has been woken."""
    out = tmp_path_factory.mktemp("decks")
    deck = slides.build(lesson.read(lesson.find(["06"])[0]), out, "06_occlusion")
    with pages.browser(1280, 720) as driver:
        driver.set_script_timeout(60)
        driver.get(deck.as_uri())
        script = "const s = document.querySelector('.alive').closest('section'), at = Reveal.getIndices(s);"
        driver.execute_script(script + "Reveal.slide(at.h, at.v)")
        button = driver.find_element(By.CSS_SELECTOR, ".alive button")
        assert button.text == "▶ Do it here, in this page"
        button.click()
        WebDriverWait(driver, 60).until(lambda d: d.execute_script(ROWS))
        yield driver


def right(driver, widget):
    """Whether the page's answers are the widget's own, by a kernel."""
    shown = driver.execute_script(ROWS)
    assert [row[0] for row in shown] == [row[0] for row in widget.rows]
    return torch.allclose(
        torch.tensor([row[1:] for row in shown]), torch.tensor([row[1:] for row in widget.rows]), atol=1e-3
    )


def until(true):
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    assert true()


def test_the_widget_is_the_lessons():
    nb = lesson.read(lesson.find(["06"])[0])
    cell = next(cell for cell in nb.cells if "SquareExplorer(net" in cell.source)
    assert any('load("critternet_gap", seed=k)' in one.source for one in nb.cells)
    assert any("critters(60, seed=606)" in one.source for one in nb.cells)
    there: dict[str, Any] = {
        "net": load("critternet_gap"),
        "crowd": critters(60, seed=606),
        "SquareExplorer": SquareExplorer,
    }
    exec("\n".join(cell.source.split("\n")[:3]), there)
    theirs, ours = there["square"], alive.square()
    assert ours.rows == theirs.rows
    for name in ("_pictures", "picture", "x", "y", "side"):
        assert getattr(ours, name) == getattr(theirs, name)
    ours.picture = ours._pictures[4]
    name, before, _ = max(ours.rows, key=itemgetter(1))
    other, _, after = max(ours.rows, key=itemgetter(2))
    assert f"{name} {before:.0%}, {other} {after:.0%}" in lesson.alt(cell.outputs[0], "image/png")


def test_its_answers_are_camlibs(driver):
    widget = alive.square()
    assert right(driver, widget)
    assert not driver.find_element(
        By.CSS_SELECTOR, ".page.present .picture, section.present .picture"
    ).is_displayed()
    canvas = driver.find_element(By.CSS_SELECTOR, ".camlib-square canvas")
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    widget.x, widget.y = widget.x + 4, widget.y + 4
    until(lambda: right(driver, widget))
    picture, fill = (Select(one) for one in driver.find_elements(By.CSS_SELECTOR, ".camlib-square select"))
    for name in ("white", "mean"):
        fill.select_by_visible_text(name)
        widget.fill = name
        until(lambda: right(driver, widget))
    picture.select_by_visible_text(widget._pictures[3])
    widget.picture = widget._pictures[3]
    until(lambda: right(driver, widget))
    before = driver.execute_script(ROWS)
    ActionChains(driver).move_to_element(canvas).click_and_hold().move_by_offset(40, 30).release().perform()
    until(lambda: driver.execute_script(ROWS) != before)
    assert driver.execute_script(
        "return Reveal.getCurrentSlide().contains(document.querySelector('.camlib-square'))"
    )
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert all(name.startswith(("file:", "blob:", "data:")) for name in loaded)
