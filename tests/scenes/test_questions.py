"""Questions have the answers that the recipes have, in words that do not give them away."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from camlib import critters, draw, scenes
from camlib.scenes.questions import QUESTIONS, questions


@pytest.fixture(scope="module")
def some() -> scenes.Scenes:
    return critters(24, seed=5)


def test_answers_by_hand() -> None:
    """Species 0 has pointed ears, a snout, a curly tail, horns and spikes; species 1 differs in three."""
    two = [replace(r, asleep=False, markings="spots") for r in critters(2, seed=1).recipes]
    one = draw([replace(two[0], species=0), replace(two[1], species=1, asleep=True)])
    asked = questions(one, each=8, kinds=[kind for kind in QUESTIONS if kind not in ("tree", "clouds")])
    told = {
        (int(s), kind): asked.classes[k]
        for s, kind, k in zip(asked.scene, asked.kinds, asked.labels, strict=True)
    }
    first = {"back": "spikes", "tail": "curly", "nose": "snout", "ears": "pointed", "horns": "yes"}
    first |= {"wing": "no", "asleep": "no", "markings": "spots"}
    other = {"back": "wing", "tail": "bushy", "nose": "snout", "ears": "pointed", "horns": "no"}
    other |= {"wing": "yes", "asleep": "yes", "markings": "spots"}
    assert told == {(0, kind): a for kind, a in first.items()} | {(1, kind): a for kind, a in other.items()}


def test_the_landscape_is_what_is_in_sight(some: scenes.Scenes) -> None:
    there = scenes.things(some)
    asked = questions(some, each=2, kinds=["tree", "clouds"])
    for scene, kind, label in zip(asked.scene.tolist(), asked.kinds, asked.labels.tolist(), strict=True):
        if kind == "tree":
            want = "yes" if there.count("tree")[scene] else "no"
        else:
            want = str(min(int(there.count("cloud")[scene]), 3))
        assert asked.classes[label] == want


def test_different_kinds_for_each_scene_and_the_same_each_day(some: scenes.Scenes) -> None:
    asked = questions(some, each=4, seed=2)
    assert len(asked) == 96
    assert asked.scene.tolist() == [i for i in range(24) for _ in range(4)]
    for i in range(24):
        assert len({asked.kinds[n] for n in range(4 * i, 4 * i + 4)}) == 4
    again = questions(some[:5], each=4, seed=2)
    assert again.words == asked.words[:20]
    assert questions(some, each=4, seed=3).words != asked.words
    assert set(Counter(asked.kinds)) == set(QUESTIONS)
    assert asked.of("back", "tail").sum() == sum(kind in ("back", "tail") for kind in asked.kinds)


def test_no_two_kinds_are_asked_in_the_same_words() -> None:
    every = [words for wordings, _ in QUESTIONS.values() for words in wordings]
    assert len({" ".join(sorted(words.split())) for words in every}) == len(every) == 30


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: questions(s.images), "questions are about `Scenes`"),
        (lambda s: questions(s, kinds=["bakc"]), "no kind of question 'bakc' .did you mean 'back'"),
        (lambda s: questions(s, kinds="back"), "give a list of names"),
        (lambda s: questions(s, kinds=["back"], each=2), "2 different questions for each scene; there are 1"),
        (lambda s: questions(s, each=0), "each"),
        (lambda s: questions(s).of("moon"), "no kind of question 'moon'"),
        (lambda s: questions(critters(2, without=["tail"])), "scene 0 lacks parts"),
        (lambda s: questions(critters(2, pair=True)), "about one critter; these scenes have two"),
    ],
)
def test_bad_questions(some: scenes.Scenes, call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(some)


def test_torch_types(some: scenes.Scenes) -> None:
    asked = questions(some[:3], each=2, kinds=["back", "asleep"])
    assert asked.scene.dtype == asked.labels.dtype == torch.int64
    assert asked.of("back").dtype == torch.bool
