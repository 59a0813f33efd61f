"""Is it worth computing only what the squares touch? Count first, then choose the way.

Of each operation it is known which part a square touches (`plan`), and so how many multiplications are saved:

    saved = squares · (all - Σ touched parts)

Against them stands what the incremental way costs besides: the unchanged picture's run is kept cell by cell,
and the parts are gathered and put back. Measured on LeNet, critternet, ResNet-18, SqueezeNet and MobileNetV2
that is worth about two runs of the network, and some milliseconds whatever its size.
"""

from collections.abc import Mapping

from torch import Size, Tensor, fx, nn

from .graph import Graph
from .plan import plan
from .spans import Span

__all__ = ["first_run", "worth"]

_RUNS, _BESIDES = 2, 10_000_000  # what is to be saved: runs of the network, and multiplications besides


def worth(graph: Graph, shapes: Mapping[fx.Node, Size], y: Tensor, x: Tensor, size: tuple[int, int]) -> bool:
    """Whether the squares, rows y (n, 2) by columns x (m, 2), leave so much of a picture of (H, W) untouched.

    shapes: node → shape of what it gives out for one picture (`first_run`).
    """
    squares = Span.of(y[:, 0], y[:, 1], size[0]), Span.of(x[:, 0], x[:, 1], size[1])
    found = plan(graph, shapes, squares)
    whole, touched = 0, 0.0
    for node in graph.nodes:
        work = _work(graph, node, shapes)
        down, across = found.get(node, (None, None))
        whole += work
        touched += work * (_share(down) * _share(across) if down and across else 1)
    return len(y) * len(x) * (whole - touched) > _RUNS * whole + _BESIDES


def first_run(graph: Graph, picture: Tensor) -> tuple[Tensor, dict[fx.Node, Size]]:
    """Of a normalised picture (1, C, H, W) the logits, and each node's shape, where it gives out a tensor."""
    run = _Shapes(graph.module, graph=graph.graph)
    return run.run(picture), run.shapes


class _Shapes(fx.Interpreter):
    shapes: dict[fx.Node, Size]

    def run_node(self, n: fx.Node) -> object:
        if n.op == "placeholder":
            self.shapes = {}
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = value.shape
        return value


def _work(graph: Graph, node: fx.Node, shapes: Mapping[fx.Node, Size]) -> int:
    """Multiplications, or numbers given out, where it has no weights."""
    called, numbers = graph.called(node), shapes.get(node, Size([0])).numel()
    if isinstance(called, nn.Conv2d):
        return numbers * called.weight[0].numel()
    return numbers * called.in_features if isinstance(called, nn.Linear) else numbers


def _share(span: Span) -> float:
    return span.size / span.length
