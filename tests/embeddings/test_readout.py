"""The linear support vector machine on codes."""

import pytest
import torch
from sklearn.svm import LinearSVC

from camlib import linear_svm


def clouds(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three clouds in five dimensions, of very unequal scale, and which is which."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    centres = torch.tensor([[3.0, 0, 0, 0, 0], [0, 3.0, 0, 0, 0], [0, 0, 3.0, 0, 0]])
    rows = centres[labels] + torch.randn(n, 5, generator=random)
    return rows * torch.tensor([1.0, 100.0, 0.01, 1.0, 1.0]) + 7, labels


def test_it_parts_what_can_be_parted_and_gives_names() -> None:
    rows, labels = clouds(150)
    fresh, true = clouds(150, seed=1)
    readout = linear_svm(rows, labels, ["a", "b", "c"])
    assert readout.classes == ("a", "b", "c")
    assert (readout.answers(fresh) == true).float().mean() > 0.9
    assert torch.equal(readout.scores(fresh).argmax(1), readout.answers(fresh))
    again = linear_svm(rows, labels)
    assert torch.equal(again.weight, readout.weight)
    assert again.classes == ("0", "1", "2")


def test_it_is_scikit_learns_on_standardised_codes() -> None:
    rows, labels = clouds(120)
    readout = linear_svm(rows, labels)
    scaled = (rows - rows.mean(0)) / rows.std(0, correction=0)
    theirs = [
        LinearSVC(dual=False, C=c, max_iter=10_000).fit(scaled.numpy(), labels.numpy())
        for c in (0.001, 0.01, 0.1, 1.0)
    ]
    ours = readout.scores(rows).double()
    off = min(
        float((ours - torch.from_numpy(one.decision_function(scaled.numpy()))).abs().max()) for one in theirs
    )
    assert off < 1e-2


def test_more_numbers_than_codes_change_nothing() -> None:
    """The rows are turned into fewer dimensions: the same scores as scikit-learn's on all of them."""
    random = torch.Generator().manual_seed(2)
    labels = torch.arange(24) % 2
    rows = torch.randn(24, 60, generator=random) + labels[:, None] * torch.randn(60, generator=random)
    scaled = ((rows - rows.mean(0)) / rows.std(0, correction=0)).numpy()
    ours = linear_svm(rows, labels).scores(rows)[:, 1].double()
    theirs = [
        LinearSVC(dual=False, C=c, tol=1e-8, max_iter=10_000).fit(scaled, labels.numpy())
        for c in (0.001, 0.01, 0.1, 1.0)
    ]
    assert (
        min(float((ours - torch.from_numpy(t.decision_function(scaled))).abs().max()) for t in theirs) < 1e-3
    )


def test_two_classes_have_opposite_scores() -> None:
    rows, labels = clouds(90)
    readout = linear_svm(rows, labels == 2)
    assert readout.classes == ("no", "yes")
    scores = readout.scores(rows)
    torch.testing.assert_close(scores[:, 0], -scores[:, 1])
    assert ((scores[:, 1] > 0) == (labels == 2)).float().mean() > 0.9


def test_codes_far_from_zero_have_the_scores_they_have_near_it() -> None:
    rows, labels = clouds(150)
    rows = rows.double()
    near, far = linear_svm(rows, labels), linear_svm(rows + 1e6, labels)
    torch.testing.assert_close(far.scores(rows + 1e6), near.scores(rows), atol=1e-4, rtol=0)
    assert torch.equal(far.answers(rows + 1e6), near.answers(rows))


def test_wrong_input() -> None:
    rows, labels = clouds(30)
    with pytest.raises(ValueError, match="give one class for each of 30 codes"):
        linear_svm(rows, labels[:5])
    with pytest.raises(ValueError, match="give one class for each of 30 codes"):
        linear_svm(rows, labels.float())
    with pytest.raises(ValueError, match="one class alone"):
        linear_svm(rows, torch.zeros(30, dtype=torch.long))
    with pytest.raises(ValueError, match="class yes occurs 1 times; 3 are needed"):
        linear_svm(rows, torch.arange(30) == 4)
    with pytest.raises(ValueError, match="labels reach from 0 to 2; classes has 2"):
        linear_svm(rows, labels, ["a", "b"])
    with pytest.raises(ValueError, match="codes of 4 numbers; it reads 5"):
        linear_svm(rows, labels).scores(rows[:, :4])
    rows[3, 2] = float("nan")
    with pytest.raises(ValueError, match="row 3 of the codes"):
        linear_svm(rows, labels)
