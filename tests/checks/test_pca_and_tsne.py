"""Lesson 05's checks pass a right answer, whatever its style, and name the typical mistakes."""

import math

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from camlib import checks


def components(codes, share):
    variances = torch.linalg.svdvals(codes - codes.mean(0)).square()
    return int((variances.cumsum(0) / variances.sum() < share).sum()) + 1


def by_sklearn(codes, share):
    return int(np.argmax(PCA().fit(codes.numpy()).explained_variance_ratio_.cumsum() >= share)) + 1


def near(rows, k):
    return (torch.cdist(rows, rows) + torch.eye(len(rows)) * 1e9).topk(k, largest=False).indices


def kept(codes, xy, k):
    return (near(codes, k)[:, :, None] == near(xy, k)[:, None]).any(2).float().mean()


def kept_by_sets(codes, xy, k):
    pairs = zip(near(codes, k).tolist(), near(xy, k).tolist(), strict=True)
    return sum(len(set(a) & set(b)) for a, b in pairs) / k / len(codes)


def cells(xy, shape):
    unit = (xy - xy.amin(0)) / (xy.amax(0) - xy.amin(0))
    return (1 - unit[:, 1]) * (shape[0] - 1), unit[:, 0] * (shape[1] - 1)


def snapped(xy, shape, first=True, empty=-1, whole=torch.round):
    found = torch.full(shape, empty)
    rows, columns = (whole(each).long().tolist() for each in cells(xy, shape))
    for n, (row, column) in enumerate(zip(rows, columns, strict=True)):
        if not first or found[row, column] == empty:
            found[row, column] = n
    return found


def alike(xy, shape):
    """Both axes scaled by the larger range."""
    found = torch.full(shape, -1)
    unit = (xy - xy.amin(0)) / (xy.amax(0) - xy.amin(0)).max()
    for n, (x, y) in reversed(list(enumerate(unit.tolist()))):
        found[round((1 - y) * (shape[0] - 1)), round(x * (shape[1] - 1))] = n
    return found


def with_itself(codes, xy, k):
    near = (torch.cdist(rows, rows).topk(k + 1, largest=False).indices for rows in (codes, xy))
    before, after = near
    return (before[:, :, None] == after[:, None]).any(2).float().mean()


def perplexity(squared, sigma, factor=2.0, base=math.e, log=torch.log):
    p = (-squared / (factor * sigma**2)).softmax(0).clamp(min=1e-30)
    return base ** float(-(p * log(p)).sum())


def bandwidth(squared, wanted, **options):
    low, high = 1e-3, 1e4
    for _ in range(80):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if perplexity(squared, middle, **options) < wanted else (low, middle)
    return low


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (checks.components, components),
        (checks.components, by_sklearn),
        (checks.kept, kept),
        (checks.kept, kept_by_sets),
        (checks.snapped, snapped),
        (checks.snapped, lambda xy, shape: snapped(xy, shape).tolist()),
        (checks.bandwidth, bandwidth),
        (checks.bandwidth, lambda squared, wanted: bandwidth(squared, wanted, base=2, log=torch.log2)),
    ],
)
def test_right_answers_pass(check, answer):
    verdict = check(answer)
    assert verdict.passed, verdict.message


def counted(variances, share):
    return int((variances.cumsum(0) / variances.sum() < share).sum()) + 1


def centred(codes):
    return torch.linalg.svdvals(codes - codes.mean(0))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda codes, share: counted(torch.linalg.svdvals(codes).square(), share), "take the mean off"),
        (lambda codes, share: counted(centred(codes), share), "*squares*"),
        (lambda codes, share: components(codes, share) - 1, "one too few"),
        (lambda codes, share: components(codes, share) + 1, "one too many"),
        (lambda codes, share: counted(codes.var(0).sort(descending=True).values, share), "own variances"),
        (lambda codes, share: 2, "should be"),
        (lambda codes, share: torch.zeros(3), "should be one number"),
        (lambda codes, share: ..., "not done yet"),
    ],
)
def test_wrong_components_are_named(answer, says):
    verdict = checks.components(answer)
    assert not verdict.passed
    assert says in verdict.message


def itself(rows, k):
    return torch.cdist(rows, rows).topk(k, largest=False).indices


def far(rows, k):
    return torch.cdist(rows, rows).topk(k).indices


def shared(before, after):
    return (before[:, :, None] == after[:, None]).any(2).float()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda codes, xy, k: shared(itself(codes, k), itself(xy, k)).mean(), "its own neighbour"),
        (lambda codes, xy, k: (near(codes, k) == near(xy, k)).float().mean(), "at whichever rank"),
        (lambda codes, xy, k: shared(far(codes, k), far(xy, k)).mean(), "farthest away"),
        (lambda codes, xy, k: shared(near(codes, k), near(xy, k)).sum(1).mean(), "divide by k"),
        (lambda codes, xy, k: shared(near(codes, k), near(xy, k)).mean(1), "share for each point"),
        (lambda codes, xy, k: shared(near(codes, k), near(codes, k)).mean(), "the same numbers"),
        (lambda codes, xy, k: 1 / (2 / kept(codes, xy, k) - 1), "should be"),
        (with_itself, "k + 1 nearest were taken"),
        (lambda codes, xy, k: None, "not done yet"),
    ],
)
def test_wrong_shares_are_named(answer, says):
    verdict = checks.kept(answer)
    assert not verdict.passed
    assert says in verdict.message


def test_a_union_of_neighbours_is_named():
    def jaccard(codes, xy, k):
        both = shared(near(codes, k), near(xy, k)).sum(1)
        return (both / (2 * k - both)).mean()

    assert "in either" in checks.kept(jaccard).message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda xy, shape: snapped(xy * torch.tensor([1, -1]), shape), "upside down"),
        (lambda xy, shape: snapped(xy.flip(1), shape), "x and y are exchanged"),
        (alike, "both axes were stretched alike"),
        (lambda xy, shape: snapped(xy, shape, first=False), "the last stays"),
        (lambda xy, shape: snapped(xy, shape, whole=torch.floor), "cut off"),
        (lambda xy, shape: snapped(xy, shape).clamp(min=0), "write -1"),
        (lambda xy, shape: snapped(xy * torch.tensor([-1, 1]), shape), "mirrored, left to right"),
        (lambda xy, shape: snapped(xy, shape[::-1]), "another order"),
        (lambda xy, shape: snapped(xy, (5, 8)), "wrong shape"),
        (lambda xy, shape: ..., "not done yet"),
    ],
)
def test_wrong_grids_are_named(answer, says):
    verdict = checks.snapped(answer)
    assert not verdict.passed
    assert says in verdict.message


def test_a_grid_stretched_too_far_is_named():
    def over(xy, shape):
        row, column = cells(xy, (shape[0] + 1, shape[1] + 1))
        found = torch.full(shape, -1)
        for n in reversed(range(len(xy))):
            found[min(int(row[n]), shape[0] - 1), min(int(column[n]), shape[1] - 1)] = n
        return found

    assert "the cells' own centres" in checks.snapped(over).message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda squared, wanted: bandwidth(squared**2, wanted), "squared already"),
        (lambda squared, wanted: bandwidth(squared, wanted) ** 2, "σ², the variance"),
        (lambda squared, wanted: 0.5 / bandwidth(squared, wanted) ** 2, "1 / 2σ²"),
        (lambda squared, wanted: 1 / bandwidth(squared, wanted) ** 2, "that is 1 / σ²"),
        (lambda squared, wanted: bandwidth(squared, wanted, factor=1.0), "the 2 in"),
        (lambda squared, wanted: bandwidth(squared, wanted, base=2), "wants e to its power"),
        (lambda squared, wanted: bandwidth(squared, wanted, log=torch.log2), "wants 2 to its power"),
        (lambda squared, wanted: 1.0, "gives a perplexity of"),
        (lambda squared, wanted: None, "not done yet"),
    ],
)
def test_wrong_bandwidths_are_named(answer, says):
    verdict = checks.bandwidth(answer)
    assert not verdict.passed
    assert says in verdict.message


def ranked(codes, xy, labels, *, rank=True, of=torch.pdist):
    both = []
    for rows in (codes, xy):
        distances = of(torch.stack([rows[labels == c].mean(0) for c in range(9)])).flatten()
        both.append(distances.argsort(stable=True).argsort().float() if rank else distances)
    return torch.corrcoef(torch.stack(both))[0, 1]


def test_islands_distances_are_measured():
    verdict = checks.far_islands(0.5, ranked)
    assert verdict.passed, verdict.message
    assert "You predicted 0.50" in verdict.message


@pytest.mark.parametrize(
    ("prediction", "answer", "said"),
    [
        (None, ranked, "write your prediction down"),
        (0.5, lambda *given: None, "not done yet"),
        (0.5, lambda codes, xy, labels: ranked(codes, xy, labels, rank=False), "not their ranks"),
        (0.5, lambda *given: ranked(*given[:3], of=lambda m: torch.cdist(m, m)), "each pair is there twice"),
        (0.5, lambda *given: 0.123, "spearmanr says otherwise"),
    ],
)
def test_other_correlations_are_told(prediction, answer, said):
    verdict = checks.far_islands(prediction, answer)
    assert not verdict.passed
    assert said in verdict.message
