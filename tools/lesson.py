"""The one reader of lessons: sections, exercises and slides of a notebook, for every tool and test."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

#: What each section's heading begins with, in this order; other sections may stand between.
SECTIONS = (
    "You will be able to",
    "The idea",
    "By hand",
    "Against the truth",
    "On an ImageNet network",
    "Where it breaks",
    "Summary",
    "Exercises",
    "References",
)


#: The tags of an exercise's two cells, and all that a lesson may fold.
STUB_MARKS = ("exercise-stub", "exercise-check")
FOLDED = ("Hint", "Solution")
#: What begins the cell that asks the reader for a guess.
PREDICT = "**Predict first.**"
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

#: The branch that holds the course without its solutions; .github/workflows/publish.yml writes it.
HANDOUTS = "handouts"


@dataclass
class Section:
    """A level-2 heading and the cells from it up to the next."""

    title: str
    cells: list[int]


@dataclass
class Exercise:
    """A level-3 heading below "Exercises": its text, stub, check, hint and solution."""

    title: str
    cells: list[int]
    stars: int = 0
    minutes: int = 0
    stub: int | None = None
    check: int | None = None
    hint: str = ""
    solution: str = ""
    investigation: bool = False


@dataclass
class Slide:
    """One page of the deck: the cells shown on it, and those that are the speaker's notes."""

    starts_column: bool
    cells: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)


def lessons() -> list[Path]:
    """Every lesson's file, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def find(names: list[str]) -> list[Path]:
    """The lessons whose names begin so ("01", "01_filters", "notebooks/01_filters.ipynb"); all, of none."""
    found = []
    for name in names:
        matches = [path for path in lessons() if path.stem.startswith(Path(name).stem)]
        if not matches:
            known = ", ".join(path.stem for path in lessons()) or "none yet"
            raise ValueError(f"no lesson is called {name!r}; there are: {known}")
        found += matches
    return found or ([] if names else lessons())


def read(path: Path) -> NotebookNode:
    """A notebook as nbformat 4, with cell ids."""
    nb: NotebookNode = nbformat.read(path, as_version=4)
    return nb


def write(nb: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, suffix=".part", encoding="utf-8", delete=False
    ) as file:
        part = Path(file.name)
        try:
            file.write(nbformat.writes(nb).rstrip("\n") + "\n")
        except BaseException:
            part.unlink()
            raise
    part.chmod(0o644)
    os.replace(part, path)


def tags(cell: NotebookNode) -> set[str]:
    """A cell's tags."""
    return set(cell.metadata.get("tags", []))


def slide_type(cell: NotebookNode) -> str | None:
    """slide, subslide, fragment, skip, notes or - (goes on); None where nobody has decided."""
    kind = cell.metadata.get("slideshow", {}).get("slide_type")
    return "-" if kind == "" else kind


def headings(cell: NotebookNode) -> list[tuple[int, str]]:
    """(level, text) of the headings in a Markdown cell; a # inside fenced code is not one."""
    if cell.cell_type != "markdown":
        return []
    text = re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.M | re.S)
    return [(len(m[1]), m[2].strip()) for m in re.finditer(r"^(#{1,6})\s+(.+)$", text, flags=re.M)]


def sections(nb: NotebookNode) -> list[Section]:
    """The level-2 sections, in order."""
    found: list[Section] = []
    for i, cell in enumerate(nb.cells):
        found += [Section(title, []) for level, title in headings(cell) if level == 2]
        if found:
            found[-1].cells.append(i)
    return found


def section(nb: NotebookNode, begins: str) -> Section | None:
    """The first section whose heading begins with these words."""
    return next((s for s in sections(nb) if s.title.lower().startswith(begins.lower())), None)


def folded(text: str, summary: str) -> str:
    """What a `<details>` holds whose `<summary>` begins with a word; empty where there is none."""
    match = re.search(_details(summary), text, flags=re.S | re.I)
    return match[1].strip() if match else ""


def unfolded(text: str, summary: str) -> str:
    """The text without that `<details>`."""
    return re.sub(_details(summary) + r"\n*", "", text, flags=re.S | re.I).strip()


def exercises(nb: NotebookNode) -> list[Exercise]:
    """Every exercise: a level-3 heading in the section "Exercises" and the cells under it."""
    part = section(nb, "Exercises")
    found: list[Exercise] = []
    for i in part.cells if part else []:
        cell = nb.cells[i]
        found += [Exercise(title, []) for level, title in headings(cell) if level == 3]
        if not found:
            continue
        now = found[-1]
        now.cells.append(i)
        now.investigation |= "investigation" in tags(cell)
        if cell.cell_type == "code":
            now.stub = i if "exercise-stub" in tags(cell) else now.stub
            now.check = i if "exercise-check" in tags(cell) else now.check
            continue
        if match := re.search(r"(★{1,3})☆{0,2}\D{0,20}?(\d+) min", cell.source):
            now.stars, now.minutes = len(match[1]), int(match[2])
        now.hint = now.hint or folded(cell.source, "Hint")
        if code := re.findall(r"^```python\n(.*?)^```", folded(cell.source, "Solution"), flags=re.M | re.S):
            now.solution = now.solution or "\n".join(code).rstrip()
    return found


def slides(nb: NotebookNode) -> list[Slide]:
    """The deck's pages: each cell typed "slide" or "subslide" begins one."""
    pages: list[Slide] = []
    for i, cell in enumerate(nb.cells):
        kind = slide_type(cell)
        if kind in ("slide", "subslide"):
            pages.append(Slide(kind == "slide"))
        if not pages or kind in (None, "skip"):
            continue
        (pages[-1].notes if kind == "notes" else pages[-1].cells).append(i)
    return pages


def predicts(cell: NotebookNode) -> bool:
    """Whether a cell asks the reader to predict what comes next."""
    return cell.cell_type == "markdown" and PREDICT in cell.source


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell that are pictures."""
    return [out for out in cell.get("outputs", []) if set(PICTURES) & set(out.get("data", {}))]


def told(nb: NotebookNode, i: int) -> str:
    """A cell in a message: its number and how it begins."""
    words = " ".join(nb.cells[i].source.split())[:40]
    return f"cell {i + 1} ({words!r})"


def on_slide(cell: NotebookNode) -> bool:
    """Whether a deck shows anything of this cell: text, an output, or code that is the point."""
    return cell.cell_type == "markdown" or bool(cell.outputs) or "show-code" in tags(cell)


def is_live(output: NotebookNode) -> bool:
    """Whether the picture answers in a notebook, and is a still here."""
    return any(isinstance(of, dict) and of.get("live", False) for of in output.get("metadata", {}).values())


def alt(output: NotebookNode, kind: str) -> str:
    """The alt text that an output carries for its picture of this MIME type."""
    metadata = output.get("metadata", {})
    text: str = metadata.get(kind, {}).get("alt") or metadata.get("alt") or ""
    return text.strip()


def solved(nb: NotebookNode) -> NotebookNode:
    """A copy in which every stub is replaced by its solution."""
    nb = nbformat.from_dict(nb)
    for exercise in exercises(nb):
        if exercise.stub is not None and exercise.solution:
            nb.cells[exercise.stub].source = exercise.solution
    return nb


def repository() -> str:
    """The course's public address: pyproject.toml, [project.urls] Repository."""
    return _urls()["Repository"]


def links(name: str, branch: str = "main") -> str:
    """The line of links that stands under a lesson's objectives; a handout's name the handouts' branch."""
    path = repository().removeprefix("https://github.com/")
    file = f"notebooks/{name}.ipynb"
    return (
        f"[Run it on Binder](https://mybinder.org/v2/gh/{path}/{branch}?labpath={quote(file, safe='')}) · "
        f"[on Colab](https://colab.research.google.com/github/{path}/blob/{branch}/{file}) · "
        f"[slides]({documentation()}/slides/{name}.html)"
    )


def documentation() -> str:
    """The course's site: pyproject.toml, [project.urls] Documentation."""
    return _urls()["Documentation"].rstrip("/")


def _urls() -> dict[str, str]:
    urls: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    return urls


def _details(summary: str) -> str:
    return rf"<details>\s*<summary>\s*{summary}\b[^<]*</summary>(.*?)</details>"
