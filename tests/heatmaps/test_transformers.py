"""Transformers against other libraries, and with layers that only large networks have.

What every verb does with tokens, on small networks of all kinds: `tests/odd_calls/cases_transformers.py`.
"""

from collections.abc import Callable

import pytest
import timm
import torch
from captum.attr import LayerGradCam, Occlusion
from torch import Tensor, nn

from camlib.heatmaps.cam import class_maps
from camlib.heatmaps.gradcam import gradcam
from camlib.heatmaps.last_map import last_map
from camlib.heatmaps.occlusion import occlusion
from camlib.networks.net import Net
from camlib.networks.zoo import wrap
from camlib.units.patches import top_patches

SIDE = 10  # of the map of timm's small networks for tests, 160 pixels and patches of 16


def small(name: str, seed: int = 0) -> Net:
    """One of timm's networks for tests, with numbers large enough that its answers differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = timm.create_model(name, num_classes=7)
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.15)
    return wrap(module, size=160)


def pictures(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 160, 160, generator=torch.Generator().manual_seed(0))


# name → tokens in front, and the layer that Grad-CAM takes
READ = {
    "test_vit": (1, "blocks.5.norm1"),  # a class token
    "test_vit2": (1, "blocks.7"),  # a register; the mean of the others
    "test_vit3": (1, "norm"),  # a register; attention with a learned query
    "test_vit4": (1, "blocks.8"),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("layer", ["its own", "blocks.1"])
def test_equals_pytorch_grad_cam(name: str, layer: str) -> None:
    other = pytest.importorskip("pytorch_grad_cam")
    targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")
    net, images = small(name), pictures()
    front, own = READ[name]
    at = own if layer == "its own" else layer

    def on_map(tokens: Tensor) -> Tensor:
        return tokens[:, front:].transpose(1, 2).reshape(len(tokens), -1, SIDE, SIDE)

    with other.GradCAM(net, [net.layer(at)], reshape_transform=on_map) as theirs:
        want = torch.from_numpy(theirs(images, [targets.ClassifierOutputTarget(n) for n in (3, 5)]))
    got = gradcam(net, images, [3, 5], layer=None if layer == "its own" else layer)
    assert (got.amax((1, 2)) > 0).all()
    low, high = got.amin((1, 2), keepdim=True), got.amax((1, 2), keepdim=True)  # it stretches each map so
    torch.testing.assert_close((got - low) / (high - low), want, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["test_vit", "test_vit2"])
def test_equals_captum_on_a_map_made_of_the_same_tokens(name: str) -> None:
    """captum wants (N, units, h, w): the tokens go through a map of that shape and back."""
    net, images, at = small(name), pictures(), "blocks.1"

    class There(nn.Module):
        def forward(self, tokens: Tensor) -> Tensor:
            return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, SIDE, SIDE)

    class Through(nn.Module):
        def __init__(self, block: nn.Module) -> None:
            super().__init__()
            self.block, self.there = block, There()

        def forward(self, tokens: Tensor, **options: object) -> Tensor:
            out = self.block(tokens, **options)
            return torch.cat([out[:, :1], self.there(out).flatten(2).transpose(1, 2)], 1)

    want = gradcam(net, images, [3, 5], layer=at, relu=False)
    through = Through(net.layer(at))
    setattr(net.module.get_submodule("blocks"), "1", through)
    theirs = LayerGradCam(net, through.there).attribute(images, torch.tensor([3, 5]))
    laid = nn.functional.interpolate(theirs.detach(), (160, 160), mode="bilinear")[:, 0]
    torch.testing.assert_close(want, laid, rtol=1e-4, atol=1e-4 * float(laid.abs().max()))


@pytest.mark.parametrize("name", READ)
def test_occlusion_equals_captum(name: str) -> None:
    net, images = small(name), pictures(1)
    theirs = Occlusion(lambda x: net(x).softmax(1)).attribute(
        *(images, (3, 40, 40)), (3, 40, 40), target=2, baselines=0.5, perturbations_per_eval=8
    )
    got = occlusion(net, images, 2, window=40, stride=40)
    assert got.any()
    torch.testing.assert_close(got, theirs[:, 0].float(), rtol=0, atol=1e-5)


def test_the_place_is_where_the_picture_is_lit() -> None:
    """A lit patch, a unit of the embedding that sees light, and the first block: the cell is that patch's."""
    net = small("test_vit")
    images = torch.zeros(3, 3, 160, 160)
    lit = [(2, 7), (9, 0), (5, 5)]
    for image, (row, column) in zip(images, lit, strict=True):
        image[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 1
    with torch.no_grad():
        net.get_parameter("module.patch_embed.proj.weight")[4] = 1.0
    top = top_patches(net, "blocks.0", images, k=1, one_per_image=True, units=[4])
    best = [
        tuple(top_patches(net, "blocks.0", image[None], k=1, units=4).cells[0, 0].tolist())
        for image in images
    ]
    assert best == lit
    assert top.boxes[0, 0].tolist() in [[16 * j, 16 * i, 16 * j + 16, 16 * i + 16] for i, j in lit]
    assert top.field.attention


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("vit_b_16", "encoder.layers.encoder_layer_11.ln_1"),
        ("timm/vit_tiny_patch16_224", "blocks.11.norm1"),
        ("timm/deit_tiny_patch16_224", "blocks.11.norm1"),
        ("timm/deit_tiny_distilled_patch16_224", "blocks.11.norm1"),
        ("timm/eva02_tiny_patch14_336", "norm"),
        ("swin_t", "permute"),
        ("swin_v2_t", "permute"),
        ("timm/swin_tiny_patch4_window7_224", "norm"),
    ],
)
@pytest.mark.zoo
def test_the_layer_of_large_ones(name: str, layer: str, untrained: Callable[[str], Net]) -> None:
    net = untrained(name)
    assert last_map(net, net.sides) == layer  # also where a new head's numbers are all zero, as vit_b_16's
    if "swin" in name:
        images = torch.rand(1, 3, *net.sides)
        got = gradcam(net, images, 1, relu=False)
        assert got.any()
        cell = class_maps(net, images, 1)
        laid = nn.functional.interpolate(cell[:, None] / cell[0].numel(), net.sides, mode="bilinear")[:, 0]
        torch.testing.assert_close(got, laid, rtol=1e-3, atol=1e-4 * float(laid.abs().max()))
