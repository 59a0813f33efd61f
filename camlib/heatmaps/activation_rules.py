"""Does a method's rule reach every activation function of a network?

Guided backpropagation and DeepLIFT replace the slope of an activation by a rule of their own. Captum puts the
rule on modules of certain kinds; where a network calls a function (`F.relu(x)`), or has a module of another
kind, the plain gradient stays, and nothing is said. So one pass is watched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from torch import nn
from torch.overrides import TorchFunctionMode

__all__ = ["DEEP_LIFT", "GUIDED", "Rules", "reaching"]

# As torch calls them, without the underscores of those that work in place.
_RECTIFIERS = "relu relu6 hardtanh threshold clamp clamp_min clamp_max clip"
_OTHERS = (
    "silu hardswish gelu leaky_relu sigmoid tanh softplus prelu mish hardsigmoid elu selu celu rrelu glu "
    "softsign log_sigmoid softmax max_pool2d maximum scaled_dot_product_attention"
)


class Rules(NamedTuple):
    """method: as told.  kinds: modules that have a rule.  functions: by name, those that would need one.

    once: whether a module may run only once in a pass.  instead: what to use where a rule is missing.
    """

    method: str
    kinds: tuple[type[nn.Module], ...]
    functions: frozenset[str]
    once: bool
    instead: str


GUIDED = Rules("guided backprop", (nn.ReLU,), frozenset(_RECTIFIERS.split()), False, "saliency")
DEEP_LIFT = Rules(
    "DeepLIFT",
    (nn.ReLU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.MaxPool2d, nn.Softmax),
    frozenset(f"{_RECTIFIERS} {_OTHERS}".split()),
    True,
    "integrated_gradients",
)


class _Watch(TorchFunctionMode):
    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.rules = rules
        self.inside = 0  # modules that have a rule
        self.missed: dict[str, None] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, given = getattr(func, "__name__", "").strip("_"), [*args, *(kwargs or {}).values()]
        if not self.inside and name in self.rules.functions and getattr(given[0], "ndim", 0) > 1:
            self.missed[name] = None
        return func(*args, **(kwargs or {}))


@contextmanager
def reaching(net: nn.Module, rules: Rules, name: str) -> Iterator[None]:
    """Within the block the network runs; at its end it is sure that the rules reach all that it ran.

    name: the network's.  Raises ValueError, with what to use instead, where they do not.
    """
    watch, calls = _Watch(rules), dict[nn.Module, int]()

    def enter(module: nn.Module, _inputs: Any) -> None:
        watch.inside += 1
        calls[module] = calls.get(module, 0) + 1

    def leave(*_: Any) -> None:
        watch.inside -= 1

    with ExitStack() as hooks:
        for module in net.modules():
            if type(module) in rules.kinds:
                hooks.enter_context(module.register_forward_pre_hook(enter))
                hooks.enter_context(module.register_forward_hook(leave))
        with watch:
            yield
    told = None
    if watch.missed:
        told = f"{', '.join(watch.missed)} as a function or a module without a rule"
    elif rules.once and (twice := [one for one, count in calls.items() if count > 1]):
        told = f"one {type(twice[0]).__name__} module {calls[twice[0]]} times in a pass"
    elif not calls and rules is GUIDED:  # DeepLIFT of a network without activations is right
        told = "no torch.nn.ReLU"
    if told:
        reached = " and ".join(f"torch.nn.{one.__name__}" for one in rules.kinds)
        raise ValueError(
            f"{name} runs {told}, where {rules.method} would be the plain gradient (its rule is on {reached}"
            f"{', each running once' if rules.once else ''}); use {rules.instead}"
        )
