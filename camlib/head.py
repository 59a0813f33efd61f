"""The end of a classifier: one linear layer on a pooled map, found by checking.

    F_k = mean or max over the cells of f_k(x, y),    S_c = Σ_k w_k^c F_k + b_c

Whether a network ends so is not asked of its name or its code: it runs once, the last map and the last linear
layer it computes with are kept, and their numbers are compared. Where the map has one channel for each class
already (Network in Network, SqueezeNet: S_c is the pooled channel c), w is the identity and b is 0.
Lin, Chen, Yan (2014), "Network in network"; Zhou et al. (2016), section 2.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torch.overrides import TorchFunctionMode

from .geometry import ReceptiveField, field_of
from .modes import evaluating
from .nets import Net
from .watch import Watch

__all__ = ["Head", "find_head"]

_AT_ONCE = 64  # pictures in one run
_NEAR = {torch.float16: 2e-2, torch.bfloat16: 2e-2}  # of the largest number; else 1e-3


@dataclass(frozen=True, eq=False)
class Head:
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


def find_head(net: Net, images: Tensor) -> Head:
    """The pooled map, the linear layer and the logits of these pictures, in one forward pass.

    images: (N, C, H, W) in [0, 1], of any size that the network takes.
    The network runs in eval mode, without gradients, and is left as it was; the numbers are float32, or
    float64 where the network's are.
    Raises ValueError where the logits are not one linear layer on the mean or maximum of a map, and where a
    logit is not a number.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not len(images):
        net(images)  # says what it wants
        raise ValueError("there is no picture")
    size = (images.shape[2], images.shape[3])
    watch, parts = Watch(), []
    pools: set[str] = {"mean", "max"}
    for part in images.split(_AT_ONCE):
        found = _run(net, part, None if parts else watch)
        parts.append(found)
        pools &= found.pools
    first = parts[0]
    try:
        field = field_of(first.seen, size)
    except ValueError:
        field = None
    return Head(
        torch.cat([one.features for one in parts]),
        first.weight,
        first.bias,
        torch.cat([one.logits for one in parts]),
        "mean" if "mean" in pools else "max",
        field,
    )


@dataclass(frozen=True, eq=False)
class _Part:
    features: Tensor
    weight: Tensor
    bias: Tensor
    logits: Tensor
    pools: set[str]
    seen: Any


class _Last(TorchFunctionMode):
    """While active, keeps the last map of several cells, and the last linear layer's input and output."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count  # of pictures
        self.map: Tensor | None = None
        self.linear: tuple[Tensor, Tensor, Tensor | None, Tensor] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in (*args[:1], out):
            if isinstance(tensor, Tensor) and tensor.ndim == 4 and len(tensor) == self.count:
                self.map = tensor if tensor.shape[2:].numel() > 1 else self.map
        if func is F.linear or func is F.conv2d:
            self._keep(out, *args, **(kwargs or {}))
        return out

    def _keep(
        self, out: Tensor, input: Tensor, weight: Tensor, bias: Tensor | None = None, *_: Any, **__: Any
    ) -> None:
        if (
            out.shape[2:].numel() == 1 and weight[0].numel() == input[0].numel()
        ):  # a 1×1 convolution of one cell too
            self.linear = input.flatten(1), weight.flatten(1), bias, out.flatten(1)


def _run(net: Net, images: Tensor, watch: Watch | None) -> _Part:
    images = images.to(net.mean.device)
    last = _Last(len(images))
    with evaluating(net), torch.inference_mode(False), torch.no_grad():
        if images.is_inference():
            images = images.clone()
        with watch or nullcontext(), last:
            if watch:
                watch.see(images)
            logits = net(images)
        if not logits.isfinite().all():
            bad = int((~logits.isfinite()).any(1).nonzero()[0])
            raise ValueError(f"{net.name} gives a logit that is not a number for image {bad}")
        near = _NEAR.get(logits.dtype, 1e-3)
        dtype = torch.promote_types(logits.dtype, torch.float32)
        if last.map is None:
            raise _refusal(net, "it computes no map of several cells")
        features = last.map.to(dtype)
        input, weight, bias = (
            logits.to(dtype),
            torch.eye(logits.shape[1], dtype=dtype, device=logits.device),
            None,
        )
        if last.linear and _close(last.linear[3], logits, near):
            input, weight, bias = (one if one is None else one.to(dtype) for one in last.linear[:3])
        pooled = {"mean": features.mean((2, 3)), "max": features.amax((2, 3))}
        pools = {name for name, one in pooled.items() if _close(one, input, near)}
        if not pools:
            why = "that layer's input is not the mean or maximum of the last map"
            raise _refusal(net, why if last.linear else "there is no linear layer")
        bias = weight.new_zeros(len(weight)) if bias is None else bias
        weight, bias = (
            weight.clone(),
            bias.clone(),
        )  # the network's own, which nobody shall change by accident
        return _Part(features, weight, bias, logits.to(dtype), pools, watch and watch.look(last.map))


def _close(one: Tensor, other: Tensor, near: float) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= near * other.abs().max())


def _refusal(net: Net, why: str) -> ValueError:
    return ValueError(
        f"{net.name} has no class activation maps: they want logits that are one linear layer on the mean "
        f"or maximum of a map, and {why}; use gradcam"
    )
