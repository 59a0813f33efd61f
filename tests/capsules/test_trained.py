"""The shipped table of lesson 13, and the tool that makes it."""

import pytest
import torch
from torch import nn

from camlib.capsules.layers import ClassCapsules
from camlib.capsules.routing import squash
from camlib.capsules.trained import Trained, asked, drawings, trained_on_mnist
from camlib.pictures.digits import digits
from camlib.shipped import rows_of
from tools import capsules
from tools.capsules import (
    CHANGED,
    OVERLAPPED,
    UNTRAINED,
    VARIANTS,
    Neighbours,
    OverInputs,
    network,
    overlapped,
)


def test_every_variant_was_tried_on_all_digits_by_the_same_seeds():
    seeds: list[int] = []
    for kind in CHANGED:
        table = trained_on_mnist(kind)
        assert tuple(table) == VARIANTS
        for rows in table.values():
            seeds = seeds or [row.seed for row in rows]
            assert [row.seed for row in rows] == seeds
            assert all(0.3 < row.accuracy < 1 for row in rows if row.variant != UNTRAINED)
    assert len(seeds) >= 2
    table = trained_on_mnist("overlapping")
    assert tuple(table) == OVERLAPPED
    for rows in table.values():
        assert [row.seed for row in rows] == seeds
        assert all(0 < row.accuracy < 1 for row in rows)
    with pytest.raises(ValueError, match="no digits 'upside down' in the table; there are 'as they are'"):
        trained_on_mnist("upside down")


def test_a_pose_draws_more_than_its_class_alone_and_less_than_its_components():
    table = drawings()
    (alone,), (most,) = table["the class alone"], table["the class and 8 components"]
    assert all(0 < alone.explained < row.explained < most.explained < 1 for row in table["poses"])
    for kind in ("as they are", "overlapping"):
        table = drawings(kind)
        assert all(row.explained < 1 for rows in table.values() for row in rows)
        assert {len(rows) for rows in table.values()} == {1, 3}  # what knows only the class has no seed
    with pytest.raises(ValueError, match="no digits 'moved' in the table; there are 'as they are'"):
        drawings("moved")


def test_scenes_were_asked_of_all_networks():
    pairs = asked("both critters of two")
    assert {name: len(scores) for name, scores in pairs.items()} == {
        "capsules from the first layer": 3,
        "capsules": 3,
        "untrained capsules": 3,
        "critternet_gap": 3,
        "critternet_gap2": 3,
    }
    assert all(0 <= score <= 1 for scores in pairs.values() for score in scores)
    heads = asked("heads by length, PCK@0.2")
    assert heads.keys() - pairs.keys() == {"capsules on a finer grid", "untrained capsules on a finer grid"}
    assert all(len(scores) == 3 for scores in heads.values())
    assert asked("heads by unit, PCK@0.2").keys() == {"critternet_gap", "critternet_gap2"}
    with pytest.raises(ValueError, match=r"^no question 'both' in the table; there are minutes; whole"):
        asked("both")


def test_two_digits_lie_over_each_other():
    some = digits(source="sklearn")[:40]
    both, two, classes = overlapped(some)
    assert both.shape == (40, 1, 28, 28)
    assert (classes[:, 0] != classes[:, 1]).all()
    assert torch.equal(classes[:, 0], some.labels)
    torch.testing.assert_close(both, two.sum(1).clamp(max=1))
    for one, digit in zip(two[:, 0], some.images, strict=True):  # as it was, but a little to one side
        assert one.sum() == pytest.approx(float(digit.sum()))
        moves = [digit.roll((dy, dx), (1, 2)) for dy in range(-2, 3) for dx in range(-2, 3)]
        assert any(torch.equal(one, moved) for moved in moves)


def kinds(net):
    return [type(one) for one in net.children()]


def test_all_variants_are_of_one_size_and_the_wrong_ones_are_wrong():
    right = network("three iterations", 0)
    for variant in VARIANTS:
        count = sum(one.numel() for one in network(variant, 0).parameters())
        assert count == pytest.approx(156_504, rel=0.01)
        learned = [one for one in network(variant, 0) if isinstance(one, nn.Conv2d | nn.BatchNorm2d)]
        assert [type(one) for one in learned] == 2 * [nn.Conv2d, nn.BatchNorm2d]  # in all of them
    with pytest.raises(ValueError, match="no variant 'four'; there are three iterations"):
        network("four", 0)
    poses = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    layer = OverInputs(6, 4, 3, 5)
    couplings = layer.routed(poses).couplings
    torch.testing.assert_close(couplings.sum(1), torch.ones(2, 3))
    assert (couplings.sum(2) - 1).abs().max() > 0.1
    equal = ClassCapsules(6, 4, 3, 5, iterations=1)
    assert (equal.routed(poses).couplings.sum(2) - 1).abs().max() < 1e-5
    maps = torch.arange(32.0).view(1, 8, 2, 2)
    torch.testing.assert_close(Neighbours(4)(maps)[0, 0], squash(torch.arange(4.0)))  # of one channel
    assert kinds(right) == kinds(network("softmax before the loss", 0))


def test_the_table_has_the_runs_asked_for_and_only_all_of_them_replace_what_ships(tmp_path, monkeypatch):
    ran = []

    def run(variant, seed, train, test, steps, kept):
        ran.append((variant, seed))
        return [Trained(variant, seed, "as they are", 0.5, 7, steps)]

    shipped, folder = tmp_path / "mnist.csv", ["--folder", str(tmp_path)]
    monkeypatch.setattr(capsules, "run", run)
    monkeypatch.setattr(capsules, "digits", lambda **options: None)
    monkeypatch.setattr(capsules, "trained_file", lambda: shipped)
    capsules.main([*folder, "--seeds", "5", "0", "--variants", "plain CNN", "three iterations"])
    table = [(row.variant, row.seed) for row in rows_of(tmp_path / "table.csv", Trained)]
    assert table == [(kind, seed) for kind in ("three iterations", "plain CNN") for seed in (0, 5)]
    capsules.main([*folder, "--steps", "3"])
    assert {row.seconds for row in rows_of(tmp_path / "table.csv", Trained)} == {3}
    assert not shipped.exists()
    ran.clear()
    capsules.main(folder)
    everything = {(kind, seed) for kind in VARIANTS for seed in range(3)}
    assert {(row.variant, row.seed) for row in rows_of(shipped, Trained)} == everything
    assert set(ran) == everything - {("three iterations", 0), ("plain CNN", 0)}  # those were there
    with pytest.raises(SystemExit):
        capsules.main([*folder, "--variants", "four"])


def test_a_word_for_a_number_is_told(tmp_path):
    file = tmp_path / "drawn.csv"
    file.write_text("code,seed,digits,explained\npose,one,as they are,0.5\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"drawn\.csv has a row that is no Drawing: .*'one'"):
        drawings(file=file)
