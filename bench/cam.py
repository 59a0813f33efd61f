"""CAM and Grad-CAM on ResNet-18 against captum, torch-cam and pytorch-grad-cam: time and memory.

Each makes heatmaps as large as the pictures, for the top-1 class. Rounds go by turns through all of them in
one process; in each round the peer's time is divided by ours.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bench.measure import DEVICE, extra_memory, ratios, row
from camlib.heatmaps.cam import cam
from camlib.heatmaps.gradcam import gradcam
from camlib.networks.net import Net
from camlib.networks.zoo import load

ROUNDS = {1: 21, 16: 7}
Method = Callable[[Net, Tensor], object]


def bare(net: Net, images: Tensor) -> Tensor:
    """What no method can do without: the forward pass, the weighted sum, a larger map."""
    kept = []
    with torch.inference_mode(), net.layer("layer4").register_forward_hook(lambda *all: kept.append(all[2])):
        top = net(images).argmax(1)
        weights = net.get_parameter("module.fc.weight")[top]
        return _large(torch.einsum("nk,nkhw->nhw", weights, kept[0]))


def captum_grad_cam(net: Net, images: Tensor) -> Tensor:
    """captum wants the class, so it is found first."""
    from captum.attr import LayerGradCam

    with torch.inference_mode():
        top = net(images).argmax(1)
    maps = LayerGradCam(net, net.layer("layer4")).attribute(images, top.clone(), relu_attributions=True)
    return _large(maps[:, 0].detach())


def captum_class_given(net: Net, images: Tensor) -> Tensor:
    """The same where the class is known."""
    from captum.attr import LayerGradCam

    return _large(
        LayerGradCam(net, net.layer("layer4")).attribute(images, 0, relu_attributions=True)[:, 0].detach()
    )


def torchcam_cam(net: Net, images: Tensor) -> Tensor:
    """Its CAM."""
    from torchcam.methods import CAM

    with CAM(net.module, target_layer="layer4", fc_layer="fc") as method, torch.inference_mode():
        top = net(images).argmax(1)
        return _large(method(top.tolist(), normalized=False)[0])


def torchcam_grad_cam(net: Net, images: Tensor) -> Tensor:
    """Its Grad-CAM."""
    from torchcam.methods import GradCAM

    with GradCAM(net.module, target_layer="layer4") as method:
        logits = net(images)
        return _large(method(logits.argmax(1).tolist(), logits, normalized=False)[0])


def pytorch_grad_cam(net: Net, images: Tensor) -> object:
    """Its Grad-CAM; it resizes by itself."""
    from pytorch_grad_cam import GradCAM

    with GradCAM(net, [net.layer("layer4")]) as method:
        return method(images, None)


METHODS: dict[str, tuple[str, Method]] = {
    "bare forward pass": ("", bare),
    "camlib CAM": ("", cam),
    "camlib Grad-CAM": ("", gradcam),
    "torch-cam CAM": ("torchcam", torchcam_cam),
    "torch-cam Grad-CAM": ("torchcam", torchcam_grad_cam),
    "captum Grad-CAM": ("captum", captum_grad_cam),
    "captum, class given": ("captum", captum_class_given),
    "pytorch-grad-cam": ("pytorch_grad_cam", pytorch_grad_cam),
}


PAIRS = {  # ours → the peers that do the same
    "camlib CAM": ("bare forward pass", "torch-cam CAM"),
    "camlib Grad-CAM": (
        *("bare forward pass", "torch-cam Grad-CAM", "captum Grad-CAM", "captum, class given"),
        "pytorch-grad-cam",
    ),
}


def main() -> None:
    missing = {
        library for library, _ in METHODS.values() if library and not importlib.util.find_spec(library)
    }
    if missing:
        print(f"not installed, so left out: {', '.join(sorted(missing))}")
    names = [name for name, (library, _) in METHODS.items() if library not in missing]
    for count, rounds in ROUNDS.items():
        extra = {name: _in_its_own_process(name, count) for name in names}
        net, images = _given(count)
        works = [partial(METHODS[name][1], net, images) for name in names]
        spent = dict(zip(names, ratios(works, rounds), strict=True))
        for ours, peers in PAIRS.items():
            what = f"{ours.removeprefix('camlib ')}, ResNet-18, {count} of 224 × 224"
            for peer in peers:
                if peer in spent:
                    gains = [theirs / own for theirs, own in zip(spent[peer], spent[ours], strict=True)]
                    print(row(what, peer, gains, (extra[ours], extra[peer])), flush=True)


def peak(name: str, count: int) -> int | None:
    """MB that a method takes at most on top of what is there."""
    net, images = _given(count)
    METHODS[name][1](net, images[:1])  # what is imported, compiled and allocated once
    return extra_memory(partial(METHODS[name][1], net, images))


def _in_its_own_process(name: str, count: int) -> int | None:
    code = f"import bench.cam; print(bench.cam.peak({name!r}, {count}))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    told = run.stdout.split()[-1]
    return None if told == "None" else int(told)


def _given(count: int) -> tuple[Net, Tensor]:
    images = torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    return load("resnet18", weights="random").to(DEVICE), images.to(DEVICE)


def _large(maps: Tensor) -> Tensor:
    return interpolate(maps[:, None], size=(224, 224), mode="bilinear")[:, 0]


if __name__ == "__main__":
    main()
