"""Build the site: the lessons as pages, the library's reference, the live page and the decks: `make site`.

Sphinx with myst-nb and furo, the extra `camlib[site]`. Nothing is run: the lessons' outputs are committed.
The pages are laid out in `build/site-source`, the site in `build/site`; it needs no network, and a server
only for its search. A warning, or a link inside the site that leads nowhere, ends it.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
from jinja2 import Template
from nbformat import NotebookNode
from PIL import Image

import camlib
from tools import alive, gallery, lesson, live, publish, slides, truth_tables

HERE = lesson.ROOT / "site"
SOURCE = lesson.ROOT / "build" / "site-source"
OUT = publish.SITE
COVER = 480  # pixels, a cover's width on the front page

#: Where a file of the repository stands on the site; links to others go to the repository.
PAGES = {
    "README.md": "start.md",
    "docs/teaching.md": "teaching.md",
    "docs/assessment.md": "assessment.md",
    "camlib/README.md": "library/map.md",
    "bench/results.md": "speed.md",
    "CONTRIBUTING.md": "taking_part.md",
}
#: Where the live page shows what a lesson is about.
LIVE = dict.fromkeys(("02", "03", "09"), "#units") | dict.fromkeys(("07", "08"), "#map")
LIVE |= {"01": "#filters", "06": "#cover"}
#: The library's reference: what is public in each of these, beside what `camlib` itself gives.
MODULES = ("scores", "show", "widgets")


def build(out: Path, source: Path) -> Path:
    """Write the whole site into a folder, its pages' sources into another; returns the front page.

    Raises RuntimeError where Sphinx warns or a link leads nowhere, and says so.
    """
    from sphinx.cmd.build import build_main  # the extra `site`

    for folder in (out, source):
        if folder.exists():
            shutil.rmtree(folder)
    lay_out(source)
    if build_main(["-q", "-W", "--keep-going", "-b", "html", "-j", "1", str(source), str(out)]):
        raise RuntimeError("Sphinx found fault with the pages; it says above with what")
    for name in (".doctrees", "_sources"):
        shutil.rmtree(out / name, ignore_errors=True)
    for page_of in out.rglob("*.html"):
        page_of.write_text(mended(page_of.read_text("utf-8")), "utf-8")
    live.build(out / "live", home="../")
    publish.decks(out / "slides")
    if broken := broken_links(out):
        raise RuntimeError("links that lead nowhere:\n" + "\n".join(broken))
    return out / "index.html"


def mended(text: str) -> str:
    """A page of Sphinx's and furo's, with what screen readers miss in it (axe-core finds that)."""
    told = text.replace(
        '<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'
    )
    told = told.replace('<table class="docutils', '<table tabindex="0" class="docutils')  # wide ones scroll
    told = told.replace('<div id="search-results">', '<h1>Search</h1>\n<div id="search-results">')
    picture = f'<meta property="og:image" content="{lesson.documentation()}/_static/banner.jpg">'
    told = told.replace("</head>", f"{picture}</head>", 1)
    return told.replace(
        '<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="all pages">'
    )


def lay_out(source: Path) -> None:
    """All pages' sources."""
    (source / "_static" / "covers").mkdir(parents=True)
    (source / "lessons").mkdir()
    (source / "library").mkdir()
    shutil.copy(HERE / "conf.py", source)
    shutil.copy(HERE / "site.css", source / "_static")
    shutil.copy(lesson.ROOT / "data" / "scenes" / "banner.jpg", source / "_static")
    shutil.copytree(gallery.FOLDER, source / "gallery")
    questions, rows = asked(), []
    for path in lesson.lessons():
        nb = lesson.read(path)
        lesson.write(page(nb, path.stem), source / "lessons" / path.name)
        cover(nb, source / "_static" / "covers" / f"{path.stem}.jpg")
        rows.append({"name": path.stem, "title": slides.title(nb), "question": questions[path.stem]})
    readme = (lesson.ROOT / "README.md").read_text("utf-8")
    banner = re.search(r"!\[([^]]+)\]", readme)
    front = Template((HERE / "front.md.j2").read_text("utf-8"), trim_blocks=True)
    texts = {
        "index.md": front.render(lessons=rows, banner=" ".join(banner[1].split()) if banner else ""),
        "start.md": "# Start\n\n" + part(readme, "Start"),
        "handouts.md": handed_out(rows),
        "gallery.md": gallery.page(),
        "truth.md": truth_tables.page(),
        "library/own.md": "# Your own network and photographs\n\n"
        + "\n\n".join(
            f"## {name}\n\n{part(readme, name)}"
            for name in ("One photograph, no notebook", "Your own network")
        ),
    }
    for name, target in PAGES.items():
        if name != "README.md":
            texts[target] = (lesson.ROOT / name).read_text("utf-8")
    teaching, glossary = texts["teaching.md"].split("\n## Glossary\n")
    texts |= {"teaching.md": needs(teaching), "glossary.md": f"# Glossary\n{glossary}"}
    come_from = {target: name for name, target in PAGES.items()} | {
        "library/own.md": "README.md",
        "glossary.md": "docs/teaching.md",
    }
    for target, text in texts.items():
        text = linked(text, come_from.get(target, target), target) if target not in OWN else text
        (source / target).write_text(text, "utf-8")
    for name, text in reference().items():
        (source / "library" / name).write_text(text, "utf-8")


def page(nb: NotebookNode, name: str) -> NotebookNode:
    """A lesson for readers: its setup folded, its links to this site's own pages."""
    nb = nbformat.from_dict(nb)
    slide = f"{lesson.documentation()}/slides/{name}.html"
    for at in [n for n, cell in enumerate(nb.cells) if alive.here(name, cell)]:
        # under the still; the widget's scripts are beside the decks
        nb.cells.insert(at + 1, nbformat.v4.new_markdown_cell(alive.place(name, f"../slides/{alive.FOLDER}")))
    for cell in nb.cells:
        tags = lesson.tags(cell)
        if cell.cell_type == "markdown":  # headings' names are in small letters here
            cell.source = re.sub(r"\]\(#[^)]+\)", lambda match: match[0].lower(), cell.source)
        if "setup" in tags:
            cell.metadata["tags"] = [*tags, "hide-input"]
        if "links" in tags:
            file = f"{lesson.repository()}/raw/main/notebooks/{name}.ipynb"
            cell.source = cell.source.replace(slide, f"../slides/{name}.html") + f" · [download]({file})"
            cell.source += f" · [try it live](../live/index.html{LIVE.get(name[:2], '')})"
            # Sphinx would look for these among its own pages
            cell.source = re.sub(r"\[([^]]+)\]\((\.\./[^)]+)\)", r'<a href="\2">\1</a>', cell.source)
    return nb


def cover(nb: NotebookNode, path: Path) -> None:
    """The lesson's cover, small."""
    output = next(out for cell in nb.cells if "cover" in lesson.tags(cell) for out in lesson.pictures(cell))
    data = next(output.data[kind] for kind in ("image/jpeg", "image/png") if kind in output.data)
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        small = picture.convert("RGB")
    small.thumbnail((COVER, COVER))
    small.save(path, quality=85)


def asked() -> dict[str, str]:
    """Each lesson's question, out of the table in README.md."""
    readme = (lesson.ROOT / "README.md").read_text("utf-8")
    return dict(re.findall(r"^\| \d\d \| \[[^]]+\]\(notebooks/(\w+)\.ipynb\) \| (.+?) \|$", readme, re.M))


def part(text: str, title: str) -> str:
    """What stands under a level-2 heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        raise ValueError(f"README.md has no section {title!r}")
    return found[1].strip() + "\n"


def needs(text: str) -> str:
    """The plan with its graph, which only GitHub draws, as a list of what each lesson needs."""
    before: dict[str, list[str]] = defaultdict(list)
    graph = re.search(r"```mermaid\n(.*?)```\n", text, re.S)
    if not graph:
        return text
    names = dict(re.findall(r"(\d\d)\[([^]]+)\]", graph[1]))
    for one, other in re.findall(r"(\d\d)\S*(?:\[[^]]+\])? --> (\d\d)", graph[1]):
        before[other].append(one)
    rows = [f"- {names[one]}: after {' and '.join(first)}" for one, first in sorted(before.items())]
    told = text.replace(graph[0], "\n".join(rows) + "\n")
    return told.replace(
        "An arrow means that the later lesson uses the earlier one.",
        "A lesson uses those that it comes after.",
    )


def handed_out(rows: list[dict[str, str]]) -> str:
    """The page of handouts: each lesson without its solutions, on Binder and Colab."""
    links = [f"- {row['title']}: " + lesson.links(row["name"], lesson.HANDOUTS) for row in rows]
    slide = rf"\[([^]]+)\]\({re.escape(lesson.documentation())}/(slides/[^)]+)\)"  # is beside this page
    lines = [re.sub(slide, r'<a href="\2">\1</a>', line) for line in links]
    return (
        "# Handouts\n\nThe lessons without their solutions; hints and results stay. Each opens in the "
        f"browser, or take [all of them in one ZIP file]({publish.archive()}) for your own machine. The "
        "[teaching plan](teaching.md) tells how to give them to a class.\n\n" + "\n".join(lines) + "\n"
    )


def linked(text: str, file: str, target: str) -> str:
    """A Markdown text whose links to files lead to this site's pages, or to the repository."""
    up = "../" * target.count("/")
    folder = (lesson.ROOT / file).parent

    def turned(match: re.Match[str]) -> str:
        address = match[2]
        if re.match(r"[a-z]+:|#", address) or address in MADE:
            return match[0]
        path, _, place = address.partition("#")
        try:
            name = (folder / path).resolve().relative_to(lesson.ROOT).as_posix()
        except ValueError:
            return match[0]
        place = f"#{place}" if place else ""
        if name.startswith("notebooks/") and name.endswith(".ipynb"):
            return f"{match[1]}({up}lessons/{name.removeprefix('notebooks/')}{place})"
        if name in PAGES:
            return f"{match[1]}({up}{PAGES[name]}{place})"
        return f"{match[1]}({lesson.repository()}/blob/main/{name}{place})"

    return re.sub(r"(\[[^]]*\])\(([^)\s]+)\)", turned, text)


OWN = ("index.md", "gallery.md", "truth.md")  # pages whose links are this site's own
MADE = ("teaching.md", "map.md")  # as pages that are made here name each other


def reference() -> dict[str, str]:
    """The pages of the library's reference: one a room of the house, from what is public."""
    pages: dict[str, str] = {}
    rooms: dict[str, list[str]] = defaultdict(list)
    for name in camlib.__all__:
        value = getattr(camlib, name)
        if callable(value):
            rooms[value.__module__.split(".")[1]].append(f"camlib.{name}")
    for module in MODULES:
        there = getattr(camlib, module)
        rooms[module] += [
            f"camlib.{module}.{name}" for name in there.__all__ if callable(getattr(there, name))
        ]
    said = dict(
        re.findall(r"^    (\w+) +(.+)$", (lesson.ROOT / "camlib" / "README.md").read_text("utf-8"), re.M)
    )
    for room, names in sorted(rooms.items(), key=lambda one: list(said).index(one[0])):
        lines = [f"# {room}", "", f"{said[room][:1].upper()}{said[room][1:]}.", ""]
        for name in names:
            kind = "autoclass" if isinstance(_value(name), type) else "autofunction"
            more = ["   :members:"] if kind == "autoclass" else []
            lines += ["```{eval-rst}", f".. {kind}:: {name}", *more, "```", ""]
        pages[f"{room}.md"] = "\n".join(lines)
    index = [
        "# Reference",
        "",
        "Everything public, from its docstrings, room by room; [the map](map.md) has the one calling rule.",
        "",
    ]
    index += ["```{toctree}", *(name.removesuffix(".md") for name in pages), "```", ""]
    pages["index.md"] = "\n".join(index)
    return pages


def _value(name: str) -> Any:
    value: Any = camlib
    for part_of in name.split(".")[1:]:
        value = getattr(value, part_of)
    return value


class Html(HTMLParser):
    """What a page links to and loads, and the places in it that a link can name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One tag of the page."""
        told = dict(attrs)
        self.ids.add(told.get("id") or "")
        if tag in ("a", "img", "link", "script"):
            self.links.append(told.get("href") or told.get("src") or "")


def broken_links(site: Path) -> list[str]:
    """Links and pictures that lead nowhere inside the site, each with its page; all is read from the disk."""
    site = site.resolve()
    pages = {path: Html(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found = set()
    for path, page in pages.items():
        for link in page.links:
            address = urlsplit(link)
            if address.scheme or address.netloc or not (address.path or address.fragment):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(address.fragment)  # decks and the live page read theirs themselves
            own = target not in pages or {"slides", "live"} & set(target.relative_to(site).parts)
            if not target.is_file() or not (own or not place or place in pages[target].ids):
                found.add(f"{path.relative_to(site)}: {link}")
    return sorted(found)


def main() -> None:
    try:
        front = build(OUT, SOURCE)
    except ImportError as missing:
        raise SystemExit(
            f"the site wants {missing.name}: pip install -c constraints.txt -e '.[site]'"
        ) from None
    size = sum(path.stat().st_size for path in OUT.rglob("*") if path.is_file())
    print(f"{front.relative_to(lesson.ROOT)}: {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
