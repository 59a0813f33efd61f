"""The names of a network's layers, found by running it once without numbers.

One run on the "meta" device (shapes only, no arithmetic, no copy) tells in which order the modules are
called and which module takes another's output as it is. From that follow short names, in forward order:

- a plain chain of layers (AlexNet, VGG, LeNet, a learner's own `nn.Sequential`): "conv1", "pool1", …,
  "fc6", …, "gap"; the layers' own names where every one has its own, else numbers as in the papers.
  Where two or more blocks between pools hold several convolutions the names are VGG's, "conv3_2".
- anything else (ResNet, DenseNet, …): the stages as the author of the network named them.

A convolution's or linear layer's name stands for its output *after* the batch norm and the activation that
follow it, where these are modules. (`F.relu` is none: there the name means the output before it.)
"""

from collections import Counter
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import activation, batchnorm, conv, instancenorm, pooling

from ..given import told
from ..wording import listing, near
from .trace import Call

NORMS = (batchnorm._BatchNorm, instancenorm._InstanceNorm, nn.GroupNorm, nn.LayerNorm)
NOT_POINTWISE = (nn.MultiheadAttention, nn.Softmax, nn.Softmax2d, nn.Softmin, nn.LogSoftmax)
LEFT_OUT = (nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.Flatten, nn.Unflatten, nn.Identity)
POOLS = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.LPPool2d, nn.FractionalMaxPool2d, pooling._AdaptiveAvgPoolNd, pooling._AdaptiveMaxPoolNd),
)


def short_names(module: nn.Module, calls: list[Call]) -> dict[str, nn.Module]:
    """Short names → modules, in forward order; `calls` is what `trace` returned."""
    module, calls = _unwrapped(module, calls)
    containers = (call.module for call in calls if not call.leaf and call.module is not module)
    chain = all(isinstance(inner, nn.Sequential) for inner in containers)
    times = Counter(call.name for call in calls)
    leaves = [call for call in calls if call.leaf]
    ends, absorbed = _ends(leaves, times)
    once = [call for call in calls if times[call.name] == 1]
    if chain:
        named = _chain([call for call in once if call.leaf])
    else:
        named = _stages(module, [call for call in once if call.name not in absorbed])
    return {name: ends.get(call.name, call.module) for name, call in named}


def find_layer(module: nn.Module, name: Any, short: dict[str, nn.Module], owner: str) -> nn.Module:
    """The layer called `name`, short or dotted. Raises ValueError listing near names for an unknown one."""
    dotted: dict[str, nn.Module] = {path: inner for path, inner in module.named_modules() if path}
    if not isinstance(name, str):
        own = next((key for key, inner in (short | dotted).items() if inner is name), None)
        more = f": its name is {own!r}" if own else f"; {owner} has {listing(short or dotted)}"
        raise ValueError(f"one layer is given by its name, a string; given {told(name)}{more}")
    if name in short:
        return short[name]
    if name in dotted:
        return dotted[name]
    there = short or [path for path in dotted if "." not in path]
    raise ValueError(f"{owner} has no layer {name!r}{near(name, [*short, *dotted])}; it has {listing(there)}")


def _unwrapped(module: nn.Module, calls: list[Call]) -> tuple[nn.Module, list[Call]]:
    """What is inside of a wrapper, whose only part that runs is another network: its module, and its calls.

    So are torch's DataParallel, a training framework's module around the network, and a class with one part.
    """
    while True:
        own = {
            name: child for name, child in module.named_children() if name in {call.name for call in calls}
        }
        name, inner = next(iter(own.items()), ("", module))
        if len(own) != 1 or next(inner.children(), None) is None:
            return module, calls
        module = inner
        calls = [
            call._replace(name=call.name.removeprefix(name).removeprefix("."))
            for call in calls
            if call.name == name or call.name.startswith(f"{name}.")
        ]


def _ends(leaves: list[Call], times: Counter[str]) -> tuple[dict[str, nn.Module], set[str]]:
    """For each convolution or linear layer the module that ends it, and the names so absorbed."""
    ends: dict[str, nn.Module] = {}
    absorbed: set[str] = set()
    for first, call in enumerate(leaves):
        if not isinstance(call.module, conv._ConvNd | nn.Linear):
            continue
        ends[call.name], last = call.module, call
        for following in leaves[first + 1 :]:
            pointwise = _pointwise(following.module)
            fits = pointwise or isinstance(following.module, NORMS)
            # A module that is called again elsewhere would show that other call's output.
            if not fits or following.input is not last.output or times[following.name] > 1:
                break
            ends[call.name], last = following.module, following
            absorbed.add(following.name)
            if pointwise:
                break
    return ends, absorbed


def _pointwise(module: nn.Module) -> bool:
    return type(module).__module__ == activation.__name__ and not isinstance(module, NOT_POINTWISE)


def _own(call: Call) -> str:
    return call.name.rpartition(".")[2]


def _chain(leaves: list[Call]) -> list[tuple[str, Call]]:
    """Names of a plain chain: conv1 pool1 … fc6, or VGG's conv1_1 … pool5 fc6, or the layers' own."""
    weighted = [call for call in leaves if isinstance(call.module, conv._ConvNd | nn.Linear)]
    own = {_own(call) for call in weighted}
    all_own = len(own) == len(weighted) and not any(name.isdigit() for name in own)
    blocks = [0]  # convolutions in each block that a pool closes
    for call in leaves:
        if isinstance(call.module, conv._ConvNd):
            blocks[-1] += 1
        elif isinstance(call.module, POOLS) and blocks[-1]:
            blocks.append(0)
    vgg = sum(inside > 1 for inside in blocks) > 1
    named: list[tuple[str, Call]] = []
    block, inside, number = 1, 0, 0  # the block, the convolutions met in it, the layers counted so far
    for call in leaves:
        if isinstance(call.module, conv._ConvNd):
            inside += 1
            number = block if vgg else number + 1
            name = f"conv{block}_{inside}" if vgg else f"conv{number}"
        elif isinstance(call.module, nn.Linear):
            number += 1
            name = f"fc{number}"
        elif isinstance(call.module, pooling._AdaptiveAvgPoolNd | pooling._AdaptiveMaxPoolNd):
            if not isinstance(call.output, Tensor) or set(call.output.shape[2:]) != {1}:
                continue  # AlexNet's and VGG's, which only make every picture's map one size
            name = "gap" if isinstance(call.module, pooling._AdaptiveAvgPoolNd) else "gmp"
        elif isinstance(call.module, POOLS):
            name = f"pool{number}"
            block, inside = (block + 1, 0) if inside else (block, inside)
        else:
            continue
        keeps = all_own and name not in ("gap", "gmp") and not _own(call).isdigit()
        name = _own(call) if keeps else name
        named.append((call.name if name in dict(named) else name, call))
    return named


def _stages(module: nn.Module, calls: list[Call]) -> list[tuple[str, Call]]:
    """Names of the network's top-level modules; those of a trunk ("features") in the trunk's place."""
    first = next((call.name for call in calls if isinstance(call.module, conv._ConvNd)), "")
    called = {call.name for call in calls}
    wanted: set[str] = set()
    for name, child in module.named_children():
        inside = dict(child.named_children())
        weighted = sum(isinstance(inner, conv._ConvNd | nn.Linear) for inner in child.modules())
        trunk = isinstance(child, nn.Sequential) and (
            (first.startswith(f"{name}.") and weighted > 1)
            or (not any(key.isdigit() for key in inside) and any(list(x.children()) for x in inside.values()))
        )
        if trunk or name not in called:  # a ModuleList is never called itself
            wanted |= {f"{name}.{key}" for key in inside}
        else:
            wanted.add(name)
    stages = [call for call in calls if call.name in wanted and not isinstance(call.module, LEFT_OUT)]
    twice = Counter(_own(call) for call in stages)
    return [
        (call.name if _own(call).isdigit() or twice[_own(call)] > 1 else _own(call), call) for call in stages
    ]
