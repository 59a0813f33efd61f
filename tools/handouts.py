"""The lessons without their solutions: `make handouts`. All else stays.

A handout links to handouts only: Binder and Colab open it from the branch that .github/workflows/publish.yml
writes, which holds no solution.
"""

from __future__ import annotations

import argparse

import nbformat
from nbformat import NotebookNode

from tools import lesson

OUT = lesson.ROOT / "build" / "handouts"
TO_WORK_IN = lesson.ROOT / "handouts"


def handout(nb: NotebookNode, name: str) -> NotebookNode:
    """A copy of the lesson of this name for learners: every solution cut out."""
    nb = nbformat.from_dict(nb)
    for cell in nb.cells:
        if "links" in lesson.tags(cell):
            cell.source = lesson.links(name, lesson.HANDOUTS)
        if cell.cell_type == "markdown":
            cell.source = lesson.unfolded(cell.source, "Solution")
    nb.cells = [cell for cell in nb.cells if cell.source]
    return nb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    parser.add_argument(
        "--to-work-in", action="store_true", help="into handouts/; those that are there stay as they are"
    )
    given = parser.parse_args()
    for path in lesson.find(given.lessons):
        target = (TO_WORK_IN if given.to_work_in else OUT) / path.name
        if given.to_work_in and target.exists():
            continue  # somebody may have worked in it
        lesson.write(handout(lesson.read(path), path.stem), target)
        print(target.relative_to(lesson.ROOT))


if __name__ == "__main__":
    main()
