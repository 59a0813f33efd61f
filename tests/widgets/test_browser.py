"""In a headless Chromium: decks fit their pages; in JupyterLab lessons run, and a slider moves a picture."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any

import nbformat
import pytest
import torch
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from camlib import PointMap
from tools import lesson, pages, slides
from tools.new_lesson import new_lesson

pytestmark = [
    pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here"),
    pytest.mark.skipif(os.name == "nt", reason="ends JupyterLab by its process group"),
]

CELLS = """
import torch
from camlib import widgets
snapshots = {epoch: torch.randn(8, 3, 7, 7) for epoch in (0, 1, 2)}
widgets.filters_over_epochs(snapshots)
"""
EXPLORER = """
from camlib import UnitExplorer, critters, load, top_patches
net, scenes = load("critternet"), critters(4)
best = {layer: top_patches(net, layer, scenes, k=6) for layer in ("conv1", "conv5")}
UnitExplorer(net, {"one": scenes.images[0], "two": scenes.images[1]}, best, scenes, ("one", "conv5", 3))
"""
SEARCH = """
from camlib import SearchBox, codes, critters, load
net, scenes = load("critternet"), critters(6)
known = {layer: codes(net, layer, scenes) for layer in ("fc7", "fc8")}
SearchBox(net, known, scenes, {"one": scenes.images[0], "two": scenes.images[1]}, ("one", "fc7"), k=3)
"""
MAP = """
import torch
from ipywidgets import Label
from camlib import PointMap
corner = torch.tensor([[0.0, 0], [100, 0], [0, 60], [100, 60]]).repeat_interleave(6, 0)
points = corner + torch.arange(6.0).repeat(4)[:, None] * torch.tensor([2.0, 0])
shades = torch.arange(24) / 24
facts = {"corner": sorted(["a", "b", "c", "d"] * 6), "shade": shades}
it = PointMap(points, shades[:, None, None, None].expand(24, 3, 32, 32), facts, title="Shades")
said = Label("none")
it.observe(lambda change: setattr(said, "value", str(it.selected)), "selected")
display(said, it)
"""
SQUARE = """
from ipywidgets import Label
from camlib import SquareExplorer, critters, load
net, scenes = load("critternet"), critters(2)
it = SquareExplorer(net, {"one": scenes.images[0], "two": scenes.images[1]}, side=32)
said = Label("none")
it.observe(lambda change: setattr(said, "value", f"{it.picture} {it.x} {it.y} {it.side} {it.fill}"), "rows")
display(said, it)
"""
PLAYER = """
import torch
from ipywidgets import Label
from camlib import Player
images = (torch.arange(5) / 5)[:, None, None, None].expand(5, 3, 30, 40)
track = torch.tensor([[10.0, 20], [11, 20], [12, 20], [13, 20], [14, 20]])
truth = track + torch.tensor([3.0, 4])
truth[3] = torch.nan
it = Player(images, {"peak": track}, truth, title="It lags", rate=20)
said = Label("none")
it.observe(lambda change: setattr(said, "value", str(it.frame)), "frame")
display(said, it)
"""
CLICKS = """
import torch
from ipywidgets import Label
from camlib import ClickBoard
said = Label("none")
tell = lambda points: setattr(said, "value", str(points.round().tolist()))
it = ClickBoard([torch.zeros(3, 30, 40), torch.ones(3, 120, 80)], "Where is it?", on_points=tell)
display(said, it)
"""
RUN_ALL = """
const [done, path] = [arguments[1], arguments[0]];
(async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute("docmanager:open", {path});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await app.commands.execute("notebook:run-all-cells");
  return panel.content.model.toJSON();
})().then(done, error => done({failed: String(error)}));
"""

# Of each colour in which a curve is drawn, how much it differs from the page: WCAG's ratio.
CONTRAST = """
const root = document.querySelector(".camlib-player"), canvas = root.querySelector(".curve");
const linear = v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const light = rgb => {
  const [r, g, b] = rgb.map(v => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const page = light(getComputedStyle(root).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number));
const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, often = {};
for (let i = 0; i < pixels.length; i += 4) {
  const [r, g, b, a] = pixels.slice(i, i + 4);
  if (a < 200 || Math.max(r, g, b) - Math.min(r, g, b) < 60) continue;  // a colour, not the grey of the axes
  often[[r, g, b]] = (often[[r, g, b]] || 0) + 1;
}
return Object.keys(often).filter(key => often[key] > 40).map(key => {
  const here = light(key.split(",").map(Number));
  return (Math.max(here, page) + 0.05) / (Math.min(here, page) + 0.05);
});
"""
CURVES = """
import torch
from camlib import Player
images = torch.zeros(6, 3, 30, 40)
track = torch.tensor([[10.0, 20]]).repeat(6, 1)
tracks = {name: track + away for name, away in (("one", 2), ("two", 5), ("three", 8))}
Player(images, tracks, track, title="Three curves")
"""
DARK = """
window.jupyterapp.commands.execute("apputils:change-theme", {theme: "JupyterLab Dark"}).then(arguments[0]);
"""


@pytest.fixture(scope="module")
def driver():
    with pages.browser(1400, 1000) as driver:
        driver.set_script_timeout(300)
        yield driver


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A JupyterLab of our own, on a free port, in a folder of its own; its processes end with the module."""
    home = tmp_path_factory.mktemp("lab")
    (home / "lessons").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = [
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    ]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
        *(f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=inside-a-cnn"),
        *("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        f"--ServerApp.root_dir={home / 'lessons'}",
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {name: str(home / name) for name in [*folders, "IPYTHONDIR"]},
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/api/status?token=inside-a-cnn", process, home / "log")
            yield address, home / "lessons"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_for(address, process, log, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def run_in_jupyterlab(driver, server, name):
    """Open a notebook, run all its cells, and return it as JupyterLab then has it."""
    driver.get(f"{server[0]}/lab?token=inside-a-cnn&reset")
    WebDriverWait(driver, 60).until(lambda d: d.execute_script("return !!window.jupyterapp"))
    nb = driver.execute_async_script(RUN_ALL, name)
    assert "failed" not in nb, nb
    return nb


def run_cell(driver, server, code):
    """Run a notebook of one cell in JupyterLab, and return it as JupyterLab then has it."""
    nb = nbformat.v4.new_notebook(metadata=new_lesson("02_activations").metadata)
    nb.cells = [nbformat.v4.new_code_cell(code.strip())]
    name = f"cell{sum(1 for _ in server[1].glob('*.ipynb'))}.ipynb"
    lesson.write(nb, server[1] / name)
    return run_in_jupyterlab(driver, server, name)


def part_of(driver, widget, part):
    """The first part of a widget that is in sight, scrolled to; the widget's still must not be."""
    found = WebDriverWait(driver, 90).until(
        lambda d: next(
            (one for one in d.find_elements(By.CSS_SELECTOR, f"{widget} {part}") if one.is_displayed()), None
        )
    )
    assert not driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output > img")  # it is for readers
    driver.execute_script(f"document.querySelector('{widget}').scrollIntoView()")
    return found


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in lesson.lessons()])
def test_nothing_runs_off_a_slide(driver, tmp_path, path):
    found = pages.look(driver, deck := slides.build(lesson.read(path), tmp_path, path.stem))
    assert {number: faults for number, faults in found.items() if faults} == {}
    assert len(pages.turn(driver, deck)) == len(found)  # with the right arrow alone


def test_a_slide_that_is_too_full_is_found(driver, tmp_path):
    nb = new_lesson("02_activations")
    nb.cells[0].source += "\n\nToo much." * 20
    found = pages.look(driver, slides.build(nb, tmp_path / "deck", "full"), tmp_path / "pictures")
    assert "off the bottom" in found[1][0]
    assert not any(found[number] for number in range(2, 17))
    assert len(list((tmp_path / "pictures").glob("full-*.png"))) == 16


def test_a_slider_changes_the_picture(driver, server):
    ran = run_cell(driver, server, CELLS)
    assert ran["cells"][0]["execution_count"] == 1, json.dumps(ran)[:2000]
    picture = shown(driver)
    before = picture.get_attribute("src")
    assert "Before training" in picture.get_attribute("title")
    # The still is for readers: whoever has the widget does not see both.
    assert len(driver.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output img")) == 1
    assert driver.find_element(By.CSS_SELECTOR, ".widget-label").text == "epoch"
    move(driver, picture, before, "After 1 epoch:")


def test_lesson_01s_slider_shows_the_filters_form(driver, server):
    path = next(path for path in lesson.lessons() if path.stem == "01_filters")
    shutil.copy(path, server[1])
    run_in_jupyterlab(driver, server, path.name)
    picture = shown(driver)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    move(driver, picture, picture.get_attribute("src"), "After 1 epoch:")


def test_the_explorer_of_units(driver, server):
    run_cell(driver, server, EXPLORER)
    picture = shown(driver)
    assert picture.get_attribute("title").startswith("conv5, unit 3: without it")
    move(driver, picture, picture.get_attribute("src"), "conv5, unit 4:")
    scene, layer = (Select(one) for one in driver.find_elements(By.CSS_SELECTOR, ".widget-dropdown select"))
    layer.select_by_visible_text("conv1")
    WebDriverWait(driver, 30).until(lambda _: "conv1, unit 0:" in picture.get_attribute("title"))
    before = picture.get_attribute("src")
    scene.select_by_visible_text("two")
    WebDriverWait(driver, 30).until(lambda _: picture.get_attribute("src") != before)
    button = driver.find_element(By.CSS_SELECTOR, ".jupyter-button.widget-upload")
    assert button.text.startswith("your picture")
    # What a screen reader calls them, as Chromium computes it.
    slider = driver.find_element(By.CSS_SELECTOR, "[role=slider]")
    assert [one.accessible_name for one in (button, slider)] == ["your picture: choose a file", "unit"]
    assert slider.get_attribute("aria-valuetext") == "0"
    menus = driver.find_elements(By.CSS_SELECTOR, ".widget-dropdown select")
    assert [menu.accessible_name for menu in menus] == ["picture", "layer"]
    assert picture.get_attribute("alt") == picture.get_attribute("title")


def test_the_search_box_names_its_controls(driver, server):
    run_cell(driver, server, SEARCH)
    picture = shown(driver)
    WebDriverWait(driver, 30).until(
        lambda _: picture.get_attribute("alt").startswith("Nearest in fc7 to one")
    )
    menus = driver.find_elements(By.CSS_SELECTOR, ".widget-dropdown select")
    assert [menu.accessible_name for menu in menus] == ["picture", "layer", "metric"]
    button = driver.find_element(By.CSS_SELECTOR, ".jupyter-button.widget-upload")
    assert button.accessible_name == "your picture: choose a file"
    Select(menus[2]).select_by_visible_text("cosine")
    menus[2].send_keys(Keys.TAB)
    assert menus[2].accessible_name == "metric"


def test_the_map_of_points(driver, server):
    run_cell(driver, server, MAP)
    plane = part_of(driver, ".camlib-map", ".over")
    wide, high = plane.size["width"], plane.size["height"]
    scale = (wide - 36) / 110  # the points reach from 0 to 110, with a margin of 18 pixels

    def at(number):  # from the middle of the plane, in pixels
        x, y = 100 * (number // 6 % 2) + 2 * (number % 6), 60 * (number // 12)
        return round((x - 55) * scale), round((30 - y) * scale)

    def card():
        return driver.find_element(By.CSS_SELECTOR, ".camlib-map .card").text

    def until(true):
        WebDriverWait(driver, 30).until(lambda _: true())

    assert high > 60 * scale
    ActionChains(driver).move_to_element_with_offset(plane, *at(9)).perform()
    until(lambda: "picture 9\ncorner\nb\nshade\n0.375" in card())
    grey = "const picture = document.querySelector('.camlib-map .card canvas').getContext('2d');"
    grey += "return picture.getImageData(50, 50, 1, 1).data[0]"
    until(lambda: abs(driver.execute_script(grey) - 255 * 9 / 24) < 4)

    (x, y), hand = at(6), ActionChains(driver)  # a line round corner b
    hand.move_to_element_with_offset(plane, x - 25, y - 40).click_and_hold()
    for dx, dy in ((25 + round(10 * scale) + 12, 0), (0, 70), (-round(10 * scale) - 37, 0)):
        hand.move_by_offset(dx, dy)
    hand.release().perform()
    label = driver.find_element(By.CSS_SELECTOR, ".widget-label")
    until(lambda: label.text == "[6, 7, 8, 9, 10, 11]")
    tray = driver.find_elements(By.CSS_SELECTOR, ".camlib-map .tray button")
    assert [one.get_attribute("aria-label") for one in tray] == [f"picture {n}, b" for n in range(6, 12)]
    legend = driver.find_element(By.CSS_SELECTOR, ".camlib-map .legend")
    assert legend.text.split("\n") == ["a: 0 of 6", "b: 6 of 6", "c: 0 of 6", "d: 0 of 6"]

    Select(driver.find_element(By.CSS_SELECTOR, ".camlib-map select")).select_by_visible_text("shade")
    until(lambda: "mean 0.479, of the selected 0.354" in legend.text)
    plane.send_keys(Keys.ESCAPE)
    until(lambda: label.text == "[]")
    ActionChains(driver).move_to_element_with_offset(plane, *at(3)).perform()
    plane.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.SPACE, Keys.ARROW_UP, Keys.SPACE)
    until(lambda: label.text == "[5, 17]")
    assert driver.find_element(By.CSS_SELECTOR, ".camlib-map [aria-live]").text == "2 of 24 selected"
    paper = "return getComputedStyle(document.querySelector('.camlib-map')).backgroundColor"
    light = driver.execute_script(paper)
    driver.execute_async_script(DARK)
    until(lambda: driver.execute_script(paper) != light)


def test_a_map_is_walked_on_a_page_of_its_own(driver, tmp_path):
    shades, cells = torch.arange(24) / 24, torch.arange(24).view(4, 6)
    facts: dict[str, Any] = {"row": [f"row {n // 6}" for n in range(24)], "shade": shades}
    pictures = shades[:, None, None, None].expand(24, 3, 32, 32)
    codes = torch.arange(24.0)[:, None] ** 1.5
    points = torch.stack([cells.flatten() % 6, -(cells.flatten() // 6)], 1).float()
    it = PointMap(points, pictures, facts, title="Shades", cells=cells, codes=codes)
    it.save(tmp_path / "map.html")
    driver.get((tmp_path / "map.html").as_uri())  # no server, no network
    plane = WebDriverWait(driver, 30).until(lambda d: d.find_element(By.CSS_SELECTOR, ".camlib-map .over"))
    scale = min((plane.size["width"] - 36) / 6, (plane.size["height"] - 36) / 4)

    def text(part):
        return driver.find_element(By.CSS_SELECTOR, f".camlib-map {part}").text

    def until(true):
        WebDriverWait(driver, 30).until(lambda _: true())

    def to(number, scale=scale):  # from the middle of the plane
        return round((number % 6 - 2.5) * scale), round((number // 6 - 1.5) * scale)

    def hand():
        return ActionChains(driver)

    grey = "const c = document.querySelector('.camlib-map .base'), k = c.width / c.clientWidth;"
    grey += "return c.getContext('2d').getImageData((c.clientWidth / 2 + arguments[0]) * k,"
    grey += " (c.clientHeight / 2 + arguments[1]) * k, 1, 1).data[0]"
    for number in (0, 11, 18):  # its picture lies in its cell
        x, y = to(number)
        until(lambda n=number, x=x, y=y: abs(driver.execute_script(grey, x, y + 20) - 255 * n / 24) < 6)

    hand().move_to_element_with_offset(plane, *to(9)).click().perform()
    nearest = sorted((n for n in range(24) if n != 9), key=lambda n: abs(n**1.5 - 9**1.5))[:12]
    until(lambda: text(".state") == "picture 9, then its 12 nearest by their codes")
    tray = driver.find_elements(By.CSS_SELECTOR, ".camlib-map .tray button")
    assert [int(one.get_attribute("data-number")) for one in tray] == [9, *nearest]
    mine = sum(n // 6 == 1 for n in nearest)
    assert text("[aria-live]") == f"picture 9 and its 12 nearest, {mine} of them row 1"
    opaque = grey.replace("data[0]", "data[3]")
    lit, dim = (driver.execute_script(opaque, x, y + 20) for x, y in (to(nearest[-1]), to(23)))
    assert (lit, dim) == (255, pytest.approx(0.3 * 255, abs=2))  # the nearest light up, the others fade

    step = round(scale)  # the hand moves the map by a cell to the left
    hand().move_to_element(plane).click_and_hold().move_by_offset(-step // 2, 0).move_by_offset(
        step // 2 - step, 0
    ).release().perform()
    hand().move_to_element_with_offset(plane, *to(9)).perform()
    until(lambda: text(".card").startswith("picture 10\nrow\nrow 1"))
    assert text(".state").startswith("picture 9,")  # moving the map is no click
    driver.find_element(By.XPATH, "//button[text()='whole map']").click()
    wheel = "const o = arguments[0], b = o.getBoundingClientRect(); o.dispatchEvent(new WheelEvent('wheel', "
    wheel += "{deltaY: -300 * Math.log(2), clientX: b.x + b.width / 2, clientY: b.y + b.height / 2}))"
    driver.execute_script(wheel, plane)  # twice as large
    hand().move_to_element_with_offset(plane, *to(9, 2 * scale)).perform()
    until(lambda: text(".card").startswith("picture 9\n"))
    plane.send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    until(lambda: text(".state").startswith("picture 10,"))
    plane.send_keys(Keys.ESCAPE)
    until(lambda: text(".state") == "24 pictures")
    loaded = "return performance.getEntriesByType('resource').map(one => one.name)"
    assert [name for name in driver.execute_script(loaded) if not name.startswith("blob:")] == []
    assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_square_is_dragged(driver, server):
    run_cell(driver, server, SQUARE)
    canvas = part_of(driver, ".camlib-square", "canvas")
    label = driver.find_element(By.CSS_SELECTOR, ".widget-label")

    def until(said):
        WebDriverWait(driver, 30).until(lambda _: label.text == said)

    hand = ActionChains(driver).move_to_element(canvas).click_and_hold()  # the canvas shows 3 pixels for each
    hand.move_by_offset(-90, -60).move_by_offset(0, 30).release().perform()
    until("one 18 38 32 grey")
    row = driver.find_element(By.CSS_SELECTOR, ".camlib-square .row.best")
    assert row.text.split("\n")[1].endswith("%")
    canvas.send_keys(Keys.ARROW_RIGHT, "+")
    until("one 21 37 34 grey")
    pixel = "return [...document.querySelector('.camlib-square canvas').getContext('2d')"
    pixel += ".getImageData(120, 170, 1, 1).data]"
    assert driver.execute_script(pixel) == [127, 127, 127, 255]
    picture, fill = (Select(one) for one in driver.find_elements(By.CSS_SELECTOR, ".camlib-square select"))
    fill.select_by_visible_text("white")
    until("one 21 37 34 white")
    WebDriverWait(driver, 30).until(lambda d: d.execute_script(pixel) == [255] * 4)
    picture.select_by_visible_text("two")
    until("two 21 37 34 white")


def test_a_clip_plays(driver, server):
    run_cell(driver, server, PLAYER)
    film = part_of(driver, ".camlib-player", ".film")
    label = driver.find_element(By.CSS_SELECTOR, ".widget-label")
    grey = "const film = document.querySelector('.camlib-player .film').getContext('2d');"
    grey += "return film.getImageData(20, 20, 1, 1).data[0]"

    def until(frame, told=True):
        WebDriverWait(driver, 30).until(lambda d: abs(d.execute_script(grey) - 255 * frame / 5) < 6)
        if told:
            WebDriverWait(driver, 30).until(lambda _: label.text == str(frame))

    until(0, told=False)
    assert film.get_attribute("aria-label") == "frame 0 of 5: peak 5.0 pixels off"
    mark = "const film = document.querySelector('.camlib-player .film'), [x, y] = [10.5 / 40, 20.5 / 30];"
    mark += "return [...film.getContext('2d').getImageData(x * film.width, y * film.height, 1, 1).data]"
    assert driver.execute_script(mark) == [0xDC, 0x77, 0x0F, 255]
    button = driver.find_element(By.CSS_SELECTOR, ".camlib-player button")
    button.click()  # it plays to the end, and tells where it stopped
    until(4)
    assert button.text == "▶ play"
    slider = driver.find_element(By.CSS_SELECTOR, ".camlib-player input")
    slider.send_keys(Keys.ARROW_LEFT)
    until(3)
    assert film.get_attribute("aria-label") == "frame 3 of 5: peak – pixels off"
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    until(1)
    slider.send_keys(Keys.SPACE)
    until(4)
    curve = driver.find_element(By.CSS_SELECTOR, ".camlib-player .curve")
    ActionChains(driver).move_to_element_with_offset(curve, 17, 0).click().perform()
    until(2)


def test_curves_stand_out_from_a_light_page_and_a_dark_one(driver, server):
    run_cell(driver, server, CURVES)
    part_of(driver, ".camlib-player", ".curve")
    slider = driver.find_element(By.CSS_SELECTOR, ".camlib-player input")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        driver.execute_async_script(DARK.replace("JupyterLab Dark", theme))
        slider.send_keys(Keys.END, Keys.HOME)  # drawn again
        # the page changes its colours and draws its curves one after the other
        WebDriverWait(driver, 30).until(
            lambda d: len(found := d.execute_script(CONTRAST)) == 3 <= min(found), theme
        )


def test_points_are_clicked(driver, server):
    run_cell(driver, server, CLICKS)
    part_of(driver, ".camlib-clicks", "canvas")
    boards = driver.find_elements(By.CSS_SELECTOR, ".camlib-clicks canvas")
    assert len(boards) == 2
    label = driver.find_element(By.CSS_SELECTOR, ".widget-label")
    count = driver.find_element(By.CSS_SELECTOR, ".camlib-clicks .bar span")

    def until(said, done):
        WebDriverWait(driver, 30).until(lambda _: label.text == said)
        assert count.text == f"{done} of 2"

    # the first shows 6 pixels for each of its own, and its middle is (19.5, 14.5)
    ActionChains(driver).move_to_element_with_offset(boards[0], 63, -27).click().perform()
    until("[[30.0, 10.0], [nan, nan]]", 1)
    hand = ActionChains(driver).move_to_element_with_offset(boards[0], -57, -27).click_and_hold()
    hand.move_by_offset(0, 60).release().perform()
    until("[[10.0, 20.0], [nan, nan]]", 1)
    boards[1].send_keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ENTER)
    until("[[10.0, 20.0], [48.0, 44.0]]", 2)  # 16 up and 8 to the right of (39.5, 59.5)
    boards[0].send_keys(Keys.DELETE)
    until("[[nan, nan], [48.0, 44.0]]", 1)
    driver.find_element(By.CSS_SELECTOR, ".camlib-clicks button").click()
    until("[[nan, nan], [nan, nan]]", 0)


def shown(driver):
    """The widget's picture, once it is there."""
    pictures = (By.CSS_SELECTOR, "img.widget-image")
    return WebDriverWait(driver, 90).until(
        lambda d: next((p for p in d.find_elements(*pictures) if p.is_displayed()), None)
    )


def move(driver, picture, before, title):
    """Press the right arrow on the slider and wait for another picture."""
    handle = driver.find_element(By.CSS_SELECTOR, "[role=slider]")
    assert handle.get_attribute("tabindex") == "0"
    handle.send_keys(Keys.ARROW_RIGHT)
    WebDriverWait(driver, 30).until(lambda _: picture.get_attribute("src") != before)
    WebDriverWait(driver, 30).until(lambda _: title in picture.get_attribute("title"))


@pytest.mark.skipif(not lesson.lessons(), reason="no lesson yet")
def test_lesson_00_runs_in_jupyterlab(driver, server):
    path = lesson.lessons()[0]
    shutil.copy(path, server[1])
    ran = run_in_jupyterlab(driver, server, path.name)
    code = [cell for cell in ran["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [out for cell in code for out in cell["outputs"] if out["output_type"] == "error"]
    folded = driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook details")
    assert len(folded) >= 2 * len(lesson.exercises(lesson.read(path)))
    assert not driver.find_elements(By.CSS_SELECTOR, ".jp-Notebook details[open]")
