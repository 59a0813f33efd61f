"""1 is the same, -1 the opposite, and 0 what unrelated pictures come to."""

import pytest
import torch

from camlib import centred_cosine


def test_by_hand():
    before = torch.tensor([[1.0, 5.0], [3.0, 5.0], [2.0, 8.0]])  # the mean is (2, 6)
    after = torch.tensor([[1.0, 7.0], [1.0, 7.0], [2.0, 6.5]])
    # (-1, -1) with (-1, 1); (1, -1) with (-1, 1); (0, 2) with (0, 0.5)
    assert centred_cosine(before, after).tolist() == pytest.approx([0, -1, 1], abs=1e-6)


def test_the_same_and_the_unrelated():
    maps = torch.rand(200, 4, 5, 5, generator=torch.Generator().manual_seed(0)) + 10
    assert centred_cosine(maps, maps).tolist() == pytest.approx([1] * 200)
    others = centred_cosine(maps, maps.roll(1, 0))
    assert others.shape == (200,)
    assert abs(others.mean().item() + 1 / 199) < 0.02  # the mean holds 1/200 of either picture itself
    assert torch.cosine_similarity(maps.flatten(1), maps.roll(1, 0).flatten(1)).min() > 0.99


def test_wrong_input():
    with pytest.raises(ValueError, match=r"shapes \(3, 2\) and \(2, 2\)"):
        centred_cosine(torch.zeros(3, 2), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="two pictures or more"):
        centred_cosine(torch.zeros(1, 2), torch.zeros(1, 2))
