"""What the site adds to Sphinx: alt texts, formulas as MathML, and docstrings of the house's kind.

myst-nb drops the alt texts that outputs carry; Sphinx knows no formulas without a network or JavaScript; and
our docstrings, plain text, are turned into lists and paragraphs of reStructuredText.
"""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from myst_nb.core.render import NbElementRenderer
from sphinx.application import Sphinx

# "images: (N, C, H, W)", and of several on a line "name: what.  size: how large"
NAMED = re.compile(r"(?:^|(?<=[.;)]  ))((?:\*{0,2}[a-z_]\w*)(?:, \*{0,2}[a-z_]\w*)*): ")
BEGINS = ("Returns", "Raises", "Yields")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("autodoc-process-docstring", plain)
    NbElementRenderer.render_image = with_alt(NbElementRenderer.render_image)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def with_alt(render: Any) -> Any:
    """`render_image`, and the alt text that the output carries for its picture."""
    if getattr(render, "has_alt", False):
        return render

    def image(self: Any, data: Any) -> list[nodes.Element]:
        found: list[nodes.Element] = render(self, data)
        about = data.output_metadata
        text = about.get(data.mime_type, {}).get("alt") or about.get("alt") or ""
        for parent in found:
            for node in parent.findall(nodes.image):
                node["alt"] = text.strip()
        return found

    image.has_alt = True  # type: ignore[attr-defined]
    return image


def inline(writer: Any, node: nodes.Element) -> None:
    """A formula in the text."""
    writer.body.append(f'<span class="math">{convert(node.astext())}</span>')
    raise nodes.SkipNode


def block(writer: Any, node: nodes.Element) -> None:
    """A formula on its own line; a wide one scrolls."""
    formula = convert(node.astext().strip(), display="block")
    writer.body.append(f'<div class="math block" tabindex="0">{formula}</div>')
    raise nodes.SkipNode


def plain(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """A docstring's lines as reStructuredText: what is named becomes a list, what is indented stays."""
    text = inspect.cleandoc("\n".join(lines))
    lines[:] = [line for part in re.split(r"\n\s*\n", text) for line in [*paragraph(part.split("\n")), ""]]


def paragraph(lines: list[str]) -> list[str]:
    """One paragraph: a formula or code, set in by four or more, or text with what it names as a list."""
    if all(line.startswith("    ") for line in lines):
        return ["::", "", *lines]
    blocks: list[tuple[str, str]] = [("", "")]
    for line in lines:
        here = line.strip()
        if here.startswith(BEGINS):
            blocks.append(("", ""))
        marks = list(NAMED.finditer(here))
        before = here[: marks[0].start()] if marks else here
        blocks[-1] = (blocks[-1][0], f"{blocks[-1][1]} {before}".strip())
        for mark, after in pairwise([*marks, None]):
            assert mark is not None
            blocks.append((mark[1], here[mark.end() : after.start() if after else None].strip()))
    out: list[str] = []
    for name, words in blocks:
        if name:
            out.append(f"* **{escaped(name)}**: {escaped(words)}")
        elif words:
            out += [*([""] if out else []), escaped(words), ""]
    return out


def escaped(text: str) -> str:
    """Text in which only `code` means anything."""
    parts = re.split(r"(``.+?``|`[^`]+`)", text)
    for i, part in enumerate(parts):
        parts[i] = f"``{part.strip('`')}``" if i % 2 else re.sub(r"([\\*|_`<>\[\]])", r"\\\1", part)
    # code must stand apart from letters that follow it, and from those before
    joined = parts[0]
    for i in range(1, len(parts), 2):
        left = "" if not joined or joined[-1].isspace() or joined[-1] in "([{-" else "\\ "
        right = "" if not parts[i + 1] or re.match(r"[\s.,;:!?)\]}\-]", parts[i + 1]) else "\\ "
        joined += left + parts[i] + right + parts[i + 1]
    return joined
