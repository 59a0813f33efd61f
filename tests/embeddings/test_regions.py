"""Regions of a grid: worked by hand, and against a flood fill."""

import pytest
import torch

from camlib import regions


def test_by_hand():
    cells = torch.arange(24).view(4, 6)
    words = ["a" if n % 6 < 3 else "b" for n in range(24)]  # the left half and the right
    words[0] = "c"
    found = regions(cells, words)
    assert [word for word, _, _ in found] == ["b", "a", "c"]
    assert found[2] == ("c", 0.5 / 6, 0.5 / 4)
    (_, x, y), (_, left, _), _ = found
    assert (x, y) in [(4.5 / 6, 1.5 / 4), (4.5 / 6, 2.5 / 4)]  # the deepest cells of the right half
    assert left == 1.5 / 6


def test_a_class_in_two_places_is_named_twice_and_crumbs_are_not():
    words = ["b"] * 400
    for row in range(6):
        for column in (0, 1, 2, 17, 18, 19):
            words[20 * row + column] = "a"
    words[390] = "a"  # alone, 0.25 % of the cells
    found = regions(torch.arange(400).view(20, 20), words)
    assert [word for word, _, _ in found] == ["b", "a", "a"]
    assert sorted(x for word, x, _ in found if word == "a") == [1.5 / 20, 18.5 / 20]


def test_every_name_stands_in_its_own_region_and_each_class_has_one():
    random = torch.Generator().manual_seed(0)
    kinds = torch.randint(0, 5, (7, 9), generator=random).repeat_interleave(3, 0).repeat_interleave(3, 1)
    order = torch.randperm(21 * 27, generator=random).view(21, 27)
    words = [""] * (21 * 27)
    for row in range(21):
        for column in range(27):
            words[order[row, column]] = "abcde"[kinds[row, column]]
    found = regions(order, words)
    assert {word for word, _, _ in found} == set("abcde")
    for word, x, y in found:
        assert words[order[int(y * 21), int(x * 27)]] == word


def test_empty_cells_have_no_name_and_wrong_ones_are_told():
    assert regions(torch.tensor([[-1, 0], [-1, -1]]), ["a"]) == [("a", 0.75, 0.25)]
    assert regions(torch.full((2, 2), -1), []) == []
    with pytest.raises(ValueError, match="the grid shows picture 3; there are 2 words"):
        regions(torch.tensor([[3]]), ["a", "b"])
    with pytest.raises(ValueError, match="give whole numbers"):
        regions(torch.zeros(2, 2), ["a"])
