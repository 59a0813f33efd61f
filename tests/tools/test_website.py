"""The site: lessons to read, a reference, search, alt texts, and no link that leads nowhere."""

import functools
import http.server
import importlib.util
import threading
import time
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from bs4 import BeautifulSoup
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.tools import axe, woken
from tools import alive, lesson, outside_links, pages, truth_tables, website

# Sphinx and myst tell each other what will go; nothing of ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
NEEDED = ("sphinx", "myst_nb", "furo")
LACKING = [name for name in NEEDED if not importlib.util.find_spec(name)]
sphinx = pytest.mark.skipif(bool(LACKING), reason=f"the site needs camlib[site]: no {', '.join(LACKING)}")
browser = pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here")
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
LAPTOP = {"width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The whole site, built once; a warning of Sphinx's, or a broken link, fails here."""
    there = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as monkeypatch:
        woken.patched(monkeypatch)
        website.build(there / "site", there / "source")
    return there / "site"


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def driver():
    with pages.browser(1366, 768) as driver:
        driver.set_script_timeout(60)
        yield driver


def test_each_lesson_has_its_question_and_its_cover():
    assert list(website.asked()) == [path.stem for path in lesson.lessons()]
    assert all(question.endswith("?") for question in website.asked().values())


def test_links_lead_to_the_sites_pages_or_to_the_repository():
    text = (
        "[a](../notebooks/07_cam.ipynb) [b](assessment.md) [c](marking_key.md) [d](https://x.org) [e](#here)"
    )
    home = lesson.repository()
    assert website.linked(text, "docs/teaching.md", "library/map.md") == (
        f"[a](../lessons/07_cam.ipynb) [b](../assessment.md) [c]({home}/blob/main/docs/marking_key.md) "
        "[d](https://x.org) [e](#here)"
    )


def test_a_broken_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        "<h1 id='x'>A</h1><a href='b.html#y'>1</a><a href='#x'>2</a><img src='no.png'>"
    )
    (tmp_path / "b.html").write_text("<a href='a.html#x'>3</a><a href='https://x.org'>4</a>")
    assert website.broken_links(tmp_path) == ["a.html: b.html#y", "a.html: no.png"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["One.", "", "    a = b", "", "Then."],
         ["One.", "", "", "::", "", "    a = b", "", "Then.", "", ""]),
        (["a: (N, *), 2 `x`s.  b: c_", "Raises ValueError."],
         ["* **a**: (N, \\*), 2 ``x``\\ s.", "* **b**: c\\_", "", "Raises ValueError.", "", ""]),
    ],
)  # fmt: skip
def test_docstrings_become_lists(lines, told):
    pytest.importorskip("sphinx", reason="the site needs camlib[site]: no sphinx")
    pytest.importorskip("myst_nb", reason="the site needs camlib[site]: no myst_nb")
    from tools import sphinx_parts

    app: Any = None  # not looked at
    sphinx_parts.plain(app, "function", "f", None, None, lines)
    assert lines == told


@sphinx
def test_every_figure_keeps_its_alt_text(site):
    for path in lesson.lessons():
        wanted = [
            lesson.alt(out, kind).replace("\n", " ")  # a caption's line ends are spaces on the site
            for cell in lesson.read(path).cells
            for out in lesson.pictures(cell)
            for kind in lesson.PICTURES
            if kind in out.data
        ]
        soup = BeautifulSoup((site / "lessons" / f"{path.stem}.html").read_text("utf-8"), "html.parser")
        there = [img.get("alt", "") for img in soup.select(".cell_output img")]
        assert there == wanted
        assert all(there)


@sphinx
def test_a_lesson_shows_its_texts_and_folds_what_should_be(site):
    nb = lesson.read(lesson.find(["07"])[0])
    soup = BeautifulSoup((site / "lessons" / "07_cam.html").read_text("utf-8"), "html.parser")
    text = soup.select("article")[0].get_text()
    seen = sum("**What we see.**" in cell.source for cell in nb.cells)
    assert text.count("What we see.") >= seen > 5
    summaries = [one.get_text(strip=True) for one in soup.select("details > summary")]
    count = len(lesson.exercises(nb))
    assert [sum(one.startswith(word) for one in summaries) for word in ("Hint", "Solution")] == [count, count]
    assert len(soup.select(".cell.tag_hide-input")) == 1
    assert [one for one in summaries if one.startswith("The setup")]
    assert soup.select("math[display=block]")
    assert "$" not in text.replace("$ ", "")


@sphinx
def test_the_reference_names_everything_public(site):
    import camlib

    text = "".join(path.read_text("utf-8") for path in (site / "library").glob("*.html"))
    lacking = [
        name
        for name in camlib.__all__
        if callable(getattr(camlib, name)) and f'id="camlib.{name}"' not in text
    ]
    assert lacking == []


@sphinx
def test_outside_links_are_asked(tmp_path):
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response({"/there": 200, "/people-only": 403}.get(self.path, 404))
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    source = tmp_path / "source"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["myst_nb"]\n')
    links = " ".join(f"[{name}]({home}/{name})" for name in ("there", "gone", "people-only"))
    (source / "index.md").write_text(f"# Page\n\n{links}\n")
    try:
        (one,) = outside_links.broken(source, tmp_path / "out")
    finally:
        server.shutdown()
        server.server_close()
    assert one.startswith(f"index.md: {home}/gone (404 ")
    (source / "index.md").write_text("# Page\n")
    with pytest.raises(RuntimeError, match="no link was asked"):
        outside_links.broken(source, tmp_path / "nothing")


def test_a_cell_of_the_tables_is_the_mean_of_the_trainings(tmp_path):
    (tmp_path / "a.csv").write_text("net,seed,test,score\nx,0,one,0.5\nx,1,one,0.7\ny,0,two,-1\nz,0,one,9\n")
    one = truth_tables.Table("T", "Words.", "a", "net", "test", "score", {"net": {"x", "y"}}, "12")
    *_, first, rule, x, y = truth_tables.page((one,), tmp_path).splitlines()
    assert (first, rule) == ("| net | one | two |", "|---|---|---|")
    assert x == "| x | 0.60<br><small>0.50 to 0.70</small> |  |"
    assert y == "| y |  | −1.00 |"
    with pytest.raises(ValueError, match=r"a\.csv has no row for 'T'"):
        truth_tables.page((one._replace(where={"net": {"w"}}),), tmp_path)


def test_a_workflow_asks_them_every_week():
    workflow = yaml.safe_load((lesson.ROOT / ".github/workflows/links.yml").read_text("utf-8"))
    (when,) = workflow[True]["schedule"]  # YAML reads "on" as yes
    assert when["cron"].split()[2:] == ["*", "*", "1"]
    assert "make links" in [step.get("run") for step in workflow["jobs"]["links"]["steps"]]
    assert "\nlinks: env" in (lesson.ROOT / "Makefile").read_text("utf-8")


@sphinx
@browser
def test_search_finds_a_word(driver, address):
    driver.get(f"{address}/search.html?q=receptive")
    end = time.monotonic() + 30
    while not (found := driver.find_elements(By.CSS_SELECTOR, "ul.search li a")) and time.monotonic() < end:
        time.sleep(0.2)
    assert any("lessons/" in one.get_attribute("href") for one in found)


@sphinx
@browser
@pytest.mark.parametrize(
    "page", ["index.html", "lessons/07_cam.html", "library/heatmaps.html", "glossary.html", "truth.html"]
)
def test_a_phone_shows_a_page_without_sideways_scrolling(driver, address, page):
    try:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        driver.get(f"{address}/{page}")
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", LAPTOP)
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [name for name in loaded if not name.startswith((address, "data:"))] == []


@sphinx
@browser
def test_the_front_page_leads_to_the_live_page(driver, address):
    driver.get(address)
    driver.find_element(By.CSS_SELECTOR, "a.live-door").click()
    end = time.monotonic() + 30
    while (
        not driver.execute_script("return 'ready' in document.documentElement.dataset")
        and time.monotonic() < end
    ):
        time.sleep(0.1)
    assert driver.execute_script("return state.net.name") == "critternet_gap"
    links = driver.execute_script("return [...document.querySelectorAll('a')].map(one => one.href)")
    assert {link.rsplit("/", 1)[1] for link in links} >= {
        "index.html",
        "06_occlusion.html",
        "01_filters.html",
    }
    assert all(link.startswith(address) for link in links)


@axe.installed
@sphinx
@browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "page",
    [
        *("index.html", "lessons/06_occlusion.html", "library/heatmaps.html", "truth.html"),
        *("search.html?q=map", "slides/index.html"),
    ],
)
def test_axe_finds_no_fault_with_a_page(driver, address, page, theme):
    driver.get(f"{address}/{page}")
    driver.execute_script("document.body.dataset.theme = arguments[0]", theme)
    time.sleep(0.3)
    assert axe.violations(driver) == []


@sphinx
@browser
def test_a_lessons_widget_answers_in_the_page(driver, address):
    driver.get(f"{address}/lessons/06_occlusion.html")
    box = woken.wake(driver, "06_occlusion")
    rows = box.find_elements(By.CSS_SELECTOR, ".row")
    before = [row.text for row in rows]
    assert len(before) == 9
    box.find_element(By.CSS_SELECTOR, "canvas").send_keys(*[Keys.ARROW_LEFT] * 8)
    assert [row.text for row in box.find_elements(By.CSS_SELECTOR, ".row")] != before


@sphinx
@browser
@pytest.mark.parametrize("name", alive.MADE)
def test_a_woken_widget_stands_in_its_stills_place(driver, address, name):
    try:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        driver.get(f"{address}/lessons/{name}.html")
        woken.wake(driver, name)
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390
    finally:
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", LAPTOP)
    stills = driver.find_elements(By.CSS_SELECTOR, ".cell:has(+ .alive) .cell_output")
    assert [one.is_displayed() for one in stills] == [False]
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
    assert [one for one in loaded if not one.startswith((address, "data:", "blob:"))] == []


@axe.installed
@sphinx
@browser
@pytest.mark.parametrize("name", alive.MADE)
def test_axe_finds_no_fault_with_a_woken_widget(driver, address, name):
    driver.get(f"{address}/lessons/{name}.html")
    woken.wake(driver, name)
    for theme in ("light", "dark"):
        driver.execute_script("document.body.dataset.theme = arguments[0]", theme)
        time.sleep(0.3)
        assert axe.violations(driver) == []
