"""The end of a classifier: one linear layer on a pooled map, found by checking.

    F_k = mean or max over the cells of f_k(x, y),    S_c = Σ_k w_k^c F_k + b_c

Whether a network ends so is not asked of its name or its code: it runs once, the last map and the last linear
layer it computes with are kept, and their numbers are compared. Where the map has one channel for each class
already (Network in Network, SqueezeNet: S_c is the pooled channel c), w is the identity and b is 0. The map
may have its channels last (Swin), or be those tokens that stand for a place; logits read off a class token
have none.
Lin, Chen, Yan (2014), "Network in network"; Zhou et al. (2016), section 2.
"""

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torch.overrides import TorchFunctionMode

from ..geometry.field import ReceptiveField, field_of, on_map, watched
from ..geometry.field_tracer import FieldTracer
from ..given import tensor
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.lock import alone
from ..networks.net import Net
from ..networks.remembered import recalled, remembered
from ..networks.unit_axis import units_second
from ..running.compared import HALF, close
from ..wording import in_short

__all__ = ["Classifier", "ending", "find_classifier"]

_AT_ONCE = 64  # pictures in one run
_NEAR = 1e-3  # of the largest number, but for half precision


@dataclass(frozen=True, eq=False)
class Classifier:
    """The pooled map and the linear layer of a classifier, for N pictures.

    features: (N, K, h, w), f_k(x, y).  weight: (C, K), w_k^c.  bias: (C,).  logits: (N, C), S_c.
    pool: "mean" or "max", over the cells.
    field: where the cells look; None where that is everywhere (behind self-attention).
    """

    features: Tensor
    weight: Tensor
    bias: Tensor
    logits: Tensor
    pool: Literal["mean", "max"]
    field: ReceptiveField | None

    __repr__ = in_short

    def maps(self, targets: Tensor | None = None) -> Tensor:
        """M_c = Σ_k w_k^c f_k: (N, h, w) for class indices (N,), (N, K, h, w) for (N, K); None: top-1.

        Raises ValueError for targets that are no int64 tensor of N rows, and for a class that there is not.
        """
        n, _, h, w = self.features.shape
        targets = self.logits.argmax(1) if targets is None else self._checked(targets)
        wanted = self.weight.index_select(0, targets.flatten() if targets.ndim > 1 else targets)
        maps = torch.bmm(wanted.view(n, -1, wanted.shape[1]), self.features.flatten(2))
        return maps.view(*targets.shape, h, w)

    def _checked(self, targets: Tensor) -> Tensor:
        (n, classes), there = self.logits.shape, tensor(targets, "targets")
        if there.dtype != torch.int64 or there.ndim not in (1, 2) or len(there) != n:
            kind = str(there.dtype).removeprefix("torch.")
            raise ValueError(
                f"targets are class indices, int64 ({n},) or ({n}, K) for these {n} pictures; "
                f"given {kind}, shape {tuple(there.shape)}"
            )
        low, high = (int(one) for one in there.aminmax()) if there.numel() else (0, 0)
        if low < 0 or high >= classes:
            raise ValueError(f"no class {low if low < 0 else high}; there are {classes}, from 0 on")
        return there.to(self.features.device)


def _plain(linear: nn.Module) -> bool:
    """Whether a linear layer gives out what its weight says: no `forward` of its own, no hook on it.

    One with a low-rank addition, say, or a temperature does more; then its numbers are compared.
    """
    usual = type(linear).forward in (nn.Linear.forward, nn.Conv2d.forward)
    return usual and "forward" not in vars(linear) and not linear._forward_hooks


def find_classifier(net: Net, images: Tensor) -> Classifier:
    """The pooled map, the linear layer and the logits of these pictures, in one forward pass.

    images: (N, C, H, W) in [0, 1], of any size that the network takes.
    The network runs in eval mode, without gradients, and is left as it was; the numbers are float32, or
    float64 where the network's are.
    Raises ValueError where the logits are not one linear layer on the mean or maximum of a map, and where a
    logit is not a number.
    """
    found = ending(net, images, check_images(net, images))
    # not the network's own numbers, which nobody shall change by accident
    return replace(found, weight=found.weight.clone(), bias=found.bias.clone())


def ending(net: Net, images: Tensor, size: tuple[int, int]) -> Classifier:
    """`find_classifier` of pictures that are checked, of (H, W); weight and bias may be the network's own."""
    with alone(net), torch.inference_mode(False), torch.no_grad():
        ends = recalled(net, ("ends", size))  # most often; then no module needs to change its mode
        with nullcontext() if ends else evaluating(net):
            ends = ends or remembered(net, ("ends", size), lambda: _ends(net, size))
            some = torch.split(images, _AT_ONCE) if len(images) > _AT_ONCE else [images]
            parts = [_run(net, part, ends) for part in some]
    if len(parts) == 1:
        return parts[0]
    features, logits = (torch.cat([getattr(one, what) for one in parts]) for what in ("features", "logits"))
    # Of a map that is the same everywhere mean and maximum are one: then the other pictures tell.
    pool: Literal["mean", "max"] = "mean" if all(one.pool == "mean" for one in parts) else "max"
    return replace(parts[0], features=features, logits=logits, pool=pool)


def last_linear(net: Net, size: tuple[int, int]) -> tuple[str, nn.Module]:
    """The linear layer that `ending` finds for pictures of (H, W), and its dotted name in `net.module`.

    Raises ValueError where the map has a channel for each class already, and no linear layer follows.
    """
    with evaluating(net), torch.inference_mode(False), torch.no_grad():
        ends = remembered(net, ("ends", size), lambda: _ends(net, size))
    for name, module in net.module.named_modules():
        if name and ends.linear is not None and module is ends.linear:
            return str(name), ends.linear
    raise ValueError(f"{net.name} pools one map for each class: there is no linear layer to replace")


class _Ends(NamedTuple):
    """The modules that give out the last map and the logits, where they are any, and where its cells look.

    dims, axis: how many dimensions it has, 3 where it is tokens, and which counts the units.
    why: a reason known beforehand, why the logits are not those of a map.
    plain: whether the linear layer gives out what its weight says (`_plain`).
    """

    map: nn.Module | None
    linear: nn.Module | None
    field: ReceptiveField | None
    dims: int = 4
    axis: int = 1
    why: str | None = None
    plain: bool = False

    def laid(self, found: Tensor) -> Tensor:
        """What was found as a map (N, K, h, w)."""
        return on_map(units_second(found, self.axis), self.field)


class _Last(TorchFunctionMode):
    """While active, keeps the last map of several cells, the last tokens, and the last linear layer."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count  # of pictures
        self.found: dict[int, Tensor] = {}  # by how many dimensions it has: a map 4, tokens 3
        self.linear: tuple[Tensor, Tensor, Tensor | None] | None = None
        self.output: tuple[Tensor, int] | None = None  # the linear layer's, and how often it was overwritten

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        for one in (*args[:1], out):
            if isinstance(one, Tensor) and one.ndim in (3, 4) and len(one) == self.count:
                cells = one.shape[2:].numel() if one.ndim == 4 else one.shape[1]
                if cells > 1:
                    self.found[one.ndim] = one
        if func is F.linear or func is F.conv2d:
            self._keep(*args, **kwargs)
        return out

    def see_map(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """The same, told by the module that gives out the last map."""
        self.found[output.ndim] = output

    def see_linear(self, module: Any, inputs: Any, output: Any) -> None:
        """The same, told by the last linear layer; not where its input has a name: then all is looked at."""
        if inputs:
            self.linear, self.output = (inputs[0], module.weight, module.bias), (output, output._version)

    def _keep(self, input: Tensor, weight: Tensor, bias: Tensor | None = None, *_: Any, **__: Any) -> None:
        # A convolution of the only cell is a linear layer too.
        if input.shape[1:].numel() == weight.shape[1:].numel():
            self.linear = input, weight, bias


def _ends(net: Net, size: tuple[int, int]) -> _Ends:
    """Found on an empty picture."""
    tracer, last = FieldTracer(), _Last(1)
    given: list[tuple[nn.Module, Any]] = []
    with ExitStack() as hooks:
        for module in net.module.modules():
            hook = module.register_forward_hook(lambda module, _i, output: given.append((module, output)))
            hooks.enter_context(hook)
        watched(net, tracer, size, last)
    weight = last.linear[1] if last.linear else None
    pooled = [last.linear[0].flatten(1)] if last.linear else []
    ends = _laid(tracer, last.found, size, [*pooled, given[-1][1]])
    final = dict(given)  # each module's last call
    found = last.found.get(ends.dims)
    linear = next((module for module in final if weight is not None and _weight(module) is weight), None)
    return ends._replace(
        map=next((module for module, output in final.items() if output is found), None),
        linear=linear,
        plain=linear is not None and _plain(linear),
        why=_reads_one(last.found.get(3), pooled) if ends.dims == 4 else None,
    )


def _laid(
    tracer: FieldTracer, found: dict[int, Tensor], size: tuple[int, int], pooled: list[Tensor]
) -> _Ends:
    """How the last map lies: the first way in which it explains one of these; else as maps mostly do."""
    ways = []
    for dims, axis in ((4, 1), (4, 3), (3, 2), (3, 1)):
        if dims not in found:
            continue
        try:
            field = field_of(tracer.look(found[dims]), size, axis)
        except ValueError:
            field = None
        if dims == 3 and field is None:
            continue
        ways.append(_Ends(None, None, field, dims, axis))
        laid = ways[-1].laid(found[dims])
        if laid.shape[2:].numel() == 1:  # pooled already, its units last (ConvNeXt's norm behind the pool)
            continue
        if any(_pool(laid, one, _NEAR) for one in pooled):
            return ways[-1]
    return ways[0] if ways and ways[0].dims == 4 else _Ends(None, None, None)


def _reads_one(tokens: Tensor | None, pooled: list[Tensor]) -> str | None:
    """The reason where the last linear layer was given one of the tokens as it is."""
    alike = [one for one in pooled if tokens is not None and tokens.shape[::2] == one.shape]
    if tokens is None or not any((tokens == one[:, None]).all(2).any() for one in alike):
        return None
    return "they are read off one token, such as a class token, which has no place"


def _weight(module: nn.Module) -> object:
    return getattr(module, "weight", None) if isinstance(module, nn.Linear | nn.Conv2d) else None


def _run(net: Net, images: Tensor, ends: _Ends) -> Classifier:
    """Of a few pictures; `pool` is the first of "mean" and "max" that explains their logits."""
    images = images.to(net.mean.device)
    images = images.clone() if images.is_inference() else images
    last = _Last(len(images))
    if ends.map and ends.linear:  # a hook on each costs less than to look at every operation
        with (
            ends.map.register_forward_hook(last.see_map),
            ends.linear.register_forward_hook(last.see_linear),
        ):
            given = net(images)
    else:
        with last:
            given = net(images)
    check_answers(net, given)
    near = HALF.get(given.dtype, _NEAR)
    logits = given.float() if given.dtype.itemsize < 4 else given
    if ends.dims not in last.found:
        none = f"for pictures of {tuple(images.shape[2:])} there is no map of several cells"
        raise _refusal(net, ends.why or none)
    features = ends.laid(last.found[ends.dims]).to(logits.dtype)
    why = "they are none"
    if last.linear:
        input, weight, bias = last.linear
        input, w = _rows(input, logits.dtype), _rows(weight, logits.dtype)
        b = w.new_zeros(len(w)) if bias is None else bias.detach().to(logits.dtype)
        pool = _pool(features, input, near)
        untouched = last.output and last.output[0] is given and last.output[1] == given._version
        if pool and ((ends.plain and untouched) or close(F.linear(input, w, b), logits, near)):
            return Classifier(features, w, b, logits, pool, ends.field)
        why = "the last linear layer's input is not that of the last map"
        if pool:
            why = "they are not what the last linear layer's weight and bias give for its input"
    if pool := _pool(features, logits, near):
        eye = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
        return Classifier(features, eye, eye.new_zeros(len(eye)), logits, pool, ends.field)
    if ends.map and ends.linear:  # on these pictures it may run another way
        return _run(net, images, ends._replace(map=None, linear=None))
    raise _refusal(net, ends.why or why)


def _rows(numbers: Tensor, dtype: torch.dtype) -> Tensor:
    """As (N, K), of that type; what has it already is not touched, which for one picture counts."""
    flat = (numbers if numbers.ndim == 2 else numbers.flatten(1)).detach()
    return flat if flat.dtype == dtype else flat.to(dtype)


def _pool(features: Tensor, pooled: Tensor, near: float) -> Literal["mean", "max"] | None:
    """By which pool these numbers (N, K) come from the maps, if by any."""
    if close(features.mean((2, 3)), pooled, near):
        return "mean"
    return "max" if close(features.amax((2, 3)), pooled, near) else None


def _refusal(net: Net, why: str) -> ValueError:
    return ValueError(
        f"{net.name} has no class activation maps, for which the logits must be one linear layer on the mean "
        f"or maximum of a map: {why}; use gradcam"
    )
