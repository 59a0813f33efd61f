"""The end of a classifier: one linear layer on a pooled map, found by checking.

    F_k = mean or max over the cells of f_k(x, y),    S_c = Σ_k w_k^c F_k + b_c

Whether a network ends so is not asked of its name or its code: it runs once, the last map and the last linear
layer it computes with are kept, and their numbers are compared. Where the map has one channel for each class
already (Network in Network, SqueezeNet: S_c is the pooled channel c), w is the identity and b is 0.
Lin, Chen, Yan (2014), "Network in network"; Zhou et al. (2016), section 2.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torch.overrides import TorchFunctionMode

from ..geometry.field import ReceptiveField, field_of, watched
from ..geometry.field_tracer import FieldTracer
from ..networks.eval_mode import evaluating
from ..networks.images import check_images
from ..networks.net import Net
from ..networks.remembered import remembered

__all__ = ["Classifier", "find_classifier"]

_AT_ONCE = 64  # pictures in one run
_NEAR = {torch.float16: 2e-2, torch.bfloat16: 2e-2}  # of the largest number; else 1e-3


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

    def maps(self, targets: Tensor | None = None) -> Tensor:
        """M_c = Σ_k w_k^c f_k: (N, h, w) for class indices (N,), (N, K, h, w) for (N, K); None: top-1."""
        targets = self.logits.argmax(1) if targets is None else targets
        wanted = self.weight[targets.reshape(len(self.features), -1)]
        found = torch.einsum("nck,nkhw->nchw", wanted, self.features)
        return found.reshape(*targets.shape, *found.shape[2:])


def find_classifier(net: Net, images: Tensor) -> Classifier:
    """The pooled map, the linear layer and the logits of these pictures, in one forward pass.

    images: (N, C, H, W) in [0, 1], of any size that the network takes.
    The network runs in eval mode, without gradients, and is left as it was; the numbers are float32, or
    float64 where the network's are.
    Raises ValueError where the logits are not one linear layer on the mean or maximum of a map, and where a
    logit is not a number.
    """
    size = check_images(net, images)
    with evaluating(net), torch.inference_mode(False), torch.no_grad():
        ends = remembered(net, ("ends", size), lambda: _ends(net, size))
        parts = [
            _run(net, images[start : start + _AT_ONCE], ends) for start in range(0, len(images), _AT_ONCE)
        ]
    fits = set.intersection(*(one.fits for one in parts))  # both where a map is the same everywhere
    return Classifier(
        torch.cat([one.features for one in parts]),
        parts[0].weight,
        parts[0].bias,
        torch.cat([one.logits for one in parts]),
        "mean" if "mean" in fits else "max",
        ends.field,
    )


class _Ends(NamedTuple):
    """The modules that give out the last map and the logits, where they are any, and where its cells look."""

    map: nn.Module | None
    linear: nn.Module | None
    field: ReceptiveField | None


class _Part(NamedTuple):
    """Found on some of the pictures.  fits: the pools that explain the logits."""

    features: Tensor
    weight: Tensor
    bias: Tensor
    logits: Tensor
    fits: set[str]


class _Last(TorchFunctionMode):
    """While active, keeps the last map of several cells, and the last linear layer with what it was given."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count  # of pictures
        self.map: Tensor | None = None
        self.linear: tuple[Tensor, Tensor, Tensor | None] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        for tensor in (*args[:1], out):
            if isinstance(tensor, Tensor) and tensor.ndim == 4 and len(tensor) == self.count:
                self.map = tensor if tensor.shape[2:].numel() > 1 else self.map
        if func is F.linear or func is F.conv2d:
            self._keep(*args, **kwargs)
        return out

    def see_map(self, _module: nn.Module, _inputs: Any, output: Any) -> None:
        """The same, told by the module that gives out the last map."""
        self.map = output

    def see_linear(self, module: Any, inputs: Any, _output: Any) -> None:
        """The same, told by the last linear layer."""
        self.linear = inputs[0], module.weight, module.bias

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
        hooks.enter_context(last)
        watched(net, tracer, size)
    weight = last.linear[1] if last.linear else None
    try:
        field = field_of(tracer.look(last.map), size)
    except ValueError:
        field = None
    final = dict(given)  # each module's last call
    return _Ends(
        next((module for module, output in final.items() if output is last.map), None),
        next((module for module in final if weight is not None and _weight(module) is weight), None),
        field,
    )


def _weight(module: nn.Module) -> object:
    return getattr(module, "weight", None) if isinstance(module, nn.Linear | nn.Conv2d) else None


def _run(net: Net, images: Tensor, ends: _Ends) -> _Part:
    images = images.to(net.mean.device)
    images = images.clone() if images.is_inference() else images
    last = _Last(len(images))
    with ExitStack() as stack:
        if ends.map and ends.linear:  # a hook on each costs less than to look at every operation
            stack.enter_context(ends.map.register_forward_hook(last.see_map))
            stack.enter_context(ends.linear.register_forward_hook(last.see_linear))
        else:
            stack.enter_context(last)
        given = net(images)
    if not given.isfinite().all():
        bad = int((~given.isfinite()).any(1).nonzero()[0])
        raise ValueError(f"{net.name} gives a logit that is not a number for image {bad}")
    near = _NEAR.get(given.dtype, 1e-3)
    logits = given.to(torch.promote_types(given.dtype, torch.float32))
    if last.map is None:
        raise _refusal(net, f"for pictures of {tuple(images.shape[2:])} there is no map of several cells")
    features = last.map.to(logits.dtype)
    pooled = {"mean": features.mean((2, 3)), "max": features.amax((2, 3))}
    why = "they are none"
    if last.linear:
        input, weight, bias = last.linear
        input = input.flatten(1).to(logits.dtype)
        w = weight.flatten(1).to(logits.dtype, copy=True)  # not the network's own, which nobody shall change
        b = w.new_zeros(len(w)) if bias is None else bias.to(logits.dtype, copy=True)
        fits = {name for name, one in pooled.items() if _close(one, input, near)}
        if fits and _close(F.linear(input, w, b), logits, near):
            return _Part(features, w, b, logits, fits)
        why = "the last linear layer's input is not that of the last map"
    if fits := {name for name, one in pooled.items() if _close(one, logits, near)}:
        eye = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
        return _Part(features, eye, eye.new_zeros(len(eye)), logits, fits)
    if ends.map and ends.linear:  # on these pictures it may run another way
        return _run(net, images, _Ends(None, None, ends.field))
    raise _refusal(net, why)


def _close(one: Tensor, other: Tensor, near: float) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= near * other.abs().max())


def _refusal(net: Net, why: str) -> ValueError:
    return ValueError(
        f"{net.name} has no class activation maps, for which the logits must be one linear layer on the mean "
        f"or maximum of a map: {why}; use gradcam"
    )
