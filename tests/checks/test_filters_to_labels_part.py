"""Lesson 10's investigation: a unit that finds its part passes; luck, the eyes and what is none are told."""

from typing import Any

import pytest

from camlib import checks, critters, find_units, load


def test_the_best_nose_unit_of_sixty_scenes_passes_and_the_prediction_never_fails() -> None:
    unit = find_units(load("critternet_gmp"), critters(60, seed=5), "nose", alpha=0.1).best
    for prediction in (0.0, 0.9):
        verdict = checks.other_part(prediction, lambda: ("nose", unit))
        assert verdict.passed, verdict
        assert "By luck" in verdict.message


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (("nose", ("conv1", 3)), "No gain"),
        (("eye", ("conv4", 48)), "the eyes are the lesson's"),
        (("whiskers", ("conv4", 48)), "no part 'whiskers'; there are ear, nose"),
        (("nose", ("conv9", 3)), "there is no such unit"),
        (("nose", ("conv4", 99)), "there is no such unit"),
        (("nose", 7), "a unit is (layer, number)"),
        ((["nose"], ("conv4", 7)), "no part ['nose']"),
        (7, "return two things"),
        (None, "not done yet"),
    ],
)
def test_claims_that_do_not_stand_are_told(claim: Any, why: str) -> None:
    verdict = checks.other_part(0.3, lambda: claim)
    assert not verdict.passed
    assert why in verdict.message, verdict
