"""The table of the trap and its control: what it holds, and one of its rows made again."""

import pytest

from camlib.networks.zoo import load
from camlib.trust.graded import graded

STAMP = "heat on the stamp"


def test_the_shipped_table_holds_together() -> None:
    rows = graded(table="trapped")
    runs = {(row.network, row.seed) for row in rows if row.test == STAMP}
    seeds = {seed for _, seed in runs}
    assert len(seeds) > 1
    assert runs == {(kind, seed) for kind in ("trapped", "control") for seed in seeds}
    for row in rows:
        assert row.low - 1e-3 <= row.score <= row.high + 1e-3, row
    with pytest.raises(ValueError, match="the table has no network 'critternet'"):
        graded(table="trapped", network="critternet")


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
