"""What is true of the photographs: the file, how it is laid on a square, and the scores that read it."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from camlib import find_units, load, max_box_acc, photos, pointing_game, show, wrap
from camlib.pictures.files import square
from camlib.pictures.photo_truth import POINTS, checked, lay, spans, truths
from camlib.pictures.photos import Photos
from camlib.scores import keypoint_errors, part_truth

NAN = math.nan


@pytest.fixture(scope="module")
def some() -> Photos:
    return photos(size=128)


def entry(**more: object) -> dict[str, object]:
    square = [[[10, 10, 30, 10, 30, 20, 10, 20]]]
    return {"size": [40, 30], "shows": "a bar", "accepted": ["tabby"], "outlines": square, **more}


def test_every_photograph_has_its_truth(some: Photos) -> None:
    assert tuple(truths()) == some.names
    assert some.accepted[1] == ("tabby", "tiger cat", "Egyptian cat")
    nameless = [name for name, right in zip(some.names, some.accepted, strict=True) if not right]
    assert nameless == ["astronaut", "flower", "coins", "brick", "grass", "gravel"]
    assert (some.ids.shape, some.ids.dtype) == ((14, 128, 128), torch.int16)
    assert some.masks.flatten(1).any(1).all()
    assert some.masks[-3:].all()  # brick, grass and gravel fill the picture
    heads = [name for name, box in zip(some.names, some.head_boxes, strict=True) if not box.isnan().any()]
    assert heads == ["astronaut", "cat", "hopper", "cameraman"]
    eyes = [POINTS.index("left_eye"), POINTS.index("right_eye")]
    assert some.visible[:, eyes].sum(1).tolist() == [2, 2, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0]


def test_points_lie_on_what_they_name(some: Photos) -> None:
    """Looked at, not only read off: pupils are dark, the cat's nose is red, hubs lie on the motorcycle."""
    big = photos(size=448)

    def at(name: str, point: str) -> Tensor:
        n = big.names.index(name)
        x, y = big.keypoints[n, POINTS.index(point)].round().long().tolist()
        return big.images[n, :, y - 2 : y + 3, x - 2 : x + 3].mean((1, 2))

    for name in ("astronaut", "cat", "hopper"):
        for eye in ("left_eye", "right_eye"):
            assert at(name, eye).mean() < 0.3
    red, green, blue = at("cat", "nose").tolist()
    assert red > 2 * max(green, blue)
    for n, name in enumerate(some.names):
        inside = [some.keypoints[n, k] for k in range(len(POINTS)) if some.visible[n, k]]
        head = some.head_boxes[n]
        for x, y in (point.tolist() for point in inside):
            assert head.isnan().any() or (head[0] - 8 <= x <= head[2] + 8 and head[1] <= y <= head[3]), name


def test_boxes_are_those_of_the_things(some: Photos) -> None:
    coins = some["coins"]
    assert coins.boxes.shape[:2] == (1, 24)
    assert not coins.boxes.isnan().any()
    left = coins.boxes[0, :, 0]
    assert (left == 0).sum() == 4  # the square cuts a column off on the left, on the right, too
    assert (coins.boxes[0, :, 2] == 128).sum() == 4
    assert int((some["flower"].boxes[0, :, 0] >= 0).sum()) == 2
    assert some["cat"].boxes.shape == (1, 1, 4)
    assert some["grass"].boxes.tolist() == [[[0, 0, 128, 128]]]
    assert some[[10, 1]].boxes[1, 1:].isnan().all()
    assert torch.equal(some[[10, 1]].boxes[1, 0], some["cat"].boxes[0, 0])
    assert some[:0].boxes.shape == (0, 0, 4)


@pytest.mark.parametrize(("side", "size"), [(30, 30), (60, 60), (45, 40), (20, 20), (90, 64)])
@pytest.mark.parametrize("size_of", [(40, 30), (30, 40), (30, 30)])
def test_truth_is_laid_as_the_photograph_is(size_of: tuple[int, int], side: int, size: int) -> None:
    width, height = size_of
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[9:21, 6:24] = 255
    true = checked(
        "bar",
        entry(
            size=[width, height],
            outlines=[[[6, 9, 24, 9, 24, 21, 6, 21]]],
            head=[6, 9, 24, 21],
            points={"tip": [15, 15]},
        ),
    )
    laid = lay(true, side, size)
    white = torch.from_numpy(np.array(square(Image.fromarray(pixels), side, size)))[..., 0]
    sure = (white < 60) | (white > 195)
    assert torch.equal(laid.ids[sure] > 0, white[sure] > 127)
    box = spans(laid.ids > 0)
    assert (laid.head - box).abs().max() <= 1
    assert laid.points[:-1].isnan().all()
    middle = (box[:2] + box[2:]) / 2 - 0.5
    if box.min() > 0 and box.max() < size:
        assert (laid.points[-1] - middle).abs().max() <= 1


def test_what_the_square_cuts_off_is_not_there() -> None:
    given = entry(
        size=[90, 30],
        outlines=[[[0, 0, 10, 0, 10, 10]], [[40, 5, 50, 5, 50, 25, 40, 25]]],
        ellipses=[[20, 10, 40, 20]],
        head=[0, 0, 9, 9],
        points={"nose": [5, 5], "mouth": [45, 10]},
    )
    laid = lay(checked("a strip", given), 30, 30)
    assert laid.ids.unique().tolist() == [0, 2, 3]  # of the first thing nothing is left
    assert spans(laid.ids == 2).tolist() == [10, 5, 20, 25]
    assert spans(laid.ids == 3).tolist() == [0, 10, 10, 20]  # half of the ellipse
    assert laid.head.isnan().all()
    assert laid.points[POINTS.index("nose")].isnan().all()
    assert laid.points[POINTS.index("mouth")].tolist() == [14.5, 9.5]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (entry(accepted=["tabbi"]), "a: ImageNet has no class 'tabbi'"),
        (entry(points={"tail": [1, 1]}), "a: no point 'tail'; there are left_eye"),
        (entry(points={"nose": [41, 1]}), r"a: \(41, 1\) lies outside its 40 × 30 pixels"),
        (entry(head=[5, 5, 4, 9]), "a: the head .* ends before it begins"),
        (entry(outlines=[[[1, 1, 2, 2]]]), "fewer than three corners"),
        (entry(outlines=[[[1, 1, 2, 2, 3]]]), "a: a polygon is x, y, .* 5 numbers"),
        (entry(outlines=[]), "nothing is outlined"),
        (entry(ellipses=[[30, 20, 42, 28]]), "lies outside"),
        (entry(boxes=[]), "a: boxes: missing, or no entry"),
        ({"size": [4, 4], "shows": "x"}, "a: accepted: missing"),
    ],
)
def test_a_wrong_entry_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked("a", given)


def test_another_picture_than_was_annotated_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skimage.data.cat", lambda: np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(ValueError, match=r"cat is another photograph than was annotated: \(40, 30\)"):
        photos(size=8)


def test_resize_keeps_less(some: Photos) -> None:
    cut = photos(size=128, resize=146)
    assert cut.pixels.shape == some.pixels.shape
    whole = photos(size=146)["astronaut"]
    assert torch.equal(cut["astronaut"].pixels, whole.pixels[:, :, 9:-9, 9:-9])
    wide = some["temple"].boxes[0, 0]
    near = cut["temple"].boxes[0, 0]
    assert near[3] - near[1] > wide[3] - wide[1]


def test_spans_are_the_first_and_last_pixels() -> None:
    masks = torch.zeros(2, 3, 5, 6, dtype=torch.bool)
    masks[0, 0, 1:4, 2:3] = True
    masks[0, 1, 0, 0] = masks[0, 1, 4, 5] = True
    found = spans(masks)
    assert found.shape == (2, 3, 4)
    assert found[0, :2].tolist() == [[2, 1, 3, 4], [0, 0, 6, 5]]
    assert found[0, 2].isnan().all()
    assert found[1].isnan().all()


def test_right_answers_by_name(some: Photos) -> None:
    right = some[:3].right(["cup", "dog", "tabby", "tiger cat"])
    assert right.tolist() == [[False] * 4, [False, False, True, True], [True, False, False, False]]
    with pytest.raises(ValueError, match="none of the 2 classes is tabby, tiger cat, Egyptian cat"):
        some["cat"].right(["dog", "bird"])
    with pytest.raises(ValueError, match=r"net\.classes"):
        some.right("tabby")


def test_scores_read_photographs_as_they_read_scenes(some: Photos) -> None:
    """A map that is the mask itself is right everywhere."""
    assert pointing_game(some.masks.float()[:-3], some.masks[:-3], 0).share == 1
    maps = torch.stack([(some.ids[n] == 1) * 1.0 + (some.ids[n] > 1) * 0.5 for n in range(len(some))])
    whole = [
        n for n in range(len(some)) if some.names[n] not in ("hopper", "cameraman", "coins", *some.names[-3:])
    ]
    assert float(max_box_acc(maps[whole], some.boxes[whole])) == 1  # the others are in several pieces
    eyes, sizes = part_truth(some, "eye")
    assert eyes.shape == (14, 2, 2)
    assert float(keypoint_errors(eyes, eyes, sizes)) == 1
    assert sizes[0] == (some.head_boxes[0, 2:] - some.head_boxes[0, :2]).max()
    assert sizes[3] == (some.boxes[3, 0, 2:] - some.boxes[3, 0, :2]).max()  # a rocket has no head
    assert part_truth(some, ["nose", "tip"]).points.shape == (14, 2, 2)
    with pytest.raises(ValueError, match=r"no key point 'tail'; a photograph has eye, ear, left_eye"):
        part_truth(some, "tail")


def test_units_that_find_eyes_on_photographs(some: Photos) -> None:
    net = load("critternet", weights="random")
    found = find_units(net, some, "eye", layers=["conv1"])
    assert found.labels == 4  # pictures with an eye
    assert found.errors.shape == (14, len(found.keys))


def test_photographs_are_shown_with_their_truth(some: Photos) -> None:
    figure = show.scenes(some[[1, 3, 10]], title="Three of them")
    assert "cat: tabby or tiger cat or Egyptian cat; rocket: missile; coins: no class" in figure.alt
    assert show.png(figure).startswith(b"\x89PNG")
    assert show.png(show.scenes(some["cat"], title="A cat")).startswith(b"\x89PNG")
    assert show.png(show.scenes(some["grass"], title="Grass")).startswith(b"\x89PNG")


def test_a_network_without_those_classes_says_so(some: Photos) -> None:
    net = wrap(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2)))
    with pytest.raises(ValueError, match="none of the 2 classes"):
        some.right(net.classes)
