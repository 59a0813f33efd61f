"""CAM and Grad-CAM against torch-cam, captum, pytorch-grad-cam and the bare forward pass: time and memory.

Each makes heatmaps as large as the pictures, for the top-1 class; or, where it says so, for a given class.
Rounds go by turns through all of them in one process; in each round the peer's time is divided by ours.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bench.measure import DEVICE, extra_memory, ratios, row
from camlib.heatmaps.cam import cam
from camlib.heatmaps.gradcam import gradcam
from camlib.networks.net import Net
from camlib.networks.zoo import load

ROUNDS = {1: 31, 16: 7}
NETWORKS = {  # the last map's module, and the linear layer
    "resnet18": ("layer4", "fc"),
    "mobilenet_v2": ("features", "classifier.1"),
    "critternet_gap": ("relu5", "fc"),
}


class Given(NamedTuple):
    """A network, its last map's module and its linear layer by name, and pictures."""

    net: Net
    map: str
    linear: str
    images: Tensor


def bare(given: Given) -> Tensor:
    """What no method can do without."""
    with torch.inference_mode():
        logits: Tensor = given.net(given.images)
        return logits


def captum_grad_cam(given: Given) -> Tensor:
    """captum wants the class, so it is found first."""
    with torch.inference_mode():
        top = given.net(given.images).argmax(1)
    return _captum(given, top.clone())


def captum_class_given(given: Given) -> Tensor:
    """The same where the class is known."""
    return _captum(given, 0)


def torchcam_cam(given: Given) -> Tensor:
    """Its CAM."""
    from torchcam.methods import CAM

    net, images = given.net, given.images
    with (
        CAM(net.module, target_layer=given.map, fc_layer=given.linear) as method,
        torch.inference_mode(),
    ):
        top = net(images).argmax(1)
        return _large(given, method(top.tolist(), normalized=False)[0])


def torchcam_grad_cam(given: Given) -> Tensor:
    """Its Grad-CAM."""
    from torchcam.methods import GradCAM

    with GradCAM(given.net.module, target_layer=given.map) as method:
        logits = given.net(given.images)
        return _large(given, method(logits.argmax(1).tolist(), logits, normalized=False)[0])


def pytorch_grad_cam(given: Given) -> object:
    """Its Grad-CAM; it resizes by itself."""
    from pytorch_grad_cam import GradCAM

    with GradCAM(given.net, [given.net.layer(given.map)]) as method:
        return method(given.images, None)


METHODS: dict[str, tuple[str, Callable[[Given], object]]] = {
    "bare forward pass": ("", bare),
    "camlib CAM": ("", lambda given: cam(given.net, given.images)),
    "camlib Grad-CAM": ("", lambda given: gradcam(given.net, given.images)),
    "camlib Grad-CAM, class given": ("", lambda given: gradcam(given.net, given.images, 0)),
    "torch-cam CAM": ("torchcam", torchcam_cam),
    "torch-cam Grad-CAM": ("torchcam", torchcam_grad_cam),
    "captum Grad-CAM": ("captum", captum_grad_cam),
    "captum Grad-CAM, class given": ("captum", captum_class_given),
    "pytorch-grad-cam Grad-CAM": ("pytorch_grad_cam", pytorch_grad_cam),
}
PAIRS = {  # ours → the peers that do the same
    "camlib CAM": ("bare forward pass", "torch-cam CAM"),
    "camlib Grad-CAM": (
        *("bare forward pass", "torch-cam Grad-CAM", "captum Grad-CAM"),
        "pytorch-grad-cam Grad-CAM",
    ),
    "camlib Grad-CAM, class given": ("captum Grad-CAM, class given",),
}


def main() -> None:
    missing = {
        library for library, _ in METHODS.values() if library and not importlib.util.find_spec(library)
    }
    if missing:
        print(f"not installed, so left out: {', '.join(sorted(missing))}")
    names = [name for name, (library, _) in METHODS.items() if library not in missing]
    for network in NETWORKS:
        for count, rounds in ROUNDS.items():
            extra = {name: _in_its_own_process(name, network, count) for name in names}
            given = _given(network, count)
            works = [partial(METHODS[name][1], given) for name in names]
            spent = dict(zip(names, ratios(works, rounds), strict=True))
            for ours, peers in PAIRS.items():
                what = f"{ours.removeprefix('camlib ')}, {network}, {count} picture{'s' * (count > 1)}"
                for peer in peers:
                    if peer in spent:
                        gains = [theirs / own for theirs, own in zip(spent[peer], spent[ours], strict=True)]
                        print(row(what, peer, gains, (extra[ours], extra[peer])), flush=True)


def peak(name: str, network: str, count: int) -> int | None:
    """MB that a method takes at most on top of what is there."""
    given = _given(network, count)
    METHODS[name][1](given._replace(images=given.images[:1]))  # what is imported and allocated once
    return extra_memory(partial(METHODS[name][1], given))


def _in_its_own_process(name: str, network: str, count: int) -> int | None:
    code = f"import bench.cam; print(bench.cam.peak({name!r}, {network!r}, {count}))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    told = run.stdout.split()[-1]
    return None if told == "None" else int(told)


def _given(network: str, count: int) -> Given:
    net = load(network, weights="random").to(DEVICE)
    images = torch.rand(count, 3, net.size, net.size, generator=torch.Generator().manual_seed(0))
    return Given(net, *NETWORKS[network], images.to(DEVICE))


def _captum(given: Given, target: Tensor | int) -> Tensor:
    from captum.attr import LayerGradCam

    method = LayerGradCam(given.net, given.net.layer(given.map))
    return _large(given, method.attribute(given.images, target, relu_attributions=True)[:, 0].detach())


def _large(given: Given, maps: Tensor) -> Tensor:
    size = [*given.images.shape[2:]]
    return interpolate(maps[:, None].float(), size=size, mode="bilinear", align_corners=False)[:, 0]


if __name__ == "__main__":
    main()
