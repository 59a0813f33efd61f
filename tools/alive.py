"""Widgets that answer without a kernel, on the site and in decks: the still's place, the scripts behind it.

The front end is the widget's own (`camlib/widgets/square.js`), the network runs in the page
(`site/live/engine.js`), and `site/alive.js` stands between them where Jupyter's model does in a notebook.
Nothing is loaded before the button is pressed. All are plain scripts, since a deck is opened from a disk.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from camlib import Net, SquareExplorer, critters, load
from camlib.widgets.base import image_of, png
from tools import lesson, live

FOLDER = "alive"  # beside the decks; the site's lessons load the same
NETWORK = "critternet_gap"
WIDGETS = lesson.ROOT / "camlib" / "widgets"
MADE = ("06_occlusion",)  # the lessons whose widget is here; its cell is the one whose output is live


def place(name: str, folder: str = FOLDER) -> str:
    """The HTML that follows a lesson's still: an empty box, which the script fills with a button."""
    return f'<div class="alive" data-of="{name}"></div><script src="{folder}/alive.js" defer></script>'


def choice(net: Net) -> dict[str, Tensor]:
    """The pictures that lesson 06's widget offers, by name, each (3, 128, 128)."""
    crowd = critters(60, seed=606)
    return {f"scene {n}: {net.classes[crowd.labels[n]]}": crowd.images[n] for n in range(16)}


def square() -> SquareExplorer:
    """Lesson 06's widget, as its cell leaves it; a test compares the two."""
    net = load(NETWORK)
    made = SquareExplorer(net, choice(net), side=32)
    made.x, made.y = 34, 48
    return made


def build(out: Path) -> None:
    """Write the scripts of all widgets into a folder; some 700 kB."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(lesson.ROOT / "site" / "alive.js", out)
    shutil.copy(live.HERE / "engine.js", out)
    live.script(out / "kernel.js", live.kernel())
    live.script(out / f"{NETWORK}.js", f"arrived({live.literal(live.exported(load(NETWORK)))});")
    module = (WIDGETS / "square.js").read_text("utf-8")
    front, ending = module.split("export default { render };")
    if ending.strip():
        raise ValueError("square.js no longer ends with what it exports")
    (out / "square.js").write_text(f"(() => {{\n{front}\nfrontEnd('square', render);\n}})();\n", "utf-8")
    styles = "".join((WIDGETS / f"{name}.css").read_text("utf-8") for name in ("theme", "square"))
    (out / "square.css").write_text(styles, "utf-8")
    (name,) = MADE
    widget = told(square(), choice(load(NETWORK)))
    live.script(out / f"{name}.js", f"alive({live.literal(name)}, {live.literal(widget)});")


def told(widget: SquareExplorer, pictures: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the page is told of a widget and of the pictures that it was made with."""
    files = {name: png(image_of(image)) for name, image in pictures.items()}
    return {
        "front": "square",
        "network": NETWORK,
        "pictures": {name: base64.b64encode(data).decode() for name, data in files.items()},
        **{name: getattr(widget, name) for name in ("x", "y", "side")},
    }
