"""The house stands: a room imports only from rooms above it, and no module imports in a circle."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

import camlib
from tools.lesson import ROOT

PACKAGE = ROOT / "camlib"
MAP = (PACKAGE / "README.md").read_text("utf-8")
FLOORS = re.findall(r"^ {4}([a-z_]+) {2,}\S", MAP, re.MULTILINE)  # from the map, top to bottom
# no rooms; their own lines say what they are for
GROUND = {"wording", "given", "shipped", "unrounded", "chance"}


def modules() -> dict[str, Path]:
    """Dotted name → file."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {".".join(("camlib", *file.relative_to(PACKAGE).with_suffix("").parts)): file for file in files}


def imported(name: str, source: str, known: set[str]) -> set[str]:
    """The modules of the house that this one's text imports, at its head or in a function."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".")[: -node.level] if node.level else []
            target = ".".join([*base, *([node.module] if node.module else [])])
            found |= {target} | {f"{target}.{alias.name}" for alias in node.names}
    return {one for each in found for one in (each, f"{each}.__init__") if one in known}


def room(module: str) -> str:
    """The folder below camlib, or the module that lies on the ground floor itself."""
    return module.split(".")[1]


def arrows(house: dict[str, str]) -> dict[str, set[str]]:
    """Module → the modules that it imports."""
    return {name: imported(name, source, set(house)) - {name} for name, source in house.items()}


def upward(house: dict[str, str]) -> list[str]:
    """The imports from a room below, or from one that the map does not show."""
    wrong = []
    for name, others in arrows(house).items():
        for other in others:
            here, there = room(name), room(other)
            outside = [one for one in (here, there) if one not in FLOORS and not one.startswith("__")]
            if here.startswith("__") or there.startswith("__") or here == there:
                continue
            if outside or FLOORS.index(there) > FLOORS.index(here):
                wrong.append(f"{name} imports {other}")
    return wrong


@pytest.fixture(scope="module")
def house() -> dict[str, str]:
    return {name: file.read_text("utf-8") for name, file in modules().items()}


def test_no_arrow_goes_upward(house: dict[str, str]) -> None:
    assert upward(house) == []


def test_no_circle(house: dict[str, str]) -> None:
    order = list(graphlib.TopologicalSorter(arrows(house)).static_order())
    assert set(order) == set(house)


def test_the_walk_sees_an_arrow_upward_and_a_circle(house: dict[str, str]) -> None:
    changed = dict(house)
    changed["camlib.scores.boxes"] += "\ndef late() -> None:\n    from ..show import figure\n"
    assert upward(changed) == ["camlib.scores.boxes imports camlib.show.figure"] or any(
        line.startswith("camlib.scores.boxes imports camlib.show") for line in upward(changed)
    )
    changed["camlib.scores.maps"] += "\nfrom .boxes import iou\n"
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(arrows(changed)).static_order())


def test_the_map_shows_every_room() -> None:
    rooms = {file.parent.name for file in PACKAGE.glob("*/__init__.py")} | GROUND
    assert set(FLOORS) == rooms
    assert len(FLOORS) == len(rooms)


def test_each_room_says_in_two_lines_what_it_is_for(house: dict[str, str]) -> None:
    for name in FLOORS:
        if name in GROUND:
            continue
        told = ast.get_docstring(ast.parse(house[f"camlib.{name}.__init__"]))
        assert told, name
        if name not in ("show", "checks"):  # these say how to use them, too
            assert len(told.splitlines()) == 2, name


def test_public_names_are_there_and_only_once() -> None:
    stub = (PACKAGE / "__init__.pyi").read_text("utf-8")
    assert sorted(camlib.__all__) == sorted(set(camlib.__all__))
    for name in camlib.__all__:
        assert getattr(camlib, name) is not None
        assert f'"{name}"' in stub


def test_matplotlib_is_imported_by_show_alone(house: dict[str, str]) -> None:
    users = {
        name for name, source in house.items() if re.search(r"^\s*(import|from) matplotlib", source, re.M)
    }
    assert {room(name) for name in users} == {"show"}
