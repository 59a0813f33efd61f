"""A phrase is true where all its words are, and its mask is what they name."""

from dataclasses import replace

import pytest
import torch

from camlib import critters, draw, scenes
from camlib.scenes.phrases import PHRASE_WORDS, phrase


@pytest.fixture(scope="module")
def some() -> scenes.Scenes:
    return critters(24, seed=5)


def test_by_hand() -> None:
    """Species 0 has spikes and a curly tail, 1 a wing and a bushy one."""
    one = critters(1, seed=1).recipes[0]
    four = [replace(one, species=k, asleep=k == 1) for k in (0, 1, 0)]
    found = phrase(draw([*four[:2], replace(four[2], without=("tail",))]), "spikes", "curly tail")
    assert str(found) == "spikes and curly tail"
    assert found.each.tolist() == [[True, True], [False, False], [True, False]]
    assert found.true.tolist() == [True, False, False]
    assert found.nearly.tolist() == [False, False, True]
    assert not found.masks[1].any()
    asleep = phrase(draw(four), "closed eyes", "wing")
    assert asleep.true.tolist() == [False, True, False]


def test_masks_are_of_what_is_named_and_true(some: scenes.Scenes) -> None:
    there = scenes.things(some)
    found = phrase(some, "beak", "stone", there=there)
    beaked = torch.tensor([scenes.features(r.species)["nose"] == "beak" for r in some.recipes])
    assert found.each[:, 0].equal(beaked)
    assert found.each[:, 1].equal(there.count("stone") > 0)
    noses = some.part("nose") & beaked[:, None, None]
    stones = there.masks("stone") & found.each[:, 1, None, None]
    assert found.masks.equal(noses | stones)


def test_every_word_is_true_somewhere_and_false_somewhere() -> None:
    crowd = critters(80, seed=6, night=0.3)
    there = scenes.things(crowd)
    for word in PHRASE_WORDS:
        if word in ("hill", "seed"):  # in sight in nearly every scene
            continue
        other = "spikes" if word != "spikes" else "wing"
        true = phrase(crowd, word, other, there=there).each[:, 0]
        assert 0 < true.float().mean() < 1, word


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: phrase(s.images, "beak", "wing"), "about `Scenes`"),
        (lambda s: phrase(s, "beak"), "two different words or more; given beak"),
        (lambda s: phrase(s, "beak", "beak"), "two different words"),
        (lambda s: phrase(s, "beak", "wings"), "no word 'wings' .did you mean 'wing'"),
        (lambda s: phrase(s, "beak", "stone"), "'stone' is of the landscape"),
        (lambda s: phrase(s, "beak", "stone", there=scenes.things(s[:2])), r"of scenes \(2, .* for \(24, "),
        (lambda s: phrase(s, "beak", "stone", there=s), "there is a Scenes; give things"),
        (
            lambda s: phrase(critters(2, pair=True), "beak", "wing"),
            "about one critter; these scenes have two",
        ),
    ],
)
def test_bad_phrases(some: scenes.Scenes, call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(some)
