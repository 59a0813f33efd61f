"""Maps of points against scikit-learn and known shapes; grids against brute force; probes on known codes."""

from itertools import permutations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from torch import Tensor

from camlib.embeddings.grid import displacement, grid, mosaic
from camlib.embeddings.plane import embed, neighbours_kept
from camlib.embeddings.probe import probe


def clouds(n: int = 40, apart: float = 20, width: int = 60) -> tuple[Tensor, Tensor]:
    """Three clouds of n points, and which each point belongs to."""
    random = torch.Generator().manual_seed(0)
    middles = apart * torch.eye(3, width)
    return torch.randn(3 * n, width, generator=random) + middles.repeat_interleave(n, 0), torch.arange(
        3
    ).repeat_interleave(n)


def test_pca_is_scikit_learns() -> None:
    points, _ = clouds()
    found = embed(points, method="pca")
    assert found.shape == (120, 2)
    assert found.dtype == torch.float32
    expected = PCA(2, random_state=0).fit_transform(points.numpy())
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_pca_of_a_line_is_its_length() -> None:
    points = torch.tensor([[0.0, 0, 5], [3, 4, 5], [6, 8, 5], [9, 12, 5]])
    places = embed(points, method="pca")
    torch.testing.assert_close(places[:, 0].abs(), torch.tensor([7.5, 2.5, 2.5, 7.5]))
    torch.testing.assert_close(places[:, 1], torch.zeros(4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("start", ["pca", "random"])
def test_tsne_keeps_clouds_together(start: str) -> None:
    points, cloud = clouds()
    places = embed(points, perplexity=10, start=start)  # type: ignore[arg-type]
    middles = torch.stack([places[cloud == c].mean(0) for c in range(3)])
    assert torch.cdist(places, middles).argmin(1).equal(cloud)
    assert trustworthiness(points.numpy(), places.numpy()) > 0.7
    again = embed(points, perplexity=10, start=start)  # type: ignore[arg-type]
    torch.testing.assert_close(again, places)


def test_few_short_codes() -> None:
    assert embed(torch.rand(6, 3, generator=torch.Generator().manual_seed(1)), perplexity=2).shape == (6, 2)


def test_embed_refuses() -> None:
    points, _ = clouds(5)
    twins = points.clone()
    twins[9] = twins[4]
    broken = points.clone()
    broken[7, 3] = torch.nan
    with pytest.raises(ValueError, match="codes 4 and 9 are alike"):
        embed(twins, perplexity=5)
    with pytest.raises(ValueError, match="row 7 of the codes is not finite"):
        embed(broken, method="pca")
    with pytest.raises(ValueError, match="perplexity 30 for 15 codes; it is 1 to 14"):
        embed(points)
    with pytest.raises(ValueError, match="2 codes; a map wants three or more"):
        embed(points[:2])
    with pytest.raises(ValueError, match="given float32 \\(0, 60\\)"):
        embed(points[:0])
    with pytest.raises(ValueError, match="method 'umap'"):
        embed(points, method="umap")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="start 'spectral'"):
        embed(points, start="spectral")  # type: ignore[arg-type]


def test_neighbours_kept() -> None:
    line = torch.arange(10.0)[:, None]
    flat = torch.cat([line, torch.zeros(10, 1)], 1)
    assert neighbours_kept(line.expand(-1, 5), flat, k=2) == 1
    codes, places = torch.tensor([[0.0], [1.0], [5.0], [7.0]]), torch.tensor([[0.0], [6.0], [5.0], [9.0]])
    # Nearest in the codes: 1, 0, 3, 2. In the map: 2, 2, 1, 1.
    assert neighbours_kept(codes, places, k=1) == 0
    # The two nearest: {1,2} {0,2} {3,1} {2,1}, in the map {2,1} {2,3} {1,3} {1,2}.
    assert neighbours_kept(codes, places, k=2) == (1 + 0.5 + 1 + 1) / 4
    with pytest.raises(ValueError, match="4 codes and 3 points"):
        neighbours_kept(codes, places[:3])


def test_pictures_that_fit_lie_where_they_are() -> None:
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    xy = torch.cartesian_prod(torch.arange(4.0), torch.arange(3.0))[order]  # x, y
    for how in ("optimal", "greedy", "snap"):
        cells = grid(xy, (3, 4), how=how)
        assert cells.dtype == torch.int64
        for picture, (x, y) in enumerate(xy.long().tolist()):
            assert cells[2 - y, x] == picture  # y goes up, rows go down
        torch.testing.assert_close(displacement(xy, cells), torch.zeros(12), atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_assignment_is_the_best_of_all(seed: int) -> None:
    xy = torch.rand(6, 2, generator=torch.Generator().manual_seed(seed))
    cells = grid(xy, (2, 3))
    cost = displacement(xy, cells).square().sum()
    every = [displacement(xy, torch.tensor(p).view(2, 3)).square().sum() for p in permutations(range(6))]
    torch.testing.assert_close(cost, torch.stack(every).min())
    for how in ("greedy", "snap"):
        other = displacement(xy, grid(xy, (2, 3), how=how))
        assert how == "snap" or other.square().sum() >= cost - 1e-6


def test_snap_keeps_the_first_and_drops_the_rest() -> None:
    xy = torch.tensor([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [0.9, 0.9]])
    cells = grid(xy, (2, 2), how="snap")
    assert cells.tolist() == [[-1, 2], [0, -1]]
    far = displacement(xy, cells)
    assert far.isnan().tolist() == [False, True, False, True]
    assert far[[0, 2]].eq(0).all()


def test_greedy_fills_in_reading_order() -> None:
    xy = torch.tensor([[0.0, 0.0], [0.3, 0.0], [0.4, 0.0], [1.0, 0.0]])
    assert grid(xy, (1, 4), how="greedy").tolist() == [[0, 1, 2, 3]]
    assert grid(xy, (1, 2), how="greedy").tolist() == [[0, 3]]


def test_more_pictures_or_more_cells() -> None:
    xy = torch.rand(7, 2, generator=torch.Generator().manual_seed(3))
    roomy, tight = grid(xy, (3, 4)), grid(xy, (2, 2))
    assert sorted(roomy[roomy >= 0].tolist()) == list(range(7))
    assert len(set(tight.flatten().tolist())) == 4
    assert tight.min() >= 0
    assert displacement(xy, tight).isnan().sum() == 3
    column = torch.stack([torch.zeros(4), torch.arange(4.0)], 1)  # no width
    assert grid(column, (4, 1)).flatten().tolist() == [3, 2, 1, 0]


def test_grid_refuses() -> None:
    xy = torch.rand(5, 2)
    with pytest.raises(ValueError, match="no way 'spiral'"):
        grid(xy, (2, 3), how="spiral")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"points \(5, 3\) on a grid \(2, 3\)"):
        grid(torch.rand(5, 3), (2, 3))
    with pytest.raises(ValueError, match="rows is 0; it is a whole number, at least 1"):
        grid(xy, (0, 3))
    with pytest.raises(ValueError, match="row 0 of the points"):
        grid(xy * torch.nan, (2, 3))
    with pytest.raises(ValueError, match="too many to assign; use 'greedy'"):
        grid(torch.rand(10_001, 2), (100, 100))
    with pytest.raises(ValueError, match="shows picture 4; there are 3 points"):
        displacement(xy[:3], torch.tensor([[4]]))


def test_a_mosaic_holds_the_pictures() -> None:
    images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    page = mosaic(images, torch.tensor([[2, -1], [0, 1]]), side=8)
    assert page.shape == (3, 16, 16)
    assert page.dtype == torch.uint8
    for (row, column), picture in {(0, 0): 2, (1, 0): 0, (1, 1): 1}.items():
        part = page[:, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
        assert (part.float() / 255 - images[picture]).abs().max() < 0.004
    assert page[:, :8, 8:].eq(255).all()
    assert mosaic([(images[0, :1], 5)], torch.tensor([[0]]), side=4).shape == (3, 4, 4)  # grey, labelled
    with pytest.raises(ValueError, match="side is 0"):
        mosaic(images, torch.tensor([[0]]), side=0)


def test_a_mosaic_frames_pictures_in_their_tints() -> None:
    pictures, tints = torch.zeros(2, 3, 8, 8), torch.tensor([[1.0, 0, 0], [0, 0.5, 1]])
    page = mosaic(pictures, torch.tensor([[1, 0]]), side=32, tints=tints)
    assert page[:, 0, 0].tolist() == page[:, 31, 1].tolist() == [0, 128, 255]
    assert page[:, 16, 33].tolist() == [255, 0, 0]
    assert page[:, 2:30, 2:30].eq(0).all()
    with pytest.raises(ValueError, match="for 2 pictures; give RGB for each"):
        mosaic(pictures, torch.tensor([[1, 0]]), tints=tints[:1])
    with pytest.raises(ValueError, match=r"tints from 0 to 255; RGB is in \[0, 1\]"):
        mosaic(pictures, torch.tensor([[1, 0]]), tints=tints * 255)


def test_a_probe_reads_what_is_there() -> None:
    random = torch.Generator().manual_seed(0)
    x, classes = torch.randn(200, generator=random), torch.randint(4, (200,), generator=random)
    noise = torch.randn(200, 30, generator=random)
    codes = torch.cat([x[:, None], 3.0 * torch.eye(4)[classes], 0.1 * noise], 1)
    facts = {
        "number": 5 * x - 2,
        "class": classes,
        "is 1": classes == 1,
        "other": noise.new_tensor(range(200)),
    }
    found = probe(codes, facts)
    assert list(found) == list(facts)
    assert found["number"] > 0.98
    assert found["class"] == found["is 1"] == 1
    assert abs(found["other"]) < 0.2
    assert probe(codes, facts) == found


def test_a_probe_sees_many_numbers_as_few() -> None:
    """More numbers than codes are turned into as many as codes, with the same answer."""
    random = torch.Generator().manual_seed(1)
    narrow = torch.randn(40, 20, generator=random)
    turn = torch.linalg.qr(torch.randn(90, 20, generator=random))[0]  # 20 directions of 90
    facts = {"number": narrow[:, 3] + 0.3 * torch.randn(40, generator=random), "class": narrow[:, 5] > 0}
    wide, slim = probe(narrow @ turn.T, facts), probe(narrow, facts)
    assert wide == pytest.approx(slim, abs=1e-3)


def test_a_probe_scores_against_the_most_frequent_class() -> None:
    random = torch.Generator().manual_seed(2)
    codes, rare = torch.randn(300, 5, generator=random), torch.arange(300) % 10 == 0
    assert -0.1 <= probe(codes, {"rare": rare})["rare"] <= 0.02  # 90 % right, and nothing read


def test_probe_refuses() -> None:
    codes = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="5 codes; a probe wants 10"):
        probe(codes[:5], {"a": torch.arange(5)})
    with pytest.raises(ValueError, match=r"'a' is \(5,\); give 20 finite numbers"):
        probe(codes, {"a": torch.arange(5)})
    with pytest.raises(ValueError, match=r"'a' is 3\.0 for all codes: there is nothing to read"):
        probe(codes, {"a": torch.full((20,), 3.0)})
    with pytest.raises(ValueError, match="give 20 finite numbers"):
        probe(codes, {"a": torch.full((20,), torch.nan)})
