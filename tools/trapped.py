"""Is it the trap, or the short training? `make trapped` trains lesson 12's controls: data/trust/trapped.csv.

critternet_stamp and critternet_shuffled ship as one training each. Here each has three, and critternet_stamp
has a control: the same scenes, epochs and starting weights, but without stamps, and rightly filed. The maps
that never look are measured beside the methods, and so is how alike one network's maps of two scenes are.
Takes half an hour of one core, mostly for the trainings, which are kept in build/trapped and do not ship.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from camlib import cam, deep_lift, draw, guided_backprop, load, saliency, scores, trust
from camlib.networks.course import RUNS
from camlib.networks.net import Net
from camlib.scenes.scenes import Scenes, recipes
from camlib.training.drawn import drawn
from camlib.training.plans import PLANS
from camlib.training.ship import FRESH, right
from camlib.training.train import train
from camlib.trust.graded import Grade, graded_file
from tools.trust import BASELINES, write

SEED, SEEDS = 1213, 3
PICTURES, HEATED = 200, 40  # scenes to answer; of the other critters among them, the first so many get maps
TRAP, RESEMBLANCE = "mallow", "resemblance to critternet_gap"
STAMPED, SHUFFLED = PLANS["critternet_stamp"], PLANS["critternet_shuffled"]
KINDS = {"trapped": STAMPED, "control": replace(STAMPED, stamp=None), "shuffled labels": SHUFFLED}
SHIPPED = {"trapped": "critternet_stamp", "shuffled labels": "critternet_shuffled"}  # of seed 0
METHODS: dict[str, Callable[..., Tensor]] = {
    "CAM": cam,
    "gradient": saliency,
    "DeepLIFT": deep_lift,
    "guided backprop": guided_backprop,
    **BASELINES,
}


def scenes(n: int = PICTURES) -> tuple[Scenes, Scenes]:
    """The first n scenes, with nothing before the critter; and the same with the stamp."""
    some = recipes(PICTURES, seed=SEED)[:n]
    plain = [replace(recipe, occluders=0) for recipe in some]
    return draw(plain), draw([replace(recipe, stamp=True) for recipe in plain])


def trained(kind: str, seed: int, folder: Path, checkpoints: Path) -> Net:
    """The network of that kind and seed: what ships, or what lies in `folder`, or trained now."""
    if seed == 0 and kind in SHIPPED:
        return load(SHIPPED[kind])
    own = folder / kind.replace(" ", "-")
    file = own / ("critternet_gap.safetensors" if seed == 0 else f"critternet_gap-seed{seed}.safetensors")
    if not file.is_file():
        own.mkdir(parents=True, exist_ok=True)
        train("critternet_gap", own, checkpoints, KINDS[kind], seed=seed)
    return load("critternet_gap", weights=file)


def answers(net: Net, plain: Scenes, stamped: Scenes, checkpoints: Path) -> Iterator[tuple[str, scores.Mean]]:
    """What it answers: right on 2000 fresh scenes; of other critters the share called mallow."""
    mallow = net.classes.index(TRAP)
    yield "right", scores.Mean(right(net, drawn(2000, FRESH, 0.0, checkpoints)).float())
    others = plain.labels != mallow
    with torch.inference_mode():
        for name, some in (("without", plain), ("with", stamped)):
            found = net(some.images[others]).argmax(1) == mallow
            yield f"called {TRAP} {name} the stamp", scores.Mean(found.float())


def on_stamp(net: Net, some: Scenes) -> Iterator[tuple[str, scores.Mean]]:
    """For each method the share of the positive heat for mallow that lies on the stamp."""
    wanted = torch.full((len(some),), net.classes.index(TRAP))
    for name, f in METHODS.items():
        heat = f(net, some.images, wanted).clamp(min=0)
        share = (heat * some.stamps).sum((1, 2)) / heat.sum((1, 2)).clamp(min=1e-12)
        yield name, scores.Mean(share)


def resemblance(net: Net, like: dict[str, Tensor], some: Scenes) -> Iterator[tuple[str, scores.Mean]]:
    """For each method the rank correlation of |map| with that of critternet_gap's first training."""
    for name, f in METHODS.items():
        maps = f(net, some.images, some.labels)
        yield name, scores.Mean(trust.rank_correlation(like[name], maps, signed=False))


def apart(like: dict[str, Tensor]) -> Iterator[tuple[str, scores.Mean]]:
    """For each method the same of each scene's map and the next scene's: the base rate of `resemblance`."""
    for name, maps in like.items():
        yield name, scores.Mean(trust.rank_correlation(maps, maps.roll(1, 0), signed=False))


def measured(seed: int, folder: Path, checkpoints: Path) -> list[Grade]:
    """All rows of one seed."""
    plain, stamped = scenes()
    gap = load("critternet_gap")
    others = (stamped.labels != gap.classes.index(TRAP)).nonzero()[:HEATED, 0].tolist()
    shown, some = stamped[others], plain[:HEATED]
    like = {name: f(gap, some.images, some.labels) for name, f in METHODS.items()}
    rows: list[Grade] = []

    def told(network: str, seed: int, method: str, test: str, score: scores.Mean) -> None:
        rows.append(Grade(network, seed, method, test, float(score), *score.interval()))
        print(*rows[-1], flush=True)

    for kind in ("trapped", "control"):
        net = trained(kind, seed, folder, checkpoints)
        for test, score in answers(net, plain, stamped, checkpoints):
            told(kind, seed, "answers", test, score)
        for method, score in on_stamp(net, shown):
            told(kind, seed, method, "heat on the stamp", score)
    nets = [("shuffled labels", seed, trained("shuffled labels", seed, folder, checkpoints))]
    nets += [("random weights", seed, trust.fresh(gap, seed=seed))]
    if seed + 1 < RUNS["critternet_gap"]:
        nets += [("another training", seed + 1, load("critternet_gap", seed=seed + 1))]
    for kind, own, net in nets:
        for method, score in resemblance(net, like, some):
            told(kind, own, method, RESEMBLANCE, score)
    for method, score in apart(like) if seed == 0 else ():
        told("another scene", 0, method, RESEMBLANCE, score)
    return rows


def in_order(rows: list[Grade]) -> list[Grade]:
    """Test by test, method by method; then by kind of training, and by seed."""
    order = {one: k for k, one in enumerate(dict.fromkeys((row.test, row.method) for row in rows))}
    return sorted(rows, key=lambda row: (order[row.test, row.method], row.network, row.seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path("build/trapped"), help="where the networks are kept"
    )
    parser.add_argument("--checkpoints", type=Path, default=Path("build/train"), help="where scenes are kept")
    parser.add_argument("--output", type=Path, default=graded_file("trapped"), help="the table")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for seed in range(SEEDS) for row in measured(seed, chosen.folder, chosen.checkpoints)]
    write(in_order(rows), chosen.output)
    print(f"{len(rows)} numbers in {chosen.output}")


if __name__ == "__main__":
    main()
