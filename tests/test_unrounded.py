"""Under `torch.autocast` a network is rounded, if one likes; camlib's own sums are not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import camlib
from camlib import scores
from camlib.dreams.canvas import canvas
from camlib.parts.equivariance import Move
from camlib.scores.keypoints import KeypointErrors
from camlib.scores.spotting import Spotted
from camlib.unrounded import unrounded

cl: Any = camlib
torch.manual_seed(0)
N = 700  # counts above 256 are no bfloat16
RIGHT, LABELS = torch.rand(N) < 0.7, torch.arange(N) % 7
SCENES, CODES = cl.critters(4, size=32), torch.rand(90, 6)
NET = cl.wrap(
    nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)), size=32
)
FIELD = cl.receptive_field(NET, "conv1")
UNITS = cl.class_units(NET, [(x, i % 3) for i, x in enumerate(SCENES.images)])
PAGE, CPU = torch.rand(2, 3, 8, 8), torch.device("cpu")
ATOMS = cl.directions("pca", CODES)

OWN: dict[str, Callable[[], Tensor]] = {
    "a mean": scores.Mean(torch.rand(N)).resampled,
    "a mean's interval": lambda: torch.tensor(scores.Mean(RIGHT).interval()),
    "pointing": cl.Pointing(RIGHT).resampled,
    "pointing, by class": cl.Pointing(RIGHT, LABELS).resampled,
    "key points": KeypointErrors(torch.rand(N, 2)).resampled,
    "spotting": Spotted(LABELS, LABELS + 2, LABELS + 3).resampled,
    "boxes": cl.BoxAccuracy(torch.rand(N, 20), torch.arange(20) / 20, (0.5,)).resampled,
    "upsample": lambda: cl.upsample(torch.arange(256.0).view(16, 16), FIELD),
    "head_frame": lambda: cl.head_frame(SCENES, SCENES.keypoints),
    "moved points": lambda: Move(angle=10).points(torch.rand(5, 2), (32, 32)),
    "linear_svm": lambda: cl.linear_svm(CODES, LABELS[:90] % 3).scores(CODES),
    "spectrum": lambda: cl.spectrum(SCENES).magnitude,
    "directions": lambda: cl.directions("pca", CODES)(CODES),
    "directions, sae": lambda: cl.directions("sae", CODES, count=4, active=2)(CODES),
    "their code": lambda: ATOMS(CODES),
    "a canvas": lambda: canvas("pixels", (3, 8, 8), cl.spectrum(PAGE), CPU).paint(PAGE),
    "a picture's numbers": lambda: canvas("fourier", (3, 8, 8), cl.spectrum(PAGE), CPU).of(PAGE),
    "class units": lambda: torch.stack([UNITS.only(UNITS.top(2)), UNITS.without(torch.tensor([1]))]),
}


@pytest.mark.parametrize("name", OWN)
def test_own_sums_are_the_same_as_without(name: str) -> None:
    torch.manual_seed(1)
    wanted = OWN[name]()
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = OWN[name]()
        assert (found @ found.mT if found.ndim > 1 else found[:, None] @ found[None]).dtype == torch.bfloat16
    assert found.dtype == wanted.dtype
    assert torch.equal(found.nan_to_num(-7), wanted.nan_to_num(-7))


def test_what_runs_a_network_runs() -> None:
    """Joining features of float16, and a rotation's check, once ended in an obscure line."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert cl.feature_maps(NET, ["conv1"], SCENES).maps.dtype == torch.float16
        assert cl.dissect(NET, "conv1", SCENES, rotation=cl.random_rotation(6)).iou.dtype == torch.float32
        assert NET(SCENES.images).dtype == torch.bfloat16  # the caller's wish
        assert cl.class_units(NET, [(SCENES.images[0], 0)]).pooled.dtype == torch.float32


def test_two_at_once() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with unrounded(), unrounded():
            assert (CODES @ CODES.T).dtype == torch.float32
        assert (CODES @ CODES.T).dtype == torch.bfloat16
