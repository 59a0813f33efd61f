"""Run a network on changed pictures, computing of each map only the part that a plan names.

Each cell of a map is a row of a table: the rows that were kept of the unchanged picture, two rows of padding,
and those that are computed again. What a window reads is gathered from there, row by row, for all pictures of
the batch at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from .graph import Graph
from .plan import Plan
from .spans import Span, outer

__all__ = ["Rerun", "table"]


@dataclass(frozen=True, eq=False)
class Changed:
    """The part of a map that was computed again.

    values: (P, C, h, w).  node: where the kept map comes from.  y, x: which rows and columns.
    """

    values: Tensor
    node: fx.Node
    y: Span
    x: Span

    @property
    def whole(self) -> bool:
        """Whether it is all of the map."""
        return self.y.whole and self.x.whole


class Rerun(fx.Interpreter):
    """Runs changed pictures as far as the node number `last`; `maps` are then the layer's, or None.

    tables: node → what `table` made of its map for the unchanged picture.
    """

    def __init__(self, graph: Graph, tables: Mapping[fx.Node, Tensor], plan: Plan, last: int) -> None:
        super().__init__(graph.module, graph=graph.graph)
        self.known, self.tables, self.plan = graph, tables, plan
        self.last, self.after = graph.nodes[last], set(graph.nodes[last + 1 :])
        self.value = torch.empty(0)
        self.maps: Tensor | None = None

    def __call__(self, other: Tensor) -> Tensor:
        """What the last node gives out, (P, …), with each square of `other` (C, H, W) laid on the picture."""
        node = next(node for node in self.known.nodes if self.known.kinds[node] == "picture")
        (y, x), (height, width) = self.plan[node], other.shape[1:]
        both = torch.cat([self.tables[node], other.permute(1, 2, 0).flatten(0, 1)])
        filled = outer(y.changed, x.changed) * (height * width + 2)
        values = _rows(both, outer(y.rows * width, x.rows) + filled)
        self.run(Changed(values, node, y, x))
        return self.value

    def run_node(self, n: fx.Node) -> Any:
        """A node's output: a `Changed` where the plan says so, else a tensor; nothing after the last."""
        if n in self.after:
            return None
        value = self._value(n)
        if n is self.last:
            self.value = value
        if n is self.known.output:
            whole = self._whole(value)
            self.maps = whole.clone() if isinstance(value, Tensor) or value.whole else whole
        return value

    def _value(self, n: fx.Node) -> Any:
        if n.op in ("placeholder", "get_attr"):
            return super().run_node(n)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        kind = self.known.kinds[n]
        if kind == "nothing":
            return args[0]
        if n in self.plan:
            if kind == "window":
                return self._window(n, args[0])
            if kind == "pointwise":
                values = getattr(self, n.op)(n.target, (args[0].values, *args[1:]), kwargs)
                return replace(args[0], values=values, node=n)
            return self._meet(n, args)
        args, kwargs = fx.node.map_aggregate((args, kwargs), self._whole)
        if n in self.known.norms:
            return self.known.convolve(n, args[0], padded=False)
        return getattr(self, n.op)(n.target, args, kwargs)

    def _window(self, n: fx.Node, below: Changed) -> Changed:
        window, (y, x) = self.known.windows[n], self.plan[n]
        called, whole = self.known.called(n), below.whole
        low = not isinstance(called, nn.AvgPool2d | nn.Conv2d)  # a maximum's padding never wins
        values = below.values
        if not whole:
            values = self._gathered(below, y.read(window, 0), x.read(window, 1), low)
        if n in self.known.norms:
            values = self.known.convolve(n, values, padded=not whole)
        elif whole:
            values = called(values)
        elif low:
            values = functional.max_pool2d(values, window.kernel, window.stride, 0, window.dilation)
        else:
            values = functional.avg_pool2d(values, window.kernel, window.stride)
        return Changed(values, n, y, x)

    def _meet(self, n: fx.Node, args: Any) -> Changed:
        y, x = self.plan[n]

        def fitted(part: Any) -> Any:
            if not isinstance(part, Changed):
                return part
            fits = part.y.same(y) and part.x.same(x)
            return part.values if fits else self._gathered(part, y.rows, x.rows)

        args, kwargs = fx.node.map_aggregate((args, n.kwargs), fitted)
        return Changed(getattr(self, n.op)(n.target, args, kwargs), n, y, x)

    def _whole(self, value: Any) -> Any:
        if not isinstance(value, Changed):
            return value
        return value.values if value.whole else self._gathered(value, value.y.all().rows, value.x.all().rows)

    def _gathered(self, part: Changed, rows: Tensor, columns: Tensor, low: bool = False) -> Tensor:
        """(P, C, h, w): these rows (Y, h) and columns (X, w), new ones, kept ones, or padding."""
        kept, (y, x) = self.tables[part.node], (part.y, part.x)
        cells = y.length * x.length
        down, across = rows - y.at[:, None], columns - x.at[:, None]
        inside = outer((rows >= 0) & (rows < y.length), (columns >= 0) & (columns < x.length))
        old = outer(rows * x.length, columns).where(inside, cells + low)
        number = torch.arange(len(rows) * len(columns)).view(len(rows), len(columns), 1, 1)
        first = number * (y.size * x.size)
        new = outer(down * x.size, across) + first + len(kept)
        fresh = outer((down >= 0) & (down < y.size), (across >= 0) & (across < x.size))
        values = part.values.permute(0, 2, 3, 1).reshape(-1, kept.shape[1])
        return _rows(torch.cat([kept, values]), new.where(fresh, old))


def table(maps: Tensor) -> Tensor:
    """(h · w + 2, C): a row for each cell of a map (1, C, h, w), then zeros and -∞, two kinds of padding."""
    cells = maps[0].permute(1, 2, 0).flatten(0, 1)
    edge = cells.new_tensor([0, -torch.inf])[:, None].expand(2, cells.shape[1])
    return torch.cat([cells, edge])


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """(Y · X, C, h, w), channels last, of a table's rows (Y, X, h, w)."""
    found = table.index_select(0, index.flatten().to(table.device))
    return found.view(-1, *index.shape[2:], table.shape[1]).permute(0, 3, 1, 2)
