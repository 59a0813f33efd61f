"""Copy the lessons without their solutions: `make handouts`. All else stays."""

from __future__ import annotations

import argparse

import nbformat
from nbformat import NotebookNode

from tools import lesson

OUT = lesson.ROOT / "build" / "handouts"


def handout(nb: NotebookNode) -> NotebookNode:
    """A copy of a lesson for learners: every solution cut out."""
    nb = nbformat.from_dict(nb)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = lesson.unfolded(cell.source, "Solution")
    nb.cells = [cell for cell in nb.cells if cell.source]
    return nb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    for path in lesson.find(parser.parse_args().lessons):
        lesson.write(handout(lesson.read(path)), OUT / path.name)
        print((OUT / path.name).relative_to(lesson.ROOT))


if __name__ == "__main__":
    main()
