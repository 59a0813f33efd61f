"""Lesson 00: a map's size, a layer's parameters, a softmax that does not overflow, what makes one fail."""

from __future__ import annotations

from typing import Any

import torch

from ..networks.zoo import load
from ..scenes.scenes import Recipe, Scenes, critters, draw
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_formula, refuse

_SCENES, _SEED, _COST = 60, 4711, 0.2  # how many are drawn, from which seed; what a change must cost
_SMALLEST, _LARGEST = 0.35, 0.8  # the scales of the critters that the networks were trained on


@check
def output_size(f: Learners) -> str:
    """f(size, kernel, stride, padding): a map's side, ⌊(size + 2 padding - kernel) / stride⌋ + 1."""
    demand_formula(
        f,
        [(128, 11, 4, 5), (32, 3, 2, 1), (28, 5, 1, 2), (224, 11, 4, 2), (30, 7, 3, 0), (9, 4, 2, 1)],
        lambda n, k, s, p: (n + 2 * p - k) // s + 1,
        {
            "the kernel's first place counts too: add 1": lambda n, k, s, p: (n + 2 * p - k) // s,
            "padding is laid on both sides: count it twice": lambda n, k, s, p: (n + p - k) // s + 1,
            "the padding is missing": lambda n, k, s, p: (n - k) // s + 1,
            "the stride is missing: the kernel moves that many pixels at a time": lambda n, k, s, p: (
                n + 2 * p - k + 1
            ),
            "the kernel must fit wholly: round down, not up": lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1,
            "the kernel must fit wholly: round down with //": lambda n, k, s, p: (n + 2 * p - k) / s + 1,
            "round down after dividing, and divide before adding 1": lambda n, k, s, p: (
                (n + 2 * p - k + 1) // s
            ),
            "the kernel's size matters at the edges": lambda n, k, s, p: n // s,
        },
    )
    return "right, for the layers of critternet, LeNet and AlexNet, and for kernels that do not fit evenly"


@check
def conv_parameters(f: Learners) -> str:
    """f(in_channels, out_channels, kernel): a square convolution's parameters, out · in · kernel² + out."""
    demand_formula(
        f,
        [(3, 32, 11), (32, 64, 5), (64, 64, 3), (1, 6, 5)],
        lambda i, o, k: o * i * k * k + o,
        {
            "the biases are missing: one for each filter": lambda i, o, k: o * i * k * k,
            "there is one bias for each filter, so out_channels of them": lambda i, o, k: o * i * k * k + i,
            "there is one bias for each filter, not one in all": lambda i, o, k: o * i * k * k + 1,
            "a filter is kernel × kernel: square it": lambda i, o, k: o * i * k + o,
            "a filter reaches through all of the input's channels": lambda i, o, k: o * k * k + o,
            "a bias belongs to a filter, not to each of its channels": lambda i, o, k: o * i * (k * k + 1),
        },
    )
    return "right: critternet's conv1 has 11,648 parameters"


@check
def softmax(f: Learners) -> str:
    """f(logits): (N, C) to probabilities (N, C), each row summing to 1, also for logits near 1000."""
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0], [0.5, 0.5, 3.0, 0.0], [-2.0, 4.0, 1.0, 1.0]])
    want, got = logits.softmax(1), ask(f, logits)
    refuse(
        got,
        {
            "it sums to 1 down each column; each row is one picture, so sum over axis 1": logits.softmax(0),
            "all pictures together sum to 1; each row must, so sum over axis 1 only": logits.flatten()
            .softmax(0)
            .view(3, 4),
            "these are the exponentials: divide each row by its sum": logits.exp(),
            "these are logarithms of the probabilities": logits.log_softmax(1),
            "the logits are divided by their sum without the exponential": logits
            / logits.sum(1, keepdim=True),
        },
    )
    demand(got, want, "matrix of probabilities", named="picture, class")
    large = logits + 1000
    got = torch.as_tensor(ask(f, large, call="with logits near 1000 your function"))
    if not got.isfinite().all():
        raise Wrong(
            "right for small logits, but exp(1000) is infinite: "
            "subtract each row's largest logit first, which changes no probability"
        )
    demand(got, large.softmax(1), "matrix of probabilities for logits near 1000")
    demand(ask(f, -large), (-large).softmax(1), "matrix of probabilities for logits near -1000")
    apart = torch.tensor([[1000.0, 999.0], [0.0, 1.0]])
    got = torch.as_tensor(ask(f, apart, call="with one row near 1000 and one near 0 your function"))
    if not got.isfinite().all():
        raise Wrong("the largest logit of all pictures is subtracted; subtract each row's own, amax(1)")
    demand(got, apart.softmax(1), "matrix of probabilities of rows far apart")
    wide = torch.tensor([[1000.0, 0.0]])
    got = torch.as_tensor(ask(f, wide, call="with the logits 1000 and 0 in one row your function"))
    if not got.isfinite().all():
        raise Wrong(
            "right for logits that lie close together, but a row's own may lie far apart: "
            "subtract its largest, not its mean or its smallest"
        )
    demand(got, wide.softmax(1), "matrix of probabilities of the logits 1000 and 0")
    return "right: every row sums to 1, and large logits do not overflow"


def _harder(f: Learners) -> Truth:
    """f(recipe): a recipe changed so that critternet fails, and the critter is still what it is, in sight.

    Predicted is the share of right answers after the change, which must cost 20 points on 60 fresh scenes.
    """
    whole = critters(_SCENES, seed=_SEED)
    recipes = [_same(ask(f, recipe, call=f"{_name(f)}(recipe)"), recipe) for recipe in whole.recipes]
    try:
        changed = draw(recipes)
    except ValueError as error:
        raise Wrong(f"your recipe cannot be drawn: {error}") from error
    before, after = _right(whole), _right(changed)
    if after > before - _COST:
        raise Wrong(
            f"{after:.0%} of {_SCENES} scenes are answered right after your change, {before:.0%} without it: "
            "find one that costs 20 points or more"
        )
    return after, f"Without your change {before:.0%} of the {_SCENES} scenes are answered right."


harder = investigation(_harder)


def _same(changed: Any, recipe: Recipe) -> Recipe:
    """The changed recipe. `Wrong` where the animal is another one, or no longer in sight."""
    if not isinstance(changed, Recipe):
        raise Wrong(f"it should return a recipe, as replace(recipe, angle=30) does; this is {changed!r:.60}")
    if (changed.species, changed.asleep) != (recipe.species, recipe.asleep):
        raise Wrong("the species or its sleep is changed, and with it the right answer: leave them")
    if changed.without != recipe.without or changed.companion != recipe.companion:
        raise Wrong("a part is gone, or a second critter came: the answer may no longer be decidable")
    if changed.blink or changed.coat != recipe.coat or changed.pattern != recipe.pattern:
        raise Wrong("eyes and coat are marks of the class: leave them as they are")
    if changed.occluders > recipe.occluders or changed.tree is not None or changed.stamp:
        raise Wrong("more things stand before the critter than did: nothing may hide it")
    if changed.scale < min(_SMALLEST, recipe.scale):
        raise Wrong(f"the critter has scale {changed.scale:.2g}: in training none was below {_SMALLEST}")
    if changed.scale > max(_LARGEST, recipe.scale):
        raise Wrong(f"the critter has scale {changed.scale:.2g}: in training none was above {_LARGEST}")
    if not (0 <= changed.x <= 1 and 0 <= changed.y <= 1):
        raise Wrong(f"x and y are {changed.x:.2g} and {changed.y:.2g}: beyond 0 and 1 it leaves the picture")
    return changed


def _right(scenes: Scenes) -> float:
    with torch.inference_mode():
        said = load("critternet")(scenes.images).argmax(1)
    return float((said == scenes.labels).float().mean())


def _name(f: Learners) -> str:
    return getattr(f, "__name__", "your function")
