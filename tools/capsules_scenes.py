"""Ask capsules and critternet_gap the same questions about scenes, for lesson 13: the end of `make capsules`.

Sleepers, parts that were removed, two critters in one scene; and all of it again of capsules that were
trained from the first layer on, and of some on a finer grid (`tools/capsules_first_layer.py`: a quarter of an
hour of one core for each seed). Writes data/capsules/scenes.csv, a row for each network, seed and question;
what each network answered is kept in build/capsules, and it is not asked again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from camlib import (
    UnitTable,
    cam,
    coupled,
    critters,
    find_maps,
    find_units,
    load,
    pointing_game,
    probe,
    upsample,
)
from camlib.capsules.trained import Asked, scenes_file, write_table
from camlib.networks.net import Net
from camlib.pictures.pixels import Pixels
from camlib.running.record import record
from camlib.scenes.scenes import Scenes, draw
from camlib.shipped import rows_of
from camlib.training.drawn import drawn
from camlib.training.ship import FRESH, right
from camlib.trust.parts import part_masks
from camlib.trust.redraw import PLACES
from camlib.units.coupled import Coupled
from tools.capsules_first_layer import FINER, FIRST_LAYER, UNTRAINED_FINER, kept, untrained

SEEDS = (0, 1, 2)
FEW, CROWD, PAIRS, WHOLE = (200, 1013), (400, 1014), (500, 1315), (500, 1317)  # how many, and their seed
LEAST = 12  # pixels of a part in sight, so that there is something to remove
NEAR = 8  # pixels from the removed part, half a capsule's cell
ASLEEP = 8
# what ships, by its name here: its name, and its weights
SHIPPED = {
    "capsules": ("capsnet", None),
    "untrained capsules": ("capsnet", "untrained"),
    "critternet_gap": ("critternet_gap", None),
    "critternet_gap2": ("critternet_gap2", None),
}


def removed(scenes: Scenes, seed: int = 0) -> tuple[Scenes, Scenes, Tensor]:
    """Those of the scenes with a part in sight, the same without one, drawn at random, and where it was."""
    masks, generator = part_masks(scenes), torch.Generator().manual_seed(seed)
    there = masks.sum((2, 3)) >= LEAST
    some = there.any(1).nonzero()[:, 0]
    chosen = torch.multinomial(there[some].float(), 1, generator=generator)[:, 0]
    recipes = [
        replace(scenes.recipes[i], without=(PLACES[part],))
        for i, part in zip(some.tolist(), chosen.tolist(), strict=True)
    ]
    return scenes[some], draw(recipes), masks[some, chosen]


def maps_of(said: Coupled, classes: Tensor, how: str) -> Tensor:
    """Maps (N, 128, 128) of capsules: their couplings to a class, their lengths, or one times the other."""
    if how == "couplings":
        own = said.couplings[torch.arange(len(classes)), ..., classes].sum(1)
    else:
        own = said.heat(classes, coupled=how != "lengths")
    return upsample(own, said.field, size=(128, 128))


def of_capsules(
    net: Net, few: Scenes, crowd: Scenes, whole: tuple[Tensor, Tensor]
) -> Iterator[tuple[str, float]]:
    """What only capsules can be asked: eyes, poses, routing; is an eye's capsule short in sleep?"""
    learn, held = coupled(net, few), coupled(net, crowd)
    for name, maps in WAYS.items():
        yield from marks(
            f"eyes by {name}",
            [
                find_maps({"map": maps(said)}, said.field, some, "eye")
                for said, some in ((learn, few), (held, crowd))
            ],
        )
    rows = (held.poses * (torch.arange(9) == held.answers[:, None])[..., None]).flatten(1)
    left, _, right, _ = crowd.boxes.T
    yield "left–right from masked poses, R²", probe(rows, {"x": (left + right) / 2})["x"]
    pixels, labels = whole
    said, equal = (coupled(net, Pixels(pixels), iterations=count) for count in (3, 1))
    yield "right without routing", share(equal.answers == labels)
    yield "right with routing", share(said.answers == labels)
    number = find_maps({"length": learn.seen}, learn.field, few, "eye").best[1]
    yield "awake or asleep by the eye's detector", awake(said.seen[:, number].amax((1, 2)), labels)


def _products(said: Coupled) -> Tensor:
    return (said.seen[..., None] * said.couplings).movedim(-1, 2).flatten(1, 2)


WAYS: dict[str, Callable[[Coupled], Tensor]] = {
    "length": lambda said: said.seen,
    "coupling × length": _products,
}


def marks(name: str, tables: Sequence[UnitTable]) -> Iterator[tuple[str, float]]:
    """How often the best of the first table, by PCK@.2 and by PCK@.1, is right in the second."""
    learn, held = tables
    for alpha in (0.2, 0.1):
        best = UnitTable.ranked(learn.keys, learn.errors, alpha).best
        yield f"{name}, PCK@{alpha:g}", held.of(best).pck(alpha)


def of_heads(net: Net, few: Scenes, crowd: Scenes) -> Iterator[tuple[str, float]]:
    """Whether heads are found, rather than eyes; of units of conv4 eyes, too."""
    middles = [some.head_boxes.view(-1, 2, 2).mean(1) for some in (few, crowd)]
    if "routing" not in dict(net.module.named_children()):
        wanted: dict[str, Sequence[str | Tensor]] = {"eyes": ("eye", "eye"), "heads": middles}
        for part, points in wanted.items():
            pairs = zip((few, crowd), points, strict=True)
            tables = [find_units(net, some, where, layers=["conv4"]) for some, where in pairs]
            yield from marks(f"{part} by unit", tables)
        heat = cam(net, crowd.images)
    else:
        said = [coupled(net, some) for some in (few, crowd)]
        for name, maps in WAYS.items():
            triples = zip(said, (few, crowd), middles, strict=True)
            tables = [find_maps({"map": maps(one)}, one.field, some, where) for one, some, where in triples]
            yield from marks(f"heads by {name}", tables)
        heat = maps_of(said[1], said[1].answers, "heat")
    yield "heat in the head's box", float(pointing_game(heat, crowd.head_boxes, 0))


def of_units(net: Net, few: Scenes, whole: tuple[Tensor, Tensor]) -> Iterator[tuple[str, float]]:
    """The same of the unit of conv4 that marks eyes best."""
    layer, number = find_units(net, few, "eye", layers=["conv4"]).best
    highest = []
    for part in torch.split(whole[0], 250):
        with torch.inference_mode(), record(net, layer) as acts:
            net(part.float() / 255)
        highest.append(acts[layer][:, number].amax((1, 2)))
    yield "awake or asleep by the eye's detector", awake(torch.cat(highest), whole[1])


def awake(strength: Tensor, labels: Tensor) -> float:
    """How often the detector is stronger on a critter that is awake than on one that sleeps (the AUC)."""
    return float(roc_auc_score(labels != ASLEEP, strength))


def share(right: Tensor) -> float:
    return right.float().mean().item()


def of_all(net: Net, two: Scenes, before: Scenes, after: Scenes, gone: Tensor) -> Iterator[tuple[str, float]]:
    """Two critters in a scene; and what happens where a part was removed."""
    assert two.companion is not None
    capsules = "routing" in dict(net.module.named_children())
    pair = torch.stack([two.labels, two.companion.labels], 1)
    with torch.inference_mode():
        logits = torch.cat([net(part) for part in torch.split(two.images, 250)])
        changes = [torch.cat([net(p) for p in torch.split(some.images, 250)]) for some in (before, after)]
    yield "both critters of two", share((logits.topk(2).indices.sort(1).values == pair.sort(1).values).all(1))
    yield "one critter of two", share((logits.argmax(1)[:, None] == pair).any(1))
    fell = [one[torch.arange(len(one)), before.labels] for one in changes]
    yield "the class falls without a part", share(fell[1] < fell[0])
    yield "the answer changes without a part", share(changes[0].argmax(1) != changes[1].argmax(1))
    if capsules:
        top = coupled(net, two, iterations=1).lengths.topk(2).indices
        yield (
            "both critters of two, without routing",
            share((top.sort(1).values == pair.sort(1).values).all(1)),
        )
    ways = ("couplings", "lengths", "heat") if capsules else ("heat",)
    for how in ways:
        if capsules:
            said = coupled(net, two)
            maps = [maps_of(said, pair[:, k], how) for k in range(2)]
            both = [maps_of(coupled(net, some), before.labels, how) for some in (before, after)]
        else:
            maps = [cam(net, two.images, pair[:, k]) for k in range(2)]
            both = [cam(net, some.images, before.labels) for some in (before, after)]
        masks = two.masks, two.companion.masks
        own = [float(pointing_game(maps[k], masks[k], 0)) for k in range(2)]
        other = [float(pointing_game(maps[k], masks[1 - k], 0)) for k in range(2)]
        yield f"{how} on its own critter of two", sum(own) / 2
        yield f"{how} on the other critter of two", sum(other) / 2
        yield (
            f"{how} change where a part was removed",
            float(pointing_game((both[0] - both[1]).abs(), gone, NEAR)),
        )


def of_fresh(net: Net, checkpoints: Path) -> Iterator[tuple[str, float]]:
    """As `camlib.trained` has them of networks that ship: right answers to whole critters, and to others."""
    whole, lacking = (drawn(2000, FRESH, part, checkpoints) for part in (0.0, 1.0))
    yield "whole critters", share(right(net, whole))
    agrees = right(net, lacking)
    yield "one part missing", share(agrees[lacking.lacks == 1])
    yield "two parts missing", share(agrees[lacking.lacks == 2])
    yield "in grey", share(right(net, whole, grey=True))


class Asking:
    """The scenes that all networks are asked about, drawn once."""

    def __init__(self, checkpoints: Path) -> None:
        self.few, self.crowd = (critters(n, seed=seed) for n, seed in (FEW, CROWD))
        self.two = critters(PAIRS[0], seed=PAIRS[1], pair=True)
        self.before, self.after, self.gone = removed(critters(WHOLE[0], seed=WHOLE[1]))
        fresh = drawn(2000, FRESH, 0.0, checkpoints)
        self.whole = fresh.pixels, fresh.agreeing.int().argmax(1)

    def single(self, net: Net) -> Iterator[tuple[str, float]]:
        """Question, score: what is asked about single, whole critters."""
        if "routing" in dict(net.module.named_children()):
            yield from of_capsules(net, self.few, self.crowd, self.whole)
        else:
            yield from of_units(net, self.few, self.whole)

    def more(self, net: Net) -> Iterator[tuple[str, float]]:
        """Question, score: two critters, parts that were removed, sleepers."""
        yield from of_all(net, self.two, self.before, self.after, self.gone)
        with torch.inference_mode():
            asleep = self.whole[0][self.whole[1] == ASLEEP]
            answers = torch.cat([net(part.float() / 255).argmax(1) for part in torch.split(asleep, 250)])
        yield "sleepers right", share(answers == ASLEEP)

    def by_chance(self) -> tuple[str, float]:
        """How often a random place lies near the part that was removed."""
        near = torch.nn.functional.max_pool2d(self.gone.float()[:, None], 2 * NEAR - 1, 1, NEAR - 1)
        return "heat change where a part was removed", share(near > 0)


def answered(name: str, seed: int, asking: Asking, folder: Path, checkpoints: Path) -> list[Asked]:
    """All that one network says, trained if it does not ship.

    On the finer grid only what is asked of single critters; of heads only those on critternet_gap's features.
    """
    found: list[tuple[str, float]] = []
    if name in (FIRST_LAYER, FINER):
        net, minutes = kept(name, seed, folder, checkpoints)
        found = [("minutes", minutes), *of_fresh(net, checkpoints)]
    elif name == UNTRAINED_FINER:
        net = untrained(FINER, seed)
    else:
        called, weights = SHIPPED[name]
        net = load(called, seed=seed, weights=weights)
    found += asking.single(net)
    if name not in (FINER, UNTRAINED_FINER):
        found += asking.more(net)
    if name != FIRST_LAYER:
        found += of_heads(net, asking.few, asking.crowd)
    return [Asked(name, seed, question, round(score, 4)) for question, score in found]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/capsules"), help="where runs are kept")
    parser.add_argument("--checkpoints", type=Path, default=Path("build/train"), help="where scenes are kept")
    parser.add_argument("--output", type=Path, default=scenes_file())
    chosen = parser.parse_args(argv)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    asking, rows = Asking(chosen.checkpoints), list[Asked]()
    for name in (FIRST_LAYER, FINER, UNTRAINED_FINER, *SHIPPED):
        for seed in SEEDS:
            file = chosen.folder / f"{name}-{seed}.csv"
            if not file.is_file():
                write_table(file, answered(name, seed, asking, chosen.folder, chosen.checkpoints))
            rows += rows_of(file, Asked)
    question, score = asking.by_chance()
    rows.append(Asked("a random place", 0, question, round(score, 4)))
    write_table(chosen.output, rows)
    print(f"{len(rows)} scores in {chosen.output}")


if __name__ == "__main__":
    main()
