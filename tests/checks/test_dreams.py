"""The checks of lesson 15: what is right passes, and each usual mistake is called by its name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from camlib import checks, dream, load, record


def climbed(
    sign: float = 1, clamp: bool = True, steps: int | None = None, late: bool = False
) -> Callable[[Callable[[Tensor], Tensor], Tensor, int, float], Tensor]:
    def f(height: Callable[[Tensor], Tensor], picture: Tensor, count: int, rate: float) -> Tensor:
        for _ in range(count if steps is None else steps):
            picture = picture.detach().requires_grad_()
            picture = picture + sign * rate * torch.autograd.grad(height(picture), picture)[0]
            picture = picture.clamp(0, 1) if clamp else picture
        return picture.clamp(0, 1) if late else picture

    return f


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (climbed(), ""),
        (climbed(sign=-1), "downhill"),
        (climbed(clamp=False), "left"),
        (climbed(clamp=False, late=True), "not only at the end"),
        (climbed(steps=1), "a single step"),
        (climbed(steps=0), "began with"),
        (lambda *_: None, "not done yet"),
        (lambda *_: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_uphill(f: Any, said: str) -> None:
    verdict = checks.uphill(f)
    assert verdict.passed is (said == "")
    assert said in verdict.message


def covariance(x: Tensor) -> Tensor:
    centred = x - x.mean(0)
    return centred.T @ centred / len(x)


def eigen(x: Tensor, power: float = 0.5) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance(x))
    root: Tensor = vectors * values.clamp(min=0) ** power
    return root


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x: torch.linalg.cholesky(covariance(x)), ""),
        (eigen, ""),
        (covariance, "covariance itself"),
        (lambda x: torch.corrcoef(x.T), "correlations"),
        (lambda x: torch.linalg.cholesky(x.T @ x / len(x)), "subtract the mean"),
        (lambda x: torch.linalg.cholesky(x.T.cov()), "this is a root of the sum divided by N - 1"),
        (lambda x: x.T.cov(), "this is the covariance itself, with the sum divided by N - 1"),
        (lambda x: eigen(x, 1), "take the eigenvalues' roots"),
        (lambda x: torch.linalg.cholesky(covariance(x)).T, "transpose"),
        (lambda x: torch.eye(3), "cholesky or eigh"),
        (lambda x: x, "R "),
    ],
)
def test_colour_root(f: Any, said: str) -> None:
    verdict = checks.colour_root(f)
    assert verdict.passed is (said == "")
    assert said in verdict.message


def best(alike: Tensor, maximize: bool = True) -> float:
    rows, columns = linear_sum_assignment(alike.numpy(), maximize=maximize)
    return float(alike[rows, columns].mean())


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (best, ""),
        (lambda alike: best(alike, False), "maximize=True"),
        (lambda alike: 5 * best(alike), "sum over pairs"),
        (lambda alike: alike.amax(1).mean(), "each row's highest"),
        (lambda alike: alike.amax(0).mean(), "each column's highest"),
        (lambda alike: alike.diagonal().mean(), "need not be partner d"),
        (lambda alike: alike, "one number"),
        (lambda alike: 0.5, "0.500"),
    ],
)
def test_partners(f: Any, said: str) -> None:
    verdict = checks.partners(f)
    assert verdict.passed is (said == "")
    assert said in verdict.message


def left(
    shake: float = 0,
    pixels: int = 4,
    axis: int = 3,
    cell: bool = True,
    by: Any = lambda m: m.flatten(1).amax(1),
) -> float:
    net = load("critternet_gap")
    made = dream(net, "conv5", 31, basis="pixels", shake=shake, cell=cell, steps=64).pictures
    with torch.inference_mode(), record(net, "conv5") as acts:
        net(torch.cat([made, made.roll(pixels, axis)]))
    still, moved = by(acts["conv5"][:, 31]).tolist()
    return float(moved / still)


@pytest.mark.slow
def test_a_dream_that_is_moved() -> None:
    assert checks.moved_dream(0.5, left).passed
    assert not checks.moved_dream(..., left).passed
    assert "by 4 pixels" in checks.moved_dream(0.5, lambda: left(pixels=0)).message
    for mine, said in (
        (lambda: left(shake=1.0), "take shake=0"),
        (lambda: left(cell=False), "take cell=True"),
        (lambda: 1 / left(), "turn it round"),
        (lambda: 1 - left(), "the share that is lost"),
        (lambda: left(by=lambda maps: maps.mean((1, 2))), "the highest cell of each"),
        (lambda: left(axis=2), "along its height"),
        (lambda: left(pixels=8), "by 4 pixels"),
    ):
        verdict = checks.moved_dream(0.5, mine)
        assert not verdict.passed
        assert said in verdict.message
