"""Lay out an empty lesson that follows the anatomy: `make new-lesson NAME=02_activations`."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tools import lesson

TEMPLATES = Path(__file__).parent / "templates"

#: What every lesson's metadata is: any Python 3 kernel, and nothing that changes from machine to machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


def new_lesson(name: str) -> NotebookNode:
    """The notebook for a name like "02_activations", all its cells marked, its texts still to be written."""
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", name):
        raise ValueError(f"a lesson is called like 02_activations (two digits, small letters), not {name!r}")
    grades = [("1", "★☆☆", "5"), ("2", "★★☆", "10"), ("3", "★★★", "20")]
    exercise = [_fill("exercise", number=n, stars=stars, minutes=minutes) for n, stars, minutes in grades]
    text = _fill(
        "lesson",
        number=name[:2],
        title=name[3:].replace("_", " ").capitalize(),
        links=lesson.links(name),
        repository=lesson.repository(),
        exercises="".join(exercise),
    )
    nb: NotebookNode = jupytext.reads(text, fmt="py:percent")
    nb.metadata = nbformat.from_dict(METADATA)
    return nb


def _fill(template: str, **parts: str) -> str:
    text = (TEMPLATES / f"{template}.percent").read_text("utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="for example 02_activations")
    name = parser.parse_args().name
    path = lesson.NOTEBOOKS / f"{name}.ipynb"
    if path.exists():
        raise SystemExit(f"{path} is already there; nothing was written")
    try:
        lesson.write(new_lesson(name), path)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    print(f"{path.relative_to(lesson.ROOT)} is laid out. Replace each TODO, then: make notebooks test")


if __name__ == "__main__":
    main()
