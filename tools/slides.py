"""Build each lesson's deck: reveal.js pages that open from a folder, with no network: `make slides`.

A deck shows text and outputs; code only of cells tagged show-code. Its first page carries the picture that is
tagged cover, each page has a heading, and what a prediction is asked of comes only after it. Formulas become
MathML, which browsers draw themselves. reveal.js 5 (MIT) lies beside this file, in `reveal/`.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from tools import alive, lesson

OUT = lesson.ROOT / "build" / "slides"
HERE = Path(__file__).parent
PAGES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True)
KINDS = ("image/svg+xml", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain")


#: A page in pixels of its 720 lines: what is left inside its padding, a gap, columns beside a picture.
WIDE, HIGH, GAP = 1152, 660, 12
COLUMNS = (360, 430, 500)
LINE, HEAD = 39, 62  # how high a line of text is, and of a heading
LETTER = 15.3  # how wide a letter of the text is, on average


@dataclass
class Part:
    """A block of a page: what it is, for the style sheet, and its HTML; size: of a picture."""

    kind: str
    html: str
    size: tuple[int, int] = (0, 0)


@dataclass
class Page:
    """One page of a deck: its heading, what stands below, what beside, how wide that is, and the notes."""

    heading: list[Part]
    parts: list[Part] = field(default_factory=list)
    beside: list[Part] = field(default_factory=list)
    column: int = 0
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
    """Write one deck, `name`.html, into a folder, with the files it loads beside it; returns the page.

    What its widget loads when it is asked to answer, `alive.build` writes.
    """
    columns: list[list[Page]] = []
    now = ""  # the heading that the pages stand under
    for number, slide in enumerate(lesson.slides(nb)):
        cells = [nb.cells[i] for i in slide.cells]
        parts = _of_slide(cells)
        if any(alive.here(name, cell) for cell in cells):
            alive.loader(out / alive.FOLDER)
            place = alive.place(name)
            parts = [replace(part, html=place) if part.kind.startswith("live") else part for part in parts]
        if not parts or parts[0].kind != "heading":
            parts.insert(0, Part("heading running", f'<h3 class="continued">{now}, continued</h3>'))
        headings = [part.html for part in parts if part.kind.startswith("heading")]
        now = re.sub(r"<[^>]+>", "", headings[-1]).removesuffix(", continued")
        if number == 0:
            parts += _cover(nb)
        if now.strip() == "Exercises":
            parts.append(_exercises(nb))
        notes = "".join(_markdown(nb.cells[i].source) for i in slide.notes)
        if slide.starts_column or not columns:
            columns.append([])
        columns[-1].append(laid_out(parts, notes))
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


def laid_out(parts: list[Part], notes: str = "") -> Page:
    """A page whose only picture stands below its words, or beside them where it is seen larger there."""
    heading, rest = parts[:1], parts[1:]
    pictures = [part for part in rest if part.kind.startswith("picture")]
    words = [part for part in rest if part not in pictures]
    if len(pictures) != 1 or not all(pictures[0].size) or any(part.kind.startswith("code") for part in words):
        return Page(heading, rest, notes=notes)
    wide, high = pictures[0].size
    room = HIGH - HEAD - GAP
    below = min(WIDE / wide, (room - sum(_height(part, WIDE) for part in words)) / high)
    for column in COLUMNS:
        beside = min((WIDE - column - 2 * GAP) / wide, room / high)
        if words and beside > 1.03 * below and sum(_height(part, column) for part in words) <= room:
            return Page(heading, pictures, words, column, notes)
    return Page(heading, rest, notes=notes)


def _height(part: Part, wide: float) -> float:
    """About how many pixels high a block of words stands in a column, its gap included."""
    if part.kind.startswith("printed"):
        lines = html.unescape(re.sub(r"<[^>]+>", "", part.html)).splitlines()
        return GAP + 36 * sum(max(1, -(-len(line) * 16 // wide)) for line in lines)
    if part.kind.startswith("table") or "<table" in part.html or "<math" in part.html:
        return GAP + 46 * (1 + part.html.count("<tr") + 2 * part.html.count('display="block"')) * WIDE / wide
    blocks = re.split(r"</(?:p|li|h\d)>", part.html)
    texts = [html.unescape(re.sub(r"<[^>]+>", "", block)).strip() for block in blocks]
    return GAP + sum(LINE * -(-len(text) * LETTER // wide) + 14 for text in texts if text)


def _of_slide(cells: list[NotebookNode]) -> list[Part]:
    """A page's blocks, top to bottom; what follows a prediction appears only when the page is turned."""
    parts: list[Part] = []
    asked = False
    for cell in cells:
        later = " fragment" if asked or lesson.slide_type(cell) == "fragment" else ""
        parts += [replace(part, kind=part.kind + later) for part in _parts(cell)]
        asked |= lesson.predicts(cell)
    return parts


def _parts(cell: NotebookNode) -> list[Part]:
    if cell.cell_type == "markdown":
        page = _markdown(cell.source).strip()
        if head := re.match(r"<h[1-6].*?</h[1-6]>", page, flags=re.S):
            text = page[head.end() :].strip()
            return [Part("heading", head[0]), *([Part("text", text)] if text else [])]
        return [Part("text", page)]
    shown = "show-code" in lesson.tags(cell)
    code = [Part("code", highlight(cell.source, PythonLexer(), HtmlFormatter()))] if shown else []
    return code + [part for output in cell.outputs for part in _output(output)]


def _cover(nb: NotebookNode) -> list[Part]:
    """The lesson's best picture, for its first page."""
    cells = [cell for cell in nb.cells if "cover" in lesson.tags(cell)]
    return [part for cell in cells for output in lesson.pictures(cell)[:1] for part in _output(output)[:1]]


def _exercises(nb: NotebookNode) -> Part:
    """What the exercises are called, how hard each is and how long it takes."""
    rows = []
    for e in lesson.exercises(nb):
        name = html.escape(re.sub(r"^Exercise \d+: ", "", e.title))
        rows.append(
            f"<li>{name} <small>{'★' * e.stars}{'☆' * (3 - e.stars)} · {e.minutes} minutes</small></li>"
        )
    return Part("text", f'<ol class="exercises">{"".join(rows)}</ol>')


def _output(output: NotebookNode) -> list[Part]:
    if output.output_type == "stream":
        return [Part("printed", f"<pre>{html.escape(output.text.rstrip())}</pre>")]
    data = output.get("data", {})
    kind = next((kind for kind in KINDS if kind in data), None)
    if kind is None:
        return []
    if kind.startswith("image/"):
        alt, of = html.escape(lesson.alt(output, kind)), output.get("metadata", {}).get(kind, {})
        body = data[kind].strip()
        there = "In the notebook this picture answers: move it there."
        live = [Part("live", there)] if lesson.is_live(output) else []
        if kind == "image/svg+xml":
            return [Part("picture", f'<div role="img" aria-label="{alt}">{body}</div>'), *live]
        body = body.replace("\n", "")
        size = of.get("width", 0), of.get("height", 0)
        return [Part("picture", f'<img alt="{alt}" src="data:{kind};base64,{body}">', size), *live]
    if kind == "text/html":
        return [Part("table", data[kind])]
    if kind == "text/plain":
        return [Part("printed", f"<pre>{html.escape(data[kind])}</pre>")]
    return [Part("text", _markdown(data[kind]))]


def _markdown(text: str) -> str:
    renderer = Renderer(
        escape=False, embed_images=True, exclude_anchor_links=True, path=str(lesson.NOTEBOOKS)
    )
    page = str(MarkdownWithMath(renderer=renderer).render(text))
    return re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', page)  # other lessons' decks


def print_pdfs(decks: list[Path]) -> None:
    """Print each deck to a PDF beside it, with the browser that is here."""
    try:
        from tools import pages
    except ModuleNotFoundError:
        raise SystemExit(
            "PDFs need selenium: pip install selenium; or open a deck and press Ctrl+P"
        ) from None
    if why := pages.missing():
        raise SystemExit(f"PDFs need Chromium: {why}; or open a deck in any browser and press Ctrl+P")
    with pages.browser() as driver:
        for deck in decks:
            deck.with_suffix(".pdf").write_bytes(pages.pdf(driver, deck))
            print(deck.with_suffix(".pdf").relative_to(lesson.ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    parser.add_argument(
        "--pdf", action="store_true", help="print each deck to a PDF, too, if Chromium is here"
    )
    given = parser.parse_args()
    built = []
    for path in lesson.find(given.lessons):
        built.append(build(nb := lesson.read(path), OUT, path.stem))
        print(f"{built[-1].relative_to(lesson.ROOT)}  {len(lesson.slides(nb))} slides")
    alive.build(OUT / alive.FOLDER, alive.MADE.keys() & {deck.stem for deck in built})
    decks = [(path.stem, title(lesson.read(path))) for path in lesson.lessons()]
    (OUT / "index.html").write_text(PAGES.get_template("decks.html.j2").render(decks=decks), "utf-8")
    if given.pdf:
        print_pdfs(built)


if __name__ == "__main__":
    main()
