"""A network as a row of blocks: as high and deep as its maps, as wide as it has channels."""

import math

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Polygon
from torch import Tensor, nn

from ..networks.net import Net, check_net, traced
from .figure import PAD, WIDTH, Figure, breadth, page, place, styled

_COLOURS = {
    "picture": "#2a2a2a",
    "convolution": "#2b4a9b",
    "pooling": "#9db7d6",
    "fully connected": "#dc770f",
}
_RELU = "#d21f5b"  # the edge of a block whose negative numbers become 0
_KEY, _ROW, _TALLEST = 0.35, 2.8, 1.7  # inches: the colours' key, a row of blocks, a 224 × 224 map
_DEPTH = 0.28  # how far a block reaches back, of its height
_MOST = 12  # blocks in a row


@styled
def network(net: Net, *, title: str, alt: str | None = None) -> Figure:
    """The layers in order, each with its name and the shape of what it gives out.

    A block's height and depth follow the side of its maps, its width the number of its channels, by their
    square roots; a vector is a thin bar whose height follows its length. A layer that ends in a ReLU has a
    bar on its far side. Raises ValueError for what is no `Net`.
    """
    check_net(net)
    shapes = {"picture": (net.channels, *net.sides), **_shapes(net)}
    kinds = ["picture", *(_kind(net.layers[name], shapes[name]) for name in list(shapes)[1:])]
    rectified = [name for name in shapes if isinstance(net.layers.get(name), nn.ReLU | nn.ReLU6)]
    described = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes.items())
    described = f"Blocks from left to right: {described}."
    if rectified:
        described = f"A ReLU ends {', '.join(rectified)}. {described}"
    rows = math.ceil(len(shapes) / _MOST)
    columns, room = math.ceil(len(shapes) / rows), WIDTH - 2 * PAD
    height = _KEY + rows * _ROW
    figure = page(title, alt, described, height)
    ax = place(figure, PAD, PAD, room, height)
    ax.set(xlim=(0, room), ylim=(0, height))
    ax.set_axis_off()
    colours = {kind: colour for kind, colour in _COLOURS.items() if kind in kinds}
    _key(ax, colours | ({"ReLU": _RELU} if rectified else {}), height - 0.12)
    slot, sizes = room / columns, [_size(shape) for shape in shapes.values()]
    scale = min(1.0, 0.9 * slot / max(width + _DEPTH * tall for width, tall in sizes))
    texts = [text for name, shape in shapes.items() for text in (name, _written(shape))]
    size = min(12.0, 12 * 0.95 * slot / max(breadth(text, 12, "bold") for text in texts))
    for i, (name, shape) in enumerate(shapes.items()):
        x, low = (i % columns + 0.5) * slot, (rows - 1 - i // columns) * _ROW
        (width, tall), flat = sizes[i], len(shape) == 1
        depth = 0.0 if flat else _DEPTH * tall
        _block(ax, (x, low + 1.65), width * scale, tall, depth * scale, _COLOURS[kinds[i]])
        if name in rectified:
            edge = x + (width * scale + depth * scale) / 2 + 0.035
            _block(ax, (edge, low + 1.65 + depth * scale / 4), 0.05, tall, 0.0, _RELU)
        ax.text(x, low + 0.62, name, ha="center", va="top", size=size, weight="bold")
        ax.text(x, low + 0.41, _written(shape), ha="center", va="top", size=size)
    return figure


def _key(ax: Axes, colours: dict[str, str], y: float) -> None:
    x = 0.0
    for kind, colour in colours.items():
        _block(ax, (x + 0.09, y), 0.18, 0.18, 0.0, colour)
        ax.text(x + 0.26, y, kind, va="center_baseline", size=12)
        x += 0.26 + breadth(kind, 12) + 0.3


def _block(
    ax: Axes, centre: tuple[float, float], width: float, height: float, depth: float, colour: str
) -> None:
    """A cuboid: its front, and above and beside it how far it reaches back."""
    x, y = centre
    left, right, low, high = x - (width + depth) / 2, x + (width - depth) / 2, y - height / 2, y + height / 2
    low, high, up = low - depth / 4, high - depth / 4, depth / 2
    front = [(left, low), (right, low), (right, high), (left, high)]
    top = [(left, high), (right, high), (right + depth, high + up), (left + depth, high + up)]
    beside = [(right, low), (right + depth, low + up), (right + depth, high + up), (right, high)]
    red, green, blue = to_rgb(colour)
    light = (0.55 + 0.45 * red, 0.55 + 0.45 * green, 0.55 + 0.45 * blue)
    dark = (0.7 * red, 0.7 * green, 0.7 * blue)
    faces = {"front": (front, colour), "top": (top, light), "beside": (beside, dark)}
    for corners, face in faces.values():
        ax.add_patch(Polygon(corners, facecolor=face, edgecolor="white", linewidth=0.6))


def _shapes(net: Net) -> dict[str, tuple[int, ...]]:
    outputs = {id(call.module): call.output for call in traced(net)[0]}
    found = {name: outputs.get(id(module)) for name, module in net.layers.items()}
    return {name: tuple(out.shape[1:]) for name, out in found.items() if isinstance(out, Tensor)}


def _kind(module: nn.Module, shape: tuple[int, ...]) -> str:
    if "Pool" in type(module).__name__:
        return "pooling"
    return "convolution" if len(shape) == 3 else "fully connected"


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    """Width and height in inches."""
    if len(shape) == 1:
        return 0.12, min(_TALLEST, 0.24 * math.log10(shape[0]) ** 1.5)
    channels, side = shape[0], max(shape[1:])
    return 0.04 * math.sqrt(channels), min(_TALLEST, _TALLEST * math.sqrt(side / 224))


def _written(shape: tuple[int, ...]) -> str:
    return "\n".join([str(shape[0]), "×".join(map(str, shape[1:]))]).strip()
