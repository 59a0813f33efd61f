"""Bars of a run lie where the log says, one row for each worker; what happened is marked."""

import pytest
from matplotlib.patches import Rectangle

from camlib import show

LOG = """verb,first,stop,worker,began,ended
codes,64,128,here:7,101.0,103.0
codes,0,64,here:5,100.5,104.5
codes,128,192,here:7,103.0,104.0
"""


def test_a_row_for_each_worker_and_a_mark(tmp_path):
    (tmp_path / "log.csv").write_text(LOG, "utf-8")
    figure = show.shards(tmp_path, title="Two workers", begin=100.0, marks={"killed": 104.0})
    (ax,) = figure.axes
    patches = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    bars = sorted((round(bar.get_y() + 0.37), bar.get_x(), bar.get_width()) for bar in patches)
    assert bars == [(0, 0.5, 4.0), (1, 1.0, 2.0), (1, 3.0, 1.0)]
    assert [text.get_text() for text in ax.texts] == ["0", "64", "128", "killed"]
    assert figure.alt == (
        "Two workers. worker 1 does 1 shard, from 0.5 to 4.5 s; worker 2 does 2 shards, from 1.0 to 4.0 s; "
        "killed at 4.0 s."
    )
    plain = show.shards(tmp_path, title="Two workers")
    assert min(bar.get_x() for bar in plain.axes[0].patches if isinstance(bar, Rectangle)) == 0
    assert not plain.axes[0].lines
    with pytest.raises(ValueError, match=r"no log\.csv in"):
        show.shards(tmp_path / "none", title="Nothing")
