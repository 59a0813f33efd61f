"""Widgets without a kernel, for tests: smaller ones than the lessons', and their button pressed."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tools import alive
from tools import alive_widgets as widgets

#: As the lessons' widgets are made, of fewer scenes.
SMALL: dict[str, Callable[[], Any]] = {
    "02_activations": functools.cache(functools.partial(widgets.units, 24)),
    "05_pca_and_tsne": functools.cache(functools.partial(widgets.pointmap, 2)),
    "06_occlusion": functools.cache(widgets.square),
    "10_filters_to_labels": functools.cache(functools.partial(widgets.player, 24)),
}
#: What each page shows once its widget is there.
ROOTS = {"02": ".camlib-units", "05": ".camlib-map", "06": ".camlib-square .row", "10": ".camlib-player"}
#: What the map's page is told of it.
PAGE = ("_cells", "_facts", "_nearest", "_points", "_sheet", "_side", "_title", "by", "selected")


def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is built until this is undone has the small widgets."""
    made = {name: replace(one, make=SMALL[name]) for name, one in alive.MADE.items()}
    monkeypatch.setattr(alive, "MADE", made)
    monkeypatch.setattr(alive, "widget", functools.cache(alive.widget.__wrapped__))


def wake(driver, name):
    """Press the button on the shown page, and wait until the widget is there; returns its box."""
    button = driver.find_element(By.CSS_SELECTOR, ".alive button")
    assert button.text == "▶ Do it here, in this page"
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", button)

    def there(_):
        box = driver.find_element(By.CSS_SELECTOR, ".alive")
        assert "did not come" not in box.text
        return box if driver.find_elements(By.CSS_SELECTOR, f".awake {ROOTS[name[:2]]}") else None

    return WebDriverWait(driver, 60).until(there)
