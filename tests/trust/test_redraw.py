"""Parts and things really go, and nothing else does; Shapley's values by hand."""

from dataclasses import replace

import pytest
import torch

from camlib.networks.zoo import load
from camlib.scenes.drawing.backdrop import small_things
from camlib.scenes.drawing.critter import UNDRAWN
from camlib.scenes.scenes import critters, draw
from camlib.trust.parts import dilated, part_masks
from camlib.trust.redraw import PLACES, answers, redraw, without_things
from camlib.trust.shapley import interactions, shapley

SCENES = draw([replace(r, occluders=0) for r in critters(3, seed=3, size=64).recipes], size=64)


def test_a_part_that_is_left_out_is_gone() -> None:
    found = redraw(SCENES, [("nose",), ("eyes", "tail"), ()])
    assert found.pixels.shape == (3, 3, 3, 64, 64)
    assert torch.equal(found.pixels[:, 2], SCENES.pixels)
    assert found.there.tolist() == [[True, True, False]] * 3
    again = draw([replace(r, without=("nose",)) for r in SCENES.recipes], size=64)
    assert torch.equal(found.pixels[:, 0], again.pixels)
    nose = dilated(SCENES.parts[:, None] == UNDRAWN["nose"])[:, 0]
    assert not (found.changed[:, 0] & ~nose).any()  # nothing else changes
    assert (found.changed[:, 0] & nose).any((1, 2)).all()


@pytest.mark.parametrize(
    ("part", "pixels"),
    [("eyes", 0), ("ears", 60), ("nose", 0), ("tail", 8), ("horns", 8), ("back", 150), ("legs", 310)],
)
def test_besides_the_part_only_the_shading_changes(part: str, pixels: int) -> None:
    """Head and body are shaded along the outline that is left: what the docstring tells of it."""
    whole, less = critters(40, seed=3), critters(40, seed=3, without=[part])
    away = ~part_masks(whole)[:, PLACES.index(part)]
    changed = (whole.images - less.images).abs().amax(1) >= 8 / 255
    assert (changed & away).flatten(1).sum(1).float().mean() == pytest.approx(pixels, rel=0.1, abs=2)


def test_all_sets_are_numbered_by_their_bits() -> None:
    found = redraw(SCENES[:1])
    both = redraw(SCENES[:1], [("eyes", "nose")])
    number = (1 << PLACES.index("eyes")) | (1 << PLACES.index("nose"))
    assert torch.equal(found.pixels[:, number], both.pixels[:, 0])
    net = load("critternet_gap", weights="random")
    logits = answers(net, found)
    assert logits.shape == (1, 128, 9)
    with torch.inference_mode():
        assert torch.allclose(logits[:, number], net(both.pixels[:, 0].float() / 255), atol=1e-5)


def test_things_of_the_background_go_one_by_one() -> None:
    found = without_things(SCENES)
    counts = [small_things(r.backdrop) for r in SCENES.recipes]
    assert found.there.sum(1).tolist() == counts
    assert not found.changed[~found.there].any()
    assert found.changed[found.there].any((1, 2)).float().mean() > 0.5  # some are hidden behind the critter


def test_masks_are_the_parts_and_two_pixels_around() -> None:
    masks = part_masks(SCENES)
    k = PLACES.index("tail")
    tail = SCENES.part("tail")
    assert (masks[:, k] & tail).sum() == tail.sum()
    y, x = tail[0].nonzero()[0].tolist()
    assert masks[0, k, max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].all()


def test_unknown_part() -> None:
    with pytest.raises(ValueError, match="no part 'fin' to leave out; there are eyes"):
        redraw(SCENES, [("fin",)])


def test_shapley_by_hand() -> None:
    """Worth 5 and 2, and a third part that is worth 1 only beside the first."""
    values = torch.zeros(1, 8)
    for gone in range(8):
        a, b, c = (not gone >> p & 1 for p in range(3))
        values[0, gone] = 5 * a + 2 * b + (a and c)
    assert shapley(values).tolist() == [[5.5, 2, 0.5]]
    assert interactions(values)[0, 0].tolist() == [0, 0, -1]  # each takes the same 1 along; lost once


def test_two_that_stand_in_for_each_other() -> None:
    """Either of two is enough: neither is missed alone, both together are; each is worth half."""
    values = torch.tensor([[1.0, 1, 1, 0]])
    assert shapley(values).tolist() == [[0.5, 0.5]]
    assert interactions(values)[0].tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match=r"give \(N, 2\^P\)"):
        shapley(torch.zeros(1, 3))
