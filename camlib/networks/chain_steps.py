"""The steps of a chain: what each is told by, which module becomes which, and what they compute.

    conv        out, k, stride, pad; lo, hi: the result is cut off there (a ReLU after it: lo 0)
    depthwise   likewise, a filter for each channel
    max, avg    k, stride, pad: of each window, as nn.MaxPool2d and nn.AvgPool2d
    mean, most  over all places, one number a channel
    relu        of what is there; hi: cut off there, too
    linear      out; relu: whether one follows

All windows are square. `site/live/engine.js` computes the same in a browser.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .layers import LEFT_OUT

__all__ = ["Step", "add", "refused", "rename", "run"]

Step = dict[str, Any]  # as JSON has it


def refused() -> str:
    """What the steps can tell, as the second half of a sentence."""
    return (
        "the live page takes plain chains of convolutions, ReLU, pooling in square windows, a mean or "
        "maximum over all places, batch norms right behind a layer, and linear layers"
    )


def add(
    steps: list[Step], weights: dict[str, Tensor], label: str, part: nn.Module, shape: tuple[int, ...]
) -> None:
    """Add what a module does; most become a step, some belong to the last one, dropout is nothing.

    shape: of what it is given, without the batch.  Raises ValueError, naming it, for what no step tells.
    """
    last: Step = steps[-1] if steps else {"op": ""}
    plain = last["op"] in ("conv", "depthwise", "linear") and not {"lo", "relu"} & set(last)
    match part:
        case nn.Flatten(start_dim=1, end_dim=-1):
            pass
        case nn.Flatten():
            raise _odd(label, part)
        case _ if isinstance(part, LEFT_OUT) and not isinstance(part, nn.Unflatten):
            pass
        case nn.ReLU() | nn.ReLU6():
            high = {"hi": 6} if isinstance(part, nn.ReLU6) else {}
            if plain and last["op"] != "linear":
                last |= {"lo": 0} | high
            elif plain and not high:
                last["relu"] = True
            else:
                steps.append({"op": "relu", "name": label} | high)
        case nn.Conv2d(dilation=(1, 1), padding_mode="zeros") if part.groups in (1, part.in_channels):
            if part.groups != 1 and part.out_channels != part.in_channels:
                raise _odd(label, part)
            op = "conv" if part.groups == 1 else "depthwise"
            steps.append({"op": op, "name": label, "out": part.out_channels} | _window(label, part))
            _keep(weights, label, part.weight, part.bias)
        case nn.Linear() if len(shape) == 1:
            steps.append({"op": "linear", "name": label, "out": part.out_features})
            _keep(weights, label, part.weight, part.bias)
        case nn.BatchNorm2d() | nn.BatchNorm1d() if plain and part.running_var is not None:
            _fold(weights, last["name"], part)
        case nn.MaxPool2d(dilation=1 | (1, 1), ceil_mode=False, return_indices=False):
            steps.append({"op": "max", "name": label} | _window(label, part))
        case nn.AvgPool2d(ceil_mode=False, divisor_override=None) if _zeros_count(part):
            steps.append({"op": "avg", "name": label} | _window(label, part))
        case nn.AdaptiveAvgPool2d() | nn.AdaptiveMaxPool2d():
            size = part.output_size if isinstance(part.output_size, tuple) else (part.output_size,) * 2
            if size == (1, 1):
                op = "mean" if isinstance(part, nn.AdaptiveAvgPool2d) else "most"
                steps.append({"op": op, "name": label})
            elif size != shape[1:]:  # else it changes nothing
                raise _odd(label, part)
        case _:
            raise _odd(label, part)


def _zeros_count(part: nn.AvgPool2d) -> bool:
    return part.count_include_pad or part.padding in (0, (0, 0))


def _odd(label: str, part: nn.Module) -> ValueError:
    return ValueError(f"{label!r} is {' '.join(str(part).split())}; {refused()}")


def _window(label: str, part: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> dict[str, int]:
    """Kernel, stride and padding, each one number."""
    sides: dict[str, int] = {}
    for name, value in {"k": part.kernel_size, "stride": part.stride, "pad": part.padding}.items():
        if value == "valid":
            value = 0
        if value == "same" and sides["k"] % 2 and sides["stride"] == 1:
            value = sides["k"] // 2
        both = {value} if isinstance(value, int) else set(value)
        side = both.pop()
        if both or not isinstance(side, int):
            raise _odd(label, part)
        sides[name] = side
    return sides


def _keep(weights: dict[str, Tensor], name: str, weight: Tensor, bias: Tensor | None) -> None:
    weights[f"{name}.weight"] = weight.detach().cpu().float()
    weights[f"{name}.bias"] = torch.zeros(len(weight)) if bias is None else bias.detach().cpu().float()


def _fold(weights: dict[str, Tensor], name: str, norm: nn.BatchNorm2d | nn.BatchNorm1d) -> None:
    """What a batch norm does in eval mode, after a layer, as that layer's own weights and bias."""
    mean, var, scale, shift = (
        None if values is None else values.detach().cpu().double()
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    assert mean is not None
    assert var is not None
    weight, bias = (weights[f"{name}.{kind}"].double() for kind in ("weight", "bias"))
    fused = fuse_conv_bn_weights(weight, bias, mean, var, norm.eps, scale, shift)  # a linear layer's, too
    weights[f"{name}.weight"], weights[f"{name}.bias"] = (values.detach().float() for values in fused)


def rename(step: Step, weights: dict[str, Tensor], name: str) -> None:
    """Call a step by another name, and its weights with it."""
    for kind in ("weight", "bias"):
        if (key := f"{step['name']}.{kind}") in weights:
            weights[f"{name}.{kind}"] = weights.pop(key)
    step["name"] = name


def run(steps: Sequence[Step], weights: Mapping[str, Tensor], now: Tensor) -> Tensor:
    """What the steps give for normalised pictures (N, C, H, W), as their table says."""
    for step in steps:
        weight, bias = (weights.get(f"{step['name']}.{kind}") for kind in ("weight", "bias"))
        window = {"stride": step.get("stride", 1), "padding": step.get("pad", 0)}
        match step["op"]:
            case "conv" | "depthwise":
                assert weight is not None
                groups = now.shape[1] // weight.shape[1]
                now = F.conv2d(now, weight, bias, groups=groups, **window)
                now = now.clamp(step.get("lo", -torch.inf), step.get("hi", torch.inf))
            case "max":
                now = F.max_pool2d(now, step["k"], **window)
            case "avg":
                now = F.avg_pool2d(now, step["k"], **window)
            case "mean":
                now = now.mean((2, 3), keepdim=True)
            case "most":
                now = now.amax((2, 3), keepdim=True)
            case "relu":
                now = now.clamp(0, step.get("hi", torch.inf))
            case "linear":
                assert weight is not None
                now = F.linear(now.flatten(1), weight, bias)
                now = now.relu() if step.get("relu") else now
    return now
