"""Lay out what the workflow publishes, in `build/public`, one folder for each branch: `make public`.

pages: the decks, the site once there is one, and a page that lists both beside the handouts.
handouts: the course that a class gets, whole but for what tells the answers; Binder and Colab open it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tools import alive, handouts, lesson, slides
from tools.slides import PAGES

OUT = lesson.ROOT / "build" / "public"
SITE = lesson.ROOT / "build" / "site"  # where `make site` puts it

#: What the handouts' branch lacks: the tests run the solutions, the key gives the marks; the others are not
#: for learners.
ANSWERS = ("tests/", "docs/marking_key.md", "notebooks/")
NOT_NEEDED = (".ci/", ".github/", "bench/", "conftest.py")


def pages(out: Path) -> None:
    """The branch gh-pages: slides/ and index.html, over the site where that has been built."""
    if SITE.is_dir():
        shutil.copytree(SITE, out, dirs_exist_ok=True)
    names = decks(out / "slides")
    if not (out / "index.html").exists():
        links = {name: lesson.links(name, lesson.HANDOUTS) for name, _ in names}
        lessons = [(title, re.findall(r"\[([^]]+)\]\(([^)]+)\)", links[name])) for name, title in names]
        page = PAGES.get_template("front.html.j2").render(
            lessons=lessons, zip=archive(), home=lesson.repository()
        )
        (out / "index.html").write_text(page, "utf-8")
    (out / ".nojekyll").touch()  # GitHub shows the files as they are


def decks(out: Path) -> list[tuple[str, str]]:
    """All decks, what their widgets load, and the page that lists them; returns each one's name and title."""
    names = []
    for path in lesson.lessons():
        nb = lesson.read(path)
        slides.build(nb, out, path.stem)
        names.append((path.stem, slides.title(nb)))
    alive.build(out / alive.FOLDER, alive.MADE)
    (out / "index.html").write_text(PAGES.get_template("decks.html.j2").render(decks=names), "utf-8")
    return names


def course(out: Path) -> None:
    """The branch of the handouts: all that git keeps, its lessons without their solutions."""
    kept = subprocess.check_output(["git", "ls-files", "-z"], cwd=lesson.ROOT, text=True).split("\0")
    for name in filter(None, kept):
        if not name.startswith((*ANSWERS, *NOT_NEEDED)):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(lesson.ROOT / name, out / name)
    for path in lesson.lessons():
        lesson.write(handouts.handout(lesson.read(path), path.stem), out / "notebooks" / path.name)


def archive() -> str:
    """Where the course without solutions is one ZIP file."""
    return f"{lesson.repository()}/archive/refs/heads/{lesson.HANDOUTS}.zip"


def main() -> None:
    if OUT.exists():
        shutil.rmtree(OUT)
    for lay_out, branch in ((pages, "gh-pages"), (course, lesson.HANDOUTS)):
        lay_out(OUT / branch)
        print((OUT / branch).relative_to(lesson.ROOT))


if __name__ == "__main__":
    main()
