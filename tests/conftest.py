"""Networks that many tests look at, made once; and what `make check` leaves out."""

from collections.abc import Callable
from functools import lru_cache

import pytest

from camlib.networks.net import Net
from camlib.networks.zoo import load


@pytest.fixture(scope="session")
def untrained() -> Callable[[str], Net]:
    """One of torchvision's networks, or ours, with random weights: shared, so not to be changed."""
    return lru_cache(maxsize=12)(lambda name: load(name, weights="random"))
