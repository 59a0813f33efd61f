"""New questions to old features: what is asked; a stopped run goes on; the shipped table."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from camlib import critters, scenes
from camlib.embeddings.transfer import Transfer, transfer_file, transfer_rows, transfers
from camlib.scenes.drawing.backdrop import SMALL
from camlib.scenes.drawing.places import PLACES
from camlib.scenes.scenes import recipes
from tools import transfer as tool


def test_what_is_asked_of_landscapes() -> None:
    some = critters(30, seed=tool.SEED, places=True)
    there = scenes.things(some)
    asked = tool.questions(some, there)
    number = {kind: there.counts[:, scenes.THINGS.index(kind)].tolist() for kind in ("tree", "pine", "stone")}
    for i in range(30):
        tree, pine = number["tree"][i] > 0, number["pine"][i] > 0
        assert int(asked["tree or pine?"].answers[i]) == (-1 if tree == pine else int(pine))
        assert int(asked["how many stones?"].answers[i]) == min(number["stone"][i], 3)
        assert int(asked["a tree?"].answers[i]) == tree
    assert set(asked["tree or pine?"].answers.tolist()) == {-1, 0, 1}
    assert [int(one.learn.sum()) for one in asked.values()] == [20] * len(asked)
    assert {f"a {kind}?" for kind in SMALL} - set(asked) == {"a grass?"}  # it is everywhere: how much?


def test_nights_are_the_same_landscapes() -> None:
    some, there, night = tool.nights(30)
    assert [replace(one, night=False) for one in some.recipes] == recipes(30, seed=tool.SEED, places=True)
    assert night.answers.tolist() == [int(one.night) for one in some.recipes]
    assert 8 < int(night.answers.sum()) < 22
    assert int(night.learn.sum()) == 20
    assert not there.count("moon")[night.answers == 0].any()


def test_a_histogram_tells_night_from_day() -> None:
    some, _, night = tool.nights(30)
    assert float(tool.asks(night, tool.colours(some.images))[1]) == 1
    assert transfers()[tool.NIGHT]["colours"].value == 1


def test_letters_are_cut_out_whole_and_of_other_streets_to_test() -> None:
    cut, letter = tool.letters(24)
    assert cut.shape == (len(letter.answers), 3, 128, 128)
    assert len(letter.names) == tool.GLYPHS == len(letter.answers.unique())
    assert int(letter.answers.bincount().max()) <= tool.EACH * 24 // tool.STREETS
    assert 0.5 < letter.learn.float().mean() < 0.7
    turns = letter.learn.int().diff()  # first those to learn from, then those to test: one change
    assert turns[turns != 0].tolist() == [-1]


def test_a_histogram_of_64_colours_by_hand() -> None:
    picture = torch.zeros(1, 3, 2, 2)
    picture[0, 0, 0, 0] = 1.0  # one red pixel of four: level 3 of 0 to 3
    found = tool.colours(picture)[0]
    assert found[48] == 0.25
    assert found[0] == 0.75
    assert found.sum() == 1


def test_a_stopped_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[tuple[str, int]] = []
    stops = [("fc7", 0)]

    def grade(features: str, seed: int, n: int, streets: int) -> list[Transfer]:
        if (features, seed) in stops:
            raise KeyboardInterrupt
        done.append((features, seed))
        return [Transfer("a tree?", features, seed, "right", n, 0.5, 0.25, 0.75)]

    monkeypatch.setattr(tool, "grade", grade)
    monkeypatch.setattr(tool, "baselines", lambda n, streets: [])
    table, folder = tmp_path / "table.csv", tmp_path / "kept"
    monkeypatch.setattr("sys.argv", ["transfer", "--folder", str(folder), "--output", str(table)])
    with pytest.raises(KeyboardInterrupt):
        tool.main()
    assert not table.exists()
    before = len(done)
    stops.clear()
    tool.main()
    assert done[before] == ("fc7", 0)
    assert len(set(done)) == len(done) == len(transfer_rows(table))
    assert not list(folder.iterdir())  # the next run begins anew


def test_the_shipped_table_holds_together() -> None:
    rows = transfer_rows(transfer_file())
    right = transfers()
    kinds = {"constant", "colours", *tool.NETWORKS}
    assert all(set(each) == kinds for each in right.values())
    for features, (*_, count) in tool.NETWORKS.items():
        assert all(len(each[features].points) == (count if count > 1 else 0) for each in right.values())
    assert all(row.low - 1e-3 <= row.score <= row.high + 1e-3 for row in rows)
    assert set(transfers("on it")) == {*tool.POINTED, *tool.AT_NIGHT}
    with pytest.raises(ValueError, match="no measure 'rihgt'; the table has 'right', 'on it'"):
        transfers("rihgt")


def test_a_row_of_the_table_made_again() -> None:
    """The constant answer to the place, from the recipes alone."""
    places = [
        list(PLACES).index(str(one.place)) for one in recipes(tool.PICTURES, seed=tool.SEED, places=True)
    ]
    own = torch.tensor(places[round(tool.LEARNT * tool.PICTURES) :])
    kept = transfers()["which of six places?"]["constant"]
    assert kept.of == f"{len(own)} pictures"
    assert kept.value == pytest.approx(float(own.bincount().max() / len(own)), abs=1e-4)
