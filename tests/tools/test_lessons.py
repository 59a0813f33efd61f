"""Every lesson has its anatomy and its solutions pass their checks; and each rule catches what it is for.

That the untouched stubs fail their checks is kept by nbval: their verdicts, ✗ and why, are committed outputs
that it compares (`nbval-check-output`), and the anatomy demands the tag and the ✗.
"""

import base64
import io
import re

import jupytext
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient.exceptions import CellExecutionError
from PIL import Image

from tools import anatomy, execute, handouts, lesson, rehearse, slides
from tools.new_lesson import new_lesson

LESSONS = [pytest.param(path, id=path.stem) for path in lesson.lessons()]
NAME = "12_activations"


@pytest.mark.parametrize("path", LESSONS)
def test_every_lesson_is_whole(path):
    assert anatomy.problems(lesson.read(path), path.stem, path.stat().st_size) == []


@pytest.mark.parametrize("path", LESSONS)
def test_every_solution_passes_its_check(path):
    verdicts = run_solutions(lesson.read(path))
    assert verdicts
    assert {title: verdict for title, verdict in verdicts.items() if not verdict.startswith("✓")} == {}


@pytest.mark.parametrize("path", LESSONS)
def test_every_deck_stands_alone(path, tmp_path):
    nb = lesson.read(path)
    check_deck(slides.build(nb, tmp_path, path.stem), nb)


def run_solutions(nb):
    """Each exercise's verdict, its solution put in its stub's place, in one fresh kernel."""
    nb = execute.run(rehearse.rehearsal(nb))
    return {e.title: said(nb.cells[e.check]) for e in lesson.exercises(nb)}


def said(cell):
    shown = [out.get("data", {}) for out in cell.outputs]
    return "".join(data.get("text/plain", "") for data in shown if anatomy.WIDGET_VIEW not in data)  # no bars


def check_deck(page, nb):
    """All that a deck loads lies in its folder; it has a page for each slide, and solves no exercise."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    for tag, key in [
        ("script", "src"),
        ("link", "href"),
        ("img", "src"),
        ("iframe", "src"),
        ("source", "src"),
    ]:
        for link in (str(element[key]) for element in soup.find_all(tag) if element.get(key)):
            assert link.startswith("data:") or (page.parent / link).is_file(), link
    for style in (page.parent / "reveal").glob("*.css"):
        assert not re.search(r"url\((?![\"']?data:)|@import", style.read_text("utf-8")), style
    pages = [s for s in soup.select(".slides section") if not s.find("section")]
    assert len(pages) == len(lesson.slides(nb))
    assert anatomy.SLIDES[0] <= len(pages) <= anatomy.SLIDES[1]
    assert all(image.get("alt") for image in soup.find_all("img"))
    assert not soup.find("summary", string=re.compile("Solution|Hint"))
    assert "$$" not in "".join(s.get_text() for s in pages)


def picture(alt="Sixteen grey squares, which say nothing."):
    file = io.BytesIO()
    Image.new("L", (40, 30)).save(file, "PNG")
    data = {"image/png": base64.b64encode(file.getvalue()).decode(), "text/plain": "a figure"}
    return nbformat.v4.new_output("display_data", data, metadata={"image/png": {"alt": alt}})


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


@pytest.fixture
def whole():
    """A made-up lesson that breaks no rule, as if it had been written and run."""
    nb = new_lesson(NAME)
    for i, cell in enumerate(c for c in nb.cells if c.cell_type == "code"):
        cell.execution_count = i + 1
        check = "exercise-check" in lesson.tags(cell)
        cell.outputs = [printed("✗ not done yet" if check else "agreement 0.97, or 97 %, of 12.5")]
    for cell in nb.cells:
        cell.source = cell.source.replace("TODO", "Words")
    first = next(i for i, c in enumerate(nb.cells) if "first picture" in c.source)
    nb.cells[first + 1].outputs = [picture()]
    return nb


def cell_with(nb, words):
    return next(cell for cell in nb.cells if words in cell.source)


def tagged(nb, tag):
    return next(cell for cell in nb.cells if tag in lesson.tags(cell))


def source(words, new):
    """Replace words in the first cell that has them."""

    def change(nb):
        cell = cell_with(nb, words)
        cell.source = cell.source.replace(words, new)

    return change


def output(*outputs, words="first picture"):
    """Give these outputs to the code cell after the one with these words."""

    def change(nb):
        at = next(i for i, c in enumerate(nb.cells) if words in c.source)
        nb.cells[at + 1].outputs = list(outputs)

    return change


def slide(words, kind):
    def change(nb):
        cell_with(nb, words).metadata.slideshow = {"slide_type": kind}

    return change


def untag(tag):
    def change(nb):
        for cell in nb.cells:
            cell.metadata.tags = [t for t in cell.metadata.get("tags", []) if t != tag]

    return change


def drop(words):
    def change(nb):
        nb.cells.remove(cell_with(nb, words))

    return change


SAYS_65 = "On Words: 65 % and .97 and 97 % and 12.50 and $0.5$ and `0.25` and v1.2.3 and 3×0.4 [x](0.99)"
WIDGET = nbformat.v4.new_output(
    "display_data", {anatomy.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "Box()"}
)
ERROR = nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[])

RULES = {
    "not the title": source("# 12 · Activations", "Activations"),
    "asks no question": source("lesson answers?", "lesson answers."),
    "fewer than three things": source("- Words: a third", "Words: a third"),
    "how long the lesson takes": source("**45 minutes**", "a while"),
    "names no prerequisites": source("before this:", "after"),
    "no cell tagged setup fetches camlib": source("git+https", "git+ssh"),
    'no heading "## Summary"': source("## Summary", "## Last words"),
    '"## Where it breaks" stands too early': lambda nb: nb.cells.insert(
        6, nb.cells.pop(next(i for i, c in enumerate(nb.cells) if c.source.startswith("## Where it")))
    ),
    "has no formula": source("$$ y_c = \\sum_k w_k^c x_k $$", "a sum"),
    "needs two code cells": drop("from_camlib = 1.0"),
    '"Where it breaks" only talks': drop("show it break"),
    "there are 2 exercises": source("### Exercise 3", "#### Exercise 3"),
    "does not say how hard": source("★☆☆ · 5 minutes", "easy"),
    "has no stub": untag("exercise-stub"),
    "has no check after the stub": untag("exercise-check"),
    "has no <details><summary>Hint": source("<summary>Hint", "<summary>Clue"),
    "has no <details><summary>Solution": source("```python\ndef answer_1", "```\ndef answer_1"),
    "the stub is already the solution": source(
        '(x):\n    """Words: what goes in, what comes out."""\n    ...', "(x):\n    return 2 * x"
    ),
    "tag its check nbval-check-output": lambda nb: tagged(nb, "exercise-check").metadata.update(
        tags=["exercise-check"]
    ),
    "does not answer ✗": lambda nb: tagged(nb, "exercise-check").update(outputs=[printed("✓ right")]),
    "leave a line empty after </summary>": source(
        "</summary>\n\nWords: the first", "</summary>\nWords: the first"
    ),
    "slide type None; choose": lambda nb: nb.cells[7].metadata.pop("slideshow"),
    "setup, stub and check cells are skipped": slide("import camlib", "slide"),
    "hints and solutions are skipped": slide("<summary>Hint", "-"),
    "folds 'Speaker notes': only": source("Words: why anybody", "<details><summary>Speaker notes</summary>"),
    "the deck has 36 slides": lambda nb: nb.cells.extend(
        nbformat.v4.new_markdown_cell("x", metadata={"slideshow": {"slide_type": "slide"}}) for _ in range(20)
    ),
    "slides have speaker notes": lambda nb: nb.update(
        cells=[c for c in nb.cells if lesson.slide_type(c) != "notes"]
    ),
    "its slide is empty": lambda nb: (
        slide("show it break", "slide")(nb),
        output(words="case where the picture misleads")(nb),
    ),
    "no id of their own": lambda nb: nb.cells[3].update(id=nb.cells[4].id),
    "is empty: delete it": source('print("Words: show it break")', " "),
    "still has a TODO": source("Words: what is scored", "TODO: what is scored"),
    "has 9 lines, over 8": source("round(by_hand, 2)", "by_hand\n\n" * 8),
    "has a line over 110": source("round(by_hand, 2)", "by_hand" + " " * 110 + "# x"),
    "were not run once each in order": lambda nb: tagged(nb, "exercise-check").update(execution_count=99),
    "prints nothing to compare": output(words="its one line, and that the two agree"),
    "no cell is tagged nbval-check-output": lambda nb: [
        c.metadata.update(tags=["show-code"])
        for c in nb.cells
        if "nbval-check-output" in lesson.tags(c) and "exercise-check" not in lesson.tags(c)
    ],
    "ends in KeyError": output(ERROR),
    "prints to stderr": output(nbformat.v4.new_output("stream", name="stderr", text="UserWarning: no")),
    "keeps a live widget": output(WIDGET),
    "names a path of one machine, '/home/ada/x.png'": output(printed("read /home/ada/x.png")),
    "names a path of one machine, 'C:": output(printed("read C:\\Users\\ada")),
    "which changes with every run": output(printed("<Axes object at 0x7f12ab34cd>")),
    "shows a picture without an alt text": output(picture(alt="Figure")),
    "has an <img> without": output(nbformat.v4.new_output("display_data", {"text/html": "<img src='x'>"})),
    "has a picture without an alt text": source("Words: a sentence above", "![](x.png) Words"),
    "says 65 %, which no cell prints": source("Words: the same lines on", SAYS_65),
    "no cell tagged links": source("mybinder.org", "example.org"),
    "keeps metadata.widgets": lambda nb: nb.metadata.update(widgets={}),
    "kernelspec.name is not python3": lambda nb: nb.metadata.kernelspec.update(name="my-env"),
    "nbformat says": lambda nb: nb.cells[2].metadata.update(tags="setup"),
}


def test_a_whole_lesson_breaks_no_rule(whole):
    assert anatomy.problems(whole, NAME) == []
    assert "the file has 2,000,000 bytes" in anatomy.problems(whole, NAME, 2_000_000)[0]


@pytest.mark.parametrize("words", RULES)
def test_each_rule_catches_its_case(whole, words):
    RULES[words](whole)
    found = anatomy.problems(whole, NAME)
    assert [problem for problem in found if words in problem], found


def test_numbers_may_be_quoted_from_papers(whole):
    source("Words: the same lines on", SAYS_65)(whole)
    assert len(anatomy.problems(whole, NAME)) == 1  # 65 %, and nothing else of that sentence
    cell_with(whole, "65 %").metadata.tags = ["quotes-paper"]
    assert anatomy.problems(whole, NAME) == []
    source("### Exercise 1: Words", "### Exercise 1: Words, 55 %")(whole)
    assert anatomy.problems(whole, NAME) == []


def test_the_reader(whole):
    first = lesson.exercises(whole)[0]
    assert (first.title, first.stars, first.minutes) == ("Exercise 1: Words", 1, 5)
    assert first.solution == "def answer_1(x):\n    return 2 * x"
    assert first.hint == "Words: the first step, not the answer."
    assert [e.stars for e in lesson.exercises(whole)] == [1, 2, 3, 2]
    assert [e.investigation for e in lesson.exercises(whole)] == [False, False, False, True]
    assert [s.title for s in lesson.sections(whole)][:2] == ["You will be able to", "The idea"]
    pages = lesson.slides(whole)
    assert len(pages) == 16
    assert sum(page.starts_column for page in pages) == 11
    solved = lesson.solved(whole)
    assert solved.cells[first.stub].source == first.solution
    assert "..." in whole.cells[first.stub].source
    fenced = nbformat.v4.new_markdown_cell("## A\n\n```\n## not one\n```\n### B")
    assert lesson.headings(fenced) == [(2, "A"), (3, "B")]
    with pytest.raises(ValueError, match="no lesson is called '97'"):
        lesson.find(["97"])


def test_a_new_lesson_only_has_to_be_written_and_run(whole):
    nb = new_lesson(NAME)
    left = [problem for problem in anatomy.problems(nb, NAME) if "TODO" not in problem]
    assert len(left) == 1
    assert "were not run" in left[0]
    with pytest.raises(ValueError, match="02_activations"):
        new_lesson("Activations")
    # The markings survive the way to a text editor and back.
    text = jupytext.writes(whole, fmt="py:percent")
    again = jupytext.reads(text, fmt="py:percent")
    for cell, was in zip(again.cells, whole.cells, strict=True):
        assert cell.source == was.source
        assert dict(cell.metadata) == dict(was.metadata)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("x = other = 3\nfor y in range(3):\n    print(y)", False),  # x is answer_2's own
        ("checks = None", True),  # a name that the exercises read, given another meaning
        ("from camlib import checks", True),
        ("def answer_1(n):\n    return n", False),  # the stub gives it a value anew
        ("%matplotlib inline\nwith open('/dev/null') as math:\n    pass", True),
    ],
)
def test_a_rehearsal_leaves_out_only_what_cannot_matter(whole, cell, kept):
    source("return 2 * x", "return 2 * x + 0 * len(dir(math))")(whole)
    at = next(i for i, one in enumerate(whole.cells) if "setup" in lesson.tags(one))
    whole.cells.insert(at + 1, nbformat.v4.new_code_cell(cell))
    short = rehearse.rehearsal(whole)
    assert (len(short.cells) == len(whole.cells)) == kept
    assert [e.title for e in lesson.exercises(short)] == [e.title for e in lesson.exercises(whole)]
    assert "return 2 * x" in "".join(one.source for one in short.cells if one.cell_type == "code")


def test_a_wrong_solution_is_caught(whole):
    source("def answer_2(x):\n    return 2 * x", "def answer_2(x):\n    return 3 * x")(whole)
    verdicts = run_solutions(whole)
    assert [verdict[0] for verdict in verdicts.values()] == ["✓", "✗", "✓", "✓"]
    assert verdicts["Exercise 2: Words"] == "✗ the double of 1 is 3, and should be 2"


def test_a_handout_keeps_the_hint_and_no_solution(whole):
    handout = handouts.handout(whole, NAME)
    text = nbformat.writes(handout)
    assert text.count("<summary>Hint</summary>") == 4
    assert "return 2 * x" not in text
    assert "Solution" not in text
    assert (
        "**What we see.** Words: what the picture shows" in text
    )  # what is said of a picture is for everybody
    assert "return 2 * x" in nbformat.writes(whole)
    nbformat.validate(handout)


def test_a_deck(whole, tmp_path):
    source("Words: the idea in", "From [00](00_start_here.ipynb#by-hand), Words: the idea, with $w_k$, in")(
        whole
    )
    slide("Words: a third picture", "fragment")(whole)
    source("Words: a sentence above", "| a | b |\n|--|--|\n| 1 | 2 |\n\nWords")(whole)
    page = slides.build(whole, tmp_path, NAME)
    check_deck(page, whole)
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    assert soup.select("title")[0].get_text() == "12 · Activations"
    assert soup.select("math[display=block] munder")[0].get_text() == "∑k"
    assert soup.select("img")[0]["alt"] == "Sixteen grey squares, which say nothing."
    assert soup.select("table td")[0].get_text() == "1"
    assert [a["href"] for a in soup.find_all("a", string="00")] == ["00_start_here.html#by-hand"]
    assert len(soup.select(".code")) == 2
    assert str(soup).count("show it break") == 0  # that cell's code is not the point
    assert len(soup.select(".text.fragment")) == 1
    assert len(soup.select("aside.notes")) == 11


def test_execute_keeps_what_is_ours_and_strips_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson, "NOTEBOOKS", tmp_path)
    nb = nbformat.v4.new_notebook(
        metadata={"widgets": {}, "kernelspec": {"name": "mine", "display_name": "x"}}
    )
    code = (
        "import ipywidgets, os; from IPython.display import display; print(os.getcwd())\n"
        f"display({{{anatomy.WIDGET_VIEW!r}: {{'model_id': '1'}}, 'image/png': 'iVBORw0='}}, raw=True)\n"
        "ipywidgets.IntSlider()"
    )
    meta = {"tags": ["a"], "slideshow": {"slide_type": "slide"}, "execution": {"x": "y"}, "scrolled": True}
    nb.cells = [nbformat.v4.new_code_cell(code, metadata=meta, id="mine"), nbformat.v4.new_code_cell("1 + 1")]
    nb = execute.clean(execute.run(nb))
    cell = nb.cells[0]
    assert (cell.id, cell.execution_count, nb.cells[1].execution_count) == ("mine", 1, 2)
    assert cell.metadata == {"tags": ["a"], "slideshow": {"slide_type": "slide"}}
    assert cell.outputs[0].text.strip() == str(tmp_path)
    assert list(cell.outputs[1].data) == ["image/png"]  # the still stays, its live view goes
    assert len(cell.outputs) == 2  # and a widget without a still leaves nothing
    assert nb.cells[1].outputs[0].data["text/plain"] == "2"
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert "version" not in nb.metadata.language_info
    nb.cells[1].source = "1 / 0"
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute.run(nb)


def test_execute_writes_whole_files_and_the_course_address(tmp_path, whole, monkeypatch, capsys):
    monkeypatch.setattr(lesson, "NOTEBOOKS", tmp_path)
    source("git+https://github.com/inside-a-cnn/inside-a-cnn", "git+https://example.org/old")(whole)
    tagged(whole, "links").source = "old"
    relinked = execute.relink(whole, NAME)
    assert tagged(relinked, "links").source == lesson.links(NAME)
    assert f'git+{lesson.repository()}"' in tagged(relinked, "setup").source
    path = tmp_path / f"{NAME}.ipynb"
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    lesson.write(broken, path)
    before = path.read_bytes()
    monkeypatch.setattr("sys.argv", ["execute", "12"])
    with pytest.raises(SystemExit, match="the file is as it was"):
        execute.main()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
