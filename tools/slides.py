"""Build each lesson's deck: reveal.js pages that open from a folder, with no network: `make slides`.

A deck shows text and outputs; code only of cells tagged show-code. Formulas become MathML, which browsers
draw themselves. reveal.js 5 (MIT) lies beside this file, in `reveal/`.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tools import lesson

OUT = lesson.ROOT / "build" / "slides"
HERE = Path(__file__).parent
PAGES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True)
KINDS = ("image/svg+xml", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain")


@dataclass
class Part:
    """A block of a page: what it is, for the style sheet, and its HTML."""

    kind: str
    html: str


@dataclass
class Page:
    """One page of a deck."""

    parts: list[Part] = field(default_factory=list)
    notes: str = ""


class Renderer(IPythonRenderer):
    """Markdown to HTML, its formulas to MathML."""

    def block_math(self, body: str) -> str:
        """A formula on its own line."""
        return str(convert(body.strip(), display="block"))

    def inline_math(self, body: str) -> str:
        """A formula in the text."""
        return str(convert(body.strip()))


def build(nb: NotebookNode, out: Path, name: str) -> Path:
    """Write one deck, `name`.html, into a folder, with the files it loads beside it; returns the page."""
    columns: list[list[Page]] = []
    for slide in lesson.slides(nb):
        parts = [part for i in slide.cells for part in _parts(nb.cells[i])]
        notes = "".join(_markdown(nb.cells[i].source) for i in slide.notes)
        if slide.starts_column or not columns:
            columns.append([])
        columns[-1].append(Page(parts, notes))
    shutil.copytree(HERE / "reveal", out / "reveal", dirs_exist_ok=True)
    (out / "reveal" / "deck.css").write_text(
        (HERE / "reveal" / "deck.css").read_text("utf-8") + HtmlFormatter().get_style_defs(".highlight"),
        "utf-8",
    )
    page = out / f"{name}.html"
    page.write_text(PAGES.get_template("deck.html.j2").render(title=title(nb), columns=columns), "utf-8")
    return page


def title(nb: NotebookNode) -> str:
    """The lesson's title, from its first heading."""
    return next(text for cell in nb.cells for level, text in lesson.headings(cell) if level == 1)


def _parts(cell: NotebookNode) -> list[Part]:
    if cell.cell_type == "markdown":
        parts = [Part("text", _markdown(cell.source))]
    else:
        shown = "show-code" in lesson.tags(cell)
        code = [Part("code", highlight(cell.source, PythonLexer(), HtmlFormatter()))] if shown else []
        parts = code + [part for output in cell.outputs if (part := _output(output))]
    later = " fragment" if lesson.slide_type(cell) == "fragment" else ""
    return [Part(part.kind + later, part.html) for part in parts]


def _output(output: NotebookNode) -> Part | None:
    if output.output_type == "stream":
        return Part("printed", f"<pre>{html.escape(output.text.rstrip())}</pre>")
    data = output.get("data", {})
    kind = next((kind for kind in KINDS if kind in data), None)
    if kind is None:
        return None
    if kind.startswith("image/"):
        alt = html.escape(lesson.alt(output, kind))
        body = data[kind].strip()
        if kind == "image/svg+xml":
            return Part("picture", f'<div role="img" aria-label="{alt}">{body}</div>')
        body = body.replace("\n", "")
        return Part("picture", f'<img alt="{alt}" src="data:{kind};base64,{body}">')
    if kind == "text/html":
        return Part("table", data[kind])
    if kind == "text/plain":
        return Part("printed", f"<pre>{html.escape(data[kind])}</pre>")
    return Part("text", _markdown(data[kind]))


def _markdown(text: str) -> str:
    renderer = Renderer(
        escape=False, embed_images=True, exclude_anchor_links=True, path=str(lesson.NOTEBOOKS)
    )
    page = str(MarkdownWithMath(renderer=renderer).render(text))
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)  # other lessons' decks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    for path in lesson.find(parser.parse_args().lessons):
        page = build(nb := lesson.read(path), OUT, path.stem)
        print(f"{page.relative_to(lesson.ROOT)}  {len(lesson.slides(nb))} slides")
    decks = [(path.stem, title(lesson.read(path))) for path in lesson.lessons()]
    (OUT / "index.html").write_text(PAGES.get_template("decks.html.j2").render(decks=decks), "utf-8")


if __name__ == "__main__":
    main()
