"""Lesson 06's checks: the right answers pass, the usual mistakes are named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from camlib import checks, draw

Box = tuple[int, int, int, int]


def covered(image: Tensor, box: Box, value: float = 0.5) -> Tensor:
    x0, y0, x1, y1 = box
    result = image.clone()
    result[:, y0:y1, x0:x1] = value
    return result


def covered_in_place(image: Tensor, box: Box, value: float) -> Tensor:
    x0, y0, x1, y1 = box
    image[:, y0:y1, x0:x1] = value
    return image


def one_channel(image: Tensor, box: Box, value: float) -> Tensor:
    x0, y0, x1, y1 = box
    result = image.clone()
    result[0, y0:y1, x0:x1] = value
    return result


def laid(drops: Tensor, boxes: Tensor, size: tuple[int, int], how: str = "mean") -> Tensor:
    total, count = torch.zeros(size), torch.zeros(size)
    for drop, (x0, y0, x1, y1) in zip(drops, boxes.tolist(), strict=True):
        if how == "last":
            total[y0:y1, x0:x1] = drop
        else:
            total[y0:y1, x0:x1] += drop
        count[y0:y1, x0:x1] += 1
    return {"mean": total / count, "sum": total, "all": total / len(drops), "last": total, "count": count}[
        how
    ]


def test_right_answers_pass() -> None:
    assert checks.cover(covered)
    assert checks.lay_drops(laid)

    def extra(net: Any, image: Tensor, a: Box, b: Box) -> float:
        whole = net(image)
        both = whole - net(covered(covered(image, a), b))
        return both - (whole - net(covered(image, a))) - (whole - net(covered(image, b)))  # type: ignore[no-any-return]

    assert checks.interaction(extra)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (covered_in_place, "the picture that was handed in is changed, too"),
        (lambda image, box, value: image, "nothing is covered"),
        (
            lambda image, box, value: covered(image, (box[1], box[0], box[3], box[2]), value),
            "x and y are swapped",
        ),
        (
            lambda image, box, value: covered(image, (*box[:2], box[2] + 1, box[3] + 1), value),
            "the box is half open",
        ),
        (
            lambda image, box, value: covered(image, (*box[:2], box[2] - 1, box[3] - 1), value),
            "last row and column",
        ),
        (
            lambda image, box, value: covered(image, (*box[:2], box[0] + box[2], box[1] + box[3]), value),
            "not its width and height",
        ),
        (one_channel, "only one channel is covered"),
        (lambda image, box, value: covered(image, box, 0.9), "the picture"),
        (lambda image, box, value: covered(image, box, value)[None], "an axis of length 1 too many"),
        (lambda image, box, value: ..., "not done yet"),
        (7, "hand over the function itself"),
    ],
)
def test_mistakes_in_covering(mistake: Any, sentence: str) -> None:
    verdict = checks.cover(mistake)
    assert not verdict
    assert sentence in verdict.message


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("sum", "it is the sum of the drops"),
        ("all", "divided by the number of all boxes"),
        ("last", "the last one wins"),
        ("count", "the number of boxes that cover each pixel"),
    ],
)
def test_mistakes_in_laying(how: str, sentence: str) -> None:
    verdict = checks.lay_drops(lambda drops, boxes, size: laid(drops, boxes, size, how))
    assert not verdict
    assert sentence in verdict.message


def corners(boxes: Tensor) -> Tensor:
    return torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)


def by_area(drops: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return laid(drops / areas, boxes, size, "sum")


def at_least_one(drops: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    return laid(drops, boxes, size, "sum") / laid(drops, boxes, size, "count").clamp(min=1)


@pytest.mark.parametrize("lay", [laid, at_least_one])
def test_mistaken_boxes(lay: Any) -> None:
    turned = checks.lay_drops(lambda drops, boxes, size: lay(drops, boxes[:, [1, 0, 3, 2]], size))
    sized = checks.lay_drops(lambda drops, boxes, size: lay(drops, corners(boxes), size))
    assert not turned
    assert not sized
    assert "x and y are swapped" in turned.message
    assert "not its width and height" in sized.message
    assert checks.lay_drops(lay)


def test_drops_over_areas() -> None:
    assert "divided by the areas" in checks.lay_drops(by_area).message


def costs(net: Any, image: Tensor, a: Box, b: Box) -> tuple[float, float, float, float]:
    whole = net(image)
    return whole, *(
        whole - net(one) for one in (covered(covered(image, a), b), covered(image, a), covered(image, b))
    )


MISTAKES: list[tuple[Callable[..., float], str]] = [
    (lambda whole, both, first, second: first + second - both, "the sign is turned"),
    (lambda whole, both, first, second: both, "this is what both cost together"),
    (lambda whole, both, first, second: both - first, "the second one's cost is missing"),
    (lambda whole, both, first, second: both - second, "the first one's cost is missing"),
    (lambda whole, both, first, second: abs(both - first - second), "its sign is lost"),
    (lambda whole, both, first, second: both + first + second, "both are added up"),
    (
        lambda whole, both, first, second: first + second - both - whole,
        "these are the probabilities that are left",
    ),
]


@pytest.mark.parametrize(("formula", "sentence"), MISTAKES)
def test_mistakes_in_the_interaction(formula: Callable[..., float], sentence: str) -> None:
    verdict = checks.interaction(lambda net, image, a, b: formula(*costs(net, image, a, b)))
    assert not verdict
    assert sentence in verdict.message


def test_mistaken_places_in_the_interaction() -> None:
    def turned(net: Any, image: Tensor, a: Box, b: Box) -> float:
        _, both, first, second = costs(net, image, *((y0, x0, y1, x1) for x0, y0, x1, y1 in (a, b)))
        return both - first - second

    def rectangle(net: Any, image: Tensor, a: Box, b: Box) -> float:
        whole, _, first, second = costs(net, image, a, b)
        return float(whole - net(covered(image, (*a[:2], *b[2:]))) - first - second)

    assert "x and y are swapped" in checks.interaction(turned).message
    assert "one rectangle round both" in checks.interaction(rectangle).message


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("first second both", "a is still covered"),
        ("second first both", "b is still covered"),
        ("both first second", "both are still covered"),
    ],
)
def test_one_clone_for_all_drops(order: str, sentence: str) -> None:
    def piled(net: Any, image: Tensor, a: Box, b: Box) -> float:
        picture, boxes, drop = image.clone(), {"first": [a], "second": [b], "both": [a, b]}, {}
        for name in order.split():
            for x0, y0, x1, y1 in boxes[name]:
                picture[:, y0:y1, x0:x1] = 0.5
            drop[name] = float(net(image) - net(picture))
        return drop["both"] - drop["first"] - drop["second"]

    verdict = checks.interaction(piled)
    assert not verdict
    assert f"each drop needs a clone of its own: {sentence}" in verdict.message


def test_black_boxes_and_a_picture_that_stays_covered() -> None:
    def black(net: Any, image: Tensor, a: Box, b: Box) -> float:
        one, other = covered(image, a, 0), covered(image, b, 0)
        return float(net(one) + net(other) - net(image) - net(covered(one, b, 0)))

    def in_place(net: Any, image: Tensor, a: Box, b: Box) -> float:
        whole = net(image)
        for x0, y0, x1, y1 in (a, b):
            image[:, y0:y1, x0:x1] = 0.5
        return float(whole - net(image))

    assert "the boxes are black" in checks.interaction(black).message
    assert "cover image.clone()" in checks.interaction(in_place).message


def test_a_batch_is_no_picture() -> None:
    verdict = checks.interaction(lambda net, image, a, b: net(image[None]))
    assert not verdict
    assert "net takes one picture (3, 8, 8); given (1, 3, 8, 8)" in verdict.message


def probability(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.softmax(1)[torch.arange(len(labels)), labels]


def beyond(net: Any, scenes: Any, one: str, other: str, how: str = "right", score: Any = probability) -> Any:
    def share(*without: str) -> Tensor:
        drawn = draw([replace(recipe, without=without) for recipe in scenes.recipes])
        with torch.inference_mode():
            shares: Tensor = score(net(drawn.images), drawn.labels)
        return shares

    whole, first, second, both = share(), share(one), share(other), share(one, other)
    answers = {
        "right": first + second - both - whole,
        "turned": whole + both - first - second,
        "both": whole - both,
        "one": first - both,
        "other": second - both,
        "left": both - first - second,
        "no whole": first + second - both,
        "gone": both,
    }
    return answers[how] if how == "each" else answers[how].mean()


def test_two_parts_drawn_away() -> None:
    verdict = checks.beyond(0.1, beyond)
    assert verdict, verdict.message
    assert "You predicted +10%" in verdict.message
    assert not checks.beyond(..., beyond)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("turned", "the sign is turned"),
        ("both", "what both cost together"),
        ("one", "the other one's cost is missing"),
        ("other", "the first one's cost is missing"),
        ("left", "these are the probabilities that are left"),
        ("no whole", "the probability of the whole scenes, p(), is missing"),
        ("gone", "the probability with both parts gone"),
    ],
)
def test_mistakes_with_two_parts(how: str, sentence: str) -> None:
    verdict = checks.beyond(0, lambda net, scenes, one, other: beyond(net, scenes, one, other, how))
    assert not verdict
    assert sentence in verdict.message


@pytest.mark.parametrize(
    ("score", "sentence"),
    [
        (lambda logits, labels: (logits.argmax(1) == labels).float(), "this counts right answers"),
        (lambda logits, labels: logits[torch.arange(len(labels)), labels], "this is in logits"),
        (lambda logits, labels: logits.softmax(1).amax(1), "the highest probability is taken"),
    ],
)
def test_mistaken_scores_of_two_parts(score: Any, sentence: str) -> None:
    verdict = checks.beyond(0, lambda net, scenes, one, other: beyond(net, scenes, one, other, score=score))
    assert not verdict
    assert sentence in verdict.message


def test_two_parts_want_one_number() -> None:
    assert "give their mean" in checks.beyond(0, lambda net, scenes, one, other: torch.zeros(24)).message
    assert "the truth is another number" in checks.beyond(0, lambda net, scenes, one, other: 0.9).message
