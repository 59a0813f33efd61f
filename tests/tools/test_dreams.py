"""The grades of dreams: what a unit needs, by hand, and what the observer may name."""

from dataclasses import replace

import pytest
import torch

from camlib import critters, draw, load, record
from camlib.scenes.scenes import PARTS
from tools.dreams import OBSERVER, REMOVABLE, Observer, falls, of_baselines


def test_what_a_unit_needs_by_drawing_each_scene_again() -> None:
    net, scenes = load("critternet_gap"), critters(4, seed=1504)

    def peaks(*without: str) -> torch.Tensor:
        found = []
        for recipe in scenes.recipes:
            one = draw([replace(recipe, asleep=False, occluders=0, without=without)])
            with torch.inference_mode(), record(net, "conv5") as acts:
                net(one.images)
            found.append(acts["conv5"][0].amax((1, 2)))
        return torch.stack(found).mean(0)

    lit = peaks() > 0.1
    for name in ("eyes", "legs"):
        column = [PARTS[part] for part in REMOVABLE].index(name[:-1])
        want = 1 - peaks(name) / peaks()
        torch.testing.assert_close(falls(net, scenes)[lit, column], want[lit], atol=1e-4, rtol=1e-4)


def test_the_observer_names_one_of_the_parts_it_is_given() -> None:
    scenes = critters(30, seed=1500)
    observer, at = Observer(load(OBSERVER), scenes), torch.tensor([[3, 3]])
    said = observer.reads(scenes.images[:1], at)
    every = range(len(PARTS))
    assert said == observer.reads(scenes.images[:1], at, every)
    other = [part for part in every if PARTS[part] != said]
    assert observer.reads(scenes.images[:1], at, other) != said
    assert observer.reads(scenes.images[:1], at, other[:1]) == PARTS[other[0]]


def test_baselines_of_matched_directions() -> None:
    random = torch.Generator().manual_seed(0)
    x = torch.rand(300, 4, generator=random) * torch.tensor([1.0, 2.0, 3.0, 4.0])
    told = {(what, measure): value for what, measure, value in of_baselines((x, x, x), (x[:50], x[:50]), 0)}
    assert {what for what, _ in told} == {"random cells", "rotation", "pca"}
    for measure in ("again", "another network"):  # the same cells: the same components, other axes and cells
        assert told["pca", f"either sign, {measure}"] == pytest.approx(1, abs=1e-5)
        assert 0 < told["rotation", f"either sign, {measure}"] < 0.999
        assert told["random cells", measure] < 0.999
