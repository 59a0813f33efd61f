"""Decks: each page has its heading, the first its picture; the right arrow reaches all, paper holds all."""

import base64
import io
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from tools import lesson, pages, slides
from tools.new_lesson import new_lesson
from tools.slides import Part, laid_out

NAME = "02_activations"
needs_browser = pytest.mark.skipif(bool(pages.missing()), reason=pages.missing() or "a browser is here")


def picture(alt="Sixteen grey squares, which say nothing.", size=(800, 400), **of):
    file = io.BytesIO()
    Image.new("L", (size[0] * 3 // 2, size[1] * 3 // 2), 90).save(file, "PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": alt}
    of = {"alt": alt, "width": size[0], "height": size[1], **of}
    return nbformat.v4.new_output("display_data", data, metadata={"image/png": of})


def cell_with(nb, words):
    return next(cell for cell in nb.cells if words in cell.source)


@pytest.fixture
def nb():
    """A lesson as if it had been written and run."""
    nb = new_lesson(NAME)
    for cell in nb.cells:
        cell.source = cell.source.replace("TODO", "Words")
        if "cover" in lesson.tags(cell):
            cell.outputs = [picture("The best picture of them all.")]
        elif cell.cell_type == "code" and lesson.slide_type(cell) == "-":
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="3 of 4")]
    return nb


@pytest.fixture
def soup(nb, tmp_path):
    return read(slides.build(nb, tmp_path, NAME))


def read(page):
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


def page_with(soup, words):
    return next(page for page in soup.select(".page") if words in page.get_text())


def test_the_first_page_carries_the_cover(soup):
    first = soup.select(".page")[0]
    assert first.select_one("h1").get_text() == "02 · Activations"
    assert [img["alt"] for img in first.select("img")] == ["The best picture of them all."]
    assert len(soup.select("img")) == 2  # and it stays where it is


def test_a_page_without_a_heading_goes_on_under_the_last_one(nb, tmp_path):
    cell_with(nb, "### Words: a third picture").source = "Words without a heading."
    cell_with(nb, "### Words: how to notice").source = "Words first.\n\n### Then a heading"
    soup = read(slides.build(nb, tmp_path, NAME))
    assert all(page.select_one("h1, h2, h3") for page in soup.select(".page"))
    continued = [heading.get_text() for heading in soup.select("h3.continued")]
    assert continued == ["Words: a question whose answer surprises, continued", "Where it breaks, continued"]
    page = page_with(soup, "Words first.")
    assert [heading.get_text() for heading in page.select("h3")][-1] == "Then a heading"


def test_a_heading_is_continued_only_once(nb, tmp_path):
    cell_with(nb, "### Words: a question").source = "Words."
    cell_with(nb, "### Words: a third picture").source = "More words."
    soup = read(slides.build(nb, tmp_path, NAME))
    heading = "Words: a first picture, what it is about as the heading, continued"
    assert [one.get_text() for one in soup.select("h3.continued")] == [heading] * 2


def test_the_exercises_page_names_them(soup):
    rows = [row.get_text() for row in page_with(soup, "Fill in the").select("li")]
    assert rows == [
        "Words ★☆☆ · 5 minutes",
        "Words ★★☆ · 10 minutes",
        "Words ★★★ · 20 minutes",
        "Investigation: Words ★★☆ · 15 minutes",
    ]


def test_a_result_comes_after_its_prediction(soup):
    page = page_with(soup, "Predict first.")
    assert [part["class"] for part in page.select("div")] == [["heading"], ["text"], ["printed", "fragment"]]
    assert len(soup.select(".fragment")) == 1


def test_what_one_sees_is_the_speakers(soup):
    assert "What we see" not in "".join(page.get_text() for page in soup.select(".page"))
    assert sum("What we see." in notes.get_text() for notes in soup.select("aside.notes")) == 7


def test_a_still_says_that_the_notebooks_picture_is_live(nb, tmp_path):
    cell_with(nb, "show it break").outputs = [picture(live=True)]
    soup = read(slides.build(nb, tmp_path, NAME))
    assert [one.get_text() for one in soup.select(".live")] == [
        "In the notebook this picture answers: move it there."
    ]


HEADING = Part("heading", "<h2>A</h2>")
WORDS = Part("text", f"<p>{'Nearly a line of words. ' * 6}</p>")


@pytest.mark.parametrize(
    ("parts", "beside"),
    [
        ([WORDS, Part("picture", "", (800, 600))], True),
        ([WORDS, Part("picture fragment", "", (800, 600))], True),
        ([WORDS, Part("picture", "", (800, 200))], False),  # a wide one would only shrink there
        ([Part("picture", "", (800, 600))], False),  # nothing to stand beside
        ([WORDS, Part("picture", "", (800, 600)), Part("picture", "", (800, 300))], False),
        (
            [Part("text", f"<p>{'word ' * 200}</p>"), Part("picture", "", (800, 600))],
            False,
        ),  # they do not fit
        ([Part("code", "<pre>x = 1</pre>"), Part("picture", "", (800, 600))], False),
        ([WORDS, Part("picture", "")], False),  # of an unknown size
    ],
)
def test_a_picture_stands_where_it_is_seen_largest(parts, beside):
    page = laid_out([HEADING, *parts], "notes")
    assert page.heading == [HEADING]
    assert bool(page.beside) == beside
    assert page.notes == "notes"
    assert sorted(map(str, page.beside + page.parts)) == sorted(map(str, parts))


@pytest.fixture(scope="module")
def driver():
    with pages.browser() as driver:
        yield driver


@needs_browser
@pytest.mark.slow
def test_the_right_arrow_reaches_every_page_and_paper_holds_them_all(driver, nb, tmp_path):
    deck = slides.build(nb, tmp_path, NAME)
    reached = pages.turn(driver, deck)
    assert reached == [tuple(place) for place in driver.execute_script(pages.PLACES)]
    assert len(reached) == len(lesson.slides(nb)) == 16
    printed = pages.pdf(driver, deck)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 16
    assert set(re.findall(rb"/MediaBox \[([^]]*)\]", printed)) == {
        b"0 0 960 540"
    }  # points: 1280 by 720 pixels


@needs_browser
@pytest.mark.slow
def test_a_picture_that_nobody_can_read_is_found(driver, nb, tmp_path):
    text = "\n\n".join(["Words that leave no room."] * 6)
    cell_with(nb, "## Words: a first picture").source = "## A picture\n\n" + text
    cell_with(nb, "the lesson's best picture").outputs = [picture(), picture(size=(800, 800))]
    found = pages.look(driver, slides.build(nb, tmp_path, NAME))
    assert [
        number for number, faults in found.items() if any("nobody reads it" in one for one in faults)
    ] == [6]
