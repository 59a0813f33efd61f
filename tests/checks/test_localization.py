"""Lesson 08's checks recognise the usual mistakes."""

from typing import Any

import pytest
import torch
from scipy import ndimage

from camlib import boxes, checks
from camlib.checks import best_threshold, box_of_map, box_overlap, top_error


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def meet(a, b, across=0, down=0, plus=0):
    width = min(a[2], b[2]) - max(a[0], b[0]) + plus
    height = min(a[3], b[3]) - max(a[1], b[1]) + plus
    return max(width, across) * max(height, down)


def overlap(a, b, **least):
    both = meet(a, b, **least)
    return both / (area(a) + area(b) - both)


def test_box_overlap_right():
    verdict = box_overlap(overlap)
    assert verdict
    assert "do not meet" in verdict.message
    assert box_overlap(lambda a, b: torch.tensor(overlap(a, b)))


def plus_one(a, b):
    both = meet(a, b, plus=1)
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return both / (sum(areas) - both)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (plus_one, "half open: a side is x1 - x0, without"),
        (lambda a, b: overlap(a, b, across=-99, down=-99), "where the boxes do not meet, a side of the"),
        (
            lambda a, b: overlap(a, b, down=-99),
            "apart in y, the height is negative: take 0, as for the width",
        ),
        (lambda a, b: overlap(a, b, across=-99), "apart in x, the width is negative: take 0, as for the hei"),
        (meet, "the intersection alone"),
        (lambda a, b: meet(a, b) / (area(a) + area(b)), "counts the intersection twice"),
        (lambda a, b: 2 * meet(a, b) / (area(a) + area(b)), "this is Dice"),
        (lambda a, b: meet(a, b) / min(area(a), area(b)), "not by the smaller box"),
        (lambda a, b: meet(a, b) / max(area(a), area(b)), "not by the larger box"),
        (lambda a, b: meet(a, b) / area(a), "not by the first box"),
        (lambda a, b: 0.25, "gave 0.25, and should be 0.3333"),
        (lambda a, b: ..., "not done yet"),
        (lambda a, b: [1, 2], "should be one number"),
        (lambda a, b: a[7], "IndexError"),
    ],
)
def test_box_overlap_wrong(wrong, says):
    verdict = box_overlap(wrong)
    assert not verdict
    assert says in verdict.message


def fifth(heat, threshold):
    return threshold * heat.max()


def cut(heat, threshold, structure=None, pick="largest", last=1, order="xyxy", level=fifth):
    structure = torch.ones(3, 3) if structure is None else structure
    labels, count = ndimage.label(heat > level(heat, threshold), structure)
    parts = [torch.from_numpy(labels == 1 + part) for part in range(count)]
    boxes = []
    for part in parts:
        rows, columns = part.nonzero().T
        boxes.append([columns.min(), rows.min(), columns.max() + last, rows.max() + last])
    keys = {
        "largest": lambda i: parts[i].sum(),
        "smallest": lambda i: -parts[i].sum(),
        "peak": lambda i: heat[parts[i]].max(),
        "heat": lambda i: heat[parts[i]].sum(),
        "mean": lambda i: heat[parts[i]].mean(),
        "first": lambda i: -i,
        "wide": lambda i: area(boxes[i]),
    }
    if pick == "all":
        every = torch.tensor(boxes)
        box = [*every[:, :2].amin(0), *every[:, 2:].amax(0)]
    else:
        box = boxes[max(range(count), key=keys[pick])]
    x0, y0, x1, y1 = box
    return {"xyxy": box, "yxyx": [y0, x0, y1, x1], "xywh": [x0, y0, x1 - x0, y1 - y0]}[order]


def test_box_of_map_right():
    verdict = box_of_map(cut)
    assert verdict, verdict
    assert "the paper's rule" in verdict.message
    assert box_of_map(lambda heat, threshold: torch.stack(cut(heat, threshold)))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"last": 0}, "half open: x1 and y1 are one further"),
        ({"order": "yxyx"}, "rows and columns are swapped"),
        ({"order": "xywh"}, "x, y, width and height"),
        ({"pick": "all"}, "the box holds all parts"),
        ({"pick": "peak"}, "the part with the highest pixel"),
        ({"pick": "first"}, "this is the first part"),
        ({"pick": "wide"}, "the part with the largest box"),
        ({"pick": "smallest"}, "this is the smallest part; the largest counts"),
        ({"pick": "heat"}, "this is the part with the most heat; the largest counts, by its pixels"),
        ({"pick": "mean"}, "this is the part with the highest mean; the largest counts, by its pixels"),
        (
            {"level": lambda heat, t: heat.min() + t * (heat.max() - heat.min())},
            "not of the way from the lowest value",
        ),
        ({"level": lambda heat, t: t}, "a share of the maximum, not a value"),
        ({"level": lambda heat, t: heat.mean()}, "a share of the maximum, not the map's mean"),
        ({"level": lambda heat, t: heat.quantile(1 - t)}, "not of the pixels (a quantile)"),
        ({"level": lambda heat, t: 0.2 * heat.max()}, "not a fifth of it whatever is given"),
        ({"structure": torch.tensor([[0, 1, 0], [1, 1, 1], [0, 1, 0]])}, "pixels that touch at a corner"),
    ],
)
def test_box_of_map_wrong(options, says):
    verdict = box_of_map(lambda heat, threshold: cut(heat, threshold, **options))
    assert not verdict
    assert says in verdict.message


def test_box_of_map_is_no_box():
    for answer in (lambda h, t: [1, 2, 3], lambda h, t: torch.ones(4, 2), lambda h, t: "1234x"):
        assert "four numbers" in box_of_map(answer).message
    assert "not done yet" in box_of_map(lambda h, t: None).message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda ious: (ious >= 0.5).float().mean(0).max(), "✓ right: one threshold"),
        (lambda ious: (ious >= 0.5).float().amax(1).mean(), "each picture has its own best threshold"),
        (lambda ious: (ious >= 0.5).any(1).float().mean(), "each picture has its own best threshold"),
        (lambda ious: (ious > 0.5).float().mean(0).max(), "exactly one half is right"),
        (lambda ious: ious.mean(0).max(), "the highest mean IoU"),
        (
            lambda ious: (ious.mean(0) >= 0.5).float().max(),
            "the mean IoU is compared with one half; ask each",
        ),
        (lambda ious: (ious >= 0.5).float().mean(), "the mean over the thresholds"),
        (lambda ious: (ious >= 0.5).float().mean(0).argmax(), "the number of the threshold"),
        (lambda ious: (ious >= 0.5).sum(0).max(), "it counts pictures"),
        (lambda ious: (ious >= 0.5).float().mean(0), "take the best"),
        (lambda ious: 0.123, "MaxBoxAcc is 0.123"),
        (lambda ious: ..., "not done yet"),
    ],
)
def test_best_threshold(answer, says):
    verdict = best_threshold(answer)
    assert says in repr(verdict)
    assert verdict.passed == says.startswith("✓")


def best(named, ious):
    rows, columns = torch.arange(len(ious)), ious.argmax(1)
    return named[rows, columns] & (ious[rows, columns] >= 0.5)


def any_of(right):
    return right.any(1).float().mean()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda named, ious: 1 - any_of(named & (ious >= 0.5)), "✓ right: the same answer"),
        (lambda named, ious: 1 - (named.any(1) & (ious >= 0.5).any(1)).float().mean(), "in the same answer"),
        (lambda named, ious: any_of(named & (ious >= 0.5)), "the error is the rest"),
        (lambda named, ious: 1 - any_of(named & (ious > 0.5)), "exactly one half"),
        (lambda named, ious: 1 - any_of(ious >= 0.5), "the place alone"),
        (lambda named, ious: 1 - any_of(named), "the classification error"),
        (lambda named, ious: 1 - (named & (ious >= 0.5))[:, 0].float().mean(), "the top-1 error"),
        (lambda named, ious: 1 - (named & (ious >= 0.5)).float().mean(), "every answer is counted"),
        (lambda named, ious: 1 - best(named, ious).float().mean(), "it takes the answer with the best box"),
        (
            lambda named, ious: 1 - (named & (ious >= 0.5)).all(1).float().mean(),
            "all K answers must be right",
        ),
        (lambda named, ious: 1 - any_of(named | (ious >= 0.5)), "a right name or a right place is enough"),
        (lambda named, ious: 1 - any_of((named & (ious >= 0.5)).T), "it goes over the pictures, axis 0"),
        (lambda named, ious: (~(named & (ious >= 0.5)).any(1)).sum(), "it counts pictures"),
        (lambda named, ious: (~(named & (ious >= 0.5)).any(1)).float(), "take the mean"),
        (lambda named, ious: 0.5, "the error is 0.5"),
        (lambda named, ious: None, "not done yet"),
    ],
)
def test_top_error(answer, says):
    verdict = top_error(answer)
    assert says in repr(verdict)
    assert verdict.passed == says.startswith("✓")


def edges(heatmap: torch.Tensor, threshold: float = 0.2) -> list[float]:
    return boxes(heatmap[None], threshold=threshold)[0].tolist()


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (edges, "No gain is shown"),
        (lambda heatmap: [28, 28, 100, 100], "No gain is shown"),
        (lambda heatmap: [1, 2, 3], "four finite numbers"),
        (lambda heatmap: [float("nan")] * 4, "four finite numbers"),
        (lambda heatmap: [90, 10, 20, 40], "has no area"),
        (lambda heatmap: 7, "should be four numbers"),
        (lambda heatmap: boxes(heatmap[None]), "is a tensor of shape (1, 4): take its first row"),
        (lambda heatmap: boxes(heatmap.expand(2, -1, -1)), "is a tensor of shape (2, 4)"),
        (lambda heatmap: ..., "not done yet"),
    ],
)
def test_boxes_that_do_not_beat_the_fifth(rule: Any, sentence: str) -> None:
    verdict = checks.better_box(0.8, rule)
    assert not verdict
    assert sentence in verdict.message
