"""What the shipped files say of their own training, as a table."""

import pytest

import camlib
from camlib.networks.history import trained


def test_a_row_for_each_run_that_ships() -> None:
    runs = trained("critternet", "critternet_gap")
    runs_told = [(name, seed) for name, seed, _ in runs.rows]
    assert runs_told == [(name, seed) for name in ("critternet", "critternet_gap") for seed in range(3)]
    said = runs.rows[0][2]
    assert float(said["accuracy"]) > 0.9
    markdown = runs._repr_markdown_().splitlines()
    assert markdown[0].startswith("| network | seed | whole critters | one part missing | two parts missing")
    assert f"| critternet | 0 | {float(said['accuracy']):.1%} |" in markdown[2]
    assert len(markdown) == 2 + len(runs.rows)
    assert repr(runs).splitlines()[1].split()[:2] == ["critternet", "0"]


def test_without_names_all_are_told() -> None:
    names = {name for name, _, _ in camlib.trained().rows}
    assert {"critternet", "critternet_gmp", "critternet_eye", "lenet"} <= names


def test_another_name_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"the course trained no 'critternett'.*it trained critternet"):
        trained("critternett")
