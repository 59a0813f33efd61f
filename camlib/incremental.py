"""Run a network on a picture and on many versions of it that differ in a square, computing only what differs.

The unchanged picture's maps are kept. For a changed one, each local operation computes the part of its map
that the square touches (`camlib.spans`), from the part of the map below and what was kept around it. Where a
part has grown to nearly the whole map, the whole map is computed, and so on to the end as always. Nothing is
approximated: the numbers that are not computed again are those that do not depend on the square.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch.nn import functional

from .graph import Graph
from .spans import Span, outer, united

__all__ = ["Changed", "Kept", "Versions"]

_WHOLE = 0.8  # from this share of a map on all of it is computed: gathering a part has its cost too
_ROOM = 30_000_000  # numbers in memory at once: those that are kept, and ten times a batch's largest tensor
Box = tuple[Span, Span]  # down and across


@dataclass(frozen=True)
class Versions:
    """What the network makes of some of the changed pictures.

    rows (Y,), columns (X,): numbers of the squares, down and across; P = Y · X, row by row.
    logits: (P, C).  maps: the layer's, (P, U, h, w), or None where no layer was asked for.
    """

    rows: Tensor
    columns: Tensor
    logits: Tensor
    maps: Tensor | None


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


class Kept(fx.Interpreter):
    """The unchanged picture's run: `logits` (1, C), `maps` (1, U, h, w) or None, and what `versions` needs.

    image, other: (C, H, W), as the network inside a `Net` takes them: normalised. Squares of `other` are laid
    on `image`.
    """

    def __init__(self, graph: Graph, image: Tensor, other: Tensor) -> None:
        super().__init__(graph.module, graph=graph.graph)
        self.known, self.tables, self.shapes = graph, {}, {}  # type: ignore[var-annotated]
        readers = [node for node in graph.nodes if graph.kinds[node] not in ("pointwise", "nothing")]
        self.read = {graph.source(node) for reader in readers for node in reader.all_input_nodes}
        self.other = other
        self.maps: Tensor | None = None
        if graph.output is not None:
            self.read.add(graph.source(graph.output))
        self.logits: Tensor = self.run(image[None].contiguous(memory_format=torch.channels_last))
        self.room = (_ROOM - sum(table.numel() for table in self.tables.values())) / 10
        self.neck = self._neck()

    def run_node(self, n: fx.Node) -> Any:
        """A node's output, which is kept where it may be read again."""
        kind = self.known.kinds[n]
        (args, _) = self.fetch_args_kwargs_from_env(n)
        if kind == "nothing":
            value = args[0]
        elif n in self.known.norms:
            value = self.known.convolve(n, args[0], padded=False)
        else:
            value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = value.shape
            if n in self.read and value.ndim == 4 and kind != "other":
                self.tables[n] = _table(value)
            if n is self.known.output:
                self.maps = value.clone()
        return value

    def versions(self, y: Tensor, x: Tensor) -> Iterator[Versions]:
        """Run the picture with each square laid on it, a batch at a time.

        y: int64 (n, 2), each square's first row and the one after its last.  x: (m, 2), its columns.
        """
        height, width = self.other.shape[1:]
        most = self.room / max(
            self.shapes.get(n, torch.Size()).numel() for n in self.known.nodes[self.neck :]
        )
        waiting: list[_Half] = []
        for half in self._halves(y, x, _alike(y, height), _alike(x, width)):
            if waiting and sum(len(one.value) for one in (*waiting, half)) > most:
                yield from self._ended(waiting)
                waiting = []
            waiting.append(half)
        yield from self._ended(waiting)

    def _ended(self, halves: list["_Half"]) -> Iterator[Versions]:
        """What comes after the neck, for all at once: large linear layers read their weights only once."""
        values = torch.cat([half.value for half in halves])
        before: dict[fx.Node, Any] = dict.fromkeys(
            node for node in self.known.nodes[: self.neck] if node.op != "get_attr"
        )
        end = fx.Interpreter(self.module, graph=self.graph)
        logits = end.run(initial_env={**before, self.known.nodes[self.neck]: values})
        split = logits.split([len(half.value) for half in halves])
        for half, some in zip(halves, split, strict=True):
            yield Versions(half.rows, half.columns, some, half.maps)

    def _halves(self, y: Tensor, x: Tensor, rows: Tensor, columns: Tensor) -> Iterator["_Half"]:
        height, width = self.other.shape[1:]
        (top, under), (left, right) = y[rows].T, x[columns].T
        picture = Span.of(top, under, height), Span.of(left, right, width)
        plan = self._plan(picture)
        if self._largest(plan) * len(rows) * len(columns) > self.room and max(len(rows), len(columns)) > 1:
            down = len(rows) >= len(columns)
            for half in (rows if down else columns).tensor_split(2):
                yield from self._halves(y, x, *((half, columns) if down else (rows, half)))
            return
        run = _Rerun(self, plan, len(rows) * len(columns))
        yield _Half(rows, columns, run(picture), run.maps)

    def _neck(self) -> int:
        """The number of the first node whose output, a tensor made whole, is all that the later ones read."""
        nodes = self.known.nodes
        last = {above: n for n, node in enumerate(nodes) for above in node.all_input_nodes}
        open_until, begin = 0, nodes.index(self.known.output) if self.known.output else 0
        for n, node in enumerate(nodes):
            alone, made = n >= begin and open_until <= n, self.known.kinds[node] == "other"
            if alone and made and self.shapes.get(node, torch.Size())[:1] == (1,):
                return n
            if node.op != "get_attr":
                open_until = max(open_until, last.get(node, 0))
        return nodes.index(nodes[-1].args[0])

    def _plan(self, picture: Box) -> dict[fx.Node, Box]:
        """Which part of each map to compute; a node that is not in it gets its inputs whole."""
        plan: dict[fx.Node, Box] = {}
        for node in self.known.nodes:
            kind, above = self.known.kinds[node], node.all_input_nodes
            if kind == "picture":
                plan[node] = picture
            elif kind == "other" or not above or any(one not in plan for one in above):
                continue
            elif kind == "window":
                window, (height, width) = self.known.windows[node], self.shapes[node][2:]
                y, x = plan[above[0]]
                whole = y.whole and x.whole
                plan[node] = _grown(y.through(window, 0, height), x.through(window, 1, width), whole)
            elif kind == "meet":
                if len({self.shapes[one][2:] for one in above}) == 1:
                    ys, xs = zip(*(plan[one] for one in above), strict=True)
                    whole = any(y.whole and x.whole for y, x in zip(ys, xs, strict=True))
                    plan[node] = _grown(united(ys), united(xs), whole)
            else:
                plan[node] = plan[above[0]]
        return plan

    def _largest(self, plan: dict[fx.Node, Box]) -> int:
        """How many numbers the largest tensor of one version has."""
        sizes = [0 if self.maps is None else self.maps.numel()]
        for node in self.known.nodes[: self.neck + 1]:
            shape = self.shapes.get(node, torch.Size([0]))
            y, x = plan.get(node, (None, None))
            part = y.size * x.size / (y.length * x.length) if y and x else 1
            sizes.append(int(shape.numel() * part))
        return max(sizes)


class _Half(NamedTuple):
    """Versions as far as the neck: its output (P, …) in the logits' place."""

    rows: Tensor
    columns: Tensor
    value: Tensor
    maps: Tensor | None


class _Rerun(fx.Interpreter):
    """One batch of versions, as far as the neck."""

    def __init__(self, kept: Kept, plan: dict[fx.Node, Box], count: int) -> None:
        super().__init__(kept.module, graph=kept.graph)
        self.kept, self.known, self.plan, self.count = kept, kept.known, plan, count
        self.neck, self.after = kept.known.nodes[kept.neck], set(kept.known.nodes[kept.neck + 1 :])
        self.value = torch.empty(0)
        self.maps: Tensor | None = None

    def __call__(self, picture: Box) -> Tensor:
        """What the neck gives out with each square laid on the picture."""
        (y, x), other = picture, self.kept.other
        height, width = other.shape[1:]
        node = next(node for node in self.known.nodes if node in self.plan)
        table = torch.cat([self.kept.tables[node], other.permute(1, 2, 0).flatten(0, 1)])
        filled = outer(y.changed, x.changed) * (height * width + 2)
        values = _rows(table, outer(y.rows * width, x.rows) + filled)
        self.run(Changed(values, node, y, x))
        return self.value

    def run_node(self, n: fx.Node) -> Any:
        """A node's output: a `Changed` where the plan says so, else a tensor; nothing after the neck."""
        if n in self.after:
            return None
        value = self._value(n)
        if n is self.neck:
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
        low = not isinstance(called, torch.nn.AvgPool2d | torch.nn.Conv2d)  # a maximum's padding never wins
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
        table, (y, x) = self.kept.tables[part.node], (part.y, part.x)
        cells = y.length * x.length
        down, across = rows - y.at[:, None], columns - x.at[:, None]
        inside = outer((rows >= 0) & (rows < y.length), (columns >= 0) & (columns < x.length))
        old = outer(rows * x.length, columns).where(inside, cells + low)
        first = torch.arange(self.count).view(len(rows), len(columns), 1, 1) * (y.size * x.size)
        new = outer(down * x.size, across) + first + len(table)
        fresh = outer((down >= 0) & (down < y.size), (across >= 0) & (across < x.size))
        values = part.values.permute(0, 2, 3, 1).reshape(-1, table.shape[1])
        return _rows(torch.cat([table, values]), new.where(fresh, old))


def _table(maps: Tensor) -> Tensor:
    """(h · w + 2, C): a row for each cell of a map (1, C, h, w), then zeros and -∞, two kinds of padding."""
    cells = maps[0].permute(1, 2, 0).flatten(0, 1)
    edge = cells.new_tensor([0, -torch.inf])[:, None].expand(2, cells.shape[1])
    return torch.cat([cells, edge])


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """(Y · X, C, h, w), channels last, of a table's rows (Y, X, h, w)."""
    found = table.index_select(0, index.flatten().to(table.device))
    return found.view(-1, *index.shape[2:], table.shape[1]).permute(0, 3, 1, 2)


def _grown(y: Span, x: Span, whole: bool) -> Box:
    """The box, or the whole map, where that is hardly more."""
    whole = whole or y.size * x.size >= _WHOLE * y.length * x.length
    return (y.all(), x.all()) if whole else (y, x)


def _alike(edges: Tensor, length: int) -> Tensor:
    """The squares' numbers, those first that lie nearest to the border: neighbours touch equally much."""
    return torch.minimum(edges[:, 0], length - edges[:, 1]).argsort(stable=True)
