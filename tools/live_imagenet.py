"""efficientnet_lite0 as the live page runs it: its blocks' convolutions in order, and what each block adds.

timm's network is no plain chain: a block's input is added to its output, and TensorFlow's padding is not the
same on both sides. The steps are those of `camlib.networks.chain_steps`, and two more that only this one has:
`end`, the padding below and to the right, and {"op": "add", "from": step}.
"""

from __future__ import annotations

import re

import numpy as np
import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it

from camlib import Net
from camlib.networks.chain_steps import Step, add, rename, run
from camlib.networks.net import traced

CLOSE = 1e-4
BITS = 21  # of a weight: of 8 photographs no logit moves by more than 3e-4; half precision moves them by .03


@torch.no_grad()
def steps(net: Net) -> tuple[list[Step], dict[str, Tensor], dict[str, str]]:
    """The steps, their weights, and which of them have maps to be shown, with what camlib calls that layer.

    Raises ValueError where the steps do not give the network's logits.
    """
    told: list[Step] = []
    weights: dict[str, Tensor] = {}
    begins = -1  # the step whose result the next block is given
    shown = {"conv_stem": "bn1"}
    for call in traced(net)[0]:
        part, given, gives = call.module, call.input, call.output
        if not (isinstance(given, Tensor) and isinstance(gives, Tensor)):
            continue
        if isinstance(part, nn.Conv2d):
            ends, groups = (part.in_channels, part.out_channels), part.groups
            plain = nn.Conv2d(*ends, part.kernel_size[0], part.stride[0], 0, groups=groups)
            plain.weight, plain.bias = part.weight, part.bias
            add(told, weights, call.name, plain, tuple(given.shape[1:]))
            k, stride = told[-1]["k"], told[-1]["stride"]
            around = (gives.shape[-1] - 1) * stride + k - given.shape[-1]
            told[-1] |= {"pad": around // 2, "end": around - around // 2}
        elif isinstance(part, BatchNormAct2d):
            norm = nn.BatchNorm2d(part.num_features, part.eps)
            norm.weight, norm.bias = part.weight, part.bias
            norm.running_mean, norm.running_var = part.running_mean, part.running_var
            for inner in (norm, part.act):
                add(told, weights, call.name, inner, tuple(given.shape[1:]))
        elif isinstance(part, nn.Linear):
            told.append({"op": "mean", "name": "mean"})
            add(told, weights, call.name, part, tuple(given.shape[1:]))
        elif hasattr(part, "has_skip"):  # a block, which has run
            if part.has_skip:
                told.append({"op": "add", "name": call.name, "from": begins})
            begins = len(told) - 1
        elif re.fullmatch(r"blocks\.\d+", call.name):  # a stage, which has run
            rename(told[-1], weights, call.name)
            shown[call.name] = call.name
    shown["conv_head"] = "bn2"
    picture = torch.rand((1, net.channels, *net.sides), generator=torch.Generator().manual_seed(0))
    own = net(picture)
    found = _run(told, weights, (picture - net.mean) / net.std)
    if not torch.allclose(found, own, rtol=0, atol=CLOSE * max(1.0, float(own.abs().max()))):
        raise ValueError(f"{net.name} is not what its steps tell: {float((found - own).abs().max()):.2g} off")
    return told, weights, shown


def _run(told: list[Step], weights: dict[str, Tensor], now: Tensor) -> Tensor:
    results: list[Tensor] = []
    for step in told:
        if step["op"] == "add":
            now = now + results[step["from"]]
        else:
            pad, end = step.get("pad", 0), step.get("end", 0)
            now = run([step | {"pad": 0}], weights, F.pad(now, (pad, end, pad, end)))
        results.append(now)
    return now


def rounded(values: Tensor) -> tuple[float, bytes]:
    """Whole multiples of a step, signed, in three bytes each, the first bytes of all first; and the step."""
    step = float(values.abs().max()) / 2 ** (BITS - 1)
    whole = (values.detach().double() / step).round().to(torch.int32).flatten().numpy().view(np.uint32)
    return step, b"".join(((whole >> shift) & 255).astype(np.uint8).tobytes() for shift in (0, 8, 16))
