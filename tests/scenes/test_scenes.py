"""The scenes: the same each day, true to their truth, and without a shortcut to the class."""

import colorsys
import itertools
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from camlib.scenes.drawing.cores import jobs
from camlib.scenes.drawing.critter import UNDRAWN
from camlib.scenes.drawing.recipe import HUES, MARKINGS, REMOVABLE, sample
from camlib.scenes.scenes import (
    CLASSES,
    FEATURES,
    KEYPOINTS,
    PARTS,
    SPECIES,
    critters,
    draw,
    features,
    recipes,
)

EXAMPLES = Path(__file__).parents[2] / "data" / "scenes"
CHANCE = 1 / len(CLASSES)


@pytest.fixture(scope="module")
def scenes():
    return critters(1350, seed=77)


def test_a_scene_depends_on_its_seed_and_number_alone(scenes):
    again = critters(3, seed=77)
    assert torch.equal(again.pixels, scenes.pixels[:3])
    assert torch.equal(again.keypoints, scenes.keypoints[:3])
    assert again.recipes == scenes.recipes[:3]
    assert not torch.equal(again.pixels, critters(3, seed=78).pixels)


def test_scenes_are_the_same_on_another_day():
    """The pictures in data/scenes were drawn long ago; another Pillow may round differently."""
    drawn = critters(40, seed=7)
    for index, name in enumerate(CLASSES):
        number = int((drawn.labels == index).nonzero()[0])
        with Image.open(EXAMPLES / f"{name}.png") as file:
            before = np.asarray(file.convert("RGB"), float)
        assert np.abs(before - drawn.pixels[number].permute(1, 2, 0).numpy()).mean() < 0.5


def test_many_processes_draw_what_one_does(scenes):
    one_by_one = torch.cat([draw([recipe]).pixels for recipe in scenes.recipes[40:44]])
    assert torch.equal(one_by_one, scenes.pixels[40:44])


WORKERS = """
import joblib
from camlib import critters, scenes, texts
drawn = critters(48, seed=0, size=32)
scenes.things(drawn)
texts(20, kind="page", size=(120, 120))
asked = joblib.delayed(eval)("'torch' in __import__('sys').modules, __import__('os').getpid()")
print(set(joblib.Parallel(n_jobs=-1)([asked] * 64)))
"""


def test_the_drawing_processes_do_not_import_torch():
    """Each would start seconds later and hold half a gigabyte more."""
    said = subprocess.run([sys.executable, "-c", WORKERS], capture_output=True, text=True, check=True).stdout
    assert "False" in said
    assert "True" not in said


def test_shapes_types_and_ranges(scenes):
    n = len(scenes)
    assert scenes.images.shape == (n, 3, 128, 128)
    assert scenes.images.dtype == torch.float32
    assert 0 <= scenes.images.min() < 0.1
    assert 0.9 < scenes.images.max() <= 1
    assert scenes.masks.dtype == scenes.visible.dtype == torch.bool
    assert scenes.parts.max() == len(PARTS) - 1
    assert scenes.keypoints.shape == (n, len(KEYPOINTS), 2)
    assert scenes.labels.bincount().min() > 0.7 * n / 9


def test_boxes_hold_the_mask_and_never_touch_the_frame(scenes):
    for mask, (x0, y0, x1, y1) in zip(scenes.masks, scenes.boxes.int().tolist(), strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any()
        assert mask[y1 - 1].any()
        assert mask[:, x0].any()
        assert mask[:, x1 - 1].any()
    assert scenes.boxes[:, :2].min() >= 1
    assert scenes.boxes[:, 2:].max() <= 127


def test_sizes_vary_as_said(scenes):
    side = (scenes.boxes[:, 2:] - scenes.boxes[:, :2]).max(1).values / 128
    assert 0.25 < side.min() < 0.4
    assert 0.74 < side.max() <= 0.81


def test_key_points_lie_on_their_parts(scenes):
    """A visible eye or nose is on its part's pixels; an ear or tail ends within two pixels of them."""
    numbers = torch.arange(len(scenes))
    for index, (name, reach) in enumerate(zip(KEYPOINTS, (0, 0, 0, 3, 3, 3), strict=True)):
        part = scenes.part(name.split("_")[-1])
        near = torch.nn.functional.max_pool2d(part[:, None].float(), 2 * reach + 1, 1, reach)[:, 0] > 0
        x, y = scenes.keypoints[:, index].round().long().clamp(0, 127).T
        assert near[numbers, y, x][scenes.visible[:, index]].float().mean() > 0.97


def test_left_is_the_viewers_left(scenes):
    """A turn of 28 degrees at most cannot swap the eyes."""
    eyes = scenes.keypoints[:, :2, 0]
    assert (eyes[:, 0] < eyes[:, 1]).all()


def test_one_eye_at_least_is_in_sight(scenes):
    assert scenes.visible[:, :2].any(1).all()
    assert 0.01 < 1 - scenes.visible[:, :2].float().mean() < 0.2


def test_head_boxes_hold_the_face(scenes):
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    x0, y0, x1, y1 = scenes.head_boxes[:, :, None, None].unbind(1)
    inside = (x >= x0 - 1.5) & (x <= x1 + 1.5) & (y >= y0 - 1.5) & (y <= y1 + 1.5)
    assert not (scenes.part("head") & ~inside).any()


def test_species_are_words_of_a_code():
    """One feature leaves four species, two leave two; any two may be hidden."""
    words = [features(s) for s in range(len(SPECIES))]
    for a, b in itertools.combinations(FEATURES, 2):
        assert sorted(sum(w[a] == v for w in words) for v in FEATURES[a]) == [4, 4]
        seen = [(w[a], w[b]) for w in words]
        assert all(seen.count(pair) == 2 for pair in seen)
    for u, v in itertools.combinations(words, 2):
        assert sum(u[f] != v[f] for f in FEATURES) >= 3


def test_closing_the_eyes_changes_the_eyes_only(scenes):
    recipe = next(r for r in scenes.recipes if not r.asleep and not r.occluders)
    both = draw([recipe, replace(recipe, asleep=True)])
    assert both.labels.tolist() == [recipe.species, 8]
    changed = (both.pixels[0] != both.pixels[1]).any(0)
    eyes = both.part("eye").any(0)[None, None].float()
    assert changed.any()
    assert not (changed & (torch.nn.functional.max_pool2d(eyes, 5, 1, 2)[0, 0] == 0)).any()


def test_moving_the_critter_leaves_the_land_as_it_was(scenes):
    recipe = next(r for r in scenes.recipes if r.scale < 0.45 and not r.occluders)
    both = draw([replace(recipe, x=0.0), replace(recipe, x=1.0)])
    far = ~torch.nn.functional.max_pool2d(both.masks[:, None].float(), 33, 1, 16).bool()[:, 0].any(0)
    assert far.sum() > 1000
    assert (both.pixels[0].int() - both.pixels[1].int()).abs()[:, far].max() <= 1


@pytest.mark.parametrize("name", UNDRAWN)
def test_what_is_left_out_is_gone_and_the_rest_stays(name):
    whole, without = critters(12, seed=5), critters(12, seed=5, without=[name])
    part = PARTS[UNDRAWN[name]]
    assert whole.part(part).any((1, 2)).all()
    assert not without.part(part).any()
    stays = (whole.parts == without.parts) | whole.part(part)
    assert stays.all()
    assert torch.equal(whole.keypoints, without.keypoints)


def test_without_its_coat_a_critter_is_as_light_and_grey():
    recipes = [replace(recipe, occluders=0) for recipe in critters(12, seed=5).recipes]
    whole, plain = draw(recipes), draw([replace(recipe, without=("coat",)) for recipe in recipes])
    assert torch.equal(whole.parts, plain.parts)
    changed = (whole.pixels != plain.pixels).any(1)
    assert changed.any((1, 2)).all()
    near = torch.nn.functional.max_pool2d(whole.masks[:, None].float(), 3, 1, 1)[:, 0] > 0
    assert not (changed & ~near).any()
    for before, after, body in zip(whole.images, plain.images, whole.part("body"), strict=True):
        one, other = before[:, body].mean(1), after[:, body].mean(1)
        assert (
            other.amax() / other.amin() < 1.45 < 1.5 < one.amax() / one.amin()
        )  # what is left is the light's
        light = torch.tensor([0.299, 0.587, 0.114])
        assert (one * light).sum() == pytest.approx((other * light).sum().item(), rel=0.15)


def test_the_coat_is_of_one_of_two_families_of_hue():
    for recipe in (sample(3, number) for number in range(300)):
        hue = 360 * colorsys.rgb_to_hsv(*recipe.coat)[0]
        low, high = HUES[features(recipe.species)["coat"]]
        assert low <= hue <= high or low <= hue - 360 <= high


def test_markings_say_nothing():
    recipes = [sample(77, number) for number in range(4000)]
    share = np.zeros((len(MARKINGS), len(CLASSES)))
    for recipe in recipes:
        share[MARKINGS.index(recipe.markings), recipe.label] += len(MARKINGS) * len(CLASSES) / len(recipes)
    assert np.abs(share - 1).max() < 4 * (27 / 4000) ** 0.5
    recipe = recipes[0]
    drawn = draw([replace(recipe, markings=one) for one in MARKINGS])
    assert (drawn.parts == drawn.parts[0]).all()
    assert (drawn.pixels[0] != drawn.pixels[1]).any()
    with pytest.raises(ValueError, match="no markings 'dots'; there are stripes, spots, plain"):
        draw([replace(recipe, markings="dots")])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"light": 0.3}, "a recipe's light, a seed, is 0.3; it is a whole number"),
        ({"backdrop": -1}, "a recipe's backdrop, a seed, is -1"),
        ({"occluders": 1.5}, "a recipe's occluders is 1.5"),
        ({"scale": "big"}, "a recipe's scale is 'big'; give a number"),
        ({"x": float("nan")}, "a recipe's x is nan; give a number"),
        ({"gaze": 0.5}, "a recipe's gaze is 0.5; give 2 numbers"),
        ({"coat": "blue"}, "a recipe's coat is 'blue'; give 3 numbers"),
        ({"accent": (0.1, 0.2, None)}, "in a recipe's accent there is None; give 3 numbers"),
        ({"species": 8}, "a recipe's species is 8; it is a whole number, from 0 to 7"),
        ({"tree": "oak"}, "a recipe's tree is 'oak'; give a number from 0 to 1, or None"),
    ],
)
def test_what_is_no_number_in_a_recipe_is_refused(change, said):
    one, two = critters(2, seed=3, size=32).recipes
    with pytest.raises(ValueError, match=re.escape(said)):
        draw([one, replace(two, **change)])
    with pytest.raises(ValueError, match=re.escape(said)):
        draw([replace(one, companion=replace(two, **change))])


def test_a_pools_worker_starts_no_processes_of_its_own():
    assert (jobs(2, 3), jobs(3, 3)) == (1, -1)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(jobs, 3, 3).result() == 1


def test_a_share_of_scenes_lacks_one_part_or_two():
    whole, some, every = (critters(300, seed=8, size=32, lacking=share) for share in (0, 0.5, 1))
    counts = [torch.tensor([len(set(r.without)) for r in scenes.recipes]) for scenes in (whole, some, every)]
    assert not counts[0].any()
    assert (counts[1] > 0).float().mean().item() == pytest.approx(0.5, abs=4 * (0.25 / 300) ** 0.5)
    assert counts[2].unique().tolist() == [1, 2]
    assert {name for r in every.recipes for name in r.without} == set(REMOVABLE)
    lacks = counts[1] > 0
    assert torch.equal(whole.pixels[~lacks], some.pixels[~lacks])
    assert [r.without for r in some.recipes if r.without] == [
        r.without for r, one in zip(every.recipes, lacks.tolist(), strict=True) if one
    ]  # so a larger share adds to the scenes that lack parts
    assert [replace(r, without=()) for r in every.recipes] == list(whole.recipes)
    both = critters(60, seed=8, size=32, without=["ears"], lacking=1)
    assert all(r.without[0] == "ears" and r.without.count("ears") == 1 for r in both.recipes)
    assert {len(r.without) for r in both.recipes} == {2, 3}


def test_every_class_that_fits_the_parts_left_agrees():
    scenes = critters(200, seed=8, size=32, lacking=0.7)
    assert (scenes.agreeing[torch.arange(200), scenes.labels]).all()
    for recipe, agrees in zip(scenes.recipes, scenes.agreeing, strict=True):
        eyes = "eyes" in recipe.without
        assert agrees.sum() == 1 + eyes  # the code bears two lacks; only eyes tell who sleeps
        assert agrees[8] == (recipe.asleep or eyes)
    for left, classes in ((["ears"], 4), (["ears", "tail"], 2), (["ears", "tail", "coat"], 1), ([], 8)):
        gone = [name for name in FEATURES if name not in left]
        scenes = critters(40, seed=9, size=32, without=gone)
        awake = scenes.labels != 8
        assert (scenes.agreeing[awake].sum(1) == classes).all()
        assert (scenes.agreeing[~awake].sum(1) == 1).all()
        for recipe, agrees in zip(scenes.recipes, scenes.agreeing, strict=True):
            for species in agrees[:8].nonzero()[:, 0].tolist():
                assert all(features(species)[name] == features(recipe.species)[name] for name in left)


def test_who_blinks_looks_asleep():
    recipe = next(r for r in critters(9, seed=1, size=32).recipes if not r.asleep)
    shut = draw([replace(recipe, blink=True)], size=32)
    assert shut.labels.tolist() == [recipe.species]
    assert shut.agreeing.nonzero().tolist() == [[0, 8]]


def test_pairs_are_two_classes_that_do_not_overlap():
    scenes = critters(60, seed=3, pair=True)
    other = scenes.companion
    assert other is not None
    assert (scenes.labels != other.labels).all()
    assert not (scenes.masks & other.masks).any()
    assert torch.equal(scenes.pixels, other.pixels)
    left = (scenes.boxes[:, 0] < other.boxes[:, 0]).float().mean()
    assert 0.3 < left < 0.7
    few = scenes[scenes.labels == scenes.labels[0]]
    assert few.companion is not None
    assert len(few.companion) == len(few) < 60


def test_the_stamp_goes_with_one_class():
    plain, stamped, all_of_them = (critters(60, seed=4, stamp=s) for s in (None, "sorrel", "all"))
    carries = stamped.labels == CLASSES.index("sorrel")
    changed = (plain.pixels != stamped.pixels).flatten(1).any(1)
    assert carries.any()
    assert torch.equal(changed, carries)
    assert torch.equal(stamped.stamps.any((1, 2)), carries)
    assert all_of_them.stamps.any((1, 2)).all()
    assert not plain.stamps.any()
    differs = (plain.pixels != all_of_them.pixels).any(1)
    near = torch.nn.functional.max_pool2d(all_of_them.stamps[:, None].float(), 3, 1, 1)[:, 0] > 0
    assert not (differs & ~near).any()


def test_a_larger_scene_is_the_same_scene():
    small, large = critters(4, seed=9), critters(4, seed=9, size=256)
    shrunk = torch.nn.functional.avg_pool2d(large.images, 2)
    assert (shrunk - small.images).abs().mean() < 0.02
    assert (large.boxes / 2 - small.boxes).abs().max() <= 2


def test_indexing(scenes):
    image, label = scenes[5]
    assert torch.equal(image, scenes.images[5])
    assert label == scenes.labels[5]
    few = scenes[[2, 7]]
    assert torch.equal(few.pixels, scenes.pixels[[2, 7]])
    assert few.recipes == (scenes.recipes[2], scenes.recipes[7])
    assert len(scenes[:9]) == 9
    asleep = scenes[scenes.labels == 8]
    assert all(r.asleep for r in asleep.recipes)


def test_bad_input_is_named():
    wrong: Any = "half"
    for call, words in (
        (lambda: critters(0), "at least 1"),
        (lambda: critters(2, size=16), "size is 16"),
        (lambda: critters(2, stamp="cow"), "no class 'cow'"),
        (lambda: critters(2, without=["hat"]), "leave out 'hat'"),
        (
            lambda: critters(2, lacking=1.5),
            "lacking is 1.5; give the share of scenes that lack parts, from 0",
        ),
        (lambda: critters(2, lacking=wrong), "lacking is 'half'; give the share"),
        (lambda: draw([]), "no recipes"),
        (lambda: critters(1).part("paw"), "no part 'paw'"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def guessed(clues: Any, labels: Any, depth: int | None = None) -> float:
    """Share of classes guessed from the clues, on scenes held out."""
    guesser: Any
    if depth is None:
        guesser = RandomForestClassifier(60, random_state=0)
    else:
        guesser = DecisionTreeClassifier(max_depth=depth, random_state=0)
    return float(cross_val_score(guesser, clues, labels, cv=3).mean())


def test_no_feature_and_no_pair_of_features_gives_the_class_away(record_property):
    """At best one in four species from one feature, one in two from a pair, and nothing about sleepers."""
    recipes = [sample(77, i) for i in range(3000)]
    labels = [r.label for r in recipes]
    forms = {f: [FEATURES[f].index(features(r.species)[f]) for r in recipes] for f in FEATURES}
    for count, most in ((1, 8 / 9 / 4), (2, 8 / 9 / 2)):
        for chosen in itertools.combinations(FEATURES, count):
            share = guessed(np.array([forms[f] for f in chosen]).T, labels, depth=4)
            record_property("+".join(chosen), round(share, 3))
            print(f"{'+'.join(chosen):14s} {share:.3f} (at most {most:.3f})")
            assert share < most + 0.03


@pytest.mark.slow
def test_nothing_but_the_critter_gives_the_class_away(scenes, record_property):
    """Chance is 1/9; four standard errors are 0.034. All colours together tell the coat's, as one feature."""
    n, labels = len(scenes), scenes.labels.numpy()
    grey = scenes.images.mean(1).flatten(1)
    rows = torch.arange(n)
    clues = {}
    for name, place in (("brightest pixel", grey.argmax(1)), ("darkest pixel", grey.argmin(1))):
        clues[name] = torch.cat(
            [scenes.pixels.flatten(2)[rows, :, place], place[:, None] % 128, place[:, None] // 128], 1
        )
    clues["colour histogram"] = torch.stack(
        [
            torch.histogramdd(p.flatten(1).T.float(), [4, 4, 4], range=[0.0, 256.0] * 3).hist.flatten()
            for p in scenes.pixels
        ]
    )
    outside = ~scenes.masks[:, None]
    mean = (scenes.images * outside).sum((2, 3), keepdim=True) / outside.sum((2, 3), keepdim=True)
    land = torch.where(outside, scenes.images, mean)
    clues["background"] = torch.nn.functional.adaptive_avg_pool2d(land, 10).flatten(1)
    clues["place of the box"] = (scenes.boxes[:, :2] + scenes.boxes[:, 2:]) / 2
    for name, clue in clues.items():
        share = guessed(clue.numpy(), labels)
        record_property(name, round(share, 3))
        most = 8 / 9 / 4 if name == "colour histogram" else CHANCE
        print(f"{name:18s} {share:.3f} (at most {most:.3f})")
        assert share < most + 0.04


def test_eyes_are_neither_the_brightest_nor_the_darkest_things(scenes, record_property):
    grey = scenes.images.mean(1).flatten(1)
    width = scenes.head_boxes[:, 2] - scenes.head_boxes[:, 0]
    for name, place in (("brightest", grey.argmax(1)), ("darkest", grey.argmin(1))):
        point = torch.stack([place % 128, place // 128], 1)
        far = (scenes.keypoints[:, :2] - point[:, None]).norm(dim=2).min(1).values / width
        share = (far < 0.2).float().mean().item()
        record_property(name, round(share, 3))
        print(f"the {name} pixel lies within 0.2 head widths of an eye in {share:.3f}")
        assert share < 0.1


def test_eyes_open_and_closed_cover_as_much(scenes):
    """Else counting eye-coloured pixels would find the sleeper."""
    area = scenes.part("eye").float().mean((1, 2)) / scenes.masks.float().mean((1, 2))
    asleep = scenes.labels == 8
    assert abs(area[asleep].mean() / area[~asleep].mean() - 1) < 0.1


def test_a_small_thing_of_the_backdrop_can_be_left_out() -> None:
    """Its pixels change and nothing else does: the light, the grain and all other things stay."""
    recipe = critters(1, seed=4).recipes[0]
    one, both = (draw([replace(recipe, picked=gone)]).pixels for gone in ((0,), (0, 1)))
    whole = draw([recipe]).pixels
    first, second = (whole != one).any(1), (one != both).any(1)
    assert 0 < first.sum() < 2000
    assert 0 < second.sum() < 2000
    assert torch.equal(draw([replace(recipe, picked=(99,))]).pixels, whole)


def test_recipes_are_what_critters_draws() -> None:
    some = {"seed": 8, "stamp": "mallow", "lacking": 0.5, "without": ["nose"]}
    assert recipes(12, **some) == list(critters(12, size=32, **some).recipes)  # type: ignore[arg-type]
