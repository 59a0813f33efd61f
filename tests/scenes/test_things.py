"""The landscape's exact truth, things cleared away, and the six kinds of place."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from camlib.scenes.drawing.places import EVERYWHERE, PLACES, usual
from camlib.scenes.drawing.things import CLEARABLE
from camlib.scenes.scenes import Scenes, critters, draw, recipes
from camlib.scenes.things import THINGS, Things, things

CHANCE = 1 / len(PLACES)


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return critters(40, seed=5)


@pytest.fixture(scope="module")
def there(scenes: Scenes) -> Things:
    return things(scenes)


@pytest.fixture(scope="module")
def placed() -> Scenes:
    return critters(240, seed=6, places=True)


def test_the_critter_is_where_its_own_truth_has_it(scenes: Scenes, there: Things) -> None:
    assert torch.equal(there.masks("critter"), scenes.masks)
    assert (there.count("critter") == 1).all()


def test_each_pixel_shows_one_kind(there: Things) -> None:
    every = torch.stack([there.masks(name) for name in THINGS])
    assert (every.sum(0) == 1).all()
    assert torch.equal(there.masks("tree", "pine"), there.masks("tree") | there.masks("pine"))
    assert torch.equal(there.count("tree", "pine"), there.count("tree") + there.count("pine"))


def changed(one: Scenes, other: Scenes) -> torch.Tensor:
    """Where two drawings differ by more than the light's rounding."""
    return (one.pixels.int() - other.pixels.int()).abs().amax(1) > 2


@pytest.fixture(scope="module")
def dark() -> Scenes:
    return critters(40, seed=5, night=1)


@pytest.mark.parametrize("kind", CLEARABLE)
def test_what_is_cleared_away_is_gone_and_nothing_else_changes(
    scenes: Scenes, there: Things, dark: Scenes, kind: str
) -> None:
    """The brute-force mask: what changes when the kind is not drawn."""
    if kind == "moon":
        scenes, there = dark, things(dark)
    with_it = [i for i in range(len(scenes)) if there.masks(kind)[i].any()][:6]
    assert with_it, f"no scene shows a {kind}; take another seed"
    before = scenes[with_it]
    after = draw([replace(r, cleared=(kind,)) for r in before.recipes])
    mask, moved = there.masks(kind)[with_it], changed(before, after)
    assert not things(after).masks(kind).any()
    near = torch.nn.functional.max_pool2d(mask[:, None].float(), 3, 1, 1)[:, 0] > 0
    # tips thinner than a pixel change a few whose centre they miss
    assert (moved & ~near).float().mean() < 0.002, "something else changed"
    if kind not in ("cloud", "hill", "seed"):  # those may be hardly another colour than what is behind
        assert (moved & mask).sum() / mask.sum() > 0.75


def test_counts_are_of_things_in_sight() -> None:
    one = critters(1, seed=5).recipes[0]
    bare = draw([replace(one, cleared=CLEARABLE, occluders=0)])
    found = things(bare)
    assert {THINGS[k] for k in found.kinds.unique().tolist()} <= {"sky", "ground", "critter"}
    assert found.count(*CLEARABLE).item() == 0


def test_night_changes_the_light_and_the_sky_alone(scenes: Scenes, there: Things, dark: Scenes) -> None:
    """Critter and land are where they are by day; the moon is new, and the sun is gone."""
    assert torch.equal(dark.parts, scenes.parts)
    assert torch.equal(dark.keypoints, scenes.keypoints)
    found = things(dark)
    assert not found.masks("sun").any()
    assert not there.masks("moon").any()
    day, night = there.masks("sky", "sun"), found.masks("sky", "moon")
    assert torch.equal(day, night)
    assert torch.equal(there.kinds[~day], found.kinds[~night])
    assert (found.count("sky") <= 1).all()  # stars are of the sky and too small to be counted
    low, high = (some.images.mean((1, 2, 3)) for some in (dark, scenes))
    assert (low < 0.5 * high).all()
    own = [float(some.images.mean(1)[scenes.masks].mean()) for some in (dark, scenes)]
    assert 0.5 < own[0] / own[1] < 0.85  # the critter is still seen


def test_the_moon_is_brighter_than_the_sky(dark: Scenes) -> None:
    found = things(dark)
    light, moons = dark.images.mean(1), found.count("moon") > 0
    assert moons.float().mean() > 0.7  # others hide behind the critter or a tree
    for shade, moon, sky in zip(
        light[moons], found.masks("moon")[moons], found.masks("sky")[moons], strict=True
    ):
        assert shade[moon].max() > shade[sky].mean() + 0.1


def test_night_falls_when_asked_and_at_once_for_all_time(dark: Scenes) -> None:
    assert torch.equal(critters(3, seed=5, night=1).pixels, dark.pixels[:3])
    some = recipes(400, seed=5, night=0.4)
    nights = [one.night for one in some]
    assert nights[:50] == [one.night for one in recipes(50, seed=5, night=0.4)]
    assert 0.33 < sum(nights) / 400 < 0.47
    assert [replace(one, night=False) for one in some] == recipes(400, seed=5)
    for call in ({}, {"places": True}, {"pair": True}, {"lacking": 0.5}, {"stamp": "all"}):
        assert not any(one.night for one in recipes(50, seed=5, **call))


def test_a_stamp_is_as_bright_by_night() -> None:
    night, day = critters(4, seed=1, stamp="all", night=1), critters(4, seed=1, stamp="all")
    pair = critters(2, seed=1, pair=True, night=1)
    inside = night.stamps & (things(night).masks("stamp"))
    assert (night.pixels.int() - day.pixels.int()).abs().amax(1)[inside].float().median() < 6
    assert pair.companion is not None
    by_day = critters(2, seed=1, pair=True)
    assert (
        (pair.images.mean(1)[pair.companion.masks]).mean()
        < by_day.images.mean(1)[pair.companion.masks].mean()
    )


def test_stamp_tree_and_companion_have_their_kind() -> None:
    pair = critters(2, seed=1, pair=True, stamp="all")
    found = things(pair)
    assert pair.companion is not None
    assert torch.equal(found.masks("critter"), pair.masks | pair.companion.masks)
    assert torch.equal(found.masks("stamp"), pair.stamps)
    oak = draw([replace(critters(1, seed=2).recipes[0], tree=0.5)])
    assert things(oak).masks("tree")[0, :, 64].any()


def test_many_processes_find_what_one_does(placed: Scenes) -> None:
    few = things(placed[40:44])
    assert torch.equal(few.kinds, things(placed[:48]).kinds[40:44])


def test_places_change_the_land_and_leave_the_critter(placed: Scenes) -> None:
    plain = critters(240, seed=6)
    assert torch.equal(plain.labels, placed.labels)
    assert [r.look for r in plain.recipes] == [r.look for r in placed.recipes]
    assert (placed.places.bincount(minlength=len(PLACES)) > 20).all()
    again = critters(3, seed=6, places=True)
    assert torch.equal(again.pixels, placed.pixels[:3])


def test_things_occur_as_often_as_said(placed: Scenes) -> None:
    """Small ones hide behind others, so fewer are seen than stand there."""
    seen = things(placed)
    for k, place in enumerate(PLACES):
        mine = placed.places == k
        for kind in EVERYWHERE:
            mean, found = usual(place)[kind], seen.count(kind)[mine].float().mean().item()
            assert found < mean + 3.5 * (mean / mine.sum().item()) ** 0.5 + 0.2, (
                place,
                kind,
            )  # and occluders


def test_only_the_things_give_the_place_away(placed: Scenes, record_property: Any) -> None:
    """Neither colours, light, horizon, sky and ground, nor the critter; the counts of things do."""
    labels, seen = placed.places.numpy(), things(placed)
    pixels = placed.pixels.float()
    colours = torch.cat([pixels.mean((2, 3)), pixels.std((2, 3)), pixels[:, :, :8].mean((2, 3))], 1)
    critter = torch.cat([placed.boxes, placed.labels[:, None].float()], 1)
    area = seen.masks("sky").float().mean((1, 2))[:, None]
    clues = {"colours": colours, "critter": critter, "sky": area}
    read = {name: guessed(clue.numpy(), labels) for name, clue in clues.items()}
    counted = [THINGS.index(kind) for kind in EVERYWHERE]
    read["things"] = guessed(seen.counts[:, counted].float().numpy(), labels)
    record_property("read", read)
    assert all(share < CHANCE + 0.13 for name, share in read.items() if name != "things"), read
    assert read["things"] > 0.75, read


def guessed(clues: np.ndarray, labels: np.ndarray) -> float:
    """How often a linear classifier reads the place off the clues, in five folds."""
    scaled = (clues - clues.mean(0)) / (clues.std(0) + 1e-9)
    return float(cross_val_score(LogisticRegression(max_iter=2000), scaled, labels, cv=5).mean())


def test_bad_input_is_named(scenes: Scenes) -> None:
    recipe = scenes.recipes[0]
    with pytest.raises(ValueError, match="cannot clear away 'critter'; there are hill"):
        draw([replace(recipe, cleared=("critter",))])
    with pytest.raises(ValueError, match="no place 'desert'; there are forest"):
        draw([replace(recipe, place="desert")])
    with pytest.raises(ValueError, match=r"scene 0 is of no kind of place; draw critters\(…, places=True\)"):
        _ = scenes.places
    with pytest.raises(ValueError, match="night is 2; give the share of scenes at night, from 0 to 1"):
        critters(1, night=2)
    with pytest.raises(ValueError, match="a pair is drawn before an ordinary landscape"):
        critters(1, pair=True, places=True)
    with pytest.raises(ValueError, match=r"no kind of thing 'tres' \(did you mean 'tree'"):
        things(scenes[:1]).masks("tres")
    with pytest.raises(ValueError, match="no kind of thing 3; there are sky"):
        things(scenes[:1]).count(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="things are those of `Scenes`; given a tensor"):
        things(scenes.images)  # type: ignore[arg-type]
