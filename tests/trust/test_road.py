"""ROAD: a hole worked by hand, the published system written out once more, and pytorch-grad-cam's."""

import importlib

import numpy as np
import pytest
import torch

from camlib.networks.zoo import load, wrap
from camlib.scenes.scenes import critters
from camlib.trust import curves
from camlib.trust.baselines import blob, noise
from camlib.trust.curves import ranking
from camlib.trust.road import SHARES, imputed, road

RANDOM = torch.Generator().manual_seed(0)
PICTURE = torch.rand(3, 12, 10, generator=RANDOM)


def test_one_missing_pixel_is_the_weighted_mean_of_its_neighbours() -> None:
    one = torch.arange(9.0).reshape(1, 3, 3) ** 2  # 0 1 4 / 9 16 25 / 36 49 64
    middle, corner = torch.zeros(2, 3, 3, dtype=torch.bool)
    middle[1, 1], corner[0, 0] = True, True
    beside, across = 1 + 9 + 25 + 49, 0 + 4 + 36 + 64
    assert float(imputed(one, middle, noise=0)[0, 1, 1]) == pytest.approx(beside / 6 + across / 12)
    # in the corner three neighbours are left: their weights are made to sum to one again
    assert float(imputed(one, corner, noise=0)[0, 0, 0]) == pytest.approx(
        ((1 + 9) / 6 + 16 / 12) / (2 / 6 + 1 / 12)
    )
    kept = ~middle
    assert torch.equal(imputed(one, middle)[:, kept], one[:, kept])


def test_two_missing_pixels_are_solved_together() -> None:
    """In a row of four pixels, a ? ? b: x = (a + y) / 2 and y = (x + b) / 2, a straight line."""
    row, gone = torch.tensor([[[0.0, 9, 9, 0.9]]]), torch.tensor([[False, True, True, False]])
    torch.testing.assert_close(imputed(row, gone, noise=0)[0, 0], torch.tensor([0, 0.3, 0.6, 0.9]))


@pytest.mark.parametrize("share", [0.1, 0.6, 0.97])
def test_every_missing_pixel_is_the_mean_of_its_neighbours(share: float) -> None:
    """The definition, written out pixel by pixel; the others stay as they were."""
    gone = torch.rand(12, 10, generator=torch.Generator().manual_seed(3)) < share
    found = imputed(PICTURE, gone, noise=0)
    assert torch.equal(found[:, ~gone], PICTURE[:, ~gone])
    weights = {(i, j): 1 / 12 if i and j else 1 / 6 for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j}
    for y, x in gone.nonzero().tolist():
        inside = {(y + i, x + j): w for (i, j), w in weights.items() if 0 <= y + i < 12 and 0 <= x + j < 10}
        mean = torch.stack([w * found[:, i, j] for (i, j), w in inside.items()]).sum(0) / sum(inside.values())
        torch.testing.assert_close(found[:, y, x], mean, atol=1e-5, rtol=0)


def test_as_pytorch_grad_cam_imputes() -> None:
    theirs = pytest.importorskip("pytorch_grad_cam.metrics.road").NoisyLinearImputer(noise=0.0)
    for share in (0.2, 0.5, 0.9):
        gone = torch.rand(12, 10, generator=torch.Generator().manual_seed(5)) < share
        want = theirs(PICTURE, (~gone).float())
        torch.testing.assert_close(imputed(PICTURE, gone, noise=0), want, atol=1e-5, rtol=0)


def test_the_noise_is_as_strong_as_said_and_the_same_for_a_seed() -> None:
    gone = torch.ones(64, 64, dtype=torch.bool)
    gone[0, 0] = False
    grey = torch.full((3, 64, 64), 0.5)
    one, same, other = (imputed(grey, gone, noise=0.02, seed=s) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float(one[:, gone].std()) == pytest.approx(0.02, rel=0.05)


def test_hottest_and_coolest_first() -> None:
    """Each picture by hand: rank, take away, impute, ask."""
    net, scenes = load("critternet_gap"), critters(2, seed=4)
    heat = blob(net, scenes.images)
    found = road(net, scenes.images, heat, scenes.labels, shares=(0.2, 0.5), noise=0)
    for k in range(2):
        order = ranking(heat[k], ties="random", seed=k)
        for s, share in enumerate((0.2, 0.5)):
            count = int(128 * 128 * share)
            for way, got in ((order, found.hottest), (order.flip(0), found.coolest)):
                gone = torch.zeros(128 * 128, dtype=torch.bool)
                gone[way[:count]] = True
                picture = imputed(scenes.images[k], gone.reshape(128, 128), noise=0)
                with torch.inference_mode():
                    want = net(picture[None]).softmax(1)[0, scenes.labels[k]]
                assert float(got[k, s]) == pytest.approx(float(want), abs=1e-5)
    want = ((found.coolest - found.hottest) / 2).mean(1)
    torch.testing.assert_close(found.scores, want)
    assert float(found.score) == pytest.approx(float(want.mean()))


@pytest.mark.parametrize("share", [0.07, 0.14, 0.29, 0.58])
def test_a_share_of_whole_pixels_takes_them_all(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """100 · .29 is 28.999… in floating point. Of 128² pixels it is not whole, and rounded down."""
    taken: list[int] = []

    def counted(image: torch.Tensor, pixels: torch.Tensor, *_: object) -> torch.Tensor:
        taken.append(len(pixels))
        return image

    monkeypatch.setattr(importlib.import_module("camlib.trust.road"), "_without", counted)
    net = wrap(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(300, 2)), size=10)
    picture = PICTURE[:, :10]
    road(net, picture[None], picture[None, 0], shares=(share,))
    assert taken == [round(100 * share)] * 2
    taken.clear()
    scene = critters(1, seed=4).images
    road(load("critternet_gap"), scene, scene[:, 0])
    assert taken == [1638, 3276, 4915, 6553, 8192, 11468, 14745] * 2
    assert taken[:7] == [int(128 * 128 * one) for one in SHARES]


def test_a_map_turned_round_scores_the_opposite() -> None:
    net, scenes = load("critternet_gap"), critters(2, seed=4)
    heat = noise(net, scenes.images)  # no two values alike
    one, turned = (road(net, scenes.images, m, scenes.labels, shares=(0.3,), noise=0) for m in (heat, -heat))
    torch.testing.assert_close(one.hottest, turned.coolest, atol=1e-5, rtol=0)
    torch.testing.assert_close(one.scores, -turned.scores, atol=1e-5, rtol=0)


def test_several_targets_have_a_score_each() -> None:
    """With as many targets as shares, so that nothing is told apart by its size."""
    net, scenes = load("critternet_gap"), critters(2, seed=4)
    heat, both = blob(net, scenes.images), torch.tensor([[0, 1], [2, 3]])
    several = road(net, scenes.images, heat, both, shares=(0.2, 0.5))
    assert several.hottest.shape == several.coolest.shape == (2, 2, 2)
    for k in range(2):
        alone = road(net, scenes.images, heat, both[:, k], shares=(0.2, 0.5))
        torch.testing.assert_close(several.hottest[..., k], alone.hottest)
        torch.testing.assert_close(several.coolest[..., k], alone.coolest)
        torch.testing.assert_close(several.scores[:, k], alone.scores)
    with pytest.raises(ValueError, match="one number for each picture"):
        several.score  # noqa: B018


def test_answers_are_asked_for_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    net, scenes = load("critternet_gap"), critters(3, seed=4)
    heat, asked = blob(net, scenes.images), []
    whole = road(net, scenes.images, heat, shares=(0.2, 0.5))
    monkeypatch.setattr(curves, "_AT_ONCE", 2)
    with net.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0]))):
        parts = road(net, scenes.images, heat, shares=(0.2, 0.5))
    assert max(asked) == 2
    torch.testing.assert_close(parts.hottest, whole.hottest)


def test_the_published_shares() -> None:
    assert SHARES == (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
    assert np.all(np.diff(SHARES) > 0)
