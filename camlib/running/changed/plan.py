"""Which part of each map must be computed again when a square of the picture changes."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from torch import Size, fx

from .graph import Graph
from .spans import Span, united

__all__ = ["Box", "Plan", "largest", "plan"]

_WHOLE = 0.8  # from this share of a map on all of it is computed: gathering a part has its cost too

Box: TypeAlias = tuple[Span, Span]  # down and across
Plan: TypeAlias = dict[fx.Node, Box]


def plan(graph: Graph, shapes: Mapping[fx.Node, Size], picture: Box) -> Plan:
    """The part of each node's map that the squares touch, as small as one size for all of them can be.

    shapes: node → shape of what it gives out for one picture.  picture: the squares.
    A node that is not in it gets its inputs whole. Once a map is whole, so are those after it.
    """
    found: Plan = {}
    for node in graph.nodes:
        kind, above = graph.kinds[node], node.all_input_nodes
        if kind == "picture":
            found[node] = picture
        elif kind == "other" or not above or any(one not in found for one in above):
            continue
        elif kind == "window":
            window, (height, width) = graph.windows[node], shapes[node][2:]
            y, x = found[above[0]]
            whole = y.whole and x.whole
            found[node] = _grown(y.through(window, 0, height), x.through(window, 1, width), whole)
        elif kind == "meet":
            if len({shapes[one][2:] for one in above}) == 1:
                ys, xs = zip(*(found[one] for one in above), strict=True)
                whole = any(y.whole and x.whole for y, x in zip(ys, xs, strict=True))
                found[node] = _grown(united(ys), united(xs), whole)
        else:
            found[node] = found[above[0]]
    return found


def largest(found: Plan, shapes: Mapping[fx.Node, Size], nodes: Sequence[fx.Node]) -> int:
    """How many numbers the largest tensor has that these nodes give out for one square."""
    sizes = [0]
    for node in nodes:
        y, x = found.get(node, (None, None))
        part = y.size * x.size / (y.length * x.length) if y and x else 1
        sizes.append(int(shapes.get(node, Size([0])).numel() * part))
    return max(sizes)


def _grown(y: Span, x: Span, whole: bool) -> Box:
    """The box, or the whole map, where that is hardly more."""
    whole = whole or y.size * x.size >= _WHOLE * y.length * x.length
    return (y.all(), x.all()) if whole else (y, x)
