"""Draws from the state that all threads share."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from camlib import load, smoothgrad, trust
from camlib.chance import drawing


def test_drawing_draws_what_comes_after_a_seed_and_leaves_the_state() -> None:
    torch.manual_seed(7)
    want = torch.rand(3)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with drawing(7):
        got = torch.rand(3)
    assert torch.equal(got, want)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ZeroDivisionError), drawing(7):
        nn.Linear(1 // 0, 2)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_another_thread_draws_is_not_drawn_here() -> None:
    net = load("critternet_gap")
    images = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))

    def numbers(one: nn.Module) -> Tensor:
        return nn.utils.parameters_to_vector(one.parameters()).detach()

    verbs: dict[str, Callable[[], Tensor]] = {
        "smoothgrad": lambda: smoothgrad(net, images, 3, samples=4, seed=1),
        "fresh": lambda: numbers(trust.fresh(net, seed=2)),
        "random": lambda: numbers(load("critternet_gap", weights="random", seed=3)),
        "untrained": lambda: numbers(load("critternet_gap", weights="untrained")),
    }
    alone = {name: verb() for name, verb in verbs.items()}
    wrong: list[str] = []

    def again(name: str) -> None:
        for _ in range(12):
            if not torch.allclose(verbs[name](), alone[name], rtol=1e-5, atol=1e-7):
                wrong.append(name)

    threads = [threading.Thread(target=again, args=(name,)) for name in verbs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
