"""How a lesson speaks, as far as a program can tell: see "The pattern" in CONTRIBUTING.md.

What we see, after each figure and each printed result. Predict first, before what could surprise. Comparisons
with their base rates, the untrained network and spreads. An investigation among the exercises. A cover.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tools import lesson
from tools.lesson import tags

WORDS = 15  # fewer do not say what one sees and why
COMPARES = r"\bshow\.compare(_along)?\("


def breaches(nb: NotebookNode) -> list[str]:
    """What of the pattern a lesson does not keep: where, what is wrong, what to do."""
    rules = (_said, _predictions, _cover, _comparisons, _investigations)
    return [breach for rule in rules for breach in rule(nb)]


def _said(nb: NotebookNode) -> Iterator[str]:
    """After each figure or printed result comes a visible text, which is the speaker's note as well.

    Printed results and one figure that follow each other on a slide may share their text.
    """
    part = lesson.section(nb, "Exercises")
    exempt = set(part.cells if part else [])
    results: list[int] = []
    for i, cell in enumerate(nb.cells):
        if i in exempt or "setup" in tags(cell):
            continue
        if cell.cell_type != "code":
            if results:
                yield from _answers(nb, results, i)
            results = []
            continue
        if results and lesson.slide_type(cell) in ("slide", "subslide"):
            yield f"{_last(nb, results)}: a new slide begins and nobody has said what one sees: {_WRITE}"
            results = []
        if not cell.outputs:
            continue
        if lesson.pictures(cell) and any(lesson.pictures(nb.cells[j]) for j in results):
            yield f"{_last(nb, results)}: the next figure comes and nobody has said what one sees: {_WRITE}"
            results = []
        results.append(i)
    if results:
        yield f"{_last(nb, results)}: the lesson ends and nobody has said what one sees: {_WRITE}"


_WRITE = "write it under the result, two to five sentences in a cell of slide type notes"


def _answers(nb: NotebookNode, results: list[int], i: int) -> Iterator[str]:
    """What is wrong with cell i as the text after these results."""
    text, kind = nb.cells[i].source, lesson.slide_type(nb.cells[i])
    for summary in lesson.FOLDED:
        text = lesson.unfolded(text, summary)
    if kind in ("slide", "subslide") or lesson.headings(nb.cells[i]) or lesson.predicts(nb.cells[i]):
        yield f"{_last(nb, results)}: no text says what one sees: {_WRITE}"
    elif (n := len(re.findall(r"\w+", text))) < WORDS:
        yield f"{_last(nb, results)}: {n} words are all that is said of it: what one sees, why, what follows"
    elif kind != "notes" and any(lesson.slide_type(nb.cells[j]) != "skip" for j in results):
        yield f"{lesson.told(nb, i)} says what one sees: give it slide type notes, it is the speaker's too"


def _predictions(nb: NotebookNode) -> Iterator[str]:
    """Somewhere the reader commits to a guess, and the result comes after it."""
    asked = [i for i, cell in enumerate(nb.cells) if lesson.predicts(cell)]
    if not asked:
        yield f"nobody has to predict anything: before a result that surprises, a cell with {lesson.PREDICT}"
    for i in asked:
        after = nb.cells[i + 1 :]
        end = next((j for j, c in enumerate(after) if any(n <= 2 for n, _ in lesson.headings(c))), len(after))
        if not any(c.cell_type == "code" and c.outputs for c in after[:end]):
            yield f"{lesson.told(nb, i)} asks for a prediction, and no result follows in its section"
        if lesson.slide_type(nb.cells[i]) == "notes":
            yield f"{lesson.told(nb, i)} asks for a prediction in the speaker's notes: let the room read it"


def _cover(nb: NotebookNode) -> Iterator[str]:
    """One figure is the lesson's best, and stands on the deck's first slide too."""
    covers = [cell for cell in nb.cells if "cover" in tags(cell)]
    if len(covers) != 1:
        yield f"{len(covers)} cells are tagged cover: tag the one cell with the lesson's best figure"
    elif covers[0].get("execution_count") and not lesson.pictures(covers[0]):
        yield "the cell tagged cover shows no picture: tag the one with the lesson's best figure"


def _comparisons(nb: NotebookNode) -> Iterator[str]:
    """A comparison stands beside its base rates, the untrained network and its spread."""
    tagged = [i for i, cell in enumerate(nb.cells) if "comparison" in tags(cell)]
    for i in tagged:
        if not re.search(COMPARES, nb.cells[i].source):
            yield f"{lesson.told(nb, i)} is tagged comparison: draw it with show.compare or compare_along"
    part = lesson.section(nb, "Against the truth")
    if part and not set(tagged) & set(part.cells):
        yield (
            '"Against the truth" compares nothing: tag its cell comparison and draw it with show.compare, '
            "which asks for base rates, the untrained network and the spread"
        )


def _investigations(nb: NotebookNode) -> Iterator[str]:
    """At least one exercise has its reader predict, then measure, and the truth grades it."""
    found = [exercise for exercise in lesson.exercises(nb) if exercise.investigation]
    if not found:
        yield (
            "no exercise is an investigation: tag the cell of its ### heading investigation; "
            "the reader predicts, measures, and the truth grades it"
        )
    for e in found:
        stub = nb.cells[e.stub].source if e.stub is not None else ""
        check = nb.cells[e.check].source if e.check is not None else ""
        if not re.search(r"^prediction = \.\.\.", stub, flags=re.M):
            yield f"{e.title}: its stub asks for no prediction: begin it with `prediction = ...`"
        if not re.search(r"\bprediction\b", check):
            yield f"{e.title}: its check does not read the prediction; write checks.…(prediction, …)"


def _last(nb: NotebookNode, results: list[int]) -> str:
    return lesson.told(nb, results[-1])
