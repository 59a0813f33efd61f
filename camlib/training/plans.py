"""How each network is trained: rates, epochs, where it starts, whose answers it learns."""

from dataclasses import dataclass

__all__ = ["PLANS", "Plan"]


@dataclass(frozen=True)
class Plan:
    """How one network is trained.

    rate: the peak of the learning rate.  start: the network whose convolutions it starts from, if any.
    hide: sides, in pixels, of the grid cells that are hidden in its pictures, if any.
    unit: (network, layer, number) of the unit whose answers a tracker learns; None: from the truth.
    """

    epochs: int
    rate: float
    batch: int = 64
    start: str | None = None
    hide: tuple[int, ...] = ()
    unit: tuple[str, str, int] | None = None


PLANS = {
    "critternet_gmp": Plan(epochs=16, rate=4e-3),
    "critternet": Plan(epochs=6, rate=1e-3, start="critternet_gmp"),
    "critternet_gap": Plan(epochs=16, rate=4e-3),
    "critternet_gap2": Plan(epochs=16, rate=4e-3),
    "critternet_has": Plan(epochs=16, rate=4e-3, hide=(16, 32)),
    "critternet_eye": Plan(epochs=10, rate=4e-3, unit=("critternet_gmp", "conv5", 38)),
    "critternet_eye_exact": Plan(epochs=10, rate=4e-3),
    "lenet": Plan(epochs=10, rate=1e-3, batch=300),
}
