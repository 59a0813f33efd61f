"""A network as a row of blocks: as high as its maps, as wide as it has channels."""

import math

from torch import Tensor, nn

from ..layers import trace
from ..nets import Net
from .figure import PAD, WIDTH, Figure, page, place, styled

_COLOURS = {
    "picture": "#8a8a8a",
    "convolution": "#12255c",
    "pooling": "#9db7d6",
    "fully connected": "#e07b12",
}
_HEIGHT = 2.9


@styled
def network(net: Net, *, title: str, alt: str | None = None) -> Figure:
    """The layers in order, each with its name and the shape of what it gives out.

    A block's height follows the side of its maps, its width the number of its channels, both by their square
    roots; a vector is a thin bar whose height follows its length.
    """
    shapes = {"picture": (net.channels, net.size, net.size), **_shapes(net)}
    kinds = ["picture", *(_kind(net.layers[name], shapes[name]) for name in list(shapes)[1:])]
    described = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes.items())
    figure = page(title, alt, f"Blocks from left to right: {described}.", _HEIGHT)
    ax = place(figure, PAD, PAD, WIDTH - 2 * PAD, _HEIGHT)
    ax.set_axis_off()
    sizes = [_size(shape) for shape in shapes.values()]
    room = WIDTH - 2 * PAD
    slot = room / len(sizes)
    text = min(12.0, slot * 17)
    scale = min(1.0, 0.82 * slot / max(width for width, _ in sizes))
    for i, (name, shape) in enumerate(shapes.items()):
        x, (width, height) = (i + 0.5) * slot, sizes[i]
        ax.bar(x, height, width * scale, bottom=-height / 2, color=_COLOURS[kinds[i]])
        ax.text(x, -1.02, name, ha="center", va="top", size=text, weight="bold")
        ax.text(x, -1.25, _written(shape), ha="center", va="top", size=text)
    seen = [kind for kind in _COLOURS if kind in kinds and kind != "picture"]
    for i, kind in enumerate(seen):
        style = {"color": _COLOURS[kind], "weight": "bold", "size": 12}
        ax.text(room, 1 - 0.2 * i, kind, ha="right", va="center", **style)
    ax.set(xlim=(0, room), ylim=(-1.75, 1.1))
    return figure


def _shapes(net: Net) -> dict[str, tuple[int, ...]]:
    outputs = {id(call.module): call.output for call in trace(net.module, net.channels, net.size)[0]}
    found = {name: outputs.get(id(module)) for name, module in net.layers.items()}
    return {name: tuple(out.shape[1:]) for name, out in found.items() if isinstance(out, Tensor)}


def _kind(module: nn.Module, shape: tuple[int, ...]) -> str:
    if "Pool" in type(module).__name__:
        return "pooling"
    return "convolution" if len(shape) == 3 else "fully connected"


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Width in inches and height, where 2 is the most."""
    if len(shape) == 1:
        return 0.12, min(2.0, 0.28 * math.log10(shape[0]) ** 1.5)
    channels, side = shape[0], max(shape[1:])
    return 0.05 * math.sqrt(channels), min(2.0, 2.0 * math.sqrt(side / 224))


def _written(shape: tuple[int, ...]) -> str:
    return "\n".join([str(shape[0]), "×".join(map(str, shape[1:]))]).strip()
