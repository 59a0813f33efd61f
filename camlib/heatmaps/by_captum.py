"""Four methods as captum has them, with this course's calling rule: a `Net`, pictures, targets.

- Integrated Gradients (Sundararajan, Taly, Yan 2017): (x - x') times the mean gradient on the way from x'.
- DeepLIFT (Shrikumar, Greenside, Kundaje 2017), the rescale rule: differences from x' instead of slopes.
- SmoothGrad (Smilkov et al. 2017): the mean gradient of noisy copies.
- Guided backpropagation (Springenberg et al. 2015): the gradient, with negative ones dropped at each ReLU.

Kokhlikyan et al. (2020), "Captum: a unified and generic model interpretability library for PyTorch".
"""

import math
import warnings
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor

from ..chance import drawing
from ..given import number, seeded, whole
from ..networks.attributes import attributes_kept
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, check_floating, check_hookable, sloping
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, class_indices
from .activation_rules import DEEP_LIFT, GUIDED, Rules, reaching

__all__ = ["deep_lift", "guided_backprop", "integrated_gradients", "smoothgrad"]

_AT_ONCE = 16  # pictures in one run, for the whole graph is kept
_FAR = 0.05  # of what a map adds up to without signs; max pools leave up to .02


def integrated_gradients(
    net: Net, images: Tensor, targets: Targets = None, *, steps: int = 50, baseline: float = 0.0
) -> Tensor:
    """Integrated Gradients, summed over the colours: (N, H, W), or (N, K, H, W) for targets (N, K).

    baseline: the grey picture x' from which the way begins, in [0, 1]; 0, black, as in FunnyBirds.
    A map's sum is the target's logit less that of the grey picture, but for the error of so many steps.
    Raises ValueError as `saliency` does.
    """
    from captum.attr import IntegratedGradients

    steps, grey = whole(steps, "steps", 1), _grey(baseline)

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found: Tensor = IntegratedGradients(net).attribute(
            pixels, grey, target, n_steps=steps, internal_batch_size=max(_AT_ONCE, len(pixels))
        )
        return found.sum(1)

    return _each(net, images, targets, maps)


def deep_lift(net: Net, images: Tensor, targets: Targets = None, *, baseline: float = 0.0) -> Tensor:
    """DeepLIFT's rescale rule, summed over the colours: shapes and baseline as `integrated_gradients`.

    A map's sum is the target's logit less that of the grey picture, but for up to 5 % of the sum of its
    absolute values: max pools keep the two from being equal.
    Raises ValueError also where captum has no rule for an activation of the network (functions such as
    `F.relu`, ReLU6, SiLU, GELU …, a module that runs twice), and where a map's sum is further off.
    """
    from captum.attr import DeepLift

    grey = _grey(baseline)

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found, off = DeepLift(net).attribute(pixels, grey, target, return_convergence_delta=True)
        summed: Tensor = found.sum(1)
        share = (off.abs() / summed.abs().sum((1, 2)).clamp(min=1e-12)).max().item()
        if share > _FAR and off.abs().max() > 1e-4:
            raise ValueError(
                f"{net.name} computes something for which DeepLIFT has no rule: a map's sum misses the "
                f"difference of the logits by {off.abs().max().item():.3g}; use integrated_gradients"
            )
        return summed

    return _each(net, images, targets, maps, DEEP_LIFT)


def smoothgrad(
    net: Net,
    images: Tensor,
    targets: Targets = None,
    *,
    samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
) -> Tensor:
    """The mean gradient of so many noisy copies, then as `saliency`: its largest absolute value over colours.

    noise: the standard deviation, as a share of the picture's own range; the paper recommends .1 to .2.
    """
    from captum.attr import NoiseTunnel, Saliency

    samples, seed = whole(samples, "samples", 1), seeded(seed)
    if not (share := number(noise, "noise", "a share of the picture's range")) >= 0:
        raise ValueError(f"noise is {noise}; it is 0 or more")

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found = []
        for one, wanted in zip(torch.split(pixels, 1), torch.split(target, 1), strict=True):
            with drawing(seed, one.device):
                slope = NoiseTunnel(Saliency(net)).attribute(
                    one,
                    nt_samples=samples,
                    nt_samples_batch_size=_AT_ONCE,
                    stdevs=share * float(one.detach().max() - one.detach().min()),
                    target=wanted,
                    abs=False,
                )
            found.append(slope.abs().amax(1))
        return torch.cat(found)

    return _each(net, images, targets, maps)


def guided_backprop(net: Net, images: Tensor, targets: Targets = None) -> Tensor:
    """Guided backpropagation, then as `saliency`: its largest absolute value over the colours.

    Raises ValueError also where the network runs no `torch.nn.ReLU`, or rectifies in another way, too
    (`F.relu`, ReLU6): there it would be the gradient.
    """
    from captum.attr import GuidedBackprop

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found: Tensor = GuidedBackprop(net).attribute(pixels, target)
        return found.abs().amax(1)

    return _each(net, images, targets, maps, GUIDED)


def _grey(baseline: float) -> float:
    if not 0 <= (grey := number(baseline, "baseline", "a grey in [0, 1]")) <= 1:
        raise ValueError(f"baseline is {baseline}; it is a grey in [0, 1]")
    return grey


def _each(
    net: Net,
    images: Tensor,
    targets: Targets,
    maps: Callable[[Tensor, Tensor], Tensor],
    rules: Rules | None = None,
) -> Tensor:
    """`maps` of some pictures and one class each, for all of them; the network stays as it was.

    rules: those that must reach all its activations.
    """
    check_images(net, images)
    check_differentiable(net)
    check_floating(net)
    check_hookable(net)
    found = []
    with evaluating(net), torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="captum")
        wanted = class_indices(net, targets, len(images))
        for start in range(0, len(images), _AT_ONCE):
            pixels = images[start : start + _AT_ONCE].detach().to(net.mean.device).clone().requires_grad_()
            with torch.no_grad(), reaching(net, rules, net.name) if rules else nullcontext():
                logits = net(pixels)
            check_answers(net, logits, start)
            some = logits.argmax(1) if wanted is None else wanted[start : start + _AT_ONCE]
            columns = some.reshape(len(pixels), -1).T
            # what captum hangs into the network stays there where it fails on the way
            with sloping(net.name), attributes_kept(net.module):
                several = torch.stack([maps(pixels, column).detach() for column in columns], 1)
            if not math.isfinite(several.sum().item()) and not several.isfinite().all():
                kind = str(net.mean.dtype).removeprefix("torch.")
                raise ValueError(f"{net.name} gives maps that are no numbers, in {kind}; use net.float()")
            found.append(several.reshape(*some.shape, *several.shape[2:]).float())
    return torch.cat(found)
