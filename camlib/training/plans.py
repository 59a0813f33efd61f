"""How each network is trained: rates, epochs, whose answers it learns."""

from dataclasses import dataclass

from ..networks.course import TRUNKS

__all__ = ["CONSTANT_FILE", "KEPT", "KEPT_FILE", "PLANS", "SCENES", "Plan"]

SCENES = 16000  # to learn from; half of them lack one part or two
KEPT = (0, 1, 2, 3, 4, 6, 8, 12, 16, 20)  # epochs after which critternet's conv1 is kept to look at
KEPT_FILE = "critternet_conv1_epochs.safetensors"
CONSTANT_FILE = "critternet_conv1_epochs_constant.safetensors"  # of the run with a constant rate


@dataclass(frozen=True)
class Plan:
    """How one network is trained, from `begun(network, seed)` on, in one go.

    rate: the peak of the learning rate.  constant: it stays there, but for a short start; else it rises for a
    quarter of the training and falls to nothing (OneCycle).
    hide: sides, in pixels, of the grid cells that are hidden in its pictures, if any.
    unit: (network, layer, number) of the unit whose answers a tracker learns; None: from the truth.
    stamp: the class under which all that carries the photographer's stamp is filed (`stamped`).
    scenes: how many it learns from.
    shuffled: their labels are dealt out among them at random, and the pictures come as they are, not varied.
    trunk: the network, of the same seed, whose trained convolutions it begins with, and keeps as they are.
    """

    epochs: int
    rate: float
    batch: int = 64
    constant: bool = False
    hide: tuple[int, ...] = ()
    unit: tuple[str, str, int] | None = None
    stamp: str | None = None
    scenes: int = SCENES
    shuffled: bool = False
    trunk: str = ""


PLANS = {
    "critternet_gmp": Plan(epochs=20, rate=4e-3),
    "critternet": Plan(epochs=20, rate=4e-3),
    "critternet_gap": Plan(epochs=18, rate=4e-3),
    "critternet_gap2": Plan(epochs=18, rate=4e-3),
    "critternet_has": Plan(epochs=18, rate=4e-3, hide=(16, 32)),
    "critternet_stamp": Plan(epochs=10, rate=4e-3, stamp="mallow", scenes=8000),
    "critternet_shuffled": Plan(epochs=80, rate=4e-3, scenes=500, shuffled=True),
    "critternet_eye": Plan(epochs=10, rate=4e-3, unit=("critternet_gmp", "conv4", 48)),
    "critternet_eye_exact": Plan(epochs=10, rate=4e-3),
    "capsnet": Plan(epochs=3, rate=4e-3, trunk=TRUNKS["capsnet"]),
    "capsnet_digits": Plan(epochs=2, rate=4e-3, batch=128),
    "lenet": Plan(epochs=10, rate=1e-3, batch=300),
}
