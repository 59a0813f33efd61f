"""Widgets that answer without a kernel, on the site and in decks: the still's place, the scripts behind it.

The front ends are the widgets' own (`camlib/widgets/*.js`), but for the explorer of units, which matplotlib
draws in a notebook (`site/alive/units.js`). A network runs in the page (`site/live/engine.js`), and
`site/alive/alive.js` stands where Jupyter's model does. Nothing is loaded before the button is pressed. All
are plain scripts, since a deck is opened from a disk.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from camlib import load
from tools import alive_widgets as widgets
from tools import lesson, live

FOLDER = "alive"  # beside the decks; the site's lessons load the same
HERE = lesson.ROOT / "site" / "alive"
WIDGETS = lesson.ROOT / "camlib" / "widgets"


@dataclass(frozen=True)
class Alive:
    """A lesson's widget: what its cell calls, its front end, the network in the page, and what it is told.

    make: the widget as the cell leaves it.  told: its state, for the page.
    """

    calls: str
    front: str
    make: Callable[[], Any]
    told: Callable[[Any], dict[str, Any]]
    network: str = ""


#: The lessons that have one, by their notebooks' names.
MADE = {
    "02_activations": Alive("UnitExplorer", "units", widgets.units, widgets.told_units, "critternet"),
    "05_pca_and_tsne": Alive("PointMap", "pointmap", widgets.pointmap, widgets.told_pointmap),
    "06_occlusion": Alive("SquareExplorer", "square", widgets.square, widgets.told_square, "critternet_gap"),
    "10_filters_to_labels": Alive("Player", "player", widgets.player, widgets.synced),
}


def here(name: str, cell: NotebookNode) -> bool:
    """Whether this cell of a lesson puts out the widget that answers without a kernel, too."""
    made = MADE.get(name)
    return bool(
        made and f"{made.calls}(" in cell.source and any(map(lesson.is_live, cell.get("outputs", ())))
    )


def place(name: str, folder: str = FOLDER) -> str:
    """The HTML that follows a lesson's still: an empty box, which the script fills with a button."""
    box = f'<div class="alive" data-of="{name}" data-prevent-swipe></div>'  # a deck leaves its swipes alone
    return f'{box}<script src="{folder}/alive.js" defer></script>'


def loader(out: Path) -> None:
    """Write the script that makes the buttons into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "alive.js", out)


def build(out: Path, names: Iterable[str]) -> None:
    """Write the scripts behind these lessons' buttons into a folder; of all some 5 MB, in a minute."""
    loader(out)
    shutil.copy(live.HERE / "engine.js", out)
    live.script(out / "kernel.js", live.kernel())
    for name in names:
        made = MADE[name]
        if made.network:
            net = live.literal(live.exported(load(made.network)))
            live.script(out / f"{made.network}.js", f"arrived({net});")
        script, styles = front(made.front)
        (out / f"{made.front}.js").write_text(script, "utf-8")
        (out / f"{made.front}.css").write_text(styles, "utf-8")
        live.script(out / f"{name}.js", f"alive({live.literal(name)}, {widget(name)});")


def front(name: str) -> tuple[str, str]:
    """A front end's script and its styles: the widget's own, and what a page without a kernel adds to it."""
    script = ""
    if (module := WIDGETS / f"{name}.js").exists():
        text, ending = module.read_text("utf-8").split("export default { render };")
        if ending.strip():
            raise ValueError(f"{module.name} no longer ends with what it exports")
        script = f"(() => {{\n{text}\nfrontEnd('{name}', render);\n}})();\n"
    if (more := HERE / f"{name}.js").exists():
        script += more.read_text("utf-8")
    files = [WIDGETS / "theme.css", WIDGETS / f"{name}.css", HERE / f"{name}.css"]
    return script, "".join(file.read_text("utf-8") for file in files if file.exists())


@functools.cache
def widget(name: str) -> str:
    """What the page is told of a lesson's widget, as JavaScript, made once in a process."""
    made = MADE[name]
    state = packed(made.told(made.make()))
    return live.literal({"front": made.front, "network": made.network or None, "state": state})


def packed(value: Any) -> Any:
    """A state whose bytes are letters that the page unpacks."""
    if isinstance(value, bytes):
        return {"packed": live.packed(value)}
    return {name: packed(one) for name, one in value.items()} if isinstance(value, dict) else value
