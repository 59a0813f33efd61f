"""A network is watched while it runs: which pixels does each tensor see?

Every operation is met on its way (PyTorch's dispatch mode), whether a layer, `F.relu` or `+` made it, and one
of the rules in `tensor_field` is applied. What only moves numbers (view, permute, slice, …) moves their cells
alike. An operation without a rule is no error: what comes from it is `Lost`. Of what attention gives out each
place is that of the one who asks: where it asks from is followed, and that it sees others is marked.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from .tensor_field import (
    NOWHERE,
    Axis,
    Besides,
    Lost,
    TensorField,
    UnclearError,
    count,
    joined,
    laid,
    placed,
    settle,
    summed,
    united,
    whole,
)

__all__ = ["FieldTracer"]

MOVES = {
    *("roll", "flip", "repeat", "pixel_unshuffle", "channel_shuffle", "native_channel_shuffle"),
    *("index", "index_select"),
}
POOLS = {"max_pool2d_with_indices", "avg_pool2d", "max_pool3d_with_indices", "avg_pool3d"}
UNTAGGED = {  # number by number, though torch does not tag them so
    *("_to_copy", "copy", "hardswish", "_prelu_kernel", "rrelu_with_noise", "log_sigmoid_forward"),
    "index_fill",  # units that are silenced: the others look where they did
}
UPSAMPLED = {  # how many rows it reads on either side
    "pixel_shuffle": 0,  # whose channels become the new rows and columns
    "upsample_nearest2d": 0,
    "_upsample_nearest_exact2d": 0,
    "upsample_bilinear2d": 1,
    "upsample_bicubic2d": 2,
}
PRODUCTS = {  # the two matrices that are multiplied
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}
ATTENTIONS = {  # in one operation; the query comes first
    *("_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_scaled_dot_product_attention_math"),
    *("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention"),
    *("_scaled_dot_product_efficient_attention", "_scaled_dot_product_cudnn_attention"),
    *("_scaled_dot_product_fused_attention_overrideable", "_scaled_dot_product_attention_math_for_mps"),
}
Read: TypeAlias = tuple[Tensor, int, Tensor]  # what `Axis.through` takes
Spread: TypeAlias = tuple[Tensor, float, float]  # what `Axis.spread` takes


class FieldTracer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, follows what `see` was given through every operation; `look` tells what a tensor sees."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known: Any = WeakTensorKeyDictionary()
        self.written: Counter[int] = Counter()  # how often what a storage sees was changed in place
        self.held: list[Any] = []  # those storages, so that no other takes their address

    def see(self, picture: Tensor) -> None:
        """Follow this picture (1, C, H, W)."""
        y, x = (Axis(0, 0, 1, count(side), count(side)) for side in picture.shape[-2:])
        self._keep(picture, laid(y, x, picture.shape))

    def look(self, tensor: object) -> TensorField | Lost | None:
        """What the tensor sees; None where it does not come from the picture."""
        if not isinstance(tensor, Tensor):
            return None
        reach: TensorField | Lost | None
        reach, written = self.known.get(tensor, (None, 0))
        if self.held and written != self.written[tensor.untyped_storage()._cdata]:
            return Lost("a part of a tensor is overwritten in place")
        return reach

    def _keep(self, tensor: Tensor, reach: TensorField | Lost) -> None:
        self.known[tensor] = reach, self.written[tensor.untyped_storage()._cdata]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if not any(map(self.look, _tensors([*args, *kwargs.values()]))):
            return out
        outputs = _tensors([out])
        try:
            found = _follow(self, func, args, kwargs, outputs)
        except UnclearError as why:
            found = [Lost(str(why))] * len(outputs)
        for tensor, reach in zip(outputs, found, strict=False):
            if _schema(func)[2] and not _same(self.look(tensor), reach):
                self.held.append(tensor.untyped_storage())
                self.written[self.held[-1]._cdata] += 1
            if reach:
                self._keep(tensor, reach)
        return out


@cache
def _schema(func: Any) -> tuple[str, dict[str, Any], bool]:
    """An operation's name, its arguments with their defaults, and whether it writes in place."""
    arguments = func._schema.arguments
    writes = any(one.alias_info and one.alias_info.is_write for one in arguments)
    name = func._schema.name.removeprefix("aten::").rstrip("_")
    return name, {one.name: one.default_value for one in arguments}, writes


def _follow(tracer: FieldTracer, func: Any, args: Any, kwargs: Any, out: list[Tensor]) -> list[Any]:
    """What each output of the operation sees; None where it holds nothing of the picture."""
    name, defaults, _ = _schema(func)
    if not out or name.endswith("_like") or name.startswith("new_"):  # made to a shape, not from the numbers
        return [None] * len(out)
    named = defaults | dict(zip(defaults, args, strict=False)) | kwargs
    seen = [reach for reach in map(tracer.look, _tensors(named.values())) if reach]
    if lost := [reach for reach in seen if isinstance(reach, Lost)]:
        raise UnclearError(lost[0].why)
    reaches = [reach for reach in seen if isinstance(reach, TensorField)]
    first, shape = reaches[0], out[0].shape
    if name in ("view", "_unsafe_view") or (name == "constant_pad_nd" and not any(named["pad"])):
        return [replace(first, cells=first.cells.reshape(shape), laid=False)]
    if (func.is_view and name != "as_strided") or (name in MOVES and len(reaches) == 1):
        moved = _tensors([func(first.cells, *args[1:], **kwargs)])
        return [placed(replace(first, cells=cells, laid=False)) for cells in moved]
    if name == "constant_pad_nd" and not _settles(first):  # maps (N, rows, columns, channels), tokens
        return [replace(first, cells=func(first.cells, named["pad"], NOWHERE), laid=False)]
    if name in ("cat", "stack"):
        pieces = ((tensor, tracer.look(tensor)) for tensor in named["tensors"])
        known = [(tensor, one if isinstance(one, TensorField) else None) for tensor, one in pieces]
        return [joined(known, named["dim"], shape)]
    if torch.Tag.pointwise in func.tags or name in UNTAGGED:
        reach = united(reaches, shape)
    elif tracer.look(args[0]) is first and (windows := _windows(name, named, first, shape)):
        below = settle(first)
        y, x = below.y.through(*windows[0]), below.x.through(*windows[1])
        reach = laid(y, x, shape, max(first.besides, Besides.GATE if len(reaches) > 1 else Besides.NOTHING))
    elif tracer.look(args[0]) is first and (spreads := _spreads(name, named, first, shape)):
        below = settle(first)
        y, x = below.y.spread(*spreads[0]), below.x.spread(*spreads[1])
        reach = laid(y, x, shape, first.besides)
    else:
        looks = {key: look for key, value in named.items() if (look := tracer.look(value))}
        reach = _mixed(name, named, looks, reaches, shape)
    return [reach if tensor.shape == shape else None for tensor in out]


def _windows(name: str, named: Any, one: TensorField, shape: torch.Size) -> list[Read] | None:
    """For rows and columns, what each reads of those below; None: not an operation with windows."""
    if name == "convolution" and len(named["stride"]) == 2 and not named["transposed"]:
        kernel = named["weight"].shape[2:]
    elif name in POOLS:
        kernel = named["kernel_size"]
    elif name in ("_adaptive_avg_pool2d", "adaptive_max_pool2d"):
        return [_shares(*side) for side in zip(shape[-2:], settle(one).shape, strict=True)]
    elif name in ("constant_pad_nd", "reflection_pad2d", "replication_pad2d"):
        before = [*named.get("pad", named.get("padding")), 0, 0][2::-2]  # left, right, top, bottom, …
        sides = zip(shape[-2:], settle(one).shape, before, strict=True)
        return [_padded(*side, name) for side in sides]
    else:
        return None
    sizes = (kernel, named["stride"] or kernel, named["padding"], named.get("dilation", [1]))
    pairs = ((list(each) * 2)[-2:] for each in sizes)
    return [_slid(*side) for side in zip(shape[-2:], *pairs, strict=True)]


def _spreads(name: str, named: Any, one: TensorField, shape: torch.Size) -> list[Spread] | None:
    """For rows and columns, what each row of an upsampled map reads; None: no upsampling."""
    transposed = name == "convolution" and len(named["stride"]) == 2 and named["transposed"]
    if not transposed and name not in UPSAMPLED:
        return None
    sides = list(zip(shape[-2:], settle(one).shape, strict=True))
    if transposed:
        kernel = named["weight"].shape[2:]
        each = zip(sides, kernel, named["stride"], named["padding"], named["dilation"], strict=True)
        return [_transposed(*side, *numbers) for side, *numbers in each]
    given = named.get("scale_factors") or (named.get("scales_h"), named.get("scales_w"))
    corners = bool(named.get("align_corners"))
    return [
        _resized(*side, UPSAMPLED[name], name, corners, factor)
        for side, factor in zip(sides, given, strict=True)
    ]


def _transposed(rows: int, n: int, kernel: int, stride: int, padding: int, dilation: int) -> Spread:
    """Row j gets what input i and weight k give where j = i · stride - padding + k · dilation."""
    reads = count(rows)[:, None] + padding - count(kernel) * dilation
    reads = torch.where(reads % stride == 0, reads // stride, -1)
    return reads.where(reads < n, -1), (padding - (kernel - 1) * dilation / 2) / stride, stride


def _resized(rows: int, n: int, around: int, name: str, corners: bool, factor: float | None) -> Spread:
    """Row i reads around (i + ½) / factor - ½; or, corner on corner, i · (n - 1) / (rows - 1).

    factor: as it was given, whatever number of rows it was rounded to; None: rows / n.
    """
    if rows == n and name in ("upsample_nearest2d", "upsample_bilinear2d"):
        factor = None  # then torch leaves the rows as they are; of bicubic only the gradient says so
    scale = (rows - 1) / (n - 1) if corners and rows > 1 and n > 1 else factor or rows / n
    first = 0.0 if corners else 0.5 / scale - 0.5
    if around == 0:
        shift = 0.5 if "exact" in name else 0.0
        step = torch.tensor(1 / factor if factor else n / rows)  # torch too counts in float32 here
        reads = ((count(rows) + shift) * step).floor().long()[:, None]
        return reads.clamp(max=n - 1), first, scale
    place = (first + count(rows).double() / scale).mul(2**20).round() / 2**20  # a row is met, or it is not
    place = place.clamp(min=0) if around == 1 else place
    low = place.floor().long()[:, None]
    reads = low + count(2 * around) - (around - 1)
    reads = reads.where((place[:, None] != low) | (reads == low), low)  # what has the weight 0 is not read
    return reads.clamp(0, n - 1), first, scale


def _slid(rows: int, kernel: int, stride: int, padding: int, dilation: int) -> Read:
    reads = count(rows)[:, None] * stride - padding + count(kernel) * dilation
    return reads, stride, reads


def _shares(rows: int, n: int) -> Read:
    """The windows of an adaptive pool over n rows, from ⌊i·n/rows⌋ to ⌈(i + 1)·n/rows⌉."""
    starts, ends = count(rows) * n // rows, -(-(count(rows) + 1) * n // rows)
    reads = (starts[:, None] + count(int((ends - starts).max()))).minimum(ends[:, None] - 1)
    return reads, n if rows == 1 else int(starts[1]), reads


def _padded(rows: int, n: int, before: int, kind: str) -> Read:
    reads = count(rows)[:, None] - before
    if kind == "reflection_pad2d":
        return reads, 1, n - 1 - (n - 1 - reads.abs()).abs()
    return reads, 1, reads.clamp(0, n - 1) if kind == "replication_pad2d" else reads


def _mixed(
    name: str, named: Any, looks: dict[str, Any], seen: list[TensorField], shape: torch.Size
) -> TensorField:
    """Matrix products, norms and sums, over places or only over channels."""
    first = seen[0]
    if factors := PRODUCTS.get(name):
        sums = {key: summed(looks[key], [-1 - side]) for side, key in enumerate(factors) if key in looks}
        asks = [one for one in sums.values() if one.shape != (1, 1)]
        if len(asks) > 1:  # each place is compared with each: the rows, in front, are those that ask
            return _asking(asks[0], shape)
        return united([*(looks | sums).values()], shape)
    if name in ATTENTIONS:
        query = looks.get(next(iter(named)))
        if query is None:  # a learned one, which stands for no place
            return united([whole(one, shape) for one in seen], shape)
        return _asking(summed(query, [-1]), shape)
    if "batch_norm" in name or name == "native_group_norm":  # in eval mode a batch norm takes each by itself
        return _gated(first, bool(named.get("training", "group" in name)))
    if name == "native_layer_norm" or name.endswith("softmax") or "rms_norm" in name:
        last = len(named.get("normalized_shape", ()))
        dims = list(range(-last, 0)) if last else [named["dim"]]
        return _gated(first, summed(first, dims).shape != first.shape)
    if "keepdim" in named or not shape:  # mean, max, norm, …
        given = named.get("dim")
        dims = [given] if isinstance(given, int) else list(given or range(first.cells.ndim))
        total = summed(first, dims)
        return total if named.get("keepdim") else replace(total, cells=total.cells.squeeze(dims))
    if all(one.shape == (1, 1) for one in seen):  # no places are left: whatever is done, it sees the same
        return united(seen, shape)
    raise UnclearError(f"where aten.{name} looks is not known here")


def _settles(one: TensorField) -> bool:
    try:
        settle(one)
    except UnclearError:
        return False
    return True


def _asking(query: TensorField, shape: torch.Size) -> TensorField:
    """What attention gives out: the places of those who ask, each a mean over all that answer."""
    return replace(query, cells=query.cells.expand(shape), besides=Besides.ATTENTION, laid=False)


def _gated(one: TensorField, gated: bool) -> TensorField:
    return replace(one, besides=max(one.besides, Besides.GATE)) if gated else one


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among an operation's arguments, those in lists too."""
    each = (one for value in values for one in (value if isinstance(value, list | tuple) else [value]))
    return [one for one in each if isinstance(one, Tensor)]


def _same(old: TensorField | Lost | None, new: TensorField | Lost | None) -> bool:
    if isinstance(old, TensorField) and isinstance(new, TensorField):
        return old.y is new.y and old.x is new.x and old.besides == new.besides
    return old == new
