"""The checks of lesson 07 accept the right answer and recognise the usual mistakes by name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from camlib import cam, checks, draw

RIGHT: dict[str, Callable[..., Any]] = {
    "class_map": lambda maps, weight, c: (weight[c][:, None, None] * maps).sum(0),
    "logit_of_map": lambda heat, bias: heat.mean() + bias,
    "grad_cam": lambda maps, slope: (slope.mean((1, 2))[:, None, None] * maps).sum(0).relu(),
    "centred": lambda weight: weight - weight.mean(0, keepdim=True),
}

MISTAKES: list[tuple[str, Callable[..., Any], str]] = [
    ("class_map", lambda maps, weight, c: None, "not done yet"),
    ("class_map", lambda maps, weight, c: weight[c][:, None, None] * maps, "add them up over k"),
    ("class_map", lambda maps, weight, c: torch.einsum("ck,khw->chw", weight, maps), "maps of all classes"),
    ("class_map", lambda maps, weight, c: (weight[c][:, None, None] * maps).sum(), "it is one number"),
    ("class_map", lambda maps, weight, c: (weight[c][:, None, None] * maps).mean(0), "mean over the K maps"),
    ("class_map", lambda maps, weight, c: torch.einsum("k,khw->hw", weight[:, c], maps), "rows are classes"),
    ("class_map", lambda maps, weight, c: maps.sum(0), "without the class's weights"),
    ("class_map", lambda maps, weight, c: torch.einsum("k,khw->hw", weight[c], maps).relu(), "were cut off"),
    (
        "class_map",
        lambda maps, weight, c: torch.einsum("k,khw->hw", weight[c].relu(), maps),
        "negative weights",
    ),
    ("class_map", lambda maps, weight, c: torch.einsum("k,khw->hw", weight[c].softmax(0), maps), "a softmax"),
    ("class_map", lambda maps, weight, c: torch.einsum("k,khw->hw", weight[2], maps), "class 3"),
    ("logit_of_map", lambda heat, bias: heat.sum() + bias, "divide by how many"),
    ("logit_of_map", lambda heat, bias: heat.sum(), "the cells are added up, and the bias is missing"),
    ("logit_of_map", lambda heat, bias: (heat + bias).sum(), "the bias is added to each cell"),
    ("logit_of_map", lambda heat, bias: heat.mean(), "the bias is missing"),
    ("logit_of_map", lambda heat, bias: heat.mean() - bias, "is subtracted"),
    ("logit_of_map", lambda heat, bias: heat.max() + bias, "the highest cell"),
    ("logit_of_map", lambda heat, bias: heat.relu().mean() + bias, "negative cells"),
    ("logit_of_map", lambda heat, bias: heat + bias, "should be one number"),
    ("grad_cam", lambda maps, slope: (slope.mean((1, 2))[:, None, None] * maps).sum(0), "paper's ReLU"),
    (
        "grad_cam",
        lambda maps, slope: (slope.sum((1, 2))[:, None, None] * maps).sum(0).relu(),
        "it is the sum",
    ),
    ("grad_cam", lambda maps, slope: (slope * maps).sum(0).relu(), "average the gradient"),
    (
        "grad_cam",
        lambda maps, slope: (slope.relu().mean((1, 2))[:, None, None] * maps).sum(0).relu(),
        "before the mean",
    ),
    (
        "grad_cam",
        lambda maps, slope: (slope.mean((1, 2)).relu()[:, None, None] * maps).sum(0),
        "comes after the sum",
    ),
    ("grad_cam", lambda maps, slope: maps.sum(0), "missing its weights"),
    (
        "grad_cam",
        lambda maps, slope: (slope.mean((1, 2))[:, None, None] * maps).sum(0).clamp(0, 1),
        "values above 1 are cut off",
    ),
    ("centred", lambda weight: weight - weight.mean(1, keepdim=True), "each class's own mean"),
    ("centred", lambda weight: weight - weight.mean(1), "mean(1) is taken over the units"),
    ("centred", lambda weight: weight - weight[0], "the first class's weights are taken off"),
    ("centred", lambda weight: weight - weight.sum(0), "the sum over the classes is taken off"),
    ("centred", lambda weight: weight - weight.mean(), "one mean of all numbers"),
    ("centred", lambda weight: weight.mean(0), "the mean itself"),
    ("centred", lambda weight: weight + weight.mean(0), "subtract it"),
    ("centred", lambda weight: (weight - weight.mean(0)) / weight.std(0), "divided by the spread"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_pass(name: str) -> None:
    verdict = getattr(checks, name)(RIGHT[name])
    assert verdict, verdict.message
    assert verdict.message.startswith("right")


@pytest.mark.parametrize(("name", "answer", "says"), MISTAKES)
def test_mistakes_are_recognised(name: str, answer: Callable[..., Any], says: str) -> None:
    verdict = getattr(checks, name)(answer)
    assert not verdict
    assert says in verdict.message


def measured(
    net: Any, scenes: Any, part: str, share: bool = False
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    less = draw([replace(recipe, without=(part,)) for recipe in scenes.recipes])
    where = (scenes.images - less.images).abs().amax(1) > 0.03
    own = torch.arange(len(scenes)), scenes.labels
    with torch.inference_mode():
        before, after = net(scenes.images), net(less.images)
        if share:
            before, after = before.softmax(1), after.softmax(1)
        lost = before[own] - after[own]
    return cam(net, scenes.images, scenes.labels) * where, where, lost


def test_heat_and_worth() -> None:
    def right(net: Any, scenes: Any, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        heat, where, lost = measured(net, scenes, part)
        return heat.sum() / where.sum(), lost.mean()

    verdict = checks.heat_and_worth(0.5, right)
    assert verdict, verdict.message
    assert "The hottest part is the" in verdict.message
    assert "write your prediction down" in checks.heat_and_worth(..., right).message


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda heat, where, lost: (heat.mean(), lost.mean()), "averaged over all pixels"),
        (lambda heat, where, lost: (heat.sum((1, 2)).mean(), lost.mean()), "the heat is summed"),
        (lambda heat, where, lost: (heat.sum() / where.sum(), -lost.mean()), "the wrong sign"),
        (
            lambda heat, where, lost: (heat.sum() / where.sum() + 9, lost.mean()),
            "the mean of the map on the ears",
        ),
        (lambda heat, where, lost: (heat.sum() / where.sum(), lost.mean() + 9), "true class's logit loses"),
        (lambda heat, where, lost: lost.mean(), "should return two numbers"),
    ],
)
def test_mistakes_in_heat_and_worth(wrong: Any, sentence: str) -> None:
    verdict = checks.heat_and_worth(0, lambda *given: wrong(*measured(*given)))
    assert not verdict
    assert sentence in verdict.message


def test_heat_and_worth_in_probabilities() -> None:
    def shares(net: Any, scenes: Any, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        heat, where, lost = measured(net, scenes, part, share=True)
        return heat.sum() / where.sum(), lost.mean()

    verdict = checks.heat_and_worth(0, shares)
    assert not verdict
    assert "this is the probability that is lost; take the logit" in verdict.message
