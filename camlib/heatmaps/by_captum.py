"""Four methods as captum has them, with this course's calling rule: a `Net`, pictures, targets.

- Integrated Gradients (Sundararajan, Taly, Yan 2017): (x - x') times the mean gradient on the way from x'.
- DeepLIFT (Shrikumar, Greenside, Kundaje 2017), the rescale rule: differences from x' instead of slopes.
- SmoothGrad (Smilkov et al. 2017): the mean gradient of noisy copies.
- Guided backpropagation (Springenberg et al. 2015): the gradient, with negative ones dropped at each ReLU.

Kokhlikyan et al. (2020), "Captum: a unified and generic model interpretability library for PyTorch".
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..given import number, seeded, whole
from ..networks.eval_mode import evaluating
from ..networks.hookable import check_differentiable, check_floating, check_hookable
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, class_indices

__all__ = ["deep_lift", "guided_backprop", "integrated_gradients", "smoothgrad"]

_AT_ONCE = 16  # pictures in one run, for the whole graph is kept


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

    A map's sum is near the target's logit less that of the grey picture; max pools keep it from being equal.
    """
    from captum.attr import DeepLift

    grey = _grey(baseline)

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found: Tensor = DeepLift(net).attribute(pixels, grey, target)
        return found.sum(1)

    return _each(net, images, targets, maps)


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
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
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

    Raises ValueError also where the network has no `torch.nn.ReLU`: without one it would be the gradient.
    """
    from captum.attr import GuidedBackprop

    if not any(isinstance(module, nn.ReLU) for module in net.modules()):
        raise ValueError(f"{net.name} has no torch.nn.ReLU, and so nothing guides its gradient; use saliency")

    def maps(pixels: Tensor, target: Tensor) -> Tensor:
        found: Tensor = GuidedBackprop(net).attribute(pixels, target)
        return found.abs().amax(1)

    return _each(net, images, targets, maps)


def _grey(baseline: float) -> float:
    if not 0 <= (grey := number(baseline, "baseline", "a grey in [0, 1]")) <= 1:
        raise ValueError(f"baseline is {baseline}; it is a grey in [0, 1]")
    return grey


def _each(net: Net, images: Tensor, targets: Targets, maps: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`maps` of some pictures and one class each, for all of them; the network stays as it was."""
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
            with torch.no_grad():
                logits = net(pixels)
            check_answers(net, logits, start)
            some = logits.argmax(1) if wanted is None else wanted[start : start + _AT_ONCE]
            columns = some.reshape(len(pixels), -1).T
            several = torch.stack([maps(pixels, column).detach() for column in columns], 1)
            found.append(several.reshape(*some.shape, *several.shape[2:]).float())
    return torch.cat(found)
