"""A widget's front end as a page of its own: one HTML file with all it needs, for a browser without a kernel.

The front end is the widget's own: instead of Jupyter's model it talks to a few lines that keep its state.
"""

from __future__ import annotations

import base64
import html
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..given import path_of

__all__ = ["write_page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 12px; }}
{css}
</style>
<body>
<script id="state" type="application/json">{state}</script>
<script type="module">
{esm}
const given = JSON.parse(document.getElementById("state").textContent);
const state = Object.fromEntries(Object.entries(given).map(([name, value]) =>
  [name, value?.base64 === undefined ? value : Uint8Array.from(atob(value.base64), c => c.charCodeAt(0))]));
const heard = {{}};
const model = {{
  get: name => state[name],
  set: (name, value) => {{ state[name] = value; (heard[`change:${{name}}`] || []).forEach(told => told()); }},
  save_changes: () => {{}},
  on: (event, told) => {{ heard[event] = [...(heard[event] || []), told]; }},
  off: (event, told) => {{ heard[event] = (heard[event] || []).filter(other => other !== told); }},
}};
document.body.classList.add("alone");
render({{ model, el: document.body }});
</script>
</body>
</html>
"""


def write_page(path: str | Path, title: str, esm: str, css: str, state: Mapping[str, Any]) -> None:
    """Write the page that shows a front end in a state.

    esm: an anywidget module that defines `render`.  state: what its model holds, bytes as a Uint8Array.
    The file is there whole or not at all.  Raises ValueError for what is no path, OSError as files do.
    """
    file = path_of(path, "page")
    told = {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in state.items()
    }
    within = json.dumps(told).replace("<", "\\u003c")  # or a title could end the script
    text = _PAGE.format(title=html.escape(title), css=css, esm=esm, state=within)
    with tempfile.TemporaryDirectory(dir=file.parent) as near:
        part = Path(near) / file.name
        part.write_text(text, "utf-8")
        part.replace(file)
