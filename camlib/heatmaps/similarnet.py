"""Weights from silence, and the heatmaps they give: SIMILARnet, its code, ccGAP, and Ablation-CAM.

    L(x, y) = Σ_u w_u A_u(x, y),    with w from what is lost when unit u is silent

In SIMILARnet the weights are a data set's, the same for all pictures, and only the network up to the layer is
needed, so that pictures may have any size. With E and e_u the classification error with all units and without
u, the paper has

    w'_u = E - e_u,    w_u = exp(w'_u) / Σ_j exp(w'_j)

(its denominator says w_j, a slip), under which a unit that is needed gets *less* weight. The released code
has e_u - E, of the losses' sums, without softmax. Ablation-CAM has a weight for each picture and class c,
(y_c - y_c without u) / y_c, of logits, and a ReLU over the sum.
Ghosh, Bhattacharya, Basu Roy Chowdhury, "SIMILARnet"; Desai, Ramaswamy (2020), "Ablation-CAM".
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from ..geometry.field import field_if_any, lay, on_map, receptive_field
from ..given import number, tensor, told
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.lock import alone
from ..networks.net import Net
from ..networks.targets import Targets, class_indices
from ..running.extractor import FeatureExtractor
from ..running.silencer import Silencer
from ..units.ablation import Ablation
from ..wording import listing

__all__ = [
    "ablation_cam",
    "ablation_cam_weights",
    "ccgap_weights",
    "linear_weights",
    "similarnet",
    "softmax_weights",
]

_AT_ONCE = 32  # pictures in one run


def softmax_weights(
    ablation: Ablation,
    *,
    sign: Literal["paper", "code"] = "paper",
    unit: Literal["fraction", "percent", "loss", "summed loss"] = "fraction",
    temperature: float = 1.0,
) -> Tensor:
    """The paper's weights, softmax of E - e_u: float64 (U,), positive, with sum 1.

    sign: "paper": E - e_u; "code": e_u - E, under which a needed unit gets more weight.
    unit: what E and e_u are: the error rate as a fraction in [0, 1] or in percent, the mean loss in nats, or
        its sum over the pictures. A softmax depends on it, and the paper does not say it.
    temperature: the differences are divided by it; "percent" is "fraction" at a temperature of 1/100.
    Raises ValueError for another sign or unit, and a temperature that is not above 0.
    """
    _check(ablation)
    if not (isinstance(unit, str) and isinstance(sign, str)):
        raise ValueError(f"unit and sign are words; given {told(unit)} and {told(sign)}")
    number(temperature, "temperature", "a number above 0")
    silent, all_units = {
        "fraction": (ablation.errors, ablation.baseline.errors),
        "percent": (100 * ablation.errors, 100 * ablation.baseline.errors),
        "loss": (ablation.losses, ablation.baseline.losses),
        "summed loss": (ablation.summed, ablation.baseline.summed),
    }.get(unit, (None, None))
    if silent is None or all_units is None:
        raise ValueError(f"no unit {unit!r}; there are 'fraction', 'percent', 'loss' and 'summed loss'")
    if sign not in ("paper", "code"):
        raise ValueError(f"no sign {sign!r}; there are 'paper', E - e, and 'code', e - E")
    if not 0 < temperature < math.inf:
        raise ValueError(f"a temperature is above 0; given {temperature}")
    lost = silent - all_units
    return ((lost if sign == "code" else -lost) / temperature).softmax(0)


def _check(ablation: object) -> None:
    if not isinstance(ablation, Ablation):
        raise ValueError(f"an ablation is what ablate gives; given {told(ablation)}")


def linear_weights(ablation: Ablation) -> Tensor:
    """The released code's weights, e_u - E of the summed losses: float64 (U,), in nats, of either sign."""
    _check(ablation)
    return ablation.summed - ablation.baseline.summed


def ccgap_weights(ablation: Ablation, norms: Tensor) -> Tensor:
    """The weights of ccGAP, the authors' variant by class: float64 (U, C); deployed is their sum over C.

    norms: ‖F_u‖², (U,), or (U, C) where they differ by class, by which the losses' sums are divided. Where a
    norm is 0, the unit does nothing and the weight is 0.
    Raises ValueError for norms of another shape, or below 0.
    """
    _check(ablation)
    tensor(norms, "norms")
    lost = ablation.by_class.summed - ablation.by_class.baseline.summed
    if tuple(norms.shape) not in (tuple(lost.shape), (len(lost),)) or not bool((norms >= 0).all()):
        raise ValueError(
            f"norms want numbers of 0 or more, of shape ({len(lost)},) or {tuple(lost.shape)}; "
            f"given shape {tuple(norms.shape)}"
        )
    divisor = norms.cpu().double().reshape(len(lost), -1).expand_as(lost)
    return torch.where(divisor > 0, lost / divisor, 0.0)


def ablation_cam_weights(net: Net, layer: str, images: Tensor, targets: Targets = None) -> Tensor:
    """Ablation-CAM's weights, (y_c - y_c without unit u) / y_c, of the class's logit (eq. 3): (N, U).

    layer: a short name, or a dotted one.  images: (N, channels, H, W) in [0, 1].
    targets: class index or name, one or N; several for each picture as (N, K): then (N, K, U); None: the
    top-1 class.
    Where the logit is below 0 the sign turns, as it does in the paper.
    Raises ValueError for an unknown layer or class, one without units, no picture, and a logit of 0.
    """
    size = check_images(net, images)
    wanted = class_indices(net, targets, len(images))
    silencer, found = Silencer(net, layer, size), []
    with evaluating(net), torch.inference_mode():
        for start in range(0, len(images), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            logits, parts = silencer(images[some])
            check_answers(net, logits, start)
            target = logits.argmax(1) if wanted is None else wanted[some]
            each = target.reshape(len(logits), -1)
            y = logits.gather(1, each)[:, :, None]
            if not y.all():
                bad = start + int((y == 0).flatten(1).any(1).nonzero()[0])
                raise ValueError(f"{net.name} gives a logit of 0 for image {bad}: no share of it can be lost")
            drops = y.repeat(1, 1, silencer.units)
            for part in parts:  # a bounded number of rows: what stays is one number for each unit
                drops[part.images, :, part.units] -= part.logits.gather(1, each[part.images])
            found.append((drops / y).reshape(*target.shape, silencer.units))
    return torch.cat(found).clone()


def ablation_cam(net: Net, layer: str, images: Tensor, targets: Targets = None) -> Tensor:
    """Ablation-CAM's heatmaps, ReLU(Σ_u w_u A_u), where the layer's cells look: (N, H, W), or (N, K, H, W).

    layer, images, targets: as for `ablation_cam_weights`.
    """
    return _heat(net, layer, images, ablation_cam_weights(net, layer, images, targets), relu=True)


def similarnet(net: Net, layer: str, images: Tensor, weights: Tensor, *, pools: bool = True) -> Tensor:
    """Heatmaps Σ_u w_u A_u, laid over the pictures where the layer's cells look: (N, H, W).

    images: (N, channels, H, W) in [0, 1], of any size: what comes after the layer is cut off.
    weights: (U,), or (N, U), one row for each picture; or (N, K, U), for K maps of each, (N, K, H, W).
    pools: False takes the network's pools away, as the released code does (the adaptive ones stay): the maps
        keep their resolution, and each cell sees less than it did when the network learned.
    The network runs in eval mode, without gradients, and is left as it was.
    Raises ValueError for an unknown layer, one without maps, weights of another shape, a picture that is too
    small, and where there is no pool to take away.
    """
    return _heat(net, layer, images, weights, pools=pools)


def _heat(
    net: Net, layer: str, images: Tensor, weights: Tensor, pools: bool = True, relu: bool = False
) -> Tensor:
    size, extract = check_images(net, images), FeatureExtractor(net, layer)
    tokens = len(extract.shapes[layer]) == 2
    units = extract.shapes[layer][0] if tokens else extract.map_units(layer)
    tensor(weights, "weights")
    fits = weights.ndim in (1, 2, 3) and weights.shape[-1] == units
    if not fits or (weights.ndim > 1 and len(weights) != len(images)):
        raise ValueError(
            f"{layer!r} has {units} units: weights want shape ({units},), or ({len(images)}, {units}), or "
            f"({len(images)}, K, {units}); given {tuple(weights.shape)}"
        )
    if weights.is_complex() or not weights.isfinite().all():
        raise ValueError("weights want numbers; some are NaN, infinite or complex")
    rows = weights.expand(len(images), -1) if weights.ndim < 3 else weights
    found = []
    with ExitStack() as stack:
        if not pools:
            stack.enter_context(_without_pools(net))
        field = receptive_field(net, layer, size=size) if tokens else field_if_any(net, layer, size)
        for start in range(0, len(images), _AT_ONCE):
            maps = on_map(extract(images[start : start + _AT_ONCE])[layer], field)
            maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
            part = rows[start : start + _AT_ONCE].to(maps)
            each = torch.einsum("nku,nuhw->nkhw", part.reshape(len(part), -1, units), maps)
            found.append(each.reshape(*part.shape[:-1], *maps.shape[2:]))
    heat = torch.cat(found)
    return lay((heat.relu() if relu else heat).clone(), field, size)


@contextmanager
def _without_pools(net: Net) -> Iterator[None]:
    """Within the block, max and average pools hand on what they are given."""
    pools = [module for module in net.modules() if isinstance(module, nn.MaxPool2d | nn.AvgPool2d)]
    if not pools:
        raise ValueError(f"{net.name} has no pool to take away; it has {listing(net.layers)}")
    with alone(net), ExitStack() as hooks:
        for pool in pools:
            hooks.enter_context(pool.register_forward_hook(lambda _module, inputs, _output: inputs[0]))
        yield
