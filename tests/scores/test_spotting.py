"""Spotting: scores by hand, against brute force, and for maps that know everything or nothing."""

import itertools

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from camlib.scores.bootstrap import interval
from camlib.scores.spotting import Spotted, box_scores, character_recall, lit_at_area, pixel_scores

MAP = torch.tensor([[[9.0, 8, 0, 0], [0, 7, 0, 6]]])
MASK = torch.tensor([[[1, 0, 0, 0], [0, 1, 0, 1]]]).bool()


def random_case(seed: int, n: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Maps, ids of characters that are rectangles, and their boxes."""
    rng = np.random.default_rng(seed)
    ids, boxes = np.zeros((n, 24, 30), np.int16), np.full((n, 6, 4), np.nan, np.float32)
    for k, (row, column) in itertools.product(range(n), itertools.product(range(2), range(3))):
        if row + column + k < 4:  # fewer in later pictures
            number = int(np.isfinite(boxes[k, :, 0]).sum())
            y, x = row * 12 + rng.integers(1, 4), column * 10 + rng.integers(1, 3)
            high, wide = rng.integers(4, 8), rng.integers(3, 7)
            ids[k, y : y + high, x : x + wide] = number + 1
            boxes[k, number] = x, y, x + wide, y + high
    maps = ndimage.gaussian_filter(rng.normal(size=ids.shape), (0, 1, 1)) + 0.4 * (ids > 0)
    return torch.from_numpy(maps), torch.from_numpy(ids), torch.from_numpy(boxes)


def test_by_hand() -> None:
    """Three pixels of text, so the three highest light: 9, 8 and 7; 9 and 7 are text."""
    assert lit_at_area(MAP, MASK).int().tolist() == [[[1, 1, 0, 0], [0, 1, 0, 0]]]
    scores = pixel_scores(MAP, MASK)
    assert [one.tolist() for one in (scores.right, scores.given, scores.true)] == [[2], [3], [3]]
    assert scores.precision == scores.recall == pytest.approx(2 / 3)
    wider = pixel_scores(MAP, MASK, area=4 / 3)
    assert (wider.precision, wider.recall) == pytest.approx((3 / 4, 1))
    assert character_recall(MAP, torch.tensor([[[1, 0, 0, 0], [0, 1, 0, 2]]])).tolist() == [[1, 0]]


def test_pooled_is_not_the_mean() -> None:
    scores = Spotted(torch.tensor([1, 0]), torch.tensor([1, 3]), torch.tensor([2, 2]))
    assert scores.precisions.tolist() == [1, 0]
    assert scores.recalls.tolist() == [0.5, 0]
    assert (scores.precision, scores.recall) == (0.25, 0.25)


def test_at_area_1_precision_is_recall_and_units_do_not_matter() -> None:
    maps, ids, _ = random_case(1)
    scores = pixel_scores(maps, ids > 0)
    assert torch.equal(scores.precisions, scores.recalls)
    assert torch.equal(lit_at_area(maps, ids > 0), lit_at_area(7 * maps.exp() - 3, ids > 0))


@pytest.mark.parametrize("area", [0.3, 1, 2.5, 1000])
def test_the_number_of_lit_pixels(area: float) -> None:
    maps, ids, _ = random_case(2)
    lit = lit_at_area(maps, ids > 0, area=area)
    for one, of, text in zip(maps, lit, (ids > 0).sum((1, 2)).tolist(), strict=True):
        assert of.sum() == min(round(area * text), 720)
        assert of.all() or one[of].min() > one[~of].max()


@pytest.mark.parametrize("area", [0.001, 0.4, 1.0, 3.0, 99.0])
def test_the_lit_pixels_are_those_of_a_full_sort_with_lots_for_ties(area: float) -> None:
    random = torch.Generator().manual_seed(5)
    masks = torch.rand(4, 9, 13, generator=random) < 0.2
    masks[:, 0, 0] = True
    lots = np.random.default_rng(0).permutation(9 * 13)
    for levels in (1, 2, 5, 1000):
        heats = torch.randint(0, levels, (4, 9, 13), generator=random).float() - levels / 2
        for heat, mask, lit in zip(heats, masks, lit_at_area(heats, masks, area=area), strict=True):
            order = np.lexsort((lots, -heat.numpy().ravel()))[: min(round(area * int(mask.sum())), 9 * 13)]
            assert lit.flatten().nonzero().flatten().tolist() == sorted(order.tolist())


def test_a_map_that_knows_everything() -> None:
    _, ids, boxes = random_case(3)
    perfect = (ids > 0).float()
    assert pixel_scores(perfect, ids > 0).recall == 1
    found = box_scores(perfect, ids > 0, boxes)
    assert torch.equal(found.right, found.true)
    assert torch.equal(found.right, found.given)
    assert found.true.tolist() == boxes[..., 0].isfinite().sum(1).tolist()
    assert character_recall(perfect, ids).nan_to_num(1).eq(1).all()


def test_a_constant_map_knows_nothing() -> None:
    """Ties are broken by lot: its precision is the share of text, wherever the text is."""
    for text in (slice(0, 60), slice(140, 200)):
        mask = torch.zeros(1, 200, 200, dtype=torch.bool)
        mask[0, text] = True
        assert pixel_scores(torch.zeros(1, 200, 200), mask).precision == pytest.approx(0.3, abs=0.02)
    both = [lit_at_area(torch.zeros(1, 200, 200), mask) for _ in range(2)]
    assert torch.equal(*both)


@pytest.mark.parametrize("area", [0.7, 1.3])
@pytest.mark.parametrize("least", [0.2, 0.5])
def test_boxes_by_brute_force(area: float, least: float) -> None:
    """The most pairs that any order of the true boxes allows, with boxes from another labelling."""
    maps, ids, boxes = random_case(5)
    scores = box_scores(maps, ids > 0, boxes, area=area, iou_threshold=least)
    lit = lit_at_area(maps, ids > 0, area=area).numpy()
    for k in range(3):
        labels, count = ndimage.label(lit[k], np.ones((3, 3)))
        found = []
        for number in range(1, count + 1):
            y, x = np.nonzero(labels == number)
            found.append((x.min(), y.min(), x.max() + 1, y.max() + 1))
        true = [box for box in boxes[k].tolist() if box[0] == box[0]]
        allowed = [[_overlap(a, b) >= least for b in found] for a in true]
        most = 0
        for order in itertools.permutations(range(len(true))):
            free = set(range(count))
            for i in order:
                free -= set(next(([j] for j in sorted(free) if allowed[i][j]), []))
            most = max(most, count - len(free))
        assert [one[k].item() for one in (scores.right, scores.given, scores.true)] == [
            most,
            count,
            len(true),
        ]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    pixels = [
        {(x, y) for x in range(int(c[0]), int(c[2])) for y in range(int(c[1]), int(c[3]))} for c in (a, b)
    ]
    return len(pixels[0] & pixels[1]) / len(pixels[0] | pixels[1])


def test_a_word_found_as_a_whole_is_no_character() -> None:
    """Two letters and the gap between them lit: one box, no pair; yet all ink is lit."""
    ids = torch.zeros(1, 8, 20, dtype=torch.int16)
    ids[0, 2:6, 2:6], ids[0, 2:6, 8:12] = 1, 2
    boxes = torch.tensor([[[2.0, 2, 6, 6], [8, 2, 12, 6]]])
    merged = torch.zeros(1, 8, 20)
    merged[0, 2:6, 2:12] = 1
    scores = box_scores(merged, ids > 0, boxes, area=40 / 32)
    assert (scores.right.item(), scores.given.item(), scores.true.item()) == (0, 1, 2)
    assert character_recall(merged, ids, area=40 / 32).tolist() == [[1, 1]]


def test_resampling_keeps_the_mean_and_pairs_methods() -> None:
    generator = torch.Generator().manual_seed(0)
    right = torch.randint(0, 20, (60,), generator=generator)
    scores = Spotted(right, torch.full((60,), 20), torch.full((60,), 40))
    sets = scores.resampled(times=4000)
    assert sets.shape == (4000,)
    assert sets.mean().item() == pytest.approx(float(scores), abs=0.003)
    assert scores.resampled(times=4000, of="recall").mean().item() == pytest.approx(scores.recall, abs=0.003)
    expected = (right / 20.0).std(correction=0).item() / 60**0.5
    assert sets.std().item() == pytest.approx(expected, rel=0.05)
    assert scores.interval() == interval(scores.resampled())
    low, high = scores.interval(of="recall")
    assert low < scores.recall < high
    better = Spotted(right + 1, scores.given, scores.true)
    assert (better.resampled() - scores.resampled()).tolist() == pytest.approx([0.05] * 1000, abs=1e-6)


def test_a_picture_without_boxes_found() -> None:
    scores = Spotted(torch.tensor([0, 2]), torch.tensor([0, 4]), torch.tensor([3, 5]))
    assert scores.precisions.isnan().tolist() == [True, False]
    assert repr(scores) == "Spotted(0.500 [0.500, 0.500], recall 0.250, 2 pictures)"


def test_wrong_input() -> None:
    boxes = torch.tensor([[0.0, 0, 1, 1]])
    with pytest.raises(ValueError, match="area is 0"):
        lit_at_area(MAP, MASK, area=0)
    with pytest.raises(ValueError, match=r"masks are int64 \(1, 2, 4\); give bool"):
        pixel_scores(MAP, MASK.long())
    with pytest.raises(ValueError, match=r"give bool \(1, 2, 4\)"):
        pixel_scores(MAP, MASK[:, :1])
    with pytest.raises(ValueError, match="picture 0 has no text"):
        pixel_scores(MAP, MASK & False)
    with pytest.raises(ValueError, match="NaN or infinite"):
        pixel_scores(MAP / 0, MASK)
    with pytest.raises(ValueError, match="iou_threshold is 0"):
        box_scores(MAP, MASK, boxes, iou_threshold=0)
    with pytest.raises(ValueError, match="true boxes are"):
        box_scores(MAP, MASK, boxes[:, :3])
