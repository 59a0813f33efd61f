"""Odd calls around networks, layers, targets and heatmaps."""

import copy
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import prune
from torchvision import models

import camlib
from camlib.networks.net import Net
from camlib.networks.weights import WeightsError
from tests.odd_calls.case import Case, right, told

SIZE = 16
DATA = torch.Generator().manual_seed(0)
X = torch.rand((2, 3, SIZE, SIZE), generator=DATA)
LABELLED: Any = [(image, 0) for image in X]


def plain(*tail: nn.Module, count: int = 5) -> nn.Sequential:
    """A learner's network: two convolutions, a mean, a linear layer, and what she puts behind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, count),
            *tail,
        ).eval()


def mine(*tail: nn.Module, count: int = 5, **options: Any) -> Net:
    return camlib.wrap(plain(*tail, count=count), **{"size": SIZE, **options})


@cache
def net() -> Net:
    return mine()


def asked(verb: "Verb", make: Callable[[], Any], images: Tensor = X) -> Any:
    return verb(make(), images)


def moved(dtype: torch.dtype) -> Net:
    return mine().to(dtype)


Verb = Callable[[Any, Any], Any]
PICTURES: dict[str, Verb] = {  # every verb that makes something of a batch of pictures
    "cam": camlib.cam,
    "class_maps": camlib.class_maps,
    "find_classifier": lambda n, x: camlib.find_classifier(n, x).logits,
    "gradcam": camlib.gradcam,
    "saliency": camlib.saliency,
    "occlusion": partial(camlib.occlusion, window=8),
    "occlude": lambda n, x: camlib.occlude(n, x, window=8).after,
    "similarnet": lambda n, x: camlib.similarnet(n, "conv2", x, torch.ones(8)),
    "ablation_cam": lambda n, x: camlib.ablation_cam(n, "conv2", x),
    "ablation_cam_weights": lambda n, x: camlib.ablation_cam_weights(n, "conv2", x),
    "silenced_logits": lambda n, x: camlib.silenced_logits(n, "conv2", x)[1],
}
TARGETED: dict[str, Callable[[Any], Any]] = {
    "cam": lambda t: camlib.cam(net(), X, t),
    "class_maps": lambda t: camlib.class_maps(net(), X, t),
    "gradcam": lambda t: camlib.gradcam(net(), X, t),
    "saliency": lambda t: camlib.saliency(net(), X, t),
    "occlusion": lambda t: camlib.occlusion(net(), X, t, window=8),
    "ablation_cam": lambda t: camlib.ablation_cam(net(), "conv2", X, t),
    "ablation_cam_weights": lambda t: camlib.ablation_cam_weights(net(), "conv2", X, t),
}
LAYERED: dict[str, Verb] = {  # every verb that is asked about a layer
    "record": lambda n, layer: recorded(n, layer),
    "silence": lambda n, layer: without(n, layer, 0),
    "gradcam": lambda n, layer: camlib.gradcam(n, X, layer=layer),
    "similarnet": lambda n, layer: camlib.similarnet(n, layer, X, torch.ones(8)),
    "ablation_cam": lambda n, layer: camlib.ablation_cam(n, layer, X),
    "silenced_logits": lambda n, layer: camlib.silenced_logits(n, layer, X),
    "ablate": lambda n, layer: camlib.ablate(n, layer, LABELLED),
    "codes": lambda n, layer: camlib.codes(n, layer, X),
    "top_patches": lambda n, layer: camlib.top_patches(n, layer, X),
    "receptive_field": camlib.receptive_field,
    "net.layer": lambda n, layer: n.layer(layer),
}


def recorded(network: nn.Module, layer: Any) -> Tensor:
    with camlib.record(network, layer) as acts:
        network(X)
    return acts[layer]


def anyhow(verb: Any, *given: Any, **options: Any) -> Any:
    """The call, whatever the types say."""
    return verb(*given, **options)


def without(network: nn.Module, layer: Any, units: Any, images: Tensor = X) -> Tensor:
    with camlib.silence(network, layer, units):
        out: Tensor = network(images)
    return out


def near_its_own(verb: "Verb") -> Callable[[Any], bool]:
    """Whether the answer is the one of float32, but for rounding."""

    def near(found: Tensor) -> bool:
        want = verb(net(), X).float()
        return bool((found.float() - want).abs().max() <= 5e-3 + 0.1 * want.abs().max())

    return near


def broken(value: float) -> Tensor:
    images = X.clone()
    images[1, 0, 3, 3] = value
    return images


def same(call: Callable[[], Any], atol: float = 1e-4) -> Callable[[Any], bool]:
    """Whether the answer is what this other call gives."""
    return lambda found: torch.allclose(torch.as_tensor(found).float(), call().float(), atol=atol)


WANTS = r"Sequential wants images as floats in \[0, 1\], shape \(N, 3, 16, 16\); given "
UNFIT: dict[str, tuple[Any, str]] = {
    "0 to 255": (X * 255, r"values from .* to 255; pictures are in \[0, 1\]"),
    "normalised already": ((X - 0.5) / 0.25, r"values from -2 to 2; pictures are in \[0, 1\]"),
    "NaN": (broken(torch.nan), "image 1 holds values that are not finite"),
    "infinite": (broken(torch.inf), "image 1 holds values that are not finite"),
    "bytes": (
        (X * 255).byte(),
        WANTS + r"uint8, shape \(2, 3, 16, 16\); bytes become such floats by images / 255",
    ),
    "one channel": (X[:, :1], WANTS + r"float32, shape \(2, 1, 16, 16\)$"),
    "channels last": (X.movedim(1, -1), WANTS + r".*images\.movedim\(-1, -3\)"),
    "one picture": (
        X[0],
        WANTS + r"float32, shape \(3, 16, 16\); one picture is a batch of one, image\[None\]",
    ),
    "no picture": (X[:0], r"there is no picture in images of shape \(0, 3, 16, 16\)"),
    "no pixel": (X[:, :, :0, :0], r"there is no picture in images of shape \(2, 3, 0, 0\)"),
    "a list": ([X[0]], WANTS + "a list$"),
    "an array": (X.numpy(), WANTS + "a ndarray; torch.from_numpy"),
    "None": (None, WANTS + "None$"),
}
CASES: list[Case] = [
    told(f"{name} of pictures: {kind}", partial(verb, net(), images), line)
    for kind, (images, line) in UNFIT.items()
    for name, verb in PICTURES.items()
]
CASES += [
    right(f"{name} of float64 pictures", partial(verb, net(), X.double()), same(partial(verb, net(), X)))
    for name, verb in PICTURES.items()
]
CASES += [
    right(
        f"{name} of pictures a rounding above 1",
        partial(verb, net(), X * 1.005),
        lambda f: bool(f.isfinite().all()),
    )
    for name, verb in PICTURES.items()
]

# A network that is no Net, or none at all.
NO_NET = [
    ("a plain module", plain(), "Sequential.*net = wrap"),
    ("None", None, "load or wrap gives; given None"),
]
CASES += [
    told(f"{name} of {kind}", partial(verb, network, X), line)
    for kind, network, line in NO_NET
    for name, verb in PICTURES.items()
]
WITHOUT_NET: dict[str, Callable[[Any], Any]] = {
    "ablate": lambda n: camlib.ablate(n, "conv2", LABELLED),
    "codes": lambda n: camlib.codes(n, "conv2", X),
    "top_patches": lambda n: camlib.top_patches(n, "conv2", X),
    "receptive_field": lambda n: camlib.receptive_field(n, "conv2"),
    "costs": camlib.costs,
    "locate": lambda n: camlib.locate(n, ("conv2", 1), X),
    "dissect": lambda n: camlib.dissect(n, "conv2", camlib.critters(2)),
    "equivariance": lambda n: camlib.equivariance(n, X),
    "feature_maps": lambda n: camlib.feature_maps(n, ["conv2"], X),
    "Tracker.of": camlib.Tracker.of,
    "SquareExplorer": lambda n: camlib.SquareExplorer(n, {"one": X[0]}),
}
CASES += [
    told(f"{name} of {kind}", partial(verb, network), line)
    for kind, network, line in NO_NET
    for name, verb in WITHOUT_NET.items()
]
CASES += [
    told("record of no network", lambda: recorded(None, "conv2"), "given None"),  # type: ignore[arg-type]
    told("silence of a name", lambda: without("lenet", "conv2", 0), "given 'lenet'"),  # type: ignore[arg-type]
]

# Layers.
CASES += [
    told(f"{name} at {layer!r}"[:60], partial(verb, net(), layer), line)
    for layer, line in [
        (5, "given by its name, a string; given 5; Sequential has conv1, conv2, gap, fc3"),
        (["conv2"], r"given by its name, a string; given \['conv2'\]"),
        (b"conv2", "given by its name, a string; given b'conv2'"),
        (net().layer("conv2"), "a string; given .*: its name is 'conv2'"),
        (nn.ReLU(), "a string; given .*; Sequential has conv1"),
        ("", "has no layer ''"),
        ("conv9", r"no layer 'conv9' \(did you mean 'conv"),
    ]
    for name, verb in LAYERED.items()
]
CASES += [
    told(f"{name} at None", partial(verb, net(), None), "a string; given None")
    for name, verb in LAYERED.items()
    if name != "gradcam"  # whose layer may be None
]

# Units: numpy's whole numbers and torch's are as good as Python's.
CASES += [
    right(
        f"silence {units!r}",
        partial(without, net(), "conv2", units),
        same(partial(without, net(), "conv2", want)),
    )
    for units, want in [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.array([1, 2]), [1, 2]),
        ([np.int32(1), torch.tensor(2)], [1, 2]),
        (torch.tensor(3), 3),
        (range(2), [0, 1]),
    ]
]
CASES += [
    right(
        f"top_patches of {units!r}",
        partial(anyhow, camlib.top_patches, net(), "conv2", X, units=units),
        lambda found: list(found.units) == [3],
    )
    for units in (np.int64(3), np.array([3]), torch.tensor([3]), [np.int32(3)])
]
CASES += [
    told(f"silence {units!r}", partial(without, net(), "conv2", units), line)
    for units, line in [
        (np.float64(2.0), "unit 2.0: units are whole numbers"),
        (True, "unit True"),
        ("3", "unit '3'"),
        (None, "unit None"),
        (-1, "unit -1"),
        (8, "unit 8: 'conv2' has 8 units, 0 to 7"),
    ]
]

# Targets.
HOT = torch.eye(5, dtype=torch.int64)[[1, 3]]
CASES += [
    told(f"{name} of {kind}", partial(verb, targets), line)
    for kind, targets, line in [
        ("one-hot rows", HOT, r"no rows of 0 and 1: give targets\.argmax\(1\)"),
        ("one-hot lists", HOT.tolist(), r"give targets\.argmax\(1\)"),
        ("one-hot floats", HOT.float(), r"give targets\.argmax\(1\)"),
        ("one-hot booleans", HOT.bool(), r"give targets\.argmax\(1\)"),
        ("one-hot arrays", HOT.numpy(), r"give targets\.argmax\(1\)"),
        ("a class beyond", 5, "class 5: Sequential has 5 classes, 0 to 4"),
        ("a class below", [-1, 0], "class -1"),
        ("too many", [0, 1, 2], "3 targets for 2 images"),
        ("rows of unequal length", [[0, 1], [2]], "a row of the same length"),
        ("three dimensions", torch.zeros(2, 2, 2).long(), "an index or a name; given"),
        ("a fraction", 1.0, r"an index or a name; given 1\.0"),
        ("None inside", [0, None], "an index or a name; given None"),
        ("an unknown name", "class 9", r"no class 'class 9' \(did you mean"),
    ]
    for name, verb in TARGETED.items()
]
TWO = mine(count=2)


def in_columns(verb: Callable[[Any], Tensor]) -> Tensor:
    return torch.stack([verb([0, 2]), verb([1, 3])], 1)


CASES += [
    right(
        f"{name} of a row for each",
        partial(verb, [[0, 1], [2, 3]]),
        same(partial(in_columns, verb)),
    )
    for name, verb in TARGETED.items()
]
CASES += [
    right(
        "both classes of two, in turn",
        lambda: camlib.cam(TWO, X, [[0, 1], [1, 0]])[1],
        same(lambda: camlib.cam(TWO, X[1:], [[1, 0]])[0]),
    ),
    right("a numpy class", partial(TARGETED["cam"], np.int64(2)), same(partial(TARGETED["cam"], 2))),
    right(
        "a byte a class",
        partial(TARGETED["cam"], torch.tensor([2, 1]).byte()),
        same(partial(TARGETED["cam"], [2, 1])),
    ),
]


class Ends(nn.Module):
    """A learner's network whose forward ends in a function."""

    def __init__(self, end: Callable[[Tensor], Tensor], count: int = 5) -> None:
        super().__init__()
        self.trunk, self.end = plain(count=count), end

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.trunk(x))


def overwritten(z: Tensor) -> Tensor:
    z /= z.max()
    return z


MIXES: dict[str, Callable[[Tensor], Tensor]] = {
    "by their maximum": lambda z: z / z.max(),
    "less their maximum": lambda z: z - z.max(),
    "less their minimum": lambda z: z - z.min(),
    "by their largest": lambda z: 5 * z / z.abs().max(),
    "overwritten, by their maximum": overwritten,
}


def seeded(end: Callable[[Tensor], Tensor], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = Ends(end)
        for one in made.trunk:
            if isinstance(one, nn.Conv2d | nn.Linear):
                one.reset_parameters()
        return made


def fails(count: int) -> Callable[[Tensor], Tensor]:
    """What fails on so many pictures, with a message of two lines."""

    def end(z: Tensor) -> Tensor:
        if len(z) == count:
            raise RuntimeError(f"no such shape:\n    {count} rows")
        return z

    return end


class Begins(nn.Module):
    """One whose forward begins with a function."""

    def __init__(self, begin: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.begin, self.trunk = begin, plain()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.trunk(self.begin(x))
        return out


class Drifts(nn.Module):
    """One that goes on counting its pictures' mean in eval mode, and takes it away from them."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = plain()
        self.register_buffer("mean", torch.zeros(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        self.mean.lerp_(x.mean((0, 2, 3))[:, None, None], 0.1)
        out: Tensor = self.trunk(x - self.mean)
        return out


class Names(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.soft = plain(), nn.Softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.soft(self.trunk(x))
        return out


def one_mode() -> nn.Module:
    with torch.inference_mode():
        return plain()


def hooked() -> tuple[list[str], list[str]]:
    """What a learner's hooks met while her network was wrapped, and in which order they run afterwards."""
    module, met = plain(), list[str]()
    handles = [
        module[0].register_forward_hook(lambda *_: met.append("a")),
        module[0].register_forward_pre_hook(lambda *_: met.append("before")),
        module[0].register_forward_hook(lambda *_: met.append("b"), prepend=True),
        module[0].register_forward_hook(lambda *_: met.append("c")),
    ]
    camlib.wrap(module, size=SIZE)
    while_wrapped = met.copy()
    met.clear()
    module(X)
    handles[0].remove()
    module(X)
    return while_wrapped, met


def pruned() -> Tensor:
    """Torch's own hooks compute weights, and stay."""
    module = plain()
    prune.random_unstructured(module[0], "weight", 0.5)
    return camlib.cam(camlib.wrap(module, size=SIZE), X)


def compiled(module: nn.Module) -> Any:
    found = torch.compile(module, backend="eager")
    found(X)
    return found


def in_place(module: nn.Module) -> nn.Module:
    module.compile(backend="eager")
    module(X)
    return module


@cache
def compiled_net() -> Any:
    return compiled(mine())


@cache
def in_place_net() -> nn.Module:
    return in_place(mine())


def quantised() -> nn.Module:
    module: nn.Module = torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)
    return module


def wrapped(module: Any, **options: Any) -> Net:
    return camlib.wrap(module, **{"size": SIZE, **options})


# What wrap is given.
CASES += [
    told(f"wrap {kind}", partial(lambda make, **o: wrapped(make(), **o), make), line)
    for kind, make, line in [
        ("None", lambda: None, "torch.nn.Module; given None"),
        ("a name", lambda: "resnet18", r"given 'resnet18'; a network by its name is load\('resnet18'\)"),
        ("a function", lambda: len, "torch.nn.Module; given <built-in function len>"),
        ("a class", lambda: nn.Conv2d, "not its class: wrap\\(Conv2d"),
        ("a list", list, r"torch.nn.Module; given \[\]"),
        (
            "a softmax's shares",
            lambda: plain(nn.Softmax(1)),
            r"ends in a softmax.*: network\[7\] = nn\.Identity\(\)",
        ),
        ("a named softmax", Names, r"ends in a softmax.*: network\.soft = nn\.Identity\(\)"),
        ("a softmax in forward", lambda: Ends(lambda z: z.softmax(1)), "ends in a softmax.*let its forward"),
        (
            "log-softmax",
            lambda: plain(nn.LogSoftmax(1)),
            r"ends in a log-softmax.*: network\[7\] = nn\.Identity",
        ),
        (
            "log-softmax in forward",
            lambda: Ends(lambda z: z.log_softmax(1)),
            "ends in a log-softmax.*let its",
        ),
        ("a sigmoid", lambda: plain(nn.Sigmoid()), r"ends in a sigmoid.*: network\[7\] = nn\.Identity"),
        ("one number", lambda: plain(count=1), r"one number for a picture.*torch\.cat\(\[-z, z\], 1\) / 2"),
        ("one sigmoid", lambda: plain(nn.Sigmoid(), count=1), "one number .*take its sigmoid away and let"),
        (
            "what mixes pictures",
            lambda: Ends(lambda z: z.view(1, -1)[:, :5]),
            r"gives \(1, 5\) for two pictures",
        ),
        (
            "a BatchNorm without statistics",
            lambda: Parted(nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False), plain())),
            "when it comes with another: it mixes the pictures of a batch",
        ),
        ("a maximum over the batch", lambda: Begins(lambda x: x / x.max()), "it mixes the pictures"),
        ("a mean over the batch", lambda: Ends(lambda z: z - z.mean(0)), "it mixes the pictures"),
        *(
            (
                f"logits {name} over the batch, seed {seed}",
                partial(seeded, end, seed),
                "it mixes the pictures",
            )
            for name, end in MIXES.items()
            for seed in range(8)
        ),
        ("a running mean in eval mode", Drifts, "it mixes the pictures"),
        (
            "a mean over the batch, in half precision",
            lambda: Ends(lambda z: z - z.mean(0)).bfloat16(),
            "it mixes the pictures",
        ),
        ("dropout in eval mode", lambda: Begins(functional.dropout), "other logits each time .* random"),
        ("TorchScript", lambda: torch.jit.script(plain()), "TorchScript, into which nobody can look"),
        (
            "traced TorchScript",
            lambda: torch.jit.trace(plain(), X),
            "TorchScript, into which nobody can look",
        ),
        (
            "an exported program",
            lambda: torch.export.export(plain(), (X,)),
            "an exported program .* the network that torch.export was given",
        ),
        (
            "an exported program's module",
            lambda: torch.export.export(plain(), (X,)).module(),
            "an exported program .* the network that torch.export was given",
        ),
        (
            "an exported part",
            lambda: Parted(torch.export.export(plain(), (X,)).module()),
            "an exported program .* the network that torch.export was given",
        ),
        ("classes for logits", lambda: Ends(lambda z: z.round().long()), "logits are floats; .* gives int64"),
        ("complex logits", lambda: Ends(torch.fft.fft), "logits are floats; this network gives complex64"),
        (
            "a forward that fails in several lines",
            lambda: Ends(fails(1)),
            r"does not take images of shape \(1, 3, 16, 16\): no such shape: 1 rows$",
        ),
        (
            "a forward that fails in several lines on two",
            lambda: Ends(fails(2)),
            "one picture, but not two: no such shape: 2 rows$",
        ),
        ("compiled in place", lambda: in_place(plain()), "compiled in place.*copy.deepcopy"),
        ("a compiled part", lambda: Parted(compiled(plain())), "part 'part' is compiled"),
        ("quantised", quantised, "'6' is quantised"),
    ]
]


class Parted(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.part(x)
        return out


CASES += [
    told(f"wrap with {options}"[:60], partial(lambda o: mine(**o), options), line)
    for options, line in [
        ({"mean": [torch.nan] * 3}, "mean and std want one number a channel"),
        ({"std": [torch.nan] * 3}, "mean and std want one number a channel"),
        ({"mean": [torch.inf] * 3}, "mean and std want one number a channel"),
        ({"mean": [120, 110, 100], "std": [58, 57, 56]}, r"pictures in \[0, 1\].*divide both by 255"),
        ({"std": [58, 57, 56]}, "divide both by 255"),
        ({"mean": 0.5, "std": 0.5}, "mean and std want one number a channel"),
        ({"mean": "abc"}, "mean and std want one number a channel"),
        ({"mean": None}, "mean and std want one number a channel"),
        ({"std": [[0.5] * 3] * 3}, "mean and std want one number a channel"),
        ({"classes": "abcde"}, "list of names in the order of the outputs; given 'abcde'"),
        ({"classes": dict.fromkeys("abcde")}, "list of names in the order of the outputs; given {"),
        ({"classes": set("a")}, "list of names in the order of the outputs; given {"),
        ({"classes": 5}, "list of names in the order of the outputs; given 5"),
        ({"classes": [1, 2, 3, 4, 5]}, "names, in quotes; given 1"),
        ({"classes": ["a", "b", "c", "d", None]}, "names, in quotes; given None"),
        ({"classes": ["a"]}, "1 class names for a network with 5 outputs"),
        ({"size": 0}, "size is 0"),
        ({"size": (16,)}, r"size is a side, or \(height, width\); given"),
        ({"size": 16.0}, r"size is 16\.0"),
        ({"size": True}, "size is True"),
        ({"size": None}, "size is None"),
    ]
]
CASES += [
    right(
        "wrap with tensors and arrays",
        lambda: mine(mean=torch.full((3,), 0.5), std=np.full(3, 0.25), classes=np.array(list("abcde"))),
        lambda n: n.classes == list("abcde") and n.std.flatten().tolist() == [0.25] * 3,
    ),
    right("wrap with a numpy size", lambda: mine(size=np.int64(SIZE)), lambda n: n.size == SIZE),
    right(
        "wrap what torch.compile gave, then silence",
        lambda: without(wrapped(compiled(plain())), "conv2", 3),
        same(partial(without, net(), "conv2", 3)),
    ),
    right(
        "a learner's hooks do not meet the trace",
        hooked,
        lambda f: f == ([], [*["before", "b", "a", "c"], *["before", "b", "c"]]),
    ),
    right("a pruned network", pruned, lambda found: bool(found.isfinite().all())),
    right(
        "two logits made of one, as the line says",
        lambda: camlib.occlusion(wrapped(Ends(lambda z: torch.cat([-z, z], 1) / 2, count=1)), X, 1, window=8),
        lambda found: float(found.abs().max()) > 0,
    ),
    right(
        "a network with its softmax taken away, as the line says",
        lambda: camlib.cam(wrapped(without_softmax()), X),
        same(lambda: camlib.cam(net(), X)),
    ),
]


def without_softmax() -> nn.Module:
    network = plain(nn.Softmax(1))
    network[7] = nn.Identity()
    return network


# Past whose hooks it would run, or without gradients.
CASES += [
    told(
        f"{name} of a compiled Net",
        partial(asked, verb, compiled_net),
        "OptimizedModule is compiled.*_orig_mod",
    )
    for name, verb in PICTURES.items()
]
CASES += [
    told(f"{name} of a Net compiled in place", partial(asked, verb, in_place_net), "compiled in place")
    for name, verb in PICTURES.items()
]
CASES += [
    told(
        "silence in a compiled network",
        lambda: without(compiled(plain()), "2", 3),
        "OptimizedModule is compiled",
    ),
    told(
        "record a compiled network", lambda: recorded(compiled(plain()), "2"), "OptimizedModule is compiled"
    ),
    told("silence in TorchScript", lambda: without(torch.jit.script(plain()), "2", 3), "TorchScript"),
    told("record TorchScript", lambda: recorded(torch.jit.script(plain()), "2"), "TorchScript"),
]
CASES += [
    told(
        f"{name} of a network made in inference mode",
        partial(asked, verb, lambda: wrapped(one_mode())),
        "inference_mode.*copy.deepcopy",
    )
    for name, verb in (("gradcam", camlib.gradcam), ("saliency", camlib.saliency))
]
CASES += [
    right(
        f"{name} of its copy, as the line says",
        partial(asked, verb, lambda: copy.deepcopy(wrapped(one_mode()))),
        same(partial(asked, verb, net)),
    )
    for name, verb in (("gradcam", camlib.gradcam), ("saliency", camlib.saliency))
]


def loaded_in_inference_mode() -> Net:
    with torch.inference_mode():
        return camlib.load("lenet", weights="random")


DIGIT = torch.rand((2, 1, 28, 28), generator=DATA)
CASES += [
    right(
        f"{name} of a network loaded in inference mode",
        partial(asked, verb, loaded_in_inference_mode, DIGIT),
        same(partial(asked, verb, lambda: camlib.load("lenet", weights="random"), DIGIT)),
    )
    for name, verb in (
        ("gradcam", camlib.gradcam),
        ("saliency", camlib.saliency),
        ("occlusion", camlib.occlusion),
    )
]
HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64}
CASES += [
    right(
        f"{name} of a Net moved to {kind}",
        partial(asked, verb, partial(moved, dtype)),
        near_its_own(verb),
    )
    for kind, dtype in HALVES.items()
    for name, verb in PICTURES.items()
]

# One output.
EYE = camlib.load("critternet_eye", weights="random")
SCENE = torch.rand((1, 3, 128, 128), generator=DATA)
CASES += [
    told("occlusion of one output", lambda: camlib.occlusion(EYE, SCENE), "has one output, 'eye'"),
    told("occlude of one output", lambda: camlib.occlude(EYE, SCENE), "has one output, 'eye'"),
    told("look with one output", lambda: camlib.look(EYE, SCENE[0]), "has one output, 'eye'"),
    told(
        "ablate of one output", lambda: camlib.ablate(EYE, "conv5", [(SCENE[0], 0)]), "has one output, 'eye'"
    ),
    right(
        "gradcam of one output",
        lambda: camlib.gradcam(EYE, SCENE),
        lambda found: found.shape == (1, 128, 128),
    ),
]


class Tokens(nn.Module):
    """Maps, then tokens, then maps with their units last, as transformers have them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), nn.GELU()
        self.tokens, self.fc = nn.Linear(8, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        last = self.act(self.norm(self.conv(x).permute(0, 2, 3, 1)))
        tokens = self.tokens(last.flatten(1, 2))
        out: Tensor = self.fc(tokens.mean(1))
        return out


def silent_numbers(layer: str, shape: tuple[int, ...], plainly: bool) -> bool:
    """Whether silencing unit 5 silences it and nothing else: the last dimension's number 5."""
    torch.manual_seed(0)
    module = Tokens()
    network: nn.Module = module if plainly else wrapped(module)
    with camlib.record(network, layer) as before:
        network(X)
    kept = before[layer]
    with camlib.record(network, layer) as after, camlib.silence(network, layer, 5):
        network(X)
    silent = after[layer]
    others = [unit for unit in range(8) if unit != 5]
    return bool(
        tuple(kept.shape[1:]) == shape
        and (silent[..., 5] == 0).all()
        and (kept[..., 5] != 0).any()
        and torch.equal(silent[..., others], kept[..., others])
    )


CASES += [
    right(
        f"silence unit 5 at {layer} of a {kind}",
        partial(silent_numbers, layer, shape, plainly),
        lambda found: bool(found),
    )
    for kind, plainly in (("Net", False), ("plain module", True))
    for layer, shape in (("norm", (4, 4, 8)), ("tokens", (16, 8)))
]
CASES += [
    right(
        "silence behind an activation",
        partial(silent_numbers, "act", (4, 4, 8), False),
        lambda found: bool(found),
    ),
]
CASES += [
    right(f"{name} at units last", partial(verb, wrapped(Tokens()), "norm"), lambda found: found is not None)
    for name, verb in LAYERED.items()
    if name in ("gradcam", "similarnet", "ablation_cam", "silenced_logits", "ablate", "codes", "top_patches")
]


def stage(name: str, layer: str) -> int:
    """Which dimension is the units' in a layer of torchvision's."""
    from camlib.networks.net import traced
    from camlib.networks.unit_axis import unit_axis

    with torch.device("meta"):
        empty = models.get_model(name, weights=None)
    network = camlib.wrap(empty)
    module = network.layer(layer)
    output: Any = next(call.output for call in reversed(traced(network)[0]) if call.module is module)
    return unit_axis(network, module)(output)


CASES += [
    right(f"the units of {name}'s {layer}", partial(stage, name, layer), axis.__eq__)
    for name, layer, axis in [
        ("swin_t", "features.1", 3),
        ("swin_t", "features.2", 3),
        ("swin_t", "norm", 3),
        ("swin_t", "features.1.0.mlp.1", 3),
        ("swin_t", "permute", 1),
        ("convnext_tiny", "features.1", 1),
        ("convnext_tiny", "features.0", 1),
        ("vit_b_16", "encoder", 2),
        ("vit_b_16", "conv_proj", 1),
        ("maxvit_t", "blocks.1", 1),
        ("resnet18", "layer2", 1),
        ("densenet121", "denseblock2", 1),
    ]
]

# Many pictures at once, and their silent units.
MANY = torch.rand((70, 3, SIZE, SIZE), generator=DATA)
CASES += [
    right(
        "silenced_logits of more pictures than one run takes",
        lambda: camlib.silenced_logits(net(), "conv2", MANY)[1][[0, 31, 32, 69]],
        same(lambda: camlib.silenced_logits(net(), "conv2", MANY[[0, 31, 32, 69]])[1]),
    ),
]


# A network whose logits are not numbers.
def diverged() -> Net:
    return wrapped(Ends(lambda z: z * torch.nan))


DIVERGED: dict[str, Any] = {
    **{name: PICTURES[name] for name in ("cam", "saliency", "occlusion", "occlude")},
    "gradcam": partial(camlib.gradcam, layer="trunk.3"),
    "ablation_cam": lambda n, x: camlib.ablation_cam(n, "trunk.3", x),
    "silenced_logits": lambda n, x: camlib.silenced_logits(n, "trunk.3", x),
    "ablate": lambda n, _: camlib.ablate(n, "trunk.3", LABELLED),
}
CASES += [
    told(f"{name} of a network that diverged", partial(asked, verb, diverged), "not a number for image 0")
    for name, verb in DIVERGED.items()
]

# What else these verbs take.
ABLATION = camlib.ablate(net(), "conv2", LABELLED)
HOLED = torch.ones(8)
HOLED[1] = torch.nan
OPTIONS: list[Any] = [
    ("similarnet, weights in a list", camlib.similarnet, (net(), "conv2", X, [1.0] * 8), "weights: given"),
    ("similarnet, an array", camlib.similarnet, (net(), "conv2", X, np.ones(8)), r"torch\.from_numpy"),
    ("similarnet, no weights", camlib.similarnet, (net(), "conv2", X, None), "weights: given None"),
    ("similarnet, a weight NaN", camlib.similarnet, (net(), "conv2", X, HOLED), "weights want numbers"),
    ("softmax_weights of a tensor", camlib.softmax_weights, (torch.ones(8),), "ablate gives; given a tensor"),
    ("linear_weights of None", camlib.linear_weights, (None,), "what ablate gives; given None"),
    ("ccgap_weights of None", camlib.ccgap_weights, (None, torch.ones(8)), "what ablate gives; given None"),
    ("ccgap_weights, norms a list", camlib.ccgap_weights, (ABLATION, [1.0] * 8), "norms: given"),
    (
        "a temperature",
        partial(anyhow, camlib.softmax_weights, temperature="hot"),
        (ABLATION,),
        "temperature is 'hot'",
    ),
    (
        "a list for a unit",
        partial(anyhow, camlib.softmax_weights, unit=["loss"]),
        (ABLATION,),
        "words; given",
    ),
    (
        "a window of a tensor",
        partial(anyhow, camlib.occlusion, window=X),
        (net(), X),
        "window is a tensor float32",
    ),
    (
        "a stride of a picture",
        partial(anyhow, camlib.occlusion, window=4, stride=X[0]),
        (net(), X),
        "stride is a tensor",
    ),
    ("lay numbers", lambda one: camlib.occlude(net(), X, window=8).lay(one), (1.0,), "values: given 1.0"),
    ("labels in rows", camlib.ablate, (net(), "conv2", [(X[0], [0, 1])]), r"one for a picture; given shape"),
    ("labels in empty rows", camlib.ablate, (net(), "conv2", [(X[0], [])]), r"given shape \(1, 0\)"),
    ("labels in words", camlib.ablate, (net(), "conv2", [(X[0], "cat")]), "class indices, .*; given 'cat'"),
    (
        "a size of 1.5",
        partial(anyhow, camlib.receptive_field, size=1.5),
        (net(), "conv2"),
        r"in pixels; given 1\.5",
    ),
    (
        "a size of a picture",
        partial(anyhow, camlib.receptive_field, size=X[0]),
        (net(), "conv2"),
        "given a tensor",
    ),
    ("a Net of None", Net, (None, "none"), "torch.nn.Module; given None"),
    ("a Net of a negative resize", partial(Net, size=SIZE, resize=-1), (plain(), "one"), "resize is -1"),
]
CASES += [told(name, partial(anyhow, verb, *given), line) for name, verb, given, line in OPTIONS]
CASES += [
    right(
        "a numpy window",
        partial(anyhow, camlib.occlusion, net(), X, window=np.int64(8)),
        same(lambda: camlib.occlusion(net(), X, window=8)),
    ),
]


# A layer that does not run once for a whole batch.
class Around(nn.Module):
    """A learner's network that calls its layers in a way of its own."""

    def __init__(self, way: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.trunk, self.way = plain(), way

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self.trunk, x)


def one_by_one(trunk: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([trunk(image[None]) for image in x])


def in_pieces(trunk: nn.Module, x: Tensor) -> Tensor:
    pieces = x.unfold(2, 8, 8).unfold(3, 8, 8).permute(0, 2, 3, 1, 4, 5)
    found: Tensor = trunk(pieces.flatten(0, 2)).view(len(x), -1, 5).mean(1)
    return found


def until_small(trunk: Any, x: Tensor) -> Tensor:
    x = trunk[0](x)
    while x.shape[-1] > 8:
        x = nn.functional.max_pool2d(trunk[2](x), 2)
    found: Tensor = trunk[3:](x)
    return found


def until_bright(trunk: Any, x: Tensor) -> Tensor:
    x = trunk[2](trunk[0](x))
    for _ in range(1 if x.std() > 0.1 else 2):
        x = trunk[2](x)
    found: Tensor = trunk[3:](x)
    return found


def around(way: Callable[[Any, Tensor], Tensor]) -> Net:
    return camlib.wrap(Around(way).eval(), size=SIZE)


ROWED: dict[str, Verb] = {
    "codes": lambda n, x: camlib.codes(n, "trunk.2", x),
    "gradcam": lambda n, x: camlib.gradcam(n, x, layer="trunk.2"),
    "layercam": lambda n, x: camlib.layercam(n, x, layer="trunk.2"),
    "top_patches": lambda n, x: camlib.top_patches(n, "trunk.2", x),
    "locate": lambda n, x: camlib.locate(n, ("trunk.2", 1), x),
    "similarnet": lambda n, x: camlib.similarnet(n, "trunk.2", x, torch.ones(8)),
    "feature_maps": lambda n, x: camlib.feature_maps(n, ["trunk.2"], x),
    "silenced_logits": lambda n, x: camlib.silenced_logits(n, "trunk.2", x),
    "ablate": lambda n, x: camlib.ablate(n, "trunk.2", [(one, 0) for one in x]),
    "occlude": lambda n, x: camlib.occlude(n, x, layer="trunk.2", window=8),
}
WIDE = torch.rand((2, 3, 2 * SIZE, 2 * SIZE), generator=DATA)
CASES += [
    told(f"{name} of a layer that runs {kind}", partial(verb, around(way), images), line)
    for kind, way, images, line, but in [
        ("for each picture", one_by_one, X, "'trunk.2' gives 1 row for .* pictures: .*single pictures", ()),
        ("on pieces of pictures", in_pieces, X, "'trunk.2' gives [48] rows for .* picture", ()),
        (
            "as often as the size asks",
            until_small,
            WIDE,
            "'trunk.2' ran 2 times for these pictures, and 1 time",
            ("gradcam", "layercam", "silenced_logits", "ablate", "occlude"),  # which take each size as it is
        ),
        (
            "as often as the brightness asks",
            until_bright,
            X,
            "'trunk.2' ran 2 times for these pictures, and 3 times",
            ("silenced_logits", "ablate", "occlude"),  # silent at each call
        ),
    ]
    for name, verb in ROWED.items()
    if name not in but
]
CASES += [
    right(
        "codes of a layer that runs for each picture, one at a time",
        lambda: camlib.codes(around(one_by_one), "trunk.2", X, batch_size=1),
        same(lambda: camlib.codes(net(), "2", X)),
    ),
]


# Weight files, whose error is a WeightsError; load itself gives a ValueError.
def weights_line(save: Callable[[Path], Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.pth"
        save(file)
        try:
            camlib.load("lenet", weights=file)
        except WeightsError as error:
            return str(error)
    return "loaded"


@cache
def lenet() -> nn.Module:
    return camlib.load("lenet", weights="random").module


def holds(*words: str) -> Callable[[str], bool]:
    return lambda line: "\n" not in line and "delete" not in line and all(word in line for word in words)


FILES: list[Any] = [
    (
        "a pickled network",
        lambda f: torch.save(lenet(), f),
        "a network or other objects",
        "save net.state_dict()",
    ),
    (
        "a pickled Net",
        lambda f: torch.save(camlib.load("lenet", weights="random"), f),
        "save net.state_dict()",
    ),
    (
        "an old pickled network",
        lambda f: torch.save(lenet(), f, _use_new_zipfile_serialization=False),
        "save net.state_dict()",
    ),
    ("TorchScript", lambda f: torch.jit.script(lenet()).save(f), "save net.state_dict()"),
    ("arrays", lambda f: torch.save({"a": np.zeros(3)}, f), "save net.state_dict()"),
    (
        "a checkpoint",
        lambda f: torch.save({"model": lenet().state_dict(), "epoch": 3}, f),
        "its entry 'model' is one",
    ),
    ("a page", lambda f: f.write_text("<html>"), "no weight file"),
    ("nothing", lambda f: f.write_bytes(b""), "no weight file"),
    (
        "a Net's state dict",
        lambda f: torch.save(camlib.load("lenet", weights="random").state_dict(), f),
        "loaded",
    ),
    ("a state dict", lambda f: torch.save(lenet().state_dict(), f), "loaded"),
    (
        "a diverged training",
        lambda f: torch.save({k: v * torch.nan for k, v in lenet().state_dict().items()}, f),
        "not finite",
        "diverged",
    ),
]
CASES += [
    right(f"load from {kind}", partial(weights_line, save), holds(*words)) for kind, save, *words in FILES
]
CASES += [
    told(f"load with weights {kind}", partial(anyhow, camlib.load, "lenet", weights=weights), line)
    for kind, weights, line in [
        ("a state dict", {"a": 1}, r"weights=\{'a': 1\} is no file"),
        ("a number", 5, "weights=5 is no file"),
        ("nothing", "", "weights='' is no file"),
        ("a module", plain(), "weights=a Sequential is no file"),
    ]
]
CASES += [
    told(f"load {kind}", partial(anyhow, camlib.load, name), line)
    for kind, name, line in [
        ("None", None, "load wants a network's name; given None"),
        ("a module", plain(), "load wants a network's name; given .*wrap"),
        ("a list", ["lenet"], r"load wants a network's name; given \['lenet'\]"),
        ("nothing", "", "no network is called ''"),
    ]
]


# What is printed.
def lines(most: int) -> Callable[[Any], bool]:
    return lambda found: (
        len(repr(found)) < 700 and repr(found).count("\n") < most and "tensor(" not in repr(found)
    )


SCENES = camlib.critters(2)
PRINTED: list[Any] = [
    ("a Net", net, 5),
    ("a large Net", lambda: camlib.load("resnet18", weights="random"), 5),
    ("Scenes", lambda: SCENES, 1),
    ("Texts", lambda: camlib.texts(1, kind="page", size=(120, 120)), 1),
    ("Digits", lambda: camlib.digits(source="sklearn"), 1),
    ("Photos", lambda: camlib.photos()[:2], 1),
    ("a Tracker", lambda: camlib.Tracker.of(EYE), 1),
    ("FeatureMaps", lambda: camlib.feature_maps(net(), ["conv1", "conv2"], X), 1),
    ("Occlusions", lambda: camlib.occlude(net(), X, window=8), 1),
    ("a Classifier", lambda: camlib.find_classifier(net(), X), 1),
    ("an Ablation", lambda: camlib.ablate(net(), "conv2", LABELLED), 1),
]
CASES += [right(f"print {kind}", make, lines(most)) for kind, make, most in PRINTED]
