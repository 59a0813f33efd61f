"""Directions: each kind's identities, an independent answer for each, and how they are matched."""

import itertools

import numpy as np
import pytest
import scipy.optimize
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from camlib import cells, critters, directions, dissect, load, matched, random_rotation
from camlib.dreams.autoencoder import autoencoder
from camlib.dreams.directions import KINDS, non_negative
from camlib.running.extractor import FeatureExtractor


def mixture(n: int = 3000, atoms: int = 12, units: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Cells that are sums of two of twelve directions, in eight dimensions, and these."""
    random = torch.Generator().manual_seed(seed)
    true = torch.nn.functional.normalize(torch.rand(atoms, units, generator=random) - 0.2, dim=1)
    which = torch.rand(n, atoms, generator=random).argsort(1)[:, :2]
    codes = torch.zeros(n, atoms).scatter(1, which, 1 + torch.rand(n, 2, generator=random))
    return codes @ true, true


@pytest.fixture(scope="module")
def x() -> Tensor:
    return torch.rand(1500, 8, generator=torch.Generator().manual_seed(1)) ** 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_is_coded_cell_by_cell(kind: str, x: Tensor) -> None:
    found = directions(kind, x)
    assert found.atoms.shape == (8, 8)
    maps = x[:30].view(2, 3, 5, 8).permute(0, 3, 1, 2)
    rows = found(x[:30]).view(2, 3, 5, 8).permute(0, 3, 1, 2)
    torch.testing.assert_close(found(maps), rows, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found(x[:30]), directions(kind, x)(x[:30]))  # the same seed


def test_units_and_rotations_are_axes(x: Tensor) -> None:
    assert torch.equal(directions("units", x)(x), x)
    torch.testing.assert_close(directions("rotation", x, seed=3)(x), x @ random_rotation(8, seed=3).T)


def test_components_are_scikit_learns_turned_to_their_longer_tail(x: Tensor) -> None:
    found = directions("pca", x)
    codes = found(x).double()
    assert (codes.pow(3).sum(0) >= -1e-3).all()
    want = PCA(8, svd_solver="full").fit(x.double().numpy())
    alike = (found.atoms.double() @ torch.from_numpy(want.components_).T).abs()
    torch.testing.assert_close(alike, torch.eye(8).double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(codes.var(0), torch.from_numpy(want.explained_variance_), atol=1e-4, rtol=1e-3)


def test_non_negative_codes_are_scipys(x: Tensor) -> None:
    found = directions("nmf", x, count=5)
    got = non_negative(x[:20], found.atoms, steps=2000)
    want = np.stack([scipy.optimize.nnls(found.atoms.numpy().T, row)[0] for row in x[:20].numpy()])
    torch.testing.assert_close(got.double(), torch.from_numpy(want), atol=1e-3, rtol=0)

    def lost(codes: Tensor) -> Tensor:
        return (x[:20] - codes @ found.atoms).square().sum(1)

    torch.testing.assert_close(lost(found(x[:20])), lost(torch.from_numpy(want).float()), atol=1e-3, rtol=0)


def test_a_clusters_code_is_the_nearness_of_its_centre(x: Tensor) -> None:
    found = directions("kmeans", x, count=4)
    away = (x[:, None] - found.atoms).square().sum(2).sqrt()
    torch.testing.assert_close(found(x), -away, atol=1e-4, rtol=1e-4)


def test_an_autoencoder_finds_more_directions_than_there_are_units() -> None:
    x, true = mixture()
    made = autoencoder(x, 12, active=2, seed=0)
    torch.testing.assert_close(made.atoms.norm(dim=1), torch.ones(12), atol=1e-5, rtol=0)
    codes = made.code(x)
    assert ((codes > 0).sum(1) <= 2).all()
    assert (codes >= 0).all()
    assert made.explained(x) > 0.85
    found = torch.nn.functional.cosine_similarity(true[:, None], made.atoms[None], dim=2).amax(1)
    noise = torch.randn(12, 8, generator=torch.Generator().manual_seed(5))
    by_chance = torch.nn.functional.cosine_similarity(true[:, None], noise[None], dim=2).amax(1)
    assert found.median() > 0.8 > by_chance.median() + 0.1


def test_the_best_assignment_is_the_brute_force_one() -> None:
    random = torch.Generator().manual_seed(0)
    one, other = (torch.randn(50, 4, generator=random) for _ in range(2))
    alike = torch.corrcoef(torch.cat([one, other], 1).T)[:4, 4:]
    most = max(sum(alike[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4)))
    torch.testing.assert_close(matched(one, other).sum(), torch.as_tensor(most), atol=1e-4, rtol=0)


def test_matching_forgets_order_scale_and_offset_and_knows_the_dead(x: Tensor) -> None:
    other = 3 * x[:, torch.randperm(8, generator=torch.Generator().manual_seed(2))] + 5
    torch.testing.assert_close(matched(x, other), torch.ones(8), atol=1e-4, rtol=0)
    other[:, 0] = 7.0
    assert sorted(matched(x, other).tolist())[0] == pytest.approx(0, abs=1e-6)


def test_a_direction_and_its_opposite_are_alike_where_signs_do_not_count() -> None:
    one = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    turned = one[:, [2, 0, 1]] * torch.tensor([1.0, -1.0, -1.0])
    torch.testing.assert_close(matched(one, turned, signed=False), torch.ones(3), atol=1e-5, rtol=0)
    assert matched(one, turned).mean() < 0.6


def test_dissecting_through_axes_is_dissecting_units() -> None:
    net, scenes = load("critternet_gap"), critters(20, seed=8)
    some = cells(net, "conv5", scenes, per_picture=20)
    want = dissect(net, "conv5", scenes)
    got = dissect(net, "conv5", scenes, through=directions("units", some))
    assert torch.equal(got.lit, want.lit)
    turned = dissect(net, "conv5", scenes, through=directions("rotation", some, seed=4))
    assert torch.equal(turned.lit, dissect(net, "conv5", scenes, rotation=random_rotation(64, seed=4)).lit)
    half = dissect(net, "conv5", scenes, through=lambda maps: maps[:, :5])
    assert torch.equal(half.lit, want.lit[:5])


def test_cells_are_the_layers_maps() -> None:
    net, scenes = load("critternet_gap"), critters(3, seed=8)
    maps = FeatureExtractor(net, "conv5")(scenes.images)["conv5"]
    want = maps.permute(0, 2, 3, 1).reshape(-1, 64)
    torch.testing.assert_close(cells(net, "conv5", scenes), want)
    few = cells(net, "conv5", scenes, per_picture=5)
    assert few.shape == (15, 64)
    assert (few[:, None] == want[None]).all(2).any(1).all()
