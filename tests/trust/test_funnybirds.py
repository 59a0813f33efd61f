"""FunnyBirds' measures on examples small enough to be worked out with a pencil."""

from dataclasses import replace

import pytest
import torch

from camlib.scenes.drawing.recipe import agreeing
from camlib.scenes.scenes import CLASSES, critters, features
from camlib.scores.spread import Mean
from camlib.trust.funnybirds import (
    background_independence,
    centred,
    checks,
    completeness,
    irrelevant,
    single_deletion,
)
from camlib.trust.parts import important, on_masks, sufficient
from camlib.trust.redraw import PLACES
from camlib.trust.sensitivity import rivals, target_sensitivity

# One picture, two parts (eyes, ears), two classes; rows: nothing gone, eyes, ears, both.
LOGITS = torch.tensor([[[4.0, 0.0], [1.0, 2.0], [3.9, 0.0], [0.0, 1.0]]])
LABEL = torch.tensor([0])
EYES = [[("eyes",)]]


def shares(found: list[bool]) -> list[float]:
    """CSDC, PC, DC, D where these parts are called important."""
    got = checks(torch.tensor([[found]]), LOGITS, LABEL, EYES)
    return [float(one[0, 0]) for one in (got.sufficient, got.preserved, got.deleted, got.undistracted)]


def test_checks_by_hand() -> None:
    """The eyes decide; without the ears the logit moves by .1, under 5 % of 4, so ears are irrelevant."""
    assert shares([True, False]) == [1, 1, 1, 1]  # the eyes alone: all right
    assert shares([False, True]) == [0, 0, 0, 0]  # the ears alone: all wrong
    assert shares([True, True]) == [1, 1, 1, 0]  # both: complete, but distracted by the ears
    assert shares([False, False]) == [0, 0, 0, 1]  # none: nothing is complete, nothing distracts


def test_completeness_by_hand() -> None:
    found = torch.tensor([[[True, True]], [[True, False]]])  # two thresholds
    got = checks(found, LOGITS, LABEL, EYES)
    assert got.completeness().tolist() == [0.5, 1]  # (1 + 0) / 2 and (1 + 1) / 2
    assert completeness(got) == (1, (1,))


def test_the_threshold_may_be_chosen_on_the_other_half() -> None:
    """Of two pictures each is best at another threshold: chosen on the other one, each gets its worse one."""
    both = torch.tensor([[[True, False], [True, True]], [[True, True], [True, False]]])
    got = checks(both, LOGITS.expand(2, -1, -1), LABEL.expand(2), EYES * 2)
    assert got.of(torch.tensor([0])).tolist() == [1, 0.5]
    assert got.of(torch.tensor([1])).tolist() == [0.5, 1]
    assert completeness(got)[0] == 0.75
    assert completeness(got, held_out=True) == (0.5, (1, 0))


def test_what_is_answered_wrong_says_nothing_of_sufficient_sets() -> None:
    got = checks(torch.tensor([[[True, False]]]), LOGITS, torch.tensor([1]), EYES)
    assert got.sufficient.isnan().all()


def test_things_of_the_background_distract_too() -> None:
    things = torch.tensor([[3.95, torch.nan]])  # one thing, whose removal moves the logit by .05
    called = torch.tensor([[[True, False]]])
    got = checks(torch.tensor([[[True, False]]]), LOGITS, LABEL, EYES, things, called)
    assert float(got.undistracted) == 0.5  # of ears and thing, both irrelevant, one is called important


def test_single_deletion_by_hand() -> None:
    drops = torch.tensor([[3.0, 2, 1], [1, 2, 3], [1, 2, 3]])
    heat = torch.tensor([[30.0, 20, 10], [30, 20, 10], [7, 7, 7]])
    assert float(single_deletion(drops, heat)) == 0.5  # 1 and 0; the blank map is skipped
    assert len(single_deletion(drops, heat)) == 2
    assert single_deletion(drops, heat, blank=0.5).values.tolist() == [1, 0, 0.5]
    with pytest.raises(ValueError, match="same on all its parts"):
        single_deletion(drops[2:], heat[2:])


def test_irrelevant_and_background_by_hand() -> None:
    logits, removed = torch.tensor([10.0, -10]), torch.tensor([[9.6, 9.4, 12], [-10.6, torch.nan, -9]])
    assert irrelevant(logits, removed)[0].tolist() == [True, False, True]  # .4, .6, and a rise
    assert irrelevant(logits, removed)[1].tolist() == [False, False, True]
    assert float(background_independence(logits, removed)) == pytest.approx(3 / 5)


def test_five_per_cent_of_a_logit_depends_on_what_all_logits_share() -> None:
    """The same answers, all logits ten higher: what mattered no longer does; centred logits do not care."""
    before, after = torch.tensor([[2.0, 0.0]]), torch.tensor([[1.8, 0.0]])
    assert not irrelevant(before[:, 0], after[:, :1]).item()
    assert irrelevant(before[:, 0] + 10, after[:, :1] + 10).item()
    assert torch.allclose(centred(before), centred(before + 10))


def test_importance_by_hand() -> None:
    heat = torch.tensor([[[1.0, 2], [3, -4]]])
    masks = torch.tensor([[[[True, True], [False, False]], [[False, False], [True, True]]]])
    found = on_masks(heat, masks)
    assert found.tolist() == [[3, -1]]
    assert important(found, heat, 0.5).tolist() == [[True, False]]  # of the sum, 2
    assert important(found, heat, torch.tensor([0.49, 0.51]), yardstick="positive").tolist() == [
        [[True, False]],
        [[False, False]],  # of the positive sum, 6
    ]
    negative = torch.tensor([[[-5.0, 1], [1, 1]]])  # its sum is -2: what has a little is above it
    parts = on_masks(negative, masks)
    assert important(parts, negative, 0.4).tolist() == [[False, True]]
    assert important(torch.zeros(1, 2), negative, 0.4).tolist() == [[True, True]]  # nothing at all, and yet


def test_sufficient_sets_are_checked_against_the_code() -> None:
    for recipe in critters(6, seed=1).recipes:
        found = sufficient(recipe)
        for kept in found:
            gone = tuple(set(PLACES) - set(kept))
            assert sum(agreeing(replace(recipe, without=gone))) == 1
            for name in kept:  # and none can be spared
                assert sum(agreeing(replace(recipe, without=(*gone, name)))) > 1
        assert found == [("eyes",)] if recipe.asleep else len(found) == 8


def test_rivals_share_two_parts_each() -> None:
    for recipe in critters(9, seed=2).recipes:
        own = features(recipe.species)
        (one, here), (other, there) = rivals(recipe)
        assert one != other
        assert not set(here) & set(there)
        for species, shared in ((one, here), (other, there)):
            assert CLASSES[species] != "sleeper"
            same = {name for name, form in features(species).items() if own[name] == form}
            assert same == set(shared)


def test_target_sensitivity_by_hand() -> None:
    """Rival 1 shares the eyes, rival 2 the ears; each falls when its own part goes."""
    n = 1 << len(PLACES)
    logits = torch.zeros(1, n, 3)
    logits[0, 1, 1] = -1  # without the eyes
    logits[0, 2, 2] = -1  # without the ears
    pairs = [((1, ("eyes",)), (2, ("ears",)))]
    heat = torch.zeros(1, 2, len(PLACES))
    heat[0, 0, 0] = heat[0, 1, 1] = 1  # each map on its own class's part
    assert float(target_sensitivity(heat, logits, pairs)[0]) == 1
    assert float(target_sensitivity(heat.flip(1), logits, pairs)[0]) == 0
    same = heat[:, :1].expand(-1, 2, -1)
    assert float(target_sensitivity(same, logits, pairs)[0]) == 0  # a map that ignores the class
    with pytest.raises(ValueError, match="no picture"):
        target_sensitivity(heat, torch.zeros(1, n, 3), pairs)


def test_target_sensitivity_draws_pictures_not_questions() -> None:
    """Four pictures with both answers right, four with both wrong: these are eight numbers, not sixteen.

    And where one map has more heat everywhere, each picture has one right answer and one wrong: nothing
    varies from picture to picture, and the interval has no width.
    """
    n = 1 << len(PLACES)
    logits = torch.zeros(8, n, 3)
    logits[:, 1, 1] = logits[:, 2, 2] = -1
    pairs = [((1, ("eyes",)), (2, ("ears",)))] * 8
    heat = torch.zeros(8, 2, len(PLACES))
    heat[:, 0, 0] = heat[:, 1, 1] = 1
    heat[4:] = heat[4:].flip(1)
    alike = target_sensitivity(heat, logits, pairs)[0]
    assert alike.values.tolist() == [1.0] * 4 + [0.0] * 4
    low, high = alike.interval()
    asked = Mean([1.0] * 8 + [0.0] * 8)
    assert float(alike) == float(asked) == 0.5
    assert high - low > 1.2 * (asked.interval()[1] - asked.interval()[0])  # about √2
    hotter = torch.ones(8, 2, len(PLACES))
    hotter[:, 0] = 2
    assert target_sensitivity(hotter, logits, pairs)[0].interval() == (0.5, 0.5)
