"""Phrases of six kinds: what is asked, of what is learnt, how it is scored; the shipped table."""

from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score

from camlib import critters, load, scenes, scores
from camlib.embeddings.transfer import Transfer, transfer_file, transfer_rows, transfers
from camlib.scenes.scenes import recipes
from camlib.scores.bootstrap import counts
from tools import relations as tool


@pytest.fixture(scope="module")
def one() -> tool.Asked:
    some, there = tool.pictures(False, 90)
    return tool.asked(some, there, ("critter", "in front of", "tree"))


def test_words_or_a_relation(one: tool.Asked) -> None:
    some, there = tool.pictures(False, 90)
    assert one.name == "critter in front of tree"
    assert torch.equal(one.hard, scenes.relation(some, "critter", "in front of", "tree", there).nearly)
    assert torch.equal(one.words, one.true | one.hard)
    assert torch.equal(one.easy, ~one.words)
    assert there is not None
    assert one.areas is not None
    in_sight = some.masks & ~there.masks("tree")
    areas = torch.stack([in_sight, there.masks("tree")], 1).flatten(2).float().mean(2)
    torch.testing.assert_close(one.areas[one.words], areas[one.words])
    both = tool.asked(some, there, ("snout", "stone"))
    said = scenes.phrase(some, "snout", "stone", there=there)
    assert torch.equal(both.true, said.true)
    assert torch.equal(both.easy, ~said.each[:, 0] & ~said.each[:, 1])


def test_of_two_critters_a_negative_is_hard_if_they_stand_the_other_way_round() -> None:
    some, there = tool.pictures(True, 90)
    one = tool.asked(some, there, ("wing", "left of", "curly tail"))
    back = tool.asked(some, there, ("curly tail", "left of", "wing"))
    assert torch.equal(one.hard, back.true)
    assert torch.equal(one.true, back.hard)
    assert one.true.any()
    both_ways = one.words & ~one.true & ~one.hard
    assert scenes.relation(some, "wing", "left of", "curly tail").true[both_ways].all()
    assert torch.equal(one.easy, ~one.words)


def test_as_many_negatives_as_positives_of_each_choice_and_none_of_the_test(one: tool.Asked) -> None:
    learn = torch.arange(90) < 60
    sets = tool.fits(one, learn)
    assert set(sets) == {"hard", "easy", "words"}
    assert len({len(rows) for rows, _ in sets.values()}) == 1
    for rows, label in sets.values():
        assert int(label.sum()) * 2 == len(rows) == len(rows.unique())
        assert learn[rows].all()
    for name in ("hard", "easy"):
        rows, label = sets[name]
        assert one.true[rows[label]].all()
        assert getattr(one, name)[rows[~label]].all()
    assert torch.equal(one.words[sets["words"][0]], sets["words"][1])
    parts = tool.asked(*tool.pictures(False, 90), ("wing", "beak"))
    assert set(tool.fits(parts, learn)) == {"hard", "easy"}


def test_auc_of_all_pairs_is_scikit_learns() -> None:
    random = torch.Generator().manual_seed(1)
    values, true = torch.randn(80, generator=random).round(decimals=1), torch.arange(80) < 30
    rows, n = torch.arange(0, 160, 2), 160
    score = tool.Auc(values + true, true, rows, n)
    assert float(score) == pytest.approx(roc_auc_score(true, values + true))
    drawn = score.resampled(times=50)
    for one, weights in zip(drawn, counts(n, 50)[:, rows], strict=True):
        assert float(one) == pytest.approx(
            roc_auc_score(true, values + true, sample_weight=weights), abs=1e-5
        )


def test_a_kind_is_drawn_scene_by_scene_for_all_its_phrases() -> None:
    random = torch.Generator().manual_seed(2)
    values, rows = torch.rand(60, generator=random), torch.arange(60)
    whole, half = tool.Share(values, rows, 60), tool.Share(values[:30], rows[:30], 60)
    assert float(half) == pytest.approx(float(values[:30].mean()))
    torch.testing.assert_close(whole.resampled(), scores.Mean(values).resampled())
    together = tool.Together([whole, whole])
    torch.testing.assert_close(together.resampled(), whole.resampled())  # no narrower for the same scenes
    assert float(tool.Together([whole, half])) == pytest.approx((float(whole) + float(half)) / 2)


def test_two_halves_have_the_mean_of_the_whole() -> None:
    seen = tool.seen(load("critternet_gap"), critters(3, seed=1, pair=True))
    left, right = seen["halves"].chunk(2, 1)
    torch.testing.assert_close((left + right) / 2, seen[""])
    assert not torch.allclose(left, right)


def test_a_stopped_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[str] = []
    stops = ["beside"]

    def kind(name: str, n: int, pairs: int) -> list[Transfer]:
        if name in stops:
            raise KeyboardInterrupt
        done.append(name)
        return [Transfer(name, "hard", 0, "AUC", n, 0.5, 0.25, 0.75)]

    monkeypatch.setattr(tool, "kind", kind)
    table, folder = tmp_path / "table.csv", tmp_path / "kept"
    monkeypatch.setattr("sys.argv", ["relations", "--folder", str(folder), "--output", str(table)])
    with pytest.raises(KeyboardInterrupt):
        tool.main()
    assert not table.exists()
    stops.clear()
    tool.main()
    assert done == list(tool.KINDS)
    assert [row.question for row in transfer_rows(table)] == list(tool.KINDS)
    assert not list(folder.iterdir())


def test_the_shipped_table_holds_together() -> None:
    rows = transfer_rows(transfer_file("relations"))
    assert all(row.low - 1e-3 <= row.score <= row.high + 1e-3 for row in rows)
    for measure in ("AUC", "on it"):
        kinds, phrases = transfers(f"{measure}, by kind", "relations"), transfers(measure, "relations")
        assert list(kinds) == list(tool.KINDS)
        names = iter(phrases)
        for kind, each in kinds.items():
            own = [phrases[next(names)] for _ in tool.KINDS[kind]]
            for called, found in each.items():
                mean = sum(float(one[called]) for one in own) / len(own)
                assert float(found) == pytest.approx(mean, abs=1e-3)
            assert {len(each[called].points) for called in ("hard", "easy", "hard, untrained")} == {tool.RUNS}
        assert ["words" in each for each in kinds.values()] == [False, False, True, True, True, True]
    with pytest.raises(ValueError, match="no table 'relation'; there are 'asked', 'relations'"):
        transfers("AUC", "relation")


def test_a_row_of_the_table_made_again() -> None:
    """How many scenes there are to test, from the recipes alone: with spikes, a curly tail, or both."""
    some = recipes(tool.PICTURES, seed=tool.SEED)[round(tool.LEARNT * tool.PICTURES) :]
    forms = [scenes.features(one.species) for one in some]
    own = sum(form["back"] == "spikes" or form["tail"] == "curly" for form in forms)
    tested = {row.pictures for row in transfer_rows(transfer_file("relations"))
              if row.question == "spikes and curly tail" and row.measure == "AUC"}  # fmt: skip
    assert tested == {own}
