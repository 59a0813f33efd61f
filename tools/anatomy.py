"""What every lesson must have, as DESIGN.md says it; a broken rule is told with what to do about it.

`python -m tools.anatomy [lesson …]` prints what is missing; of a first-edition lesson that is named also
what does not count yet.
"""

from __future__ import annotations

import argparse
import html
import re
import warnings
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode

from tools import lesson, pattern
from tools.lesson import FOLDED, PICTURES, SECTIONS, STUB_MARKS, tags, told

LINES_PER_CELL = 8
LONGEST_LINE = 110
SLIDES = (15, 35)
LARGEST_FILE = 1_500_000
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NUMERAL = r"(?<![\w.×])(\d*\.\d+|\d+(?=\s?%))(?![\w.]*\w)(\s?%)?"


def problems(nb: NotebookNode, name: str, size: int = 0) -> list[str]:
    """Every broken rule: where, what is wrong, what to do. name: the file's, without its ending."""
    rules = (_opening, _sections, _exercises, _slides, _cells, _run, _outputs, _pictures, _numbers)
    found = [problem for rule in rules for problem in rule(nb)]
    found += [f"nbformat says: {error.message}" for error in _invalid(nb)]
    if not any("links" in tags(c) and lesson.links(name) in c.source for c in nb.cells):
        found.append("no cell tagged links holds this lesson's links; `make notebooks` writes them")
    if "widgets" in nb.metadata:
        found.append(
            "the notebook keeps metadata.widgets, which GitHub cannot show; `make notebooks` strips it"
        )
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("metadata.kernelspec.name is not python3; `make notebooks` sets it")
    found += pattern.breaches(nb)
    if size > LARGEST_FILE:
        found.append(f"the file has {size:,} bytes, over {LARGEST_FILE:,}: show fewer or smaller pictures")
    return found


def _opening(nb: NotebookNode) -> Iterator[str]:
    first = nb.cells[0] if nb.cells else None
    if first is None or not any(level == 1 for level, _ in lesson.headings(first)):
        yield "the first cell is not the title: begin with `# 01 · Filters`"
    elif not re.search(r"\?\**\s*$", first.source):
        yield "the first cell asks no question: end it with the one that the lesson answers"
    able = lesson.section(nb, "You will be able to")
    text = _markdown(nb, able.cells) if able else ""
    if len(re.findall(r"^[-*] ", text, flags=re.M)) < 3:
        yield '"You will be able to" lists fewer than three things: one line each, beginning with -'
    if not re.search(r"\d+ minutes", text):
        yield '"You will be able to" does not tell how long the lesson takes: write **45 minutes**'
    if "before this:" not in text.lower():
        yield '"You will be able to" names no prerequisites: write "before this: …" (or nothing)'
    setup = [c for c in nb.cells if "setup" in tags(c)]
    if len(setup) != 1 or f"git+{lesson.repository()}" not in setup[0].source:
        yield "no cell tagged setup fetches camlib where it is missing (Colab); see `make new-lesson`"


def _sections(nb: NotebookNode) -> Iterator[str]:
    titles = [s.title.lower() for s in lesson.sections(nb)]
    at = -1
    for begins in SECTIONS:
        here = next((i for i, title in enumerate(titles) if title.startswith(begins.lower())), None)
        if here is None:
            yield f'no heading "## {begins}": every lesson has that section'
        elif here < at:
            yield f'"## {begins}" stands too early: the order is {", ".join(SECTIONS)}'
        at = max(at, -1 if here is None else here)
    idea = lesson.section(nb, "The idea")
    if idea and "$" not in _markdown(nb, idea.cells):
        yield '"The idea" has no formula: write one, between $$'
    by_hand = lesson.section(nb, "By hand")
    if by_hand and sum(nb.cells[i].cell_type == "code" for i in by_hand.cells) < 2:
        yield '"By hand" needs two code cells: the formula in a few lines, then camlib\'s and that they agree'
    for begins in ("Against the truth", "Where it breaks"):
        part = lesson.section(nb, begins)
        if part and not any(nb.cells[i].cell_type == "code" for i in part.cells):
            yield f'"{begins}" only talks: show it in a cell'


def _exercises(nb: NotebookNode) -> Iterator[str]:
    found = lesson.exercises(nb)
    if (n := sum(not e.investigation for e in found)) < 3:
        yield f"there are {n} exercises (a ### heading under Exercises each); make it three or more"
    for e in found:
        needs = {
            "does not say how hard and how long: write ★★☆ · 10 minutes": e.stars and e.minutes,
            "has no stub: tag its code cell exercise-stub": e.stub is not None,
            "has no check after the stub: tag its code cell exercise-check": (e.check or -1) > (e.stub or 0),
            "has no <details><summary>Hint</summary>": e.hint,
            "has no <details><summary>Solution</summary> with a ```python block": e.solution,
        }
        yield from (f"{e.title} {need}" for need, met in needs.items() if not met)
        if e.stub is not None and e.solution and nb.cells[e.stub].source.strip() == e.solution.strip():
            yield f"{e.title}: the stub is already the solution"
        if e.check is not None:
            check = nb.cells[e.check]
            if "nbval-check-output" not in tags(check):
                yield f"{e.title}: tag its check nbval-check-output, so that the stub's verdict is compared"
            if check.outputs and not _printed([check]).lstrip().startswith("✗"):
                yield f"{e.title}: the stub's check does not answer ✗: put the stub back, `make notebooks`"
        for i in e.cells:
            for summary in ("Hint", "Solution"):
                text = nb.cells[i].source
                if re.search(rf"<summary>\s*{summary}[^<]*</summary>(?!\n\n)", text):
                    yield f"{told(nb, i)}: leave a line empty after </summary>, for Markdown to be read"


def _slides(nb: NotebookNode) -> Iterator[str]:
    for i, cell in enumerate(nb.cells):
        kind = lesson.slide_type(cell)
        if kind not in SLIDE_TYPES:
            yield f"{told(nb, i)}: slide type {kind!r}; choose one of {', '.join(sorted(SLIDE_TYPES))}"
        elif kind != "skip" and tags(cell) & {"setup", *STUB_MARKS}:
            yield f"{told(nb, i)}: setup, stub and check cells are skipped in decks (slide type skip)"
        elif kind not in ("skip", "notes") and re.search(r"<summary>\s*(Hint|Solution)", cell.source):
            yield f"{told(nb, i)}: hints and solutions are skipped in decks (slide type skip)"
    pages = lesson.slides(nb)
    if not SLIDES[0] <= len(pages) <= SLIDES[1]:
        yield f"the deck has {len(pages)} slides (types slide, subslide); make it {SLIDES[0]} to {SLIDES[1]}"
    noted = sum(bool(page.notes) for page in pages)
    if noted < len(pages) / 2:
        yield f"only {noted} of {len(pages)} slides have speaker notes (a cell of type notes); half must"
    for page in pages:
        if not any(lesson.on_slide(nb.cells[i]) for i in page.cells):
            yield f"{told(nb, page.cells[0])}: its slide is empty: give it text, output or the tag show-code"


def _cells(nb: NotebookNode) -> Iterator[str]:
    ids = [cell.get("id") for cell in nb.cells]
    if None in ids or len(set(ids)) < len(ids):
        yield "some cells have no id of their own; `make notebooks` gives them one"
    for i, cell in enumerate(nb.cells):
        lines = cell.source.splitlines()
        for summary in re.findall(r"<details>\s*<summary>\s*(.*?)\s*</summary>", cell.source):
            if cell.cell_type == "markdown" and not summary.startswith(FOLDED):
                yield f"{told(nb, i)} folds {summary!r}: only hints and solutions are folded; let it be read"
        if not cell.source.strip():
            yield f"{told(nb, i)} is empty: delete it"
        if "TODO" in cell.source:
            yield f"{told(nb, i)} still has a TODO"
        if cell.cell_type != "code":
            continue
        if (n := sum(bool(line.strip()) for line in lines)) > LINES_PER_CELL:
            yield f"{told(nb, i)} has {n} lines, over {LINES_PER_CELL}: split it, or use camlib"
        if any(len(line) > LONGEST_LINE for line in lines):
            yield f"{told(nb, i)} has a line over {LONGEST_LINE} characters: break it"


def _run(nb: NotebookNode) -> Iterator[str]:
    counts = [cell.execution_count for cell in nb.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the cells were not run once each in order (their counts are {counts}); run `make notebooks`"
    promised = [
        i
        for i, c in enumerate(nb.cells)
        if "nbval-check-output" in tags(c) and "exercise-check" not in tags(c)
    ]
    for i in promised:
        if not _printed([nb.cells[i]]).strip():
            yield f"{told(nb, i)} is tagged nbval-check-output but prints nothing to compare"
    if not promised:
        yield "no cell is tagged nbval-check-output: tag those that print the numbers the lesson promises"


def _outputs(nb: NotebookNode) -> Iterator[str]:
    for i, cell in enumerate(nb.cells):
        outputs = cell.get("outputs", [])
        for out in outputs:
            if out.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"{told(nb, i)} ends in {out.ename}: mend it, or tag it raises-exception"
            if out.get("name") == "stderr":
                yield f"{told(nb, i)} prints to stderr ({out.text.strip()[:60]!r}): mend what warns"
            if WIDGET_VIEW in out.get("data", {}):
                yield f"{told(nb, i)} keeps a live widget, dead for readers: run `make notebooks`"
        for text in (cell.source, _printed([cell])):
            if match := re.search(
                r"(?<![\w/.:])(/(home|root|work|tmp|Users|mnt|usr|opt|srv)/\S*|[A-Z]:\\\S+)", text
            ):
                yield f"{told(nb, i)} names a path of one machine, {match[0]!r}"
            if match := re.search(r"\bat 0x[0-9a-f]{6,}", text):
                yield f"{told(nb, i)} prints {match[0]!r}, which changes with every run"


def _pictures(nb: NotebookNode) -> Iterator[str]:
    for i, cell in enumerate(nb.cells):
        for out in cell.get("outputs", []):
            for kind in set(PICTURES) & set(out.get("data", {})):
                if len(lesson.alt(out, kind)) < 20:
                    yield f"{told(nb, i)} shows a picture without an alt text of a sentence; see camlib.show"
        text = cell.source if cell.cell_type == "markdown" else _html(cell)
        for image in re.findall(r"<img\b[^>]*>", text):
            if not re.search(r"""\balt=["'][^"']{3,}""", image):
                yield f"{told(nb, i)} has an <img> without an alt text: add alt=…"
        if cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(", cell.source):
            yield f"{told(nb, i)} has a picture without an alt text: write ![what one sees](…)"


def _numbers(nb: NotebookNode) -> Iterator[str]:
    """A decimal number or a percentage in the text must be one that a cell prints."""
    printed = {_value(m) for m in re.finditer(r"(\d*\.?\d+)(\s?%)?", _printed(nb.cells))}
    exempt = {
        i for s in lesson.sections(nb) if s.title.startswith(("Exercises", "References")) for i in s.cells
    }
    for i, cell in enumerate(nb.cells):
        if cell.cell_type != "markdown" or i in exempt or "quotes-paper" in tags(cell):
            continue
        for match in re.finditer(NUMERAL, _prose(cell.source)):
            if _value(match) not in printed:
                yield (
                    f"{told(nb, i)} says {match[0].strip()}, which no cell prints: "
                    "print it, say it in words, or tag the cell quotes-paper and cite the source"
                )


def _value(numeral: re.Match[str]) -> str:
    """One spelling for .58, 0.580 and 58 %."""
    return f"{float(numeral[1]) / (100 if numeral[2] else 1):.6g}"


def _prose(text: str) -> str:
    """Markdown without its code, formulas, link targets, HTML tags and headings' numbers."""
    for skipped in (
        r"^```.*?^```",
        r"`[^`]*`",
        r"\$\$.*?\$\$",
        r"\$[^$\n]+\$",
        r"\]\([^)]*\)",
        r"<[^>]+>",
        r"https?://\S+",
    ):
        text = re.sub(skipped, " ", text, flags=re.M | re.S)
    return text


def _markdown(nb: NotebookNode, cells: list[int]) -> str:
    return "\n".join(nb.cells[i].source for i in cells if nb.cells[i].cell_type == "markdown")


def _printed(cells: list[NotebookNode]) -> str:
    """All text that these cells put out."""
    parts: list[str] = []
    for out in (out for cell in cells for out in cell.get("outputs", [])):
        data = out.get("data", {})
        parts += [out.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", "")]
        parts.append(html.unescape(re.sub(r"<[^>]+>", " ", data.get("text/html", ""))))
    return "\n".join(parts)


def _html(cell: NotebookNode) -> str:
    return "\n".join(out.get("data", {}).get("text/html", "") for out in cell.get("outputs", []))


def _invalid(nb: NotebookNode) -> Iterator[nbformat.ValidationError]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of cell ids, which have their own rule
            nbformat.validate(nbformat.from_dict(nb))  # a copy: it mends some faults in place
    except nbformat.ValidationError as error:
        yield error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    broken = 0
    for path in lesson.find(parser.parse_args().lessons):
        found = problems(lesson.read(path), path.stem, path.stat().st_size)
        broken += len(found)
        print(f"{path.stem}: " + ("whole" if not found else "\n  " + "\n  ".join(found)))
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
