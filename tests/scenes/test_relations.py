"""A relation is true where the drawing's masks and its order say so: each by brute force."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from camlib import critters, draw, scenes
from camlib.scenes.phrases import shown_by
from camlib.scenes.relations import RELATIONS, relation
from camlib.scenes.things import Things

LEAST = 12  # of 128 × 128
EIGHTH = 16


@pytest.fixture(scope="module")
def some() -> scenes.Scenes:
    return critters(60, seed=12)


@pytest.fixture(scope="module")
def there(some: scenes.Scenes) -> Things:
    return scenes.things(some)


@pytest.fixture(scope="module")
def two() -> scenes.Scenes:
    return critters(60, seed=13, pair=True)


@pytest.fixture(scope="module")
def bare(some: scenes.Scenes) -> scenes.Scenes:
    """The same scenes with nothing before the critter."""
    return draw([replace(r, occluders=0) for r in some.recipes])


@pytest.mark.parametrize("kind", ["stone", "grass", "leaf", "trunk"])
def test_behind_what_covers_the_critter_of_the_same_scene_without_it(
    some: scenes.Scenes, bare: scenes.Scenes, there: Things, kind: str
) -> None:
    found = relation(some, "critter", "behind", kind, there)
    covered = bare.masks & there.masks(kind)
    enough = covered.flatten(1).sum(1) >= LEAST
    assert found.true.any()
    assert torch.equal(found.true, enough & (there.count(kind) > 0))
    assert torch.equal(found.meet, covered & found.true[:, None, None])
    uncovered = relation(bare, "critter", "behind", kind, scenes.things(bare))
    assert not uncovered.true.any()


@pytest.mark.parametrize("kind", ["tree", "pine", "stone"])
def test_in_front_of_what_is_painted_under_the_critter(some: scenes.Scenes, there: Things, kind: str) -> None:
    """The same landscape with the critter in another corner shows what it hid, unless it hides that, too."""
    found = relation(some, "critter", "in front of", kind, there)
    assert found.true.any()
    assert found.nearly.any()
    clear = scenes.things(_elsewhere(some))
    for i in range(len(some)):
        hidden = some.masks[i] & clear.masks(kind)[i]
        if found.words[i]:
            assert bool(found.true[i]) or int(hidden.sum()) < LEAST
        if found.true[i]:
            moved = clear.kinds[i] != scenes.THINGS.index("critter")
            assert torch.equal(found.meet[i] & moved, hidden & moved)


def _elsewhere(some: scenes.Scenes) -> scenes.Scenes:
    return draw([replace(r, scale=0.2, x=1 - round(r.x), y=0.0, occluders=0) for r in some.recipes])


@pytest.mark.parametrize("subject", ["critter", "curly tail"])
def test_beside_by_a_walk_over_the_pixels(some: scenes.Scenes, there: Things, subject: str) -> None:
    found = relation(some, subject, "beside", "tree", there)
    assert found.true.any()
    assert found.nearly.any()
    says = torch.ones(len(some)).bool() if subject == "critter" else shown_by(some, subject)[0]
    for i in range(len(some)):
        own = some.masks[i] if subject == "critter" else some.part("tail")[i] & says[i]
        ys, xs = own.nonzero().T
        count = 0
        if len(ys):
            for y in range(int(ys.min()), int(ys.max()) + 1):
                for step in range(1, EIGHTH + 1):
                    for x in (int(xs.min()) - step, int(xs.max()) + step):
                        count += 0 <= x < 128 and scenes.THINGS[there.kinds[i, y, x]] == "tree"
        words = len(ys) >= LEAST and bool(there.count("tree")[i])
        assert bool(found.words[i]) == words
        assert bool(found.true[i]) == (words and count >= LEAST)
        assert int(found.meet[i].sum()) == (count if found.true[i] else 0)


def test_left_of_changes_sides_with_the_critters(two: scenes.Scenes) -> None:
    found = relation(two, "wing", "left of", "spikes")
    back = relation(two, "spikes", "left of", "wing")
    assert torch.equal(found.words, back.words)
    assert torch.equal(found.true, back.nearly)  # a critter has one or the other
    assert found.true.any()
    assert back.true.any()
    assert two.companion is not None
    for i in found.true.nonzero()[:, 0].tolist():
        backs = [one.part("back")[i] for one in (two, two.companion)]
        assert torch.equal(found.meet[i], backs[0] | backs[1])
        left = min((0, 1), key=lambda k: float(backs[k].nonzero()[:, 1].float().mean()))
        recipe = (two.recipes, two.companion.recipes)[left][i]
        assert scenes.features(recipe.species)["back"] == "wing"


def test_parts_that_are_hidden_or_left_out_are_not_in_sight(two: scenes.Scenes, some: scenes.Scenes) -> None:
    gone = draw([replace(r, without=("back",)) for r in two.recipes])
    found = relation(gone, "wing", "left of", "spikes")
    assert not found.words.any()
    assert not found.masks.any()
    bare = draw([replace(r, without=("tail",)) for r in some.recipes[:20]])
    assert not relation(bare, "curly tail", "beside", "tree", scenes.things(bare)).words.any()


def test_masks_are_of_both_words_and_what_meets_is_among_them(some: scenes.Scenes, there: Things) -> None:
    for name in RELATIONS[:3]:
        found = relation(some, "critter", name, "stone", there)
        assert not (found.true & found.nearly).any()
        assert torch.equal(found.true | found.nearly, found.words)
        want = (some.masks | there.masks("stone")) & found.words[:, None, None]
        assert torch.equal(found.masks, want)
        assert not (found.meet & ~found.masks).any()
        assert torch.equal(found.meet.flatten(1).any(1), found.true)
    assert str(found) == "critter beside stone"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda s, t, p: relation(s, "critter", "under", "tree", t),
            "no relation 'under'; there are behind",
        ),
        (lambda s, t, p: relation(s, "critters", "behind", "tree", t), "did you mean 'critter'"),
        (
            lambda s, t, p: relation(s, "tree", "behind", "tree", t),
            "no subject 'tree'; there are critter",
        ),
        (
            lambda s, t, p: relation(s, "wing", "beside", "trees", t),
            "no thing to be beside 'trees' .did you",
        ),
        (
            lambda s, t, p: relation(p, "critter", "left of", "wing"),
            "no subject 'critter'; there are poi",
        ),
        (lambda s, t, p: relation(p, "wing", "left of", "tree"), "no thing to be left of 'tree'; there"),
        (
            lambda s, t, p: relation(p, "wing", "left of", "wing"),
            "two different words; given 'wing' twice",
        ),
        (
            lambda s, t, p: relation(s, "wing", "left of", "beak"),
            r"two critters; draw critters\(…, pair=True",
        ),
        (lambda s, t, p: relation(s.images, "wing", "left of", "beak"), "about two critters"),
        (
            lambda s, t, p: relation(p, "wing", "beside", "tree", t),
            "these scenes have two",
        ),
        (lambda s, t, p: relation(s, "wing", "beside", "tree"), "'tree' is of the landscape; give there="),
        (lambda s, t, p: relation(s[:2], "wing", "beside", "tree", t), r"things of scenes \(60, .* \(2, "),
        (lambda s, t, p: relation(s, "wing", "beside", "tree", s), "there is a Scenes; give things"),
        (lambda s, t, p: relation(s, "wing", str(3), "tree", t), "no relation '3'; there are behind"),
    ],
)
def test_bad_relations(
    some: scenes.Scenes, there: Things, two: scenes.Scenes, call: Callable[..., Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as told:
        call(some, there, two)
    assert "\n" not in str(told.value)
