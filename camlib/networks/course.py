"""The course's own networks: small enough to train on a laptop, plain enough to read whole.

critternet has AlexNet's shape; critternet_gap and critternet_gmp pool the same five convolutions into one
linear layer (Zhou et al. 2016), critternet_gap2 two convolutions more (their AlexNet*-GAP); critternet_has is
critternet_gap, trained with cells of its pictures hidden (Singh, Lee 2017); critternet_stamp is
critternet_gap, trained where one class's pictures carry a photographer's stamp, critternet_shuffled on labels
dealt out at random, which it can only learn by heart. critternet_eye and critternet_eye_exact say where an
eye is, by a heat map on the same trunk (`heat_map`); the one learnt from a unit's answers, the other from the
truth. lenet is SIMILARnet's (Ghosh et al.). capsnet_digits is a capsule network (Sabour et al. 2017), much
reduced; capsnet has capsules on critternet_gap's convolutions. None has batch norm; where training used it,
it is folded into the layers afterwards (`begun` is how a training begins).
"""

from collections import OrderedDict

from torch import nn

from ..capsules.layers import ClassCapsules, LogOdds, PrimaryCapsules
from ..chance import drawing
from ..wording import listing, near

TRACKERS = ("critternet_eye", "critternet_eye_exact")
CAPSULES = ("capsnet", "capsnet_digits")
DIGITS = ("capsnet_digits", "lenet")  # those that read digits; all others look at scenes
COURSE = (
    *("critternet", "critternet_gap", "critternet_gap2", "critternet_gmp", "critternet_has"),
    *("critternet_stamp", "critternet_shuffled", *TRACKERS, *CAPSULES, "lenet"),
)
# how many trainings ship, of seeds 0, 1, …; of networks that are not named, that of seed 0
RUNS = dict.fromkeys(
    (
        *("critternet", "critternet_gap", "critternet_gap2", "critternet_gmp", "critternet_has"),
        *("capsnet", "lenet"),
    ),
    3,
)
TRUNKS = {"capsnet": "critternet_gap"}  # whose trained convolutions of the same seed a network begins with
TINY = 0.003  # standard deviation of conv1's weights at the start; with batch norm it gives smooth filters


def run_name(name: str, seed: int) -> str:
    """What a training of one of the course's networks is called: "critternet_gap", "critternet_gap-seed1", …

    Raises ValueError for a seed of which no training ships.
    """
    if seed >= (count := RUNS.get(name, 1)):
        runs = f"0 to {count - 1}" if count > 1 else "0"
        raise ValueError(f"there is no training of {name} with seed {seed}; there are seeds {runs}")
    return f"{name}-seed{seed}" if seed else name


def build(name: str) -> nn.Sequential:
    """One of the course's own networks with fresh weights, before normalisation (`load` makes a `Net` of it).

    critternet: (N, 3, 128, 128) → (N, 9), AlexNet's shape; critternet_gap, critternet_gmp: the same
    convolutions, pooled; critternet_gap2: two more before the pooling; critternet_has, critternet_stamp and
    critternet_shuffled: as critternet_gap; critternet_eye, critternet_eye_exact: (N, 1), the highest value of
    a heat map; capsnet, capsnet_digits: capsules, for scenes and for digits, whose logits are the log odds of
    lengths;
    lenet: (N, 1, 28, 28) → (N, 10), SIMILARnet's. Raises ValueError for other names.
    """
    if name not in COURSE:
        raise ValueError(f"the course has no network {name!r}{near(name, COURSE)}; it has {listing(COURSE)}")
    if name in CAPSULES:
        return nn.Sequential(_capsnet() if name == "capsnet" else _capsnet_digits())
    layers = _lenet() if name == "lenet" else _convolutions() | _head(name)
    return nn.Sequential(layers)


def begun(name: str, seed: int = 0) -> nn.Sequential:
    """The network as its training begins, to the seed; the global random state is left as it was.

    As `build` gives it, but conv1 is tiny, and where training puts a batch norm behind a layer its bias is 0.
    """
    with drawing(seed):
        module = build(name)
        for layer in normed(module):
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        if name not in DIGITS:
            nn.init.normal_(module.get_submodule("conv1").weight, std=TINY)  # type: ignore[arg-type]
    return module


def take_over(module: nn.Module, trained: nn.Module) -> list[nn.Parameter]:
    """Give it another network's layers of the same names and shapes; returns what it was given."""
    theirs, given = dict(trained.named_parameters()), []
    for key, own in module.named_parameters():
        if key in theirs and theirs[key].shape == own.shape:
            own.data.copy_(theirs[key])
            given.append(own)
    return given


def normed(module: nn.Sequential) -> list[nn.Conv2d | nn.Linear]:
    """The layers behind which training puts a batch norm: all but the last, and none of lenet's.

    Of capsules the last, too, for what is squashed should not be tiny; capsnet's others come trained.
    """
    layers = [layer for layer in module if isinstance(layer, nn.Conv2d | nn.Linear)]
    coloured = layers[0].weight.shape[1] == 3
    if any(isinstance(layer, PrimaryCapsules) for layer in module):
        return layers[-1:] if coloured else layers
    return layers[:-1] if coloured else []


def _convolutions() -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv1=nn.Conv2d(3, 32, 11, stride=4, padding=5),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(3, stride=2, padding=1),
        conv2=nn.Conv2d(32, 64, 5, padding=2),
        relu2=nn.ReLU(),
        conv3=nn.Conv2d(64, 64, 3, padding=1),
        relu3=nn.ReLU(),
        conv4=nn.Conv2d(64, 64, 3, padding=1),
        relu4=nn.ReLU(),
        conv5=nn.Conv2d(64, 64, 3, padding=1),
        relu5=nn.ReLU(),
    )


def _head(name: str) -> OrderedDict[str, nn.Module]:
    if name == "critternet":
        return OrderedDict(
            pool5=nn.MaxPool2d(3, stride=2, padding=1),
            flatten=nn.Flatten(),
            fc6=nn.Linear(64 * 8 * 8, 256),
            relu6=nn.ReLU(),
            fc7=nn.Linear(256, 256),
            relu7=nn.ReLU(),
            fc8=nn.Linear(256, 9),
        )
    if name in TRACKERS:
        return OrderedDict(
            conv6=nn.Conv2d(64, 16, 1),
            relu6=nn.ReLU(),
            heat=nn.Conv2d(16, 4, 3, padding=1),
            shuffle=nn.PixelShuffle(2),
            pool=nn.AdaptiveMaxPool2d(1),
            flatten=nn.Flatten(),
        )
    more: OrderedDict[str, nn.Module] = OrderedDict()
    if name == "critternet_gap2":
        more = OrderedDict(
            conv6=nn.Conv2d(64, 64, 3, padding=1),
            relu6=nn.ReLU(),
            conv7=nn.Conv2d(64, 64, 3, padding=1),
            relu7=nn.ReLU(),
        )
    pool = nn.AdaptiveMaxPool2d(1) if name == "critternet_gmp" else nn.AdaptiveAvgPool2d(1)
    return more | OrderedDict(pool=pool, flatten=nn.Flatten(), fc=nn.Linear(64, 9))


def _lenet() -> OrderedDict[str, nn.Module]:
    return OrderedDict(
        conv1=nn.Conv2d(1, 6, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 5, padding=2),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc1=nn.Linear(16 * 7 * 7, 120),
        relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84),
        relu4=nn.ReLU(),
        fc3=nn.Linear(84, 10),
    )


def _capsnet() -> OrderedDict[str, nn.Module]:
    """critternet_gap's conv1 to conv4; 8 × 8 places with 6 capsules of 4 numbers each; 9 of 8."""
    return OrderedDict(list(_convolutions().items())[: 2 * 4 + 1]) | OrderedDict(
        maps=nn.Conv2d(64, 6 * 4, 3, stride=2, padding=1),
        primary=PrimaryCapsules(4),
        routing=ClassCapsules(8 * 8 * 6, 4, 9, 8),
        odds=LogOdds(),
    )


def _capsnet_digits() -> OrderedDict[str, nn.Module]:
    """The paper's, with 24 filters, not 256, 4 × 8 primary channels, not 32 × 8, poses of 8, not 16."""
    return OrderedDict(
        conv1=nn.Conv2d(1, 24, 9),
        relu1=nn.ReLU(),
        maps=nn.Conv2d(24, 4 * 8, 9, stride=2),
        primary=PrimaryCapsules(8),
        routing=ClassCapsules(6 * 6 * 4, 8, 10, 8),
        odds=LogOdds(),
    )
