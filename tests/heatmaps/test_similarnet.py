"""Weights from silence by hand, and the heatmaps: any size, with the pools and without."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage.filters import sobel
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, everybody's name for it
from torchvision.transforms.v2.functional import pil_to_tensor

from camlib.geometry.field import receptive_field, upsample
from camlib.heatmaps.cam import cam
from camlib.heatmaps.classifier import find_classifier
from camlib.heatmaps.similarnet import (
    ablation_cam,
    ablation_cam_weights,
    ccgap_weights,
    linear_weights,
    similarnet,
    softmax_weights,
)
from camlib.networks.zoo import load
from camlib.pictures.digits import digits
from camlib.running.record import record
from camlib.scenes.scenes import critters
from camlib.units.ablation import Ablation, Scores, Silenced, ablate


def known() -> Ablation:
    """10 pictures: 1 wrong, and 2 nats lost; without unit 0, 3 and 5; without unit 1, 1 and 1."""
    ten = torch.tensor([[4, 6], [4, 6]])
    by_class = Silenced(
        torch.tensor([[1, 2], [1, 0]]),
        torch.tensor([[3.0, 2], [0.5, 0.5]]).double(),
        ten,
        Scores(torch.tensor([1, 0]), torch.tensor([1.5, 0.5]).double(), ten[0]),
    )
    baseline = Scores(torch.tensor(1), torch.tensor(2.0).double(), torch.tensor(10))
    return Ablation(
        torch.tensor([3, 1]),
        torch.tensor([5.0, 1]).double(),
        torch.tensor([10, 10]),
        baseline,
        by_class,
    )


def pictures(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def hooks(net: nn.Module) -> int:
    return sum(len(inner._forward_hooks) + len(inner._forward_pre_hooks) for inner in net.modules())


def test_softmax_by_hand() -> None:
    """e - E is 0.2 and 0 as fractions, 20 and 0 in percent, 0.3 and -0.1 in nats, 3 and -1 summed.

    Of two units' softmax the first is 1 / (1 + e^-d), d the difference of the two.
    """

    def first(difference: float) -> float:
        return 1 / (1 + math.exp(-difference))

    for unit, difference in (("fraction", 0.2), ("percent", 20), ("loss", 0.4), ("summed loss", 4)):
        code = softmax_weights(known(), sign="code", unit=unit)  # type: ignore[arg-type]
        paper = softmax_weights(known(), unit=unit)  # type: ignore[arg-type]
        assert code.tolist() == pytest.approx([first(difference), first(-difference)])
        assert paper.tolist() == pytest.approx([first(-difference), first(difference)])
    hot = softmax_weights(known(), sign="code", temperature=0.01)
    torch.testing.assert_close(hot, softmax_weights(known(), sign="code", unit="percent"))
    assert hot.tolist() == pytest.approx([1, 0], abs=1e-8)


def test_linear_and_ccgap_by_hand() -> None:
    assert linear_weights(known()).tolist() == [3.0, -1.0]
    assert ccgap_weights(known(), torch.tensor([1.0, 2])).tolist() == [[1.5, 1.5], [-0.5, 0.0]]
    norms = torch.tensor([[3.0, 1], [0, 1]])
    assert ccgap_weights(known(), norms).tolist() == [[0.5, 1.5], [0.0, 0.0]]
    assert ccgap_weights(known(), torch.ones(2)).sum(1).tolist() == linear_weights(known()).tolist()


def test_literally_the_weights_are_nearly_uniform_and_upside_down() -> None:
    """As measured for MNIST: the filter whose silence costs most gets least, and all get nearly 1/16."""
    found = ablate(load("lenet"), "conv2", digits(split="test", source="sklearn"))
    weights = softmax_weights(found)
    assert weights.sum().item() == pytest.approx(1)
    assert weights.argmin() == found.errors.argmax()
    assert weights.argmax() == found.errors.argmin()
    assert (weights * 16 - 1).abs().max() < 0.06


def test_any_size_with_the_pools() -> None:
    net, images, weights = load("lenet"), pictures(2, 1, 40, 57), pictures(16)
    heat = similarnet(net, "conv2", images, weights)
    conv1, conv2 = net.get_submodule("module.conv1"), net.get_submodule("module.conv2")
    with torch.no_grad():
        maps = conv2(F.max_pool2d(conv1(images).relu(), 2)).relu()
    assert heat.shape == (2, 40, 57)
    # Cell i is centred on pixel ½ + 2 i, as PyTorch's plain enlarging by 2 has it; the last column goes on.
    wanted = F.interpolate(
        torch.einsum("u,nuhw->nhw", weights, maps)[:, None], scale_factor=2, mode="bilinear"
    )[:, 0]
    torch.testing.assert_close(heat[:, :, :56], wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(heat[:, :, 56], heat[:, :, 55], rtol=1e-4, atol=1e-5)
    own = pictures(1, 1, 28, 28)
    with record(net, "conv2") as acts, torch.no_grad():
        net(own)
    wanted = upsample((acts["conv2"] * weights[:, None, None]).sum(1), receptive_field(net, "conv2"))
    torch.testing.assert_close(similarnet(net, "conv2", own, weights), wanted)
    assert hooks(net) == 0


def test_any_size_without_the_pools() -> None:
    """Both convolutions at full resolution: each pixel has a cell of its own, which sees 9 × 9."""
    net, images, weights = load("lenet"), pictures(2, 1, 33, 50), pictures(2, 16)
    before = net(images[:, :, :28, :28])
    heat = similarnet(net, "conv2", images, weights, pools=False)
    conv1, conv2 = net.get_submodule("module.conv1"), net.get_submodule("module.conv2")
    with torch.no_grad():
        maps = conv2(conv1(images).relu()).relu()
    torch.testing.assert_close(heat, (maps * weights[:, :, None, None]).sum(1), rtol=1e-4, atol=1e-5)
    changed = images.clone()
    changed[0, 0, 16, 20] = 1 - changed[0, 0, 16, 20]
    rows, columns = (similarnet(net, "conv2", changed, weights, pools=False) != heat)[0].nonzero().T
    assert rows.min() >= 12
    assert rows.max() <= 20
    assert columns.min() >= 16
    assert columns.max() <= 24
    assert hooks(net) == 0
    assert torch.equal(net(images[:, :, :28, :28]), before)


def test_the_pools_are_back_after_an_exception() -> None:
    net = load("lenet")
    with pytest.raises(ValueError, match="wants images"):
        similarnet(net, "conv2", pictures(1, 3, 28, 28), torch.ones(16), pools=False)
    assert hooks(net) == 0


def test_ablation_cam_of_a_pooled_head_is_cam_up_to_the_means() -> None:
    """(y - y_u) / y = w_u · mean of A_u / y, from find_classifier's weights."""
    net, scenes = load("critternet_gap"), critters(3, seed=5)
    head = find_classifier(net, scenes.images)
    top = head.logits.argmax(1)
    y = head.logits.gather(1, top[:, None])
    wanted = head.weight[top] * head.features.mean((2, 3)) / y
    torch.testing.assert_close(
        ablation_cam_weights(net, "conv5", scenes.images), wanted, rtol=1e-3, atol=1e-5
    )
    wanted = head.weight[[2, 2, 2]] * head.features.mean((2, 3)) / head.logits[:, 2:3]
    found = ablation_cam_weights(net, "conv5", scenes.images, 2)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
    heat = ablation_cam(net, "conv5", scenes.images)
    maps = torch.einsum(
        "nu,nuhw->nhw", ablation_cam_weights(net, "conv5", scenes.images), head.features
    ).relu()
    assert heat.shape == (3, 128, 128)
    torch.testing.assert_close(heat, upsample(maps, receptive_field(net, "conv5")))
    # With the class's own weights in place of Ablation-CAM's it is the class activation map.
    torch.testing.assert_close(
        similarnet(net, "conv5", scenes.images, head.weight[top]), cam(net, scenes.images)
    )


shared = pytest.mark.skipif(not os.environ.get("CAMLIB_SHARED"), reason="CAMLIB_SHARED is not set")


def like(a: Tensor, b: Tensor) -> float:
    """The correlation of two maps."""
    return float(torch.corrcoef(torch.stack([a.flatten().double(), b.flatten().double()]))[0, 1])


@shared
@pytest.mark.parametrize("pools", [True, False])
@pytest.mark.parametrize(
    ("file", "stroke_edges"), [("numbers4.jpg", True), ("numbers5.png", True), ("numbers6.jpg", False)]
)
def test_the_papers_photographs(file: str, stroke_edges: bool, pools: bool) -> None:
    """The paper's map is the plain mean; light on dark it lights stroke edges, dark on light the ground."""
    with Image.open(Path(os.environ["CAMLIB_SHARED"]) / "similarnet" / file) as opened:
        picture = pil_to_tensor(opened.convert("L"))[None].float() / 255
    net = load("lenet")
    weights = softmax_weights(ablate(net, "conv2", digits(split="test", source="mnist"), batch_size=500))
    heat = similarnet(net, "conv2", picture, weights, pools=pools)[0]
    assert heat.shape == picture.shape[2:]
    assert like(heat, similarnet(net, "conv2", picture, torch.full((16,), 1 / 16), pools=pools)[0]) > 0.9998
    edges = sobel(picture[0, 0].numpy())
    near = ndimage.distance_transform_edt(edges < np.quantile(edges, 0.95)) <= 3
    lit = (heat > heat.quantile(0.983)).numpy()  # the share of white in the published masks
    assert (near[lit].mean() > 0.97) == stroke_edges
    assert (near[lit].mean() < 0.2) == (not stroke_edges)


def test_refuses() -> None:
    net, image = load("lenet"), pictures(1, 1, 28, 28)
    for words, call in (
        ("has 16 units", lambda: similarnet(net, "conv2", image, torch.ones(6))),
        ("has no map", lambda: similarnet(net, "fc1", image, torch.ones(120))),
        ("no layer 'conv7'", lambda: similarnet(net, "conv7", image, torch.ones(6))),
        ("there is no picture", lambda: similarnet(net, "conv2", image[:0], torch.ones(16))),
        ("there is no picture", lambda: ablation_cam_weights(net, "conv2", image[:0])),
        ("no unit 'bits'", lambda: softmax_weights(known(), unit="bits")),  # type: ignore[arg-type]
        ("no sign 'minus'", lambda: softmax_weights(known(), sign="minus")),  # type: ignore[arg-type]
        ("above 0; given 0", lambda: softmax_weights(known(), temperature=0)),
        ("norms want", lambda: ccgap_weights(known(), torch.ones(3))),
        ("norms want", lambda: ccgap_weights(known(), -torch.ones(2))),
    ):
        with pytest.raises(ValueError, match=words):
            call()
