"""The walk: one critter, one land, no leap, and the truth of every frame."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import max_pool2d

from camlib.scenes.clip import walk
from camlib.scenes.scenes import KEYPOINTS, SPECIES, Scenes, draw

TAIL = KEYPOINTS.index("tail")


@pytest.fixture(scope="module", params=(0, 4))
def clip(request: pytest.FixtureRequest) -> Scenes:
    return walk(seed=request.param)


@pytest.fixture(scope="module")
def open_land(clip: Scenes) -> Scenes:
    """The same walk without the tree."""
    return draw([replace(r, tree=None) for r in clip.recipes])


def near(masks: torch.Tensor, reach: int) -> torch.Tensor:
    return max_pool2d(masks[:, None].float(), 2 * reach + 1, 1, reach)[:, 0] > 0


def test_it_is_the_same_each_time(clip: Scenes) -> None:
    assert clip.pixels.shape == (72, 3, 128, 128)
    again, other = walk(frames=24, seed=3, size=64), walk(frames=24, seed=5, size=64)
    assert torch.equal(again.pixels, walk(frames=24, seed=3, size=64).pixels)
    assert not torch.equal(again.pixels, other.pixels)


def test_the_label_is_the_species_also_in_a_blink(clip: Scenes) -> None:
    blinks = torch.tensor([r.blink for r in clip.recipes])
    assert blinks.sum() == 10
    assert (blinks.int().diff() == 1).sum() == 3
    assert clip.labels.unique().tolist() == [clip.recipes[0].species]
    assert clip.labels[0] < len(SPECIES)


def test_a_blink_changes_the_eyes_only(clip: Scenes) -> None:
    number = [r.blink for r in clip.recipes].index(True)
    both = draw([clip.recipes[number], replace(clip.recipes[number], blink=False)])
    changed = (both.pixels[0] != both.pixels[1]).any(0)
    assert changed.sum() > 20
    assert not (changed & ~near(both.part("eye").any(0)[None], 2)[0]).any()
    asleep = draw([replace(clip.recipes[number], blink=False, asleep=True)])
    assert torch.equal(asleep.pixels[0], both.pixels[0])


def test_nothing_flickers_away_from_the_critter(clip: Scenes, open_land: Scenes) -> None:
    steady = (clip.pixels == clip.pixels[:1]).all(1)
    moves = near(open_land.masks, 16) | near(open_land.masks[:1], 16)  # with its shadow
    assert (~moves).float().mean() > 0.5
    assert (steady | moves).all()


def test_the_tree_covers_and_the_truth_says_so(clip: Scenes, open_land: Scenes) -> None:
    """What the tree hides is not critter, and shows the same pixels in all frames: the tree's."""
    hidden = clip.parts != open_land.parts
    assert not clip.parts[hidden].any()
    tree = hidden.any(0)
    assert not (clip.masks & tree).any()
    inner = ~near(~tree[None], 2)[0]
    assert inner.sum() > 500
    assert (clip.pixels == clip.pixels[:1]).all(1)[:, inner].all()
    assert torch.equal(clip.keypoints, open_land.keypoints)
    x, y = clip.keypoints.round().long().unbind(-1)
    covered = tree[y, x]
    assert torch.equal(clip.visible, open_land.visible & ~covered)
    gone = ~clip.visible[:, :2].any(1)
    assert gone.sum() >= 6
    assert (gone.int().diff() == 1).sum() == 2  # both eyes, on the way there and on the way back
    one = clip.visible[:, :2].sum(1) == 1
    assert one.sum() >= 4


def test_it_moves_without_leaps_and_keeps_its_size(clip: Scenes) -> None:
    head = clip.keypoints[:, :3]  # both eyes and the nose
    assert (head[1:] - head[:-1]).norm(dim=-1).max() < 0.06 * 128
    apart = (head[:, 1] - head[:, 0]).norm(dim=-1)
    assert (apart - apart[0]).abs().max() < 1e-3
    assert clip.boxes[:, :2].min() >= 1
    assert clip.boxes[:, 2:].max() <= 127
    middle = (head[:, 0, 0] + head[:, 1, 0]) / 2
    assert middle.argmax() in range(20, 45)
    assert middle.max() - middle[0] > 0.3 * 128
    assert middle.max() - middle[-1] > 0.4 * 128


def test_it_stands_still_to_look_about(clip: Scenes) -> None:
    standing = [i for i, r in enumerate(clip.recipes) if 0.37 < i / 71 < 0.5]
    assert len(standing) == 9
    eyes = clip.keypoints[standing][:, :2]
    assert torch.allclose(eyes, eyes[:1].expand_as(eyes), atol=1e-3)
    assert len({clip.recipes[i].gaze for i in standing}) > 4


def test_it_turns_through_facing_you(clip: Scenes) -> None:
    one = replace(clip.recipes[0], tree=None, angle=0.0)
    facing = replace(one, turned=90.0)
    side, front, mirrored = draw([one, facing, replace(facing, mirrored=True)]).keypoints
    assert (front[2, 0] - front[:2, 0].mean()).abs() < 1e-4  # the nose between the eyes
    assert side[2, 0] > side[:2, 0].mean() + 0.5
    assert (mirrored - front)[:TAIL].abs().max() < 1  # from here it goes on to the other side
    turning = torch.tensor([0 < r.turned <= 90 for r in clip.recipes])
    assert turning.sum() >= 9
    assert not clip.recipes[0].mirrored
    assert clip.recipes[-1].mirrored
    widths = (clip.boxes[:, 2] - clip.boxes[:, 0])[turning]
    assert widths.min() < 0.8 * widths.max()


def test_its_own_body_hides_the_tail(open_land: Scenes) -> None:
    facing = int(torch.tensor([r.turned for r in open_land.recipes]).argmax())
    assert not open_land.visible[facing, TAIL]
    assert open_land.visible[facing, :3].all()
    seen = near(open_land.part("tail"), 2)[range(72), *open_land.keypoints[:, TAIL].round().long().T.flip(0)]
    turning = torch.tensor([r.turned > 0 for r in open_land.recipes])
    assert seen[turning & open_land.visible[:, TAIL]].all()


def test_a_smaller_clip_is_the_same_clip() -> None:
    small, large = walk(frames=24, seed=1, size=64), walk(frames=24, seed=1)
    assert (2 * small.keypoints + 0.5 - large.keypoints).abs().max() < 0.1


def test_too_short() -> None:
    with pytest.raises(ValueError, match="10 frames; a walk there and back takes 24 or more"):
        walk(frames=10)
    with pytest.raises(ValueError, match="size is 16"):
        walk(frames=24, size=16)
