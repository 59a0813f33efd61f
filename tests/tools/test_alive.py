"""Widgets without a kernel: they answer in their decks, from the disk, with camlib's numbers."""

import time
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from torch.nn.functional import adaptive_avg_pool2d
from torchvision.transforms.v2.functional import to_image, to_pil_image

import camlib
from camlib import critters, load, record, silence, walk
from camlib.scores import part_truth
from tests.tools import firefox, woken
from tools import alive, lesson, pages, slides
from tools import alive_widgets as widgets

browser = pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here")

# What the square shows: each class, its answer, and the lengths of its two bars.
ROWS = """
const share = bar => parseFloat(bar.style.width) / 100;
return [...document.querySelectorAll(".camlib-square .row")].map(row => {
  const part = name => row.querySelector(name);
  return [part(".name").textContent, share(part(".was")), share(part(".now"))];
});
"""
# What the explorer shows: each class, and the lengths of its two bars.
BARS = """
return [...document.querySelectorAll(".camlib-units .row")].map(row =>
  {
  const bars = [...row.querySelectorAll("i")].map(bar => parseFloat(bar.style.width) / 100);
  return [row.querySelector(".name").textContent, ...bars];
});
"""
# A canvas's pixels.
PIXELS = """
const [canvas] = arguments, { width, height } = canvas;
return [height, width, [...canvas.getContext("2d").getImageData(0, 0, width, height).data]];
"""


def source(number):
    """A lesson's code, cell by cell."""
    nb = lesson.read(lesson.find([number])[0])
    return [cell.source for cell in nb.cells if cell.cell_type == "code"]


def with_line(cells, line):
    """The first cell that has this line, or a line that begins so."""
    return next(cell for cell in cells if any(one.startswith(line) for one in cell.split("\n")))


# ---- they are the lessons'


def test_each_has_its_place_on_the_site_and_its_deck():
    for name, made in alive.MADE.items():
        nb = lesson.read(lesson.find([name[:2]])[0])
        (cell,) = [cell for cell in nb.cells if alive.here(name, cell)]
        assert f"{made.calls}(" in cell.source
        assert not any(alive.here("07_cam", one) for one in nb.cells)


def test_the_square_is_the_lessons():
    nb = lesson.read(lesson.find(["06"])[0])
    cell = next(cell for cell in nb.cells if "SquareExplorer(net" in cell.source)
    assert any('load("critternet_gap", seed=k)' in one.source for one in nb.cells)
    assert any("critters(60, seed=606)" in one.source for one in nb.cells)
    there: dict[str, Any] = {
        "net": load("critternet_gap"),
        "crowd": critters(60, seed=606),
        "SquareExplorer": camlib.SquareExplorer,
    }
    exec("\n".join(cell.source.split("\n")[:3]), there)
    theirs, ours = there["square"], widgets.square()
    assert ours.rows == theirs.rows
    for name in ("_pictures", "picture", "x", "y", "side"):
        assert getattr(ours, name) == getattr(theirs, name)
    ours.picture = ours._pictures[4]
    name, before, _ = max(ours.rows, key=itemgetter(1))
    other, _, after = max(ours.rows, key=itemgetter(2))
    assert f"{name} {before:.0%}, {other} {after:.0%}" in lesson.alt(cell.outputs[0], "image/png")


def test_the_explorer_is_the_lessons():
    cells, ours = source("02"), woken.SMALL["02_activations"]()
    assert with_line(cells, 'net, crowd = load("critternet"), critters(200, seed=2026)')
    there: dict[str, Any] = {**vars(camlib), "net": load("critternet"), "crowd": ours.dataset, "two": [12]}
    assert torch.equal(ours.dataset.images, critters(24, seed=2026).images)
    exec(with_line(cells, "convs =").split("\n")[0], there)
    exec(with_line(cells, "UnitExplorer(").replace("UnitExplorer(net", "theirs = UnitExplorer(net"), there)
    assert widgets.told_units(there["theirs"]) == widgets.told_units(ours)
    nb = lesson.read(lesson.find(["02"])[0])
    cell = next(cell for cell in nb.cells if alive.here("02_activations", cell))
    assert lesson.alt(cell.outputs[0], "image/jpeg").startswith("conv5, unit 12: without it tansy goes from")


def test_the_map_is_the_lessons():
    cells, ours = source("05"), woken.SMALL["05_pca_and_tsne"]()
    there: dict[str, Any] = {**vars(camlib), "torch": torch, "maps": {}}
    exec(
        with_line(cells, "net, crowd = load").replace("critters(1000, seed=4)", "critters(80, seed=4)"), there
    )
    exec(with_line(cells, 'maps["fc7", "t-SNE"] = island = embed(fc7)').split("\n")[-1], there)
    exec(with_line(cells, "cells = {how: grid(").split("\n")[0].replace("(25, 40)", "(2, 40)"), there)
    exec(with_line(cells, 'laid = cells["optimal"]').split("\n")[0], there)
    exec(with_line(cells, "kinds ="), there)
    exec(with_line(cells, "light, size =").split("\n")[0], there)
    exec(with_line(cells, "facts ="), there)
    exec(with_line(cells, "walk = PointMap").split("\n")[0], there)
    theirs = there["walk"]
    assert widgets.synced(theirs) == widgets.synced(ours)
    assert widgets.synced(ours).keys() == set(woken.PAGE)


def test_the_clip_is_the_lessons():
    cells, ours = source("10"), woken.SMALL["10_filters_to_labels"]()
    there: dict[str, Any] = {**vars(camlib), "part_truth": part_truth, "clips": {2: walk(seed=2)}}
    exec(with_line(cells, 'net = load("critternet_gmp")').split("\n")[1], there)
    exec("plenty = critters(500, seed=1010)".replace("500", "24"), there)
    assert with_line(cells, "plenty = critters(500, seed=1010)")
    exec(with_line(cells, 'unit = "conv4"').split("\n")[0], there)
    exec(with_line(cells, "said = locate(net, unit, plenty)").split("\n")[2], there)
    lines = with_line(cells, "seen, fresh = (feature_maps(net").split("\n")
    assert lines[0].endswith('(feature_maps(net, ["conv3"], scenes) for scenes in (plenty, crowd))')
    assert "[track(seen, points, steps=80, seed=seed) for seed in range(3)]" in lines[3]
    exec('seen = feature_maps(net, ["conv3"], plenty)', there)
    exec('paths = {"student": track(seen, said.points, steps=80, seed=0).locate}', there)
    exec(with_line(cells, "Player(clip.images").replace("\nPlayer(", "\ntheirs = Player("), there)
    assert widgets.synced(there["theirs"]) == widgets.synced(ours)


def test_what_is_packed_and_what_is_told():
    told = alive.packed({"a": b"\x01\x02", "b": {"c": b""}, "d": [1, "x"]})
    assert told["d"] == [1, "x"]
    assert set(told["a"]) == set(told["b"]["c"]) == {"packed"}
    ours = woken.SMALL["05_pca_and_tsne"]()
    small = widgets.told_pointmap(ours)
    assert small["_side"] == 80
    assert len(small["_sheet"]) < 0.6 * len(ours._sheet)
    assert small["_points"] == ours._points


# ---- they answer


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    out = tmp_path_factory.mktemp("decks")
    with pytest.MonkeyPatch.context() as monkeypatch:
        woken.patched(monkeypatch)
        for name in alive.MADE:
            slides.build(lesson.read(lesson.find([name[:2]])[0]), out, name)
        alive.build(out / alive.FOLDER, alive.MADE)
    return out


@pytest.fixture(scope="module")
def chromium():
    with pages.browser(1280, 720) as driver:
        driver.set_script_timeout(60)
        yield driver


def shown(driver, decks, name):
    """Open a deck at the page with the widget, and wake it; its still goes, and nothing runs off the page."""
    driver.get((decks / f"{name}.html").as_uri())
    script = "const s = document.querySelector('.alive').closest('section'), at = Reveal.getIndices(s);"
    driver.execute_script(script + "Reveal.slide(at.h, at.v, 99)")
    box = woken.wake(driver, name)
    pictures = driver.find_elements(By.CSS_SELECTOR, "section.present .page:has(.alive) .picture")
    assert [one.is_displayed() for one in pictures] == [False]
    time.sleep(0.3)
    faults = driver.execute_script(pages.FAULTS)
    assert [fault for fault in faults if fault.startswith("runs")] == []
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert all(one.startswith(("file:", "blob:", "data:")) for one in loaded)
    return box


def stays(driver):
    """Whether the deck is still where the widget is."""
    return driver.execute_script("return Reveal.getCurrentSlide().contains(document.querySelector('.awake'))")


def until(true):
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    assert true()


def pixels(driver, canvas):
    """What a canvas shows, float (3, H, W)."""
    high, wide, data = driver.execute_script(PIXELS, canvas)
    return torch.tensor(np.array(data, np.float32).reshape(high, wide, 4)[..., :3]).permute(2, 0, 1) / 255


def right(driver, widget):
    """Whether the page's answers are the square's own, by a kernel."""
    there = driver.execute_script(ROWS)
    assert [row[0] for row in there] == [row[0] for row in widget.rows]
    return torch.allclose(
        torch.tensor([row[1:] for row in there]), torch.tensor([row[1:] for row in widget.rows]), atol=1e-3
    )


@browser
def test_the_squares_answers_are_camlibs(chromium, decks):
    box, widget = shown(chromium, decks, "06_occlusion"), widgets.square()
    assert right(chromium, widget)
    canvas = box.find_element(By.CSS_SELECTOR, "canvas")
    canvas.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    widget.x, widget.y = widget.x + 4, widget.y + 4
    until(lambda: right(chromium, widget))
    picture, fill = (Select(one) for one in box.find_elements(By.CSS_SELECTOR, "select"))
    for name in ("white", "mean"):
        fill.select_by_visible_text(name)
        widget.fill = name
        until(lambda: right(chromium, widget))
    picture.select_by_visible_text(widget._pictures[3])
    widget.picture = widget._pictures[3]
    until(lambda: right(chromium, widget))
    before = chromium.execute_script(ROWS)
    ActionChains(chromium).move_to_element(canvas).click_and_hold().move_by_offset(40, 30).release().perform()
    until(lambda: chromium.execute_script(ROWS) != before)
    assert stays(chromium)


@browser
def test_the_explorers_answers_maps_and_patches_are_camlibs(chromium, decks):
    box, widget = shown(chromium, decks, "02_activations"), woken.SMALL["02_activations"]()
    picture, layer = (Select(one) for one in box.find_elements(By.CSS_SELECTOR, "select"))
    said, slider = box.find_element(By.CSS_SELECTOR, ".said"), box.find_element(By.CSS_SELECTOR, "input")
    move = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
    asked = list(widget.pictures)
    for name, of, unit in [(asked[0], "conv5", 12), (asked[7], "conv1", 3), (asked[2], "conv3", 40)]:
        picture.select_by_visible_text(name)
        layer.select_by_visible_text(of)
        chromium.execute_script(move, slider, unit)
        figure = widget._page(name, of, unit)
        until(lambda of=of, unit=unit: said.text.startswith(f"{of}, unit {unit}: "))
        canvas = box.find_element(By.CSS_SELECTOR, ".map")
        until(lambda name=name, canvas=canvas: name in canvas.get_attribute("aria-label"))
        assert figure.alt.startswith(said.text + ". A heatmap over a picture, ")
        heat, answer = canvas.get_attribute("aria-label").split(". The answer: ")
        assert heat.split(", ")[-1] in figure.alt
        assert answer.rstrip(".") in figure.alt
        net, image = widget.net, widget.pictures[name][None]
        with torch.inference_mode():
            was = net(image).softmax(1)[0]
            with silence(net, of, unit):
                now = net(image).softmax(1)[0]
            with record(net, of) as acts:
                net(image)
        for word, *bars in chromium.execute_script(BARS):
            c = net.classes.index(word)
            assert bars == pytest.approx([was[c].item(), now[c].item()], abs=1e-3)
        bright = pixels(chromium, canvas).sum(0)
        if acts[of][0, unit].max() > 0:  # the hottest place is where the map is highest
            laid = camlib.upsample(acts[of][0, unit], widget.best[of].field)
            assert laid.flatten()[bright.argmax()] > 0.9 * laid.max()
        crops = widget.best[of].pick(unit).crops(widget.dataset)[0]
        patches = box.find_elements(By.CSS_SELECTOR, ".patches canvas")
        assert len(patches) == len(crops) == 6
        for patch, crop in zip(patches, crops, strict=True):
            theirs, ours = (adaptive_avg_pool2d(one, 4) for one in (pixels(chromium, patch), crop))
            assert (theirs - ours).abs().mean() < 0.04  # the page's scenes are lossy
    slider.send_keys(Keys.ARROW_RIGHT)
    until(lambda: said.text.startswith("conv3, unit 41: "))
    picture.select_by_visible_text(asked[1])
    box.find_element(By.CSS_SELECTOR, "select").send_keys(Keys.ARROW_DOWN)
    assert stays(chromium)


@browser
def test_the_explorer_takes_a_picture_of_ones_own(chromium, decks, tmp_path):
    box, widget = shown(chromium, decks, "02_activations"), woken.SMALL["02_activations"]()
    own, words = tmp_path / "own.png", tmp_path / "words.txt"
    image = to_pil_image(next(iter(widget.pictures.values())).flip(-1))
    wide = Image.new("RGB", (168, 128))  # its middle square is looked at
    wide.paste(image, (20, 0))
    wide.save(own)
    words.write_text("no picture")
    file, said = (box.find_element(By.CSS_SELECTOR, name) for name in (".own input", ".said"))
    file.send_keys(str(own))
    canvas = box.find_element(By.CSS_SELECTOR, ".map")
    until(lambda: "own.png" in canvas.get_attribute("aria-label"))
    with torch.inference_mode():
        was = widget.net(to_image(image)[None] / 255).softmax(1)[0]
    for word, bar, _ in chromium.execute_script(BARS):
        assert bar == pytest.approx(was[widget.net.classes.index(word)].item(), abs=1e-3)
    file.send_keys(str(words))
    until(lambda: said.text == "words.txt is no picture that the browser can read.")


@browser
@pytest.mark.parametrize("size", [(1280, 720), (900, 620)])
def test_the_map_shows_pictures_and_what_is_nearest(chromium, decks, size):
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    box, widget = shown(chromium, decks, "05_pca_and_tsne"), woken.SMALL["05_pca_and_tsne"]()
    plane = box.find_element(By.CSS_SELECTOR, ".over")
    cells = np.frombuffer(widget._cells, "<f4").reshape(80, 2) * [1, -1]
    nearest = np.frombuffer(widget._nearest, "<i4").reshape(80, 12).tolist()
    wide, high, scale = chromium.execute_script(
        "const [o] = arguments, w = o.clientWidth, scale = o.getBoundingClientRect().width / w;"
        "return [w, o.clientHeight, scale]",
        plane,
    )
    cell, images = min((wide - 36) / 40, (high - 36) / 2), critters(80, seed=4).images

    def hand(number):  # at the middle of a picture's cell, from the middle of the plane
        x, y = (cells[number] - [19.5, 0.5]) * cell * scale
        return ActionChains(chromium).move_to_element_with_offset(plane, round(x), round(y))

    def told(part):
        return box.find_element(By.CSS_SELECTOR, part).text

    for number in (0, 17, 79):
        hand(number).perform()
        until(lambda number=number: told(".card p") == f"picture {number}")
        facts = dict(zip(told("dl").split("\n")[::2], told("dl").split("\n")[1::2], strict=True))
        of = {fact["name"]: fact for fact in widget._facts}
        assert facts["class"] == of["class"]["names"][of["class"]["values"][number]]
        assert float(facts["light"]) == pytest.approx(of["light"]["values"][number], rel=0.01)
        shown_there = adaptive_avg_pool2d(
            pixels(chromium, box.find_element(By.CSS_SELECTOR, ".card canvas")), 3
        )
        theirs = adaptive_avg_pool2d(images[number], 3)
        assert (shown_there - theirs).abs().max() < 0.08
    hand(17).click().perform()
    until(lambda: told(".state") == "picture 17, then its 12 nearest by their codes")
    tray = [
        int(one.get_attribute("data-number")) for one in box.find_elements(By.CSS_SELECTOR, ".tray button")
    ]
    assert tray == [17, *nearest[17]]
    assert [one for one in chromium.execute_script(pages.FAULTS) if one.startswith("runs")] == []
    plane.send_keys(Keys.ARROW_RIGHT)
    until(lambda: told(".card p") != "picture 17")
    number = int(told(".card p").split()[1])
    plane.send_keys(Keys.ENTER)
    until(lambda: told(".state").startswith(f"picture {number}, "))
    assert stays(chromium)


@browser
def test_the_clip_plays_and_steps(chromium, decks):
    box, widget = shown(chromium, decks, "10_filters_to_labels"), woken.SMALL["10_filters_to_labels"]()
    film, play = (box.find_element(By.CSS_SELECTOR, part) for part in (".film", ".bar button"))

    def at(number):
        errors = [
            f"{one['name']} " + ("–" if one["errors"][number] is None else f"{one['errors'][number]:.1f}")
            for one in widget._tracks
        ]
        return f"frame {number} of 72: " + ", ".join(f"{one} pixels off" for one in errors)

    assert film.get_attribute("aria-label") == at(0)
    play.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    until(lambda: film.get_attribute("aria-label") == at(2))
    assert stays(chromium)
    there, frame = pixels(chromium, film), walk(seed=2).images[2]
    small = (adaptive_avg_pool2d(one, 16) for one in (there, frame))
    assert next(small).sub(next(small)).abs().median() < 0.03
    Select(box.find_element(By.CSS_SELECTOR, "select")).select_by_visible_text("fast")
    play.send_keys(Keys.END)
    until(lambda: film.get_attribute("aria-label") == at(71))
    play.click()  # from the end it begins again
    until(lambda: play.text == "❚❚ stop")
    until(lambda: film.get_attribute("aria-label") not in (at(71), at(0)))
    play.click()
    assert play.text == "▶ play"


@firefox.needed
def test_they_answer_in_firefox(decks, tmp_path):
    with firefox.browser(tmp_path) as driver:
        shown(driver, decks, "06_occlusion")
        assert right(driver, widgets.square())

        box, explorer = shown(driver, decks, "02_activations"), woken.SMALL["02_activations"]()
        first = next(iter(explorer.pictures))
        until(lambda: box.find_element(By.CSS_SELECTOR, ".said").text)
        said = box.find_element(By.CSS_SELECTOR, ".said").text
        assert explorer._page(first, "conv5", 12).alt.startswith(f"{said}. A heatmap over a picture, ")

        box = shown(driver, decks, "05_pca_and_tsne")
        box.find_element(By.CSS_SELECTOR, ".over").send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
        card = box.find_element(By.CSS_SELECTOR, ".card p").text
        assert box.find_element(By.CSS_SELECTOR, ".state").text.startswith(f"{card}, then its 12 nearest")
        assert stays(driver)

        box = shown(driver, decks, "10_filters_to_labels")
        box.find_element(By.CSS_SELECTOR, ".bar button").send_keys(Keys.END)
        until(
            lambda: "frame 71 of 72" in box.find_element(By.CSS_SELECTOR, ".film").get_attribute("aria-label")
        )
