"""Boxes, overlap, and scores: against brute force in plain Python, OpenCV, torchvision and scikit-learn."""

import importlib
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.ops import box_iou

from camlib.scores.bootstrap import counts
from camlib.scores.boxes import boxes, iou, localization_error
from camlib.scores.max_box_acc import BoxAccuracy, max_box_acc, max_box_acc_v2, pxap
from camlib.scores.pointing import pointing_game
from camlib.scores.zhou_boxes import zhou_boxes

NAN = [math.nan] * 4
NONE = torch.full((1, 4), math.nan)


def maps(n: int = 4, side: int = 24, seed: int = 0) -> Tensor:
    """Blobs, above and below zero, and one map of noise."""
    generator = torch.Generator().manual_seed(seed)
    smooth = interpolate(torch.randn(n, 1, 6, 6, generator=generator), (side, side + 3), mode="bicubic")[:, 0]
    smooth[0] = torch.randn(side, side + 3, generator=generator)
    return smooth


def true_boxes(n: int, seed: int = 1) -> Tensor:
    """(n, 2, 4): in every second picture there is one only."""
    corners = torch.randint(0, 20, (n, 2, 2), generator=torch.Generator().manual_seed(seed)).float()
    both = torch.cat([corners, corners + 7], 2)
    both[::2, 0] = math.nan
    return both


def parts(mask: list[list[bool]]) -> list[set[tuple[int, int]]]:
    """The connected components of a mask, row by row, by walking from pixel to pixel."""
    left = {(y, x) for y, row in enumerate(mask) for x, one in enumerate(row) if one}
    found = []
    while left:
        part, front = set(), [min(left)]
        while front:
            y, x = front.pop()
            if (y, x) in left:
                left.remove((y, x))
                part.add((y, x))
                front += [(y + j, x + i) for j in (-1, 0, 1) for i in (-1, 0, 1)]
        found.append(part)
    return found


def around(part: set[tuple[int, int]]) -> list[float]:
    ys, xs = [y for y, _ in part], [x for _, x in part]
    return [min(xs), min(ys), max(xs) + 1, max(ys) + 1]


def overlap(a: list[float], b: list[float]) -> float:
    """IoU by counting the pixels of whole-numbered boxes."""
    if math.isnan(sum(a) + sum(b)):
        return 0.0
    inside = [
        {(x, y) for x in range(int(x0), int(x1)) for y in range(int(y0), int(y1))}
        for x0, y0, x1, y1 in (a, b)
    ]
    return len(inside[0] & inside[1]) / len(inside[0] | inside[1])


def largest(mask: list[list[bool]]) -> list[float]:
    found = parts(mask)
    return around(max(found, key=len)) if found else NAN


# Boxes by the paper's rule


def test_the_box_of_a_map_worked_by_hand() -> None:
    heat = torch.tensor(
        [
            [9.0, 2.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 3.0],
            [0.0, 0.0, 0.0, 3.0, 0.0],
            [1.8, 0.0, 3.0, 0.0, -20.0],
        ]
    )
    # Above 1.8: two pixels at the left, three that touch at corners; 1.8 itself is not above.
    assert boxes(heat[None]).tolist() == [[2, 1, 5, 4]]
    assert boxes(heat[None], threshold=0.5).tolist() == [[0, 0, 1, 1]]
    assert boxes(heat[None], threshold=0.19).tolist() == [[2, 1, 5, 4]]
    assert boxes(heat[None], threshold=0).tolist() == [[2, 1, 5, 4]]  # 9 and 2; 1.8 alone; the three


def test_of_equal_components_the_first_counts() -> None:
    heat = torch.zeros(1, 3, 5)
    heat[0, 1, 0] = heat[0, 0, 4] = 1
    assert boxes(heat).tolist() == [[4, 0, 5, 1]]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.7])
def test_boxes_equal_brute_force(threshold: float) -> None:
    heat = maps(6)
    wanted = [largest((one > threshold * one.max()).tolist()) for one in heat.double()]
    assert boxes(heat, threshold=threshold).tolist() == wanted


def test_what_is_no_object_has_no_box() -> None:
    zero, below, alike = torch.zeros(1, 4, 6), torch.full((1, 4, 6), -2.0), torch.full((1, 4, 6), 0.3)
    below[0, 1, 1] = -1
    assert boxes(torch.cat([zero, below])).isnan().all()
    assert boxes(alike).tolist() == [[0, 0, 6, 4]]
    assert boxes(torch.zeros(0, 4, 6)).shape == (0, 4)
    assert zhou_boxes(torch.cat([zero, below]))[1].shape == (0, 4)
    assert iou(boxes(zero), boxes(alike)).tolist() == [0]


def test_bad_maps_are_refused() -> None:
    heat = torch.rand(3, 4, 5)
    heat[2, 0, 0] = math.nan
    for cut in (boxes, zhou_boxes):
        with pytest.raises(ValueError, match="heatmap 2 holds values that are NaN or infinite"):
            cut(heat)
        with pytest.raises(ValueError, match=r"heatmaps are \(4, 5\); give a tensor \(N, H, W\)"):
            cut(heat[0])
        with pytest.raises(ValueError, match=r"heatmaps are \(3, 0, 5\)"):
            cut(heat[:, :0])
    heat[2, 0, 0] = -math.inf
    with pytest.raises(ValueError, match="heatmap 2"):
        max_box_acc(heat, torch.tensor([[0, 0, 2, 2]] * 3))
    with pytest.raises(ValueError, match=r"threshold is 20; it is a share"):
        boxes(heat[:2], threshold=20)
    for wrong in ((), (20, 20), (100, 20), (20, 255), (-1, 20)):
        with pytest.raises(ValueError, match="from 0 to 254"):
            zhou_boxes(heat[:2], thresholds=wrong)


def test_maps_of_any_kind_are_taken() -> None:
    heat = maps(3)
    with torch.inference_mode():
        assert torch.equal(boxes(heat.clone()), boxes(heat))
    rough = heat.bfloat16()
    assert torch.equal(boxes(rough.requires_grad_()), boxes(rough.detach().double()))


# Boxes by the released code's rule


def test_released_boxes_worked_by_hand() -> None:
    heat = torch.zeros(1, 40, 60)
    heat[0, 2:22, 3:33] = 255  # 20 × 30
    heat[0, 30:39, 40:58] = 50  # 9 × 18, above 20 only
    # Nothing is shaved off: one of 10 pixels deep is 26/255. The first is found at all three thresholds; the
    # loop removes the second of them and so overlooks the third.
    first, last = [3, 2, 33, 22], [40, 30, 55, 35]
    assert [found.tolist() for found in zhou_boxes(heat)] == [[first, first, last]]
    deep = torch.ones(1, 70, 90)
    deep[0, 0] = deep[0, -1] = 0
    deep[0, :, 0] = deep[0, :, -1] = 0
    # 34 deep: the outermost pixels have 255/34 = 7.5, rounded up to 8, and go.
    assert zhou_boxes(deep, thresholds=[20])[0].tolist() == [[2, 2, 85, 65]]


def test_a_map_of_one_value_ends_at_the_margin() -> None:
    assert zhou_boxes(torch.ones(1, 20, 30), thresholds=[20, 100])[0].tolist() == [[0, 0, 25, 15]]


def test_released_boxes_equal_opencv() -> None:
    """dt_box.cpp line by line, with OpenCV's thresholds, distances and contours."""
    cv2 = importlib.import_module("cv2")

    def released(one: Tensor) -> list[list[int]]:
        grey = (255 * one / one.max()).clamp_min(0).round().numpy().astype(np.uint8)
        height, width = grey.shape
        rects = []
        for threshold in (20, 100, 110):
            mask = cv2.threshold(grey, threshold, 255, cv2.THRESH_BINARY)[1]
            if (mask == 0).any() and mask.any():
                distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
                mask = (distance * (255 / distance.max()) + 0.5).astype(np.uint8)
            mask = cv2.threshold(mask, 10, 255, cv2.THRESH_BINARY)[1]
            for contour in cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[0]:
                x, y, w, h = cv2.boundingRect(contour)
                w, h = (min(max(a, 0), max(b, 0)) for a, b in ((w, width - x - 5), (h, height - y - 5)))
                rects.append((x, y, w, h))
        rects.sort(key=lambda r: -r[2] * r[3])
        i = 0
        while i < len(rects):
            j = i + 1
            while j < len(rects):
                (ax, ay, aw, ah), (bx, by, bw, bh) = rects[i], rects[j]
                both = max(0, min(ax + aw, bx + bw) - max(ax, bx)) * max(
                    0, min(ay + ah, by + bh) - max(ay, by)
                )
                if both > int(max(aw * ah, bw * bh) * 0.5):
                    rects.pop(j)
                j += 1
            i += 1
        return [[x, y, x + w, y + h] for x, y, w, h in rects]

    heat = maps(8, side=90, seed=5)[1:]
    holes = 0
    for one, found in zip(heat, zhou_boxes(heat), strict=True):
        wanted = released(one)
        assert found[0].tolist() == wanted[0]
        areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in found.tolist()]
        assert areas == sorted(areas, reverse=True)
        if len(set(areas)) == len(areas):  # else the order of equals decides what is merged
            assert found.tolist() == wanted
            holes += len(wanted) > 2
    assert holes >= 3


# Overlap


def test_iou_by_hand() -> None:
    a = torch.tensor([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4], [1, 1, 1, 3], [0, 0, 4, 4]])
    b = torch.tensor([[2, 2, 6, 6], [0, 0, 4, 4], [4, 0, 8, 4], [1, 1, 1, 3], [1, 1, 3, 2]])
    assert iou(a, b).tolist() == pytest.approx([4 / 28, 1, 0, 0, 2 / 16])
    assert iou(a.float(), NONE).tolist() == [0] * 5
    assert iou(a.float(), b.float()).dtype == iou(a, b).dtype == torch.float32
    huge = torch.tensor([[0, 0, 1e30, 1e30]])  # its area is beyond float32
    assert iou(huge, huge).tolist() == [1]
    assert iou(huge, huge / 2).tolist() == pytest.approx([0.25])


def test_iou_equals_torchvision() -> None:
    corners = torch.rand(2, 30, 2, generator=torch.Generator().manual_seed(0)) * 10
    a, b = torch.cat([corners, corners + torch.rand(2, 30, 2) * 6], 2)
    torch.testing.assert_close(iou(a[:, None], b), box_iou(a, b))
    torch.testing.assert_close(iou(a, b), box_iou(a, b).diagonal())


def test_iou_refuses_what_is_no_box() -> None:
    with pytest.raises(ValueError, match=r"the box \(5, 5, 3, 9\) ends before it begins"):
        iou(torch.tensor([[0.0, 0, 1, 1], [5, 5, 3, 9]]), torch.zeros(4))
    with pytest.raises(ValueError, match=r"boxes have shape \(2,\)"):
        iou(torch.zeros(2), torch.zeros(4))


# MaxBoxAcc


def brute_accuracy(heat: Tensor, true: Tensor, steps: int, wanted: float, every: bool) -> list[float]:
    """The share of right boxes at each threshold."""
    curve = []
    for step in range(steps):
        right = 0
        for one, places in zip(heat.double(), true.tolist(), strict=True):
            span = one.max() - one.min()
            unit = (one - one.min()) / span if span > 0 else torch.zeros_like(one)
            mask = (unit >= step / steps).tolist()
            cut = [around(part) for part in parts(mask)] if every else [largest(mask)]
            right += any(overlap(a, b) >= wanted for a in cut for b in places)
        curve.append(right / len(heat))
    return curve


def test_max_box_acc_equals_brute_force() -> None:
    heat, true = maps(6), true_boxes(6)
    heat = torch.cat([heat, torch.ones(1, *heat.shape[1:])])  # one value everywhere
    true = torch.cat([true, true[1:2]])
    found = max_box_acc(heat, true, steps=9, iou_threshold=0.3)
    wanted = brute_accuracy(heat, true, 9, 0.3, every=False)
    assert found.curves[0].tolist() == pytest.approx(wanted)
    assert float(found) == pytest.approx(max(wanted))
    assert 0 < float(found) < 1
    assert found.best.item() == pytest.approx(wanted.index(max(wanted)) / 9)


def test_v2_equals_brute_force() -> None:
    heat, true = maps(6), true_boxes(6)
    found = max_box_acc_v2(heat, true, steps=9)
    each = [brute_accuracy(heat, true, 9, wanted, every=True) for wanted in (0.3, 0.5, 0.7)]
    torch.testing.assert_close(found.curves, torch.tensor(each))
    assert float(found) == pytest.approx(sum(map(max, each)) / 3)
    assert float(found) > float(max_box_acc(heat, true, steps=9, iou_threshold=0.7))


def test_units_do_not_matter_to_max_box_acc() -> None:
    heat, true = maps(5), true_boxes(5)
    scaled = heat * torch.tensor([0.1, 1, 1000, 3, 1]).view(-1, 1, 1) - 7
    assert torch.equal(max_box_acc(heat, true).curves, max_box_acc(scaled, true).curves)


def test_a_map_of_one_value_has_the_whole_picture_at_threshold_0() -> None:
    found = max_box_acc(torch.full((1, 10, 10), 3.0), torch.tensor([[0, 0, 10, 8]]), steps=4)
    assert found.ious.tolist() == [[pytest.approx(0.8), 0, 0, 0]]
    assert found.best.tolist() == [0]


def test_what_cannot_be_scored_is_refused() -> None:
    heat, true = maps(3), true_boxes(3)
    with pytest.raises(ValueError, match="picture 1 has no true box"):
        max_box_acc(heat, true.index_fill(0, torch.tensor([1]), math.nan))
    with pytest.raises(ValueError, match=r"true boxes are \(2, 4\) for 3 pictures"):
        max_box_acc(heat, true[:2, 1])
    with pytest.raises(ValueError, match="no heatmaps to score"):
        max_box_acc(heat[:0], true[:0])
    with pytest.raises(ValueError, match="steps is 0"):
        max_box_acc_v2(heat, true, steps=0)
    with pytest.raises(ValueError, match=r"iou_threshold is 50"):
        max_box_acc(heat, true, iou_threshold=50)


def test_the_bootstrap_draws_pictures_and_keeps_the_threshold() -> None:
    generator = torch.Generator().manual_seed(0)
    overlaps = torch.rand(40, 3, generator=generator)
    found = BoxAccuracy(overlaps, torch.arange(3) / 3, (0.3, 0.7))
    spread = found.resampled(times=200, seed=4)
    drawn = torch.randint(40, (200, 40), generator=torch.Generator().manual_seed(4))
    at = [int((overlaps >= least).sum(0).argmax()) for least in (0.3, 0.7)]
    wanted = [
        sum(
            (overlaps[row, t] >= least).float().mean().item() for t, least in zip(at, (0.3, 0.7), strict=True)
        )
        / 2
        for row in drawn
    ]
    torch.testing.assert_close(spread, torch.tensor(wanted))
    assert torch.equal(found.resampled(seed=1), found.resampled(seed=1))
    sure = BoxAccuracy(torch.ones(40, 3), torch.arange(3) / 3, (0.5,))
    assert sure.resampled(times=50).tolist() == [1] * 50


def test_the_interval_holds_the_score_however_little_thresholds_have_in_common() -> None:
    overlaps = torch.rand(200, 100, generator=torch.Generator().manual_seed(0))
    found = BoxAccuracy(overlaps, torch.arange(100) / 100, (0.5,))
    low, high = found.interval()
    assert low < float(found) < high
    anew = _chosen_anew(found)
    assert anew.quantile(0.025) > float(found)  # as it would be, did each set choose its own


def test_the_interval_holds_the_truth_more_often_than_if_each_set_chose_anew() -> None:
    """Pictures whose box is right at a range of thresholds, of 0.69 at the best one; a fifth is chance."""
    random, held = torch.Generator().manual_seed(0), [0, 0]
    truth = float(_drawn(100_000, random).curves.amax())
    for _ in range(200):
        found = _drawn(100, random)
        low, high = found.interval()
        anew = _chosen_anew(found).quantile(torch.tensor([0.025, 0.975])).tolist()
        held[0] += low <= truth <= high
        held[1] += anew[0] <= truth <= anew[1]
    assert held[0] > 0.8 * 200 > 0.6 * 200 > held[1]


def _drawn(n: int, random: torch.Generator) -> BoxAccuracy:
    middle = 0.35 + 0.15 * torch.randn(n, 1, generator=random)
    wide = (0.18 + 0.1 * torch.randn(n, 1, generator=random)).abs()
    right = (torch.arange(50) / 50 - middle).abs() < wide
    chance = torch.rand(n, 50, generator=random)
    right = torch.where(chance < 0.1, True, torch.where(chance < 0.2, False, right))
    return BoxAccuracy(right.float(), torch.arange(50) / 50, (0.5,))


def _chosen_anew(found: BoxAccuracy) -> torch.Tensor:
    return (counts(len(found)) @ (found.ious >= 0.5).float() / len(found)).amax(1)


# PxAP


def test_pxap_equals_scikit_learn() -> None:
    heat = maps(5)
    masks = torch.rand(heat.shape, generator=torch.Generator().manual_seed(3)) < heat.sigmoid()
    ignore = torch.rand(heat.shape, generator=torch.Generator().manual_seed(4)) < 0.2
    low, high = heat.double().amin((1, 2), keepdim=True), heat.double().amax((1, 2), keepdim=True)
    levels = ((heat - low) / (high - low) * 50).floor().clamp(max=49)
    for left_out in (None, ignore):
        counted = torch.ones_like(masks) if left_out is None else ~left_out
        wanted = average_precision_score(masks[counted].numpy(), levels[counted].numpy())
        assert pxap(heat, masks, ignore=left_out, steps=50) == pytest.approx(wanted)


def test_pxap_of_the_mask_itself_is_1_and_of_nothing_the_masks_share() -> None:
    masks = torch.zeros(2, 4, 5, dtype=torch.bool)
    masks[:, 1:3] = True
    assert pxap(masks.float(), masks) == 1
    assert pxap(torch.zeros(2, 4, 5), masks) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="nothing to find"):
        pxap(masks.float(), torch.zeros_like(masks))
    with pytest.raises(ValueError, match=r"masks: float32 \(2, 4, 5\); give bool \(2, 4, 5\)"):
        pxap(masks.float(), masks.float())


# The pointing game


def torchray(heat: Tensor, mask: Tensor, tolerance: float) -> bool:
    """As TorchRay's PointingGame.evaluate says it."""
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    y = (torch.arange(mask.shape[0]).float() - row) ** 2
    x = (torch.arange(mask.shape[1]).float() - column) ** 2
    return bool((mask & (y[:, None] + x < tolerance**2)).any())


@pytest.mark.parametrize("tolerance", [1, 3, 5, 15])
def test_pointing_equals_torchray(tolerance: float) -> None:
    heat = maps(40)
    true = true_boxes(40)
    grid = torch.arange(24)[:, None], torch.arange(27)
    masks = torch.stack(
        [
            sum(
                ((grid[0] >= y0) & (grid[0] < y1) & (grid[1] >= x0) & (grid[1] < x1))
                for x0, y0, x1, y1 in places.tolist()
            )
            > 0
            for places in true
        ]
    )
    wanted = [torchray(one, mask, tolerance) for one, mask in zip(heat, masks, strict=True)]
    assert pointing_game(heat, masks, tolerance).hits.tolist() == wanted
    assert pointing_game(heat, true, tolerance).hits.tolist() == wanted  # boxes that reach over the edge, too
    assert True in wanted
    assert tolerance > 5 or False in wanted


def test_pointing_by_hand() -> None:
    heat = torch.zeros(4, 9, 9)
    heat[0, 4, 4] = heat[1, 0, 0] = heat[2, 3, 8] = 1  # heat[3] points nowhere
    mask = torch.zeros(9, 9, dtype=torch.bool)
    mask[3:6, 3:6] = True
    truth = mask.expand(4, -1, -1)
    box = torch.tensor([[3.0, 3, 6, 6]]).expand(4, -1)
    for given in (truth, box):
        assert pointing_game(heat, given, 0).hits.tolist() == [True, False, False, False]
        assert pointing_game(heat, given, 3).hits.tolist() == [
            True,
            False,
            False,
            False,
        ]  # 3 is not below 3
        assert pointing_game(heat, given, 3.1).hits.tolist() == [True, False, True, False]
        assert pointing_game(heat, given, 99).hits.tolist() == [True, True, True, False]
    assert float(pointing_game(heat, truth, 0)) == 0.25
    by_class = pointing_game(heat, truth, 0, labels=torch.tensor([5, 2, 2, 2]))
    assert (by_class.share, by_class.by_class, float(by_class)) == (0.25, {2: 0, 5: 1}, 0.5)
    assert pointing_game(heat, torch.zeros_like(truth), 15).hits.tolist() == [False] * 4
    with pytest.raises(ValueError, match="give labels"):
        _ = pointing_game(heat, truth, 15).by_class
    with pytest.raises(ValueError, match=r"masks of shape \(3, 9, 9\) for heatmaps \(4, 9, 9\)"):
        pointing_game(heat, truth[:3], 15)
    with pytest.raises(ValueError, match="tolerance is -1"):
        pointing_game(heat, truth, -1)
    with pytest.raises(ValueError, match=r"labels of shape \(3,\) for 4"):
        pointing_game(heat, truth, 15, labels=torch.zeros(3))
    with pytest.raises(ValueError, match="no heatmaps"):
        pointing_game(heat[:0], truth[:0], 15)


def test_a_box_is_hit_by_the_pixels_that_lie_in_it_whole() -> None:
    heat = torch.zeros(1, 9, 9)
    heat[0, 4, 4] = 1  # from 4 to 5
    nothing, beside = [4.0, 2, 4, 7], [5.0, 2, 5, 7]
    for box in (nothing, beside, [4.0, 4, 4, 4], [4.6, 4, 5, 5], [2.0, 4, 4.9, 5], [4.1, 4, 4.3, 5]):
        assert not pointing_game(heat, torch.tensor([box]), 0).hits.any(), box
    for box in (nothing, beside, [4.1, 4, 4.3, 5]):  # an empty mask is never hit, either
        assert not pointing_game(heat, torch.tensor([box]), 99).hits.any(), box
    for box in ([4.0, 4, 5, 5], [2.5, 4, 5.1, 5], [3.9, 3.2, 9, 9]):
        assert pointing_game(heat, torch.tensor([box]), 0).hits.all(), box
    both = torch.tensor([[nothing, NAN, [6.5, 4, 8, 5]]])
    assert not pointing_game(heat, both, 3).hits.any()
    assert pointing_game(heat, both, 3.1).hits.all()


# The localisation error


def test_localization_error_by_hand() -> None:
    good, poor = [0.0, 0, 10, 10], [0.0, 0, 10, 4]
    cut = torch.tensor([[good, good, poor], [poor, good, NAN], [NAN, poor, good], [good, good, good]])
    classes = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 2, 3]])
    labels = torch.tensor([1, 5, 9, 4])  # right at once; at the second; at the third; never
    true = torch.tensor([[good]] * 4)
    assert localization_error(cut, classes, true, labels).tolist() == [0.75, 0.5, 0.25]
    assert localization_error(cut, classes, true[:, 0], torch.tensor([3, 4, 7, 4])).tolist() == [1, 1, 1]
    assert localization_error(
        cut, classes, true[:, 0], torch.tensor([3, 4, 7, 4]), iou_threshold=0.4
    ).tolist() == [
        0.75,
        0.75,
        0.5,
    ]
    two = torch.tensor([[good, [20.0, 20, 30, 30]]] * 4)
    assert localization_error(cut, classes, two, labels).tolist() == [0.75, 0.5, 0.25]


def test_localization_error_equals_brute_force() -> None:
    generator = torch.Generator().manual_seed(8)
    n, k = 60, 5
    cut = boxes(maps(n * k), threshold=0.3).view(n, k, 4)
    true = true_boxes(n)
    classes = torch.stack([torch.randperm(7, generator=generator)[:k] for _ in range(n)])
    labels = torch.randint(7, (n,), generator=generator)
    wanted = []
    for upto in range(1, k + 1):
        wrong = 0
        for i in range(n):
            wrong += not any(
                classes[i, j] == labels[i]
                and max(overlap(cut[i, j].tolist(), b) for b in true[i].tolist()) >= 0.2
                for j in range(upto)
            )
        wanted.append(wrong / n)
    assert localization_error(cut, classes, true, labels, iou_threshold=0.2).tolist() == pytest.approx(wanted)
    assert wanted[0] > wanted[-1]


def test_without_a_place_it_is_the_classification_error() -> None:
    true = true_boxes(30)
    logits = torch.randn(30, 6, generator=torch.Generator().manual_seed(2))
    labels = torch.randint(6, (30,), generator=torch.Generator().manual_seed(3))
    order = logits.argsort(1, descending=True)[:, :3]
    errors = localization_error(true[:, [1, 1, 1]], order, true, labels)
    assert errors[0].item() == pytest.approx((order[:, 0] != labels).float().mean().item())
    with pytest.raises(ValueError, match=r"shapes \(30, 2, 4\), \(30, 3\), \(30,\)"):
        localization_error(true, order, true, labels)
    with pytest.raises(ValueError, match="no answer to score"):
        localization_error(true[:, :0], order[:, :0], true, labels)
