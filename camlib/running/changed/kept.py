"""Run a network on a picture and on many versions of it that differ in a square, computing only what differs.

The unchanged picture's maps are kept. For a changed one, each local operation computes the part of its map
that the square touches (`spans`), from the part of the map below and what was kept around it. Where a
part has grown to nearly the whole map, the whole map is computed, and so on to the end as always. Nothing is
approximated: the numbers that are not computed again are those that do not depend on the square.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx

from .graph import Graph
from .plan import largest, plan
from .rerun import Rerun, table
from .spans import Span

__all__ = ["Kept", "Versions"]

_ROOM = 30_000_000  # numbers in memory at once: those that are kept, and ten times a batch's largest tensor


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


class _Half(NamedTuple):
    """Versions as far as the neck: its output (P, …) in the logits' place."""

    rows: Tensor
    columns: Tensor
    value: Tensor
    maps: Tensor | None


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
        self.room = (_ROOM - sum(one.numel() for one in self.tables.values())) / 10
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
                self.tables[n] = table(value)
            if n is self.known.output:
                self.maps = value.clone()
        return value

    def versions(self, y: Tensor, x: Tensor) -> Iterator[Versions]:
        """Run the picture with each square laid on it, a batch at a time.

        y: int64 (n, 2), each square's first row and the one after its last.  x: (m, 2), its columns.
        """
        height, width = self.other.shape[1:]
        most = self.room / largest({}, self.shapes, self.known.nodes[self.neck :])
        waiting: list[_Half] = []
        for half in self._halves(y, x, _alike(y, height), _alike(x, width)):
            full = sum(len(one.value) for one in (*waiting, half)) > most
            if waiting and (full or half.maps is not None):  # maps are large: they do not wait
                yield from self._ended(waiting)
                waiting = []
            waiting.append(half)
        yield from self._ended(waiting)

    def _ended(self, halves: list[_Half]) -> Iterator[Versions]:
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

    def _halves(self, y: Tensor, x: Tensor, rows: Tensor, columns: Tensor) -> Iterator[_Half]:
        height, width = self.other.shape[1:]
        (top, under), (left, right) = y[rows].T, x[columns].T
        picture = Span.of(top, under, height), Span.of(left, right, width)
        found = plan(self.known, self.shapes, picture)
        each = largest(found, self.shapes, self.known.nodes[: self.neck + 1])
        each = each if self.maps is None else max(each, self.maps.numel())
        if each * len(rows) * len(columns) > self.room and max(len(rows), len(columns)) > 1:
            down = len(rows) >= len(columns)
            for half in (rows if down else columns).tensor_split(2):
                yield from self._halves(y, x, *((half, columns) if down else (rows, half)))
            return
        run = Rerun(self.known, self.tables, found, self.neck)
        yield _Half(rows, columns, run(self.other), run.maps)

    def _neck(self) -> int:
        """The number of the first node whose output, a tensor made whole, is all that the later ones read."""
        nodes = self.known.nodes
        last = {above: n for n, node in enumerate(nodes) for above in node.all_input_nodes}
        open_until, begin = 0, nodes.index(self.known.output) if self.known.output else 0
        for n, node in enumerate(nodes[:-1]):  # the last one is fx's own, and gives nothing out
            alone, made = n >= begin and open_until <= n, self.known.kinds[node] == "other"
            if alone and made and self.shapes.get(node, torch.Size())[:1] == (1,):
                return n
            if node.op != "get_attr":
                open_until = max(open_until, last.get(node, 0))
        return nodes.index(nodes[-1].args[0])


def _alike(edges: Tensor, length: int) -> Tensor:
    """The squares' numbers, those first that lie nearest to the border: neighbours touch equally much."""
    return torch.minimum(edges[:, 0], length - edges[:, 1]).argsort(stable=True)
