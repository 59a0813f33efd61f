"""The three cheapest tests: maps that look pass, maps that never look do not; the table and its grades."""

import math
from functools import partial
from pathlib import Path

import pytest
import torch

from camlib import trust
from camlib.heatmaps.cam import cam
from camlib.networks.zoo import load
from camlib.scenes.scenes import critters
from camlib.trust.graded import Grade, graded, verdicts

SCENES = critters(4, seed=6)


def test_cam_passes_and_blind_maps_do_not() -> None:
    net = load("critternet_gap")
    looks = trust.quick(cam, net, SCENES.images)
    assert looks.passed[0]
    assert looks.passed[2]
    assert [line[0] for line in looks.lines()] == ["✓" if ok else "✗" for ok in looks.passed]
    blind = trust.quick(trust.edges, net, SCENES.images, SCENES.labels)
    assert blind.passed == (False, False, False)
    assert blind.weights.tolist() == blind.classes.tolist() == [1] * 4
    assert torch.equal(blind.deletion, blind.blind["edge detector"])
    assert "stays: rank correlation 1.00" in blind.lines()[0]


def test_words_and_marks_agree_on_a_reversed_map() -> None:
    """It is another map, with random weights as for the runner-up."""
    alike, area = torch.tensor([-0.9]), torch.tensor([0.3])
    found = trust.Quick(alike, alike, area, {"blob": torch.tensor([0.5])}, torch.tensor([False]))
    assert found.passed == (True, True, True)
    assert [line.split(":")[0] for line in found.lines()[:2]] == [
        "✓ with random weights the map changes",
        "✓ for the runner-up the map changes",
    ]


def test_a_blank_map_passes_nothing_and_is_named() -> None:
    def blank(_net: object, images: torch.Tensor, _targets: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), *images.shape[2:])

    def some(net: object, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        found = torch.rand(len(images), *images.shape[2:])
        found[1:] = 7
        return found

    net = load("critternet_gap")
    found = trust.quick(blank, net, SCENES.images)
    assert found.passed == (False, False, False)
    first, *tests = found.lines()
    assert first == "✗ the map is blank: the same everywhere"
    assert [line.endswith(": a blank map says nothing") for line in tests] == [True] * 3
    assert {line[0] for line in tests} == {"✗"}
    found = trust.quick(some, net, SCENES.images)
    assert found.weights.tolist()[1:] == found.classes.tolist()[1:] == [1] * 3
    assert abs(float(found.weights[0])) < 0.1
    assert found.lines()[0] == "✗ 3 of 4 maps are blank: they count as unchanged"
    assert found.passed[:2] == (False, False)


def test_the_runner_up_is_the_second_class() -> None:
    """A method that answers with the class's number everywhere but in one corner tells which were asked."""
    net, asked = load("critternet_gap"), []

    def tells(_net: object, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        asked.append(targets.tolist())
        return torch.rand(len(images), *images.shape[2:])

    trust.quick(tells, net, SCENES.images)
    with torch.inference_mode():
        first, second = net(SCENES.images).topk(2).indices.T.tolist()
    assert asked == [first, first, second]


ROWS = [
    Grade("a", seed, method, "test", score, score - 0.1, score + 0.1)
    for seed in (0, 1)
    for method, score in (("good", 0.9), ("fair", 0.65 + 0.2 * seed), ("blind", 0.6))
]


def test_verdicts_by_hand() -> None:
    """.9 - .1 beats .6 in both runs; .65 - .1 does not, .85 - .1 does."""
    got = verdicts(ROWS, {"test": 1}, ["blind"])
    assert [(one.wins, one.runs) for one in got["good"] + got["fair"]] == [(2, 2), (1, 2)]
    assert got["fair"][0].score == pytest.approx(0.75)
    less = verdicts(ROWS, {"test": -1}, ["blind"])
    assert less["good"][0].wins == 0
    assert math.isnan(verdicts(ROWS, {"other": 1}, ["blind"])["good"][0].score)


def test_the_shipped_table_holds_together() -> None:
    rows = graded()
    runs = {(row.network, row.seed) for row in rows}
    assert runs == {(k, s) for k in ("critternet_gap", "critternet_gmp", "critternet") for s in range(3)}
    for row in rows:
        assert row.low - 1e-3 <= row.score <= row.high + 1e-3 or "published" in row.test, row
    assert {row.test for row in graded(network="critternet", tests=["deletion"])} == {"deletion"}
    with pytest.raises(ValueError, match="the table has no test 'taste'; it has "):
        graded(tests=["taste"])
    with pytest.raises(ValueError, match="the table has no network 'alexnet'"):
        graded(network="alexnet")


def test_the_table_is_what_the_tests_give_today(tmp_path: Path) -> None:
    """One row, made again: the edge detector's share of highest points on the critter, on the same scenes."""
    from camlib.scores.pointing import pointing_game
    from tools.trust import PICTURES, scenes

    some = scenes(PICTURES)
    heat = partial(trust.edges, None)(some.images)  # type: ignore[arg-type]
    found = [r for r in graded(network="critternet", tests=["on the critter"]) if r.method == "edge detector"]
    assert len(found) == 3
    for row in found:  # it never looks at the network: the same in each training
        assert row.score == pytest.approx(float(pointing_game(heat, some.masks, 0)), abs=1e-4)
