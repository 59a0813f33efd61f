"""How long each lesson takes, measured in the notebook and not guessed: `make minutes` writes the table.

A lesson is its visible words, its cells and what they show, and its exercises, which say how long they take.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from nbformat import NotebookNode

from tools import lesson

PAGE = lesson.ROOT / "docs" / "teaching.md"
BEGIN, END = "<!-- made by `make minutes` -->", "<!-- end of the table -->"

#: Slow reading of technical prose; adults read easy non-fiction at 238 words a minute (Brysbaert 2019).
WORDS_A_MINUTE = 150
#: Minutes to read and run a code cell; to look at a figure, a table, or what is printed; to follow a formula.
RUN, LOOK, FORMULA = 0.5, 0.5, 0.5
#: Minutes that a slide stands in a lecture.
SLIDE = 2.0


@dataclass(frozen=True)
class Measured:
    """What one lesson holds: counts, and minutes rounded up to five."""

    title: str
    words: int
    cells: int
    shown: int
    formulas: int
    slides: int
    tasks: tuple[int, ...]

    @property
    def minutes(self) -> int:
        """The lesson itself: reading, running, looking."""
        looked = RUN * self.cells + LOOK * self.shown + FORMULA * self.formulas
        return _fives(self.words / WORDS_A_MINUTE + looked)

    @property
    def lecture(self) -> int:
        """The deck, shown to a room."""
        return _fives(SLIDE * self.slides)


def measure(nb: NotebookNode) -> Measured:
    """Count a lesson. The exercises have minutes of their own; what is folded counts for nobody."""
    part = lesson.section(nb, "Exercises")
    apart = set(part.cells if part else [])
    words = cells = shown = formulas = 0
    for i, cell in enumerate(nb.cells):
        if i in apart or lesson.tags(cell) & {"setup", "links"}:
            continue
        if cell.cell_type == "markdown":
            words += len(visible(cell.source).split())
            formulas += cell.source.count("$$") // 2
        else:
            cells += 1
            shown += len(cell.outputs)
    title = next(text for cell in nb.cells for level, text in lesson.headings(cell) if level == 1)
    tasks = tuple(exercise.minutes for exercise in lesson.exercises(nb))
    return Measured(title, words, cells, shown, formulas, len(lesson.slides(nb)), tasks)


def visible(text: str) -> str:
    """The words that a reader sees: not what is folded, no code, no formulas, no addresses, no marks."""
    text = re.sub(r"<details>.*?</details>", " ", text, flags=re.S)
    text = re.sub(r"^```.*?^```", " ", text, flags=re.S | re.M)
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", text)
    return re.sub(r"[^\w\s'’-]|(?<!\w)-+(?!\w)", " ", text)


def table() -> str:
    """All lessons' rows, and what they come to, in Markdown."""
    lines = [
        "| lesson | words | cells | lesson, min | exercises, min | together, min | lecture, min |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    sums = [0, 0, 0]
    for path in lesson.lessons():
        m = measure(lesson.read(path))
        times = m.minutes, sum(m.tasks), m.lecture
        sums = [a + b for a, b in zip(sums, times, strict=True)]
        each = " + ".join(map(str, m.tasks))
        lines.append(
            f"| [{m.title}](../notebooks/{path.name}) | {round(m.words, -2)} | {m.cells} "
            f"| {times[0]} | {each} | {times[0] + times[1]} | {times[2]} |"
        )
    lines.append(f"| all | | | {sums[0]} | {sums[1]} | {sums[0] + sums[1]} | {sums[2]} |")
    return "\n".join(lines)


def written(page: str, rows: str) -> str:
    """The page with these rows between its two marks. Raises ValueError where the marks are missing."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page has no {BEGIN} … {END}, once each, to write the table between")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{rows}\n\n{END}{rest.split(END)[1]}"


def _fives(minutes: float) -> int:
    return 5 * math.ceil(minutes / 5)


def main() -> None:
    PAGE.write_text(written(PAGE.read_text("utf-8"), table()), "utf-8")
    print(f"{PAGE.relative_to(lesson.ROOT)} has the minutes of {len(lesson.lessons())} lessons")


if __name__ == "__main__":
    main()
