"""The steadied track: what stays, what goes, and the spline against its normal equations."""

import numpy as np
import pytest
import torch

from camlib.parts.smooth import _fitted, smooth
from camlib.scores.tracks import track_errors

T = torch.arange(72.0)
WALK = torch.stack([30 + 60 * torch.sin(T / 24), 80 + 5 * torch.sin(T / 8)], 1)


@pytest.fixture
def noise() -> torch.Tensor:
    return 1.5 * torch.randn(72, 2, generator=torch.Generator().manual_seed(0))


def error(track: torch.Tensor) -> torch.Tensor:
    off: torch.Tensor = (track - WALK).norm(dim=1)
    return off


def test_the_spline_solves_reinschs_equations() -> None:
    """f = (W + λ Q R⁻¹ Qᵀ)⁻¹ W y, for knots that are not even."""
    rng = np.random.default_rng(0)
    at = np.array([0, 1, 2, 5, 6, 8, 9, 10, 14, 15])
    given, weights, span = rng.normal(size=(10, 2)), rng.uniform(0.2, 2, 10), 1.7
    gaps = np.diff(at).astype(float)
    q, r = np.zeros((10, 8)), np.zeros((8, 8))
    for k in range(8):
        q[k : k + 3, k] = 1 / gaps[k], -1 / gaps[k] - 1 / gaps[k + 1], 1 / gaps[k + 1]
        r[k, k] = (gaps[k] + gaps[k + 1]) / 3
        if k:
            r[k, k - 1] = r[k - 1, k] = gaps[k] / 6
    w = np.diag(weights)
    want = np.linalg.solve(w + span**4 * q @ np.linalg.inv(r) @ q.T, w @ given)
    np.testing.assert_allclose(_fitted(at, given, weights, span, at), want, atol=1e-9)


def test_an_even_straight_walk_stays_whatever_is_missing() -> None:
    line = torch.stack([2 * T - 7, 50 - 0.25 * T], 1)
    assert torch.allclose(smooth(line), line, atol=1e-3)
    torn = line.clone()
    torn[30:36] = torch.nan
    torn[10] = torch.tensor([0.0, 0.0])
    assert torch.allclose(smooth(torn), line, atol=1e-3)


def test_jitter_is_halved(noise: torch.Tensor) -> None:
    assert error(smooth(WALK + noise)).mean() < 0.5 * error(WALK + noise).mean()
    assert error(smooth(WALK)).max() < 0.1  # and the walk itself hardly touched


def test_outliers_do_not_pull(noise: torch.Tensor) -> None:
    clean = smooth(WALK + noise)
    noisy = WALK + noise
    noisy[[20, 41, 50, 51, 52]] = torch.tensor([10.0, 10.0])
    steady = smooth(noisy)
    assert error(noisy).max() > 70
    assert error(steady).max() < 2.5
    assert (steady - clean).norm(dim=1).max() < 1.5


def test_a_gap_is_bridged_and_the_ends_stand(noise: torch.Tensor) -> None:
    torn = WALK + noise
    torn[:4] = torch.nan
    torn[40:47, 0] = torch.nan
    steady = smooth(torn)
    assert steady.isfinite().all()
    assert error(steady)[40:47].max() < 3
    assert (steady[:4] == steady[4]).all()


def test_the_surer_point_weighs_more() -> None:
    """Two tracks told in turn, at 0 and at 4: the curve runs where the weights say."""
    told = torch.zeros(40, 2)
    told[1::2] = 4.0
    trust = torch.ones(40)
    assert smooth(told, strengths=trust)[10:30].mean() == pytest.approx(2, abs=0.05)
    trust[1::2] = 3.0
    heavy = smooth(told, strengths=trust)[10:30].mean()
    assert heavy > 2.8
    assert torch.allclose(smooth(told, strengths=100 * trust), smooth(told, strengths=trust), atol=1e-4)


def test_a_point_of_no_strength_is_as_good_as_none() -> None:
    track, trust = WALK.clone(), torch.ones(72)
    track[30:40], trust[30:40] = 5.0, 0.0
    gap = WALK.clone()
    gap[30:40] = torch.nan
    assert torch.equal(smooth(track, strengths=trust), smooth(gap))


def test_a_longer_span_is_smoother(noise: torch.Tensor) -> None:
    turning = [
        smooth(WALK + noise, span=span).diff(dim=0).diff(dim=0).norm(dim=1).mean() for span in (1, 2, 4)
    ]
    assert turning[0] > 1.5 * turning[1] > 1.7 * turning[2]


def test_bad_input_is_named() -> None:
    bad = WALK.clone()
    bad[4:] = torch.nan
    for call, words in (
        (lambda: smooth(torch.zeros(5, 3)), r"points are \(5, 3\)"),
        (lambda: smooth(WALK, strengths=torch.ones(3)), r"strengths are \(3,\).*give 72, one a point"),
        (lambda: smooth(WALK, strengths=-torch.ones(72)), "a strength is -1; give 0 or more"),
        (lambda: smooth(WALK, span=0), "span is 0"),
        (lambda: smooth(bad), "4 of 72 points are known"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_errors_are_to_the_nearest_that_is_there() -> None:
    nan = torch.nan
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0], [nan, nan]])
    truth = torch.tensor(
        [[[3.0, 4.0], [0.0, 2.0]], [[nan, nan], [0.0, 0.0]], [[nan, nan]] * 2, [[0.0, 0.0]] * 2]
    )
    off = track_errors(points, truth)
    assert off[:2].tolist() == [2.0, 5.0]
    assert off[2:].isnan().all()
    assert track_errors(points, truth[:, 1])[:2].tolist() == [2.0, 5.0]
    for wrong in (truth[:3], truth[..., :1], truth[0, 0]):
        with pytest.raises(ValueError, match=r"points and truth are \(4, 2\) and"):
            track_errors(points, wrong)
