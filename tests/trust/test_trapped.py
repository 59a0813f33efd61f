"""The table of the trap and its control: what it holds, and one of its rows made again."""

import pytest
import torch

from camlib.networks.zoo import load
from camlib.trust.graded import graded

STAMP, ALIKE = "heat on the stamp", "resemblance to critternet_gap"


def test_the_shipped_table_holds_together() -> None:
    rows = graded(table="trapped")
    runs = {(row.network, row.seed) for row in rows if row.test == STAMP}
    seeds = {seed for _, seed in runs}
    assert seeds == {0, 1, 2}
    assert runs == {(kind, seed) for kind in ("trapped", "control") for seed in seeds}
    for row in rows:
        assert row.low - 1e-3 <= row.score <= row.high + 1e-3, row
    blind = {"edge detector", "centred blob", "random map"}
    for method in blind:  # the same whatever the network: no trap, and no draw of weights, changes them
        mine = [row for row in rows if row.method == method]
        assert len({row[4:] for row in mine if row.test == STAMP}) == 1
        assert {row.score for row in mine if row.test == ALIKE and row.network != "another scene"} == {1}
    assert {row.method for row in rows if row.network == "another scene"} >= blind | {
        "CAM",
        "guided backprop",
    }
    with pytest.raises(ValueError, match="the table has no network 'critternet'"):
        graded(table="trapped", network="critternet")


def test_the_base_rate_is_that_of_neighbouring_scenes() -> None:
    """By hand: the maps of scenes 0, 1, 2 beside those of 2, 0, 1; the sign does not count."""
    from tools.trapped import apart

    up, down = torch.tensor([[1.0, 2, 3, 4]]), torch.tensor([[4.0, 3, 2, 1]])
    ((name, found),) = apart({"some": torch.stack([up, -up, down])})
    assert name == "some"
    assert found.values.tolist() == pytest.approx([-1, 1, -1])


def test_the_table_is_what_the_tool_measures_today() -> None:
    """The shipped network's heat on the stamp, CAM's and the gradient's, on the same scenes."""
    from tools.trapped import HEATED, on_stamp, scenes

    net, (_, stamped) = load("critternet_stamp"), scenes(HEATED + 10)
    others = (stamped.labels != net.classes.index("mallow")).nonzero()[:HEATED, 0].tolist()
    assert len(others) == HEATED
    again = dict(on_stamp(net, stamped[others]))
    kept = {row.method: row for row in graded(table="trapped", network="trapped") if not row.seed}
    for method in ("CAM", "gradient"):
        assert kept[method].test == STAMP
        assert float(again[method]) == pytest.approx(kept[method].score, abs=2e-4)
