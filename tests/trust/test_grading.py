"""`make trust`, stopped and begun again, goes on with the networks that it lacks."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from camlib.trust.graded import Grade, graded
from tools import trust as tool


def test_a_stopped_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[tuple[str, int]] = []
    stops = [("critternet_gmp", 1)]

    def grade(name: str, seed: int, n: int, folder: Path) -> None:
        if (name, seed) in stops:
            raise KeyboardInterrupt
        done.append((name, seed))
        rows = [Grade(name, seed, "method", "test", seed / 2, 0.0, 1.0)]
        tool.write(rows, tool.kept(name, seed, n, folder))

    monkeypatch.setattr(tool, "grade", grade)
    monkeypatch.setattr(tool, "redrawn", lambda some, folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(tool, "ProcessPoolExecutor", lambda jobs, _: ThreadPoolExecutor(jobs))
    table, folder = tmp_path / "table.csv", tmp_path / "kept"
    asked = ["trust", "--pictures", "2", "--jobs", "1", "--folder", str(folder), "--output", str(table)]
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(KeyboardInterrupt):
        tool.main()
    assert not table.exists()
    nets = [(k, s) for k, count in tool.NETWORKS.items() for s in range(count)]
    assert len(done) == len(nets) - 1 == len(list(folder.iterdir()))
    stops.clear()
    tool.main()
    assert done[len(nets) - 1 :] == [("critternet_gmp", 1)]
    assert [(row.network, row.seed) for row in graded(file=table)] == nets
    assert not list(folder.iterdir())  # the next run begins anew
