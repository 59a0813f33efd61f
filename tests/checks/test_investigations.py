"""The investigations of lessons 00 to 02: right answers pass, what breaks the rules is told, and why."""

from dataclasses import replace

import pytest
import torch

from camlib import checks


def test_a_pose_that_was_never_met_costs_right_answers() -> None:
    verdict = checks.harder(0.5, lambda recipe: replace(recipe, angle=recipe.angle + 180))
    assert verdict.passed, verdict
    assert "Without your change 100%" in verdict.message


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: replace(r, gaze=(0.0, 0.0)), "find one that costs 20 points or more"),
        (lambda r: replace(r, species=(r.species + 1) % 8), "the species or its sleep is changed"),
        (lambda r: replace(r, asleep=not r.asleep), "the species or its sleep is changed"),
        (lambda r: replace(r, without=("eyes",)), "a part is gone"),
        (lambda r: replace(r, coat=(0.5, 0.5, 0.5)), "marks of the class"),
        (lambda r: replace(r, occluders=9), "nothing may hide it"),
        (lambda r: replace(r, scale=0.1), "the critter has scale 0.1"),
        (lambda r: replace(r, scale=1.5), "in training none was above 0.8"),
        (lambda r: replace(r, x=1.5), "x and y are 1.5 and"),
        (lambda r: 180, "it should return a recipe"),
        (lambda r: None, "not done yet"),
    ],
)
def test_the_animal_must_stay_what_it_is_and_in_sight(change, why) -> None:
    verdict = checks.harder(0.5, change)
    assert not verdict.passed
    assert why in verdict.message


def test_the_sign_of_each_weight_excites_a_filter_most() -> None:
    for answer in (lambda w: 0.5 + 0.5 * w.sign(), lambda w: (w > 0).float()):
        verdict = checks.lure(0.4, answer)
        assert verdict.passed, verdict
        assert "The best patch of forty scenes" in verdict.message


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda w: 0.5 + 0.5 * w / w.abs().max(), "this is the filter's own picture: it gives"),
        (lambda w: w / w.norm(), "pixels lie between 0 and 1"),
        (lambda w: 0.5 - 0.5 * w.sign(), "so it silences the filters"),
        (lambda w: (0.5 + 20 * w).clip(0, 1), "of what is possible, on average"),
        (lambda w: (1e4 * w).sigmoid(), "at worst: some of their values lie between 0 and 1"),
        (lambda w: (w > w.mean()).float(), "% at worst"),
        (lambda w: torch.full_like(w, 0.5), "your patches give 0.0% of what is possible"),
        (lambda w: w.permute(1, 2, 0), "shape"),
        (lambda w: None, "not done yet"),
    ],
)
def test_other_patches_are_named(answer, why) -> None:
    verdict = checks.lure(0.4, answer)
    assert not verdict.passed
    assert why in verdict.message, verdict


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ((99, "eyes"), "conv5 has units 0 to 63"),
        (("eyes", 3), "no part 3"),
        ((3, "whiskers"), "no part 'whiskers'; a critter can do without eyes, ears"),
        (7, "return two things"),
        (None, "not done yet"),
    ],
)
def test_a_claim_that_is_none_is_told(claim, why) -> None:
    verdict = checks.defended(0.5, lambda: claim)
    assert not verdict.passed
    assert why in verdict.message, verdict


def test_a_name_is_graded_by_taking_the_part_away() -> None:
    verdicts = [checks.defended(0.5, lambda part=part: (19, part)) for part in ("legs", "back")]
    assert not verdicts[0].passed
    assert "the unit needs the back more" in verdicts[0].message, verdicts[0]
    assert verdicts[1].passed, verdicts[1]


@pytest.mark.parametrize(("unit", "part"), [(32, "eyes"), (12, "ears")])
def test_a_peak_that_rises_without_the_part_does_not_need_it(unit: int, part: str) -> None:
    verdict = checks.defended(0.5, lambda: (unit, part))
    assert not verdict.passed
    assert "on average over the species it rises" in verdict.message, verdict
    assert "more" not in verdict.message


def test_a_unit_that_needs_two_parts_is_not_named_after_one() -> None:
    verdict = checks.defended(0.5, lambda: (18, "eyes"))
    assert not verdict.passed
    assert "one name is too few" in verdict.message, verdict
