"""How many scenes a second are drawn: on all cores, and by one process alone."""

import time

import joblib

from camlib.scenes.drawing.paint import paint
from camlib.scenes.drawing.recipe import sample
from camlib.scenes.scenes import critters


def main() -> None:
    critters(64)  # starts the processes
    shared, alone = 0.0, 0.0
    for seed in range(3):  # interleaved, so that a busy moment falls on both
        start = time.perf_counter()
        critters(320, seed=seed)
        shared += time.perf_counter() - start
        start = time.perf_counter()
        for index in range(80):
            paint(sample(seed, index), 128)
        alone += time.perf_counter() - start
    rates = 960 / shared, 240 / alone
    print(f"{joblib.cpu_count()} cores: {rates[0]:.0f} scenes a second; one process: {rates[1]:.0f}")
    print(f"ratio {rates[0] / rates[1]:.2f}")


if __name__ == "__main__":
    main()
