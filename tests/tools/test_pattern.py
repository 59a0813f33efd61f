"""Each rule of the pattern catches what it is for and lets the rest pass."""

import base64

import nbformat
import pytest

from tools import anatomy, lesson, pattern
from tools.new_lesson import new_lesson

PICTURE = nbformat.v4.new_output(
    "display_data",
    {"image/png": base64.b64encode(b"x").decode(), "text/plain": "a figure"},
    metadata={"image/png": {"alt": "A figure that says nothing at all."}},
)
PRINTED = nbformat.v4.new_output("stream", name="stdout", text="3 of 4")
ENOUGH = (
    "**What we see.** Three of the four units fire. That is what the formula says, and chance would give one."
)


@pytest.fixture
def whole():
    """A lesson that keeps the pattern, as if it had been written and run."""
    nb = new_lesson("11_new")
    for i, cell in enumerate(c for c in nb.cells if c.cell_type == "code"):
        cell.execution_count = i + 1
        cell.outputs = [PICTURE if "cover" in lesson.tags(cell) else PRINTED]
    assert pattern.breaches(nb) == []
    return nb


def at(nb, words):
    return next(i for i, cell in enumerate(nb.cells) if words in cell.source)


def code(*outputs, kind="-"):
    cell = nbformat.v4.new_code_cell("show.x()", metadata={"slideshow": {"slide_type": kind}})
    cell.outputs = list(outputs)
    return cell


def text(source=ENOUGH, kind="notes"):
    return nbformat.v4.new_markdown_cell(source, metadata={"slideshow": {"slide_type": kind}})


# Cells that stand before the Summary, and what is said of them; nothing where they keep the pattern.
RESULTS = [
    ([code(PICTURE), text()], ""),
    ([code(PRINTED), code(), code(PICTURE), code(PRINTED), text()], ""),  # one figure and what belongs to it
    ([code(PICTURE), text(), code(PICTURE, kind="subslide"), text()], ""),
    ([code(PRINTED, kind="skip"), text(kind="skip")], ""),  # a result that the deck leaves out
    ([code()], ""),
    ([code(PICTURE)], "no text says what one sees"),
    ([code(PRINTED)], "no text says what one sees"),
    ([code(PICTURE), text("### Another matter\n\n" + ENOUGH, "-")], "no text says what one sees"),
    ([code(PICTURE), text(ENOUGH, "subslide")], "no text says what one sees"),
    ([code(PICTURE), text(f"{lesson.PREDICT} {ENOUGH}", "-"), code(PRINTED), text()], "no text says what"),
    ([code(PICTURE), code(PICTURE), text()], "the next figure comes and nobody has said"),
    ([code(PICTURE), code(PRINTED, kind="subslide"), text()], "a new slide begins and nobody has said"),
    ([code(PICTURE), text("A fine picture.")], "3 words are all that is said of it"),
    ([code(PICTURE), text(f"<details><summary>Hint</summary>\n\n{ENOUGH}\n\n</details>")], "0 words are all"),
    ([code(PICTURE), text(kind="-")], "give it slide type notes"),
    ([code(PICTURE, kind="-"), text(kind="skip")], "give it slide type notes"),
]


@pytest.mark.parametrize(("cells", "said"), RESULTS)
def test_after_a_result_comes_what_one_sees(whole, cells, said):
    where = at(whole, "## Summary")
    whole.cells[where:where] = cells
    found = pattern.breaches(whole)
    assert len(found) == bool(said), found
    assert said in "".join(found)


def test_a_result_may_not_end_the_lesson(whole):
    whole.cells.append(code(PICTURE))
    assert "the lesson ends and nobody has said" in "".join(pattern.breaches(whole))


def change(words, **to):
    """Set these of the first cell with the words: source, tags, kind, outputs."""

    def do(nb):
        cell = nb.cells[at(nb, words)]
        if "tags" in to:
            cell.metadata.tags = to["tags"]
        if "kind" in to:
            cell.metadata.slideshow = {"slide_type": to["kind"]}
        cell.update({key: value for key, value in to.items() if key in ("source", "outputs")})

    return do


def drop(words):
    return lambda nb: nb.cells.pop(at(nb, words))


RULES = {
    "nobody has to predict anything": change(lesson.PREDICT, source="### A picture"),
    "no result follows in its section": lambda nb: nb.cells.insert(
        at(nb, "## Summary") + 1, text(f"{lesson.PREDICT} How many?", "-")
    ),
    "in the speaker's notes: let the room read it": change(lesson.PREDICT, kind="notes"),
    "0 cells are tagged cover": change("the lesson's best picture", tags=[]),
    "2 cells are tagged cover": change("its title does not give", tags=["cover"]),
    "the cell tagged cover shows no picture": change("the lesson's best picture", outputs=[PRINTED]),
    "is tagged comparison: draw it with show.compare": change(
        "show.compare(", source="show.bars([1], ['a'])"
    ),
    '"Against the truth" compares nothing': change("show.compare(", tags=[]),
    "no exercise is an investigation": change("### Investigation", tags=[]),
    "its stub asks for no prediction": change("prediction = ...", source="def measure(one, two):\n    ..."),
    "its check does not read the prediction": change("checks.sixes", source="checks.sixes(0.5, measure)"),
}


@pytest.mark.parametrize("said", RULES)
def test_each_rule_catches_its_case(whole, said):
    RULES[said](whole)
    found = pattern.breaches(whole)
    assert len(found) == 1, found
    assert said in found[0]


def test_a_comparison_along_layers_is_one(whole):
    change("show.compare(", source='show.compare_along(layers, {"a": a}, untrained=b, base=c, title="x")')(
        whole
    )
    assert pattern.breaches(whole) == []


def test_anatomy_asks_for_the_pattern_of_every_lesson(whole):
    assert "no exercise is an investigation" not in "".join(anatomy.problems(whole, "09_similarnet"))
    drop("### Investigation")(whole)
    assert "no exercise is an investigation" in "".join(anatomy.problems(whole, "09_similarnet"))
