"""Grade every heatmap method in every test, for lesson 12: `make trust` writes data/trust/graded.csv.

Takes three quarters of an hour of one core. The pictures that it draws are kept in build/trust, and there,
until the table is written, each network's grades: after a stop it goes on with the networks that it lacks.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from camlib import (
    cam,
    critters,
    deep_lift,
    draw,
    gradcam,
    guided_backprop,
    integrated_gradients,
    layercam,
    load,
    occlusion,
    pointing_game,
    rise,
    saliency,
    scorecam,
    scores,
    smoothgrad,
    trust,
)
from camlib.networks.net import Net
from camlib.scenes.scenes import Scenes
from camlib.scores.score import Score
from camlib.training.files import write as whole_or_not
from camlib.trust.graded import Grade, graded, graded_file
from camlib.trust.redraw import Redrawn

SEED = 1212
#: Pictures whose parts are removed; of the sanity checks, and of ROAD, the first so many.
PICTURES, CHECKED, PAINTED = 40, 20, 12
#: Each network with how many of its trainings; and those for which ROAD is run, which takes its time.
NETWORKS = {"critternet_gap": 3, "critternet_gmp": 3, "critternet": 3}
ROADS = ("critternet_gap",)
MASKS = 500  # of RISE: an eighth of what the paper takes, for pictures with a third of the pixels
BLUR = 4.0  # pixels: how much a map is blurred to see whether ROAD notices
METHODS: dict[str, Callable[..., Tensor]] = {
    "CAM": cam,
    "Grad-CAM": gradcam,
    "LayerCAM": layercam,
    "Score-CAM": scorecam,
    "occlusion": occlusion,
    "RISE": partial(rise, masks=MASKS),
    "gradient": saliency,
    "SmoothGrad": partial(smoothgrad, samples=20),
    "Integrated Gradients": partial(integrated_gradients, steps=25),
    "DeepLIFT": deep_lift,
    "guided backprop": guided_backprop,
}
BASELINES: dict[str, Callable[..., Tensor]] = {
    "edge detector": trust.edges,
    "centred blob": trust.blob,
    "random map": trust.noise,
}

Told = tuple[float, float, float]  # a score, and its interval


def scenes(n: int = PICTURES) -> Scenes:
    """The pictures: with nothing before the critter, so that every part is in sight."""
    return draw([replace(recipe, occluders=0) for recipe in critters(n, seed=SEED).recipes])


def redrawn(some: Scenes, folder: Path) -> tuple[Redrawn, Redrawn]:
    """The scenes without every set of parts, and without each thing of the background; kept in a file."""
    file = folder / f"redrawn-{len(some)}-{SEED}.pt"
    if file.is_file():
        kept = torch.load(file, weights_only=True)
        if torch.equal(kept["whole"], some.pixels):
            return (Redrawn(some, *kept["parts"]), Redrawn(some, *kept["things"]))
    parts, things = trust.redraw(some), trust.without_things(some)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: (one.pixels, one.there) for name, one in (("parts", parts), ("things", things))}
    torch.save({"whole": some.pixels, **kept}, file)
    return parts, things


def kept(name: str, seed: int, n: int, folder: Path) -> Path:
    """Where one network's rows of n pictures lie, once they are all there."""
    return folder / f"graded-{name}-{seed}-{n}.csv"


def grade(name: str, seed: int, n: int, folder: Path) -> None:
    """Write all rows of one network where `kept` says."""
    torch.set_num_threads(1)
    some = scenes(n)
    world = World(load(name, seed=seed), some, *redrawn(some, folder))
    rows = [Grade(name, seed, method, test, *three) for method, test, three in world.every_method()]
    whole_or_not(kept(name, seed, n, folder), lambda path: write(rows, path))


class World:
    """What is really so: the answers of one network to all redrawn pictures, and where the parts are."""

    def __init__(self, net: Net, some: Scenes, parts: Redrawn, things: Redrawn) -> None:
        self.net, self.scenes, self.images, self.labels = net, some, some.images, some.labels
        rows = torch.arange(len(some))
        self.logits, without = trust.answers(net, parts), trust.answers(net, things)
        self.pairs = [trust.rivals(recipe) for recipe in some.recipes]
        self.targets = torch.stack([self.labels, *torch.tensor([[c for c, _ in p] for p in self.pairs]).T], 1)
        self.masks, self.thing_masks = trust.part_masks(some), trust.dilated(things.changed)
        self.sets = [trust.sufficient(recipe) for recipe in some.recipes]
        self.centred = trust.centred(self.logits)
        nothing = ~things.there
        self.things = without[rows, :, self.labels].masked_fill(nothing, torch.nan)
        self.centred_things = trust.centred(without)[rows, :, self.labels].masked_fill(nothing, torch.nan)
        self.other = trust.fresh(net)

    def every_method(self) -> Iterator[tuple[str, str, Told]]:
        """Each method's name, each test's, score and interval."""
        for method, f in (METHODS | BASELINES).items():
            try:
                for test, three in self.grade(f):
                    yield method, test, three
            except ValueError as why:  # no class activation maps
                if "use gradcam" not in str(why):
                    raise

    def grade(self, f: Callable[..., Tensor]) -> Iterator[tuple[str, Told]]:
        """Each test's name, score and interval."""
        three = f(self.net, self.images, self.targets).cpu()
        heat, rows = three[:, 0], torch.arange(len(self.images))
        heats = [trust.on_masks(three[:, k], self.masks) for k in range(3)]
        on_things = trust.on_masks(heat, self.thing_masks)
        own, bits = self.logits[rows, :, self.labels], 1 << torch.arange(len(trust.PLACES))
        drops = own[:, :1] - own[:, bits]
        yield "on the critter", told(pointing_game(heat, self.scenes.masks, 0))
        yield "single deletion", told(trust.single_deletion(drops, heats[0], blank=0.5))
        yield "single deletion, published", told(trust.single_deletion(drops, heats[0]))
        fewer = [k for k, part in enumerate(trust.PLACES) if part != "legs"]  # large, and worth nothing
        parts = drops[:, fewer], heats[0][:, fewer]
        yield "single deletion, without the legs", told(trust.single_deletion(*parts, blank=0.5))
        for test, yardstick, logits, gone, held in (
            ("completeness, published", "signed", self.logits, self.things, False),
            ("completeness", "positive", self.centred, self.centred_things, True),
        ):
            called, distracting = (
                trust.important(one, heat, trust.THRESHOLDS, yardstick=yardstick)  # type: ignore[arg-type]
                for one in (heats[0], on_things)
            )
            done = trust.checks(called, logits, self.labels, self.sets, gone, distracting)
            yield test, resampled(done, held)
        asked = torch.stack(heats[1:], 1)
        yield "target sensitivity", told(trust.target_sensitivity(asked, self.logits, self.pairs)[0])
        yield "deletion", told(trust.deletion(self.net, self.images, heat, self.labels).score)
        yield "insertion", told(trust.insertion(self.net, self.images, heat, self.labels).score)
        first = slice(0, CHECKED)
        then = f(self.other, self.images[first], self.labels[first]).cpu()
        for signed, sizes in ((True, ""), (False, ", sizes only")):
            alike = trust.rank_correlation(heat[first], then, signed=signed)
            yield f"change with random weights{sizes}", told(scores.Mean(1 - alike.abs()))
            alike = trust.similarity(heat[first], then, signed=signed)
            yield f"similarity with random weights{sizes}", told(scores.Mean(alike))
        before, after = trust.complexity(heat[first]), trust.complexity(then)
        yield "rise of entropy", told(scores.Mean((after - before) / before))
        if self.net.name in ROADS:
            yield from self.road(heat[:PAINTED])

    def road(self, heat: Tensor) -> Iterator[tuple[str, Told]]:
        """ROAD of the maps as they are and blurred, and what the blur changes, picture by picture."""
        images, labels, side = self.images[: len(heat)], self.labels[: len(heat)], int(8 * BLUR) + 1
        soft = gaussian_blur(heat[:, None], [side, side], [BLUR, BLUR])[:, 0]
        sharp, blurred = (trust.road(self.net, images, maps, labels) for maps in (heat, soft))
        for name, found in (("", sharp), (", map blurred", blurred)):
            yield f"ROAD{name}", told(found.score)
            yield f"ROAD, hottest first{name}", told(scores.Mean(found.hottest.mean(1)))
        yield "ROAD, change by the blur", told(scores.Mean(blurred.scores - sharp.scores))
        change = (blurred.hottest - sharp.hottest).mean(1)
        yield "ROAD, hottest first, change by the blur", told(scores.Mean(change))


def told(score: Score) -> Told:
    return float(score), *score.interval()


def resampled(done: trust.Checks, held_out: bool, times: int = 200) -> Told:
    """Completeness, and its bootstrap interval at the thresholds that were chosen on all pictures."""
    score, best = trust.completeness(done, held_out=held_out)
    n = done.preserved.shape[1]
    halves = (torch.arange(0, n, 2), torch.arange(1, n, 2)) if held_out else (torch.arange(n),)
    random = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(times):
        found = 0.0
        for half, k in zip(halves, best, strict=True):
            again = half[torch.randint(len(half), (len(half),), generator=random)]
            found += float(done.of(again)[k]) / len(halves)
        drawn.append(found)
    return score, *scores.interval(torch.tensor(drawn))


def write(rows: list[Grade], file: Path) -> None:
    """Write grades as a table, numbers with four digits."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(Grade._fields)
        writer.writerows([*row[:4], *(f"{value:.4f}" for value in row[4:])] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"how many ({PICTURES})")
    parser.add_argument("--folder", type=Path, default=Path("build/trust"), help="where pictures are kept")
    parser.add_argument("--output", type=Path, default=graded_file(), help="the table")
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    chosen = parser.parse_args()
    redrawn(scenes(chosen.pictures), chosen.folder)  # before there are several who would draw them
    runs = [(name, seed) for name, count in NETWORKS.items() for seed in range(count)]
    work = [(*run, chosen.pictures, chosen.folder) for run in runs]
    todo = [one for one in work if not kept(*one).is_file()]
    print(f"{len(todo)} of {len(work)} networks to grade", flush=True)
    with ProcessPoolExecutor(chosen.jobs, get_context("spawn")) as pool:
        for done in [pool.submit(grade, *one) for one in todo]:
            done.result()
    rows = [row for one in work for row in graded(file=kept(*one))]
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    write(rows, chosen.output)
    for one in work:  # the next run begins anew: a method may have changed by then
        kept(*one).unlink()
    print(f"{len(rows)} scores of {len(work)} networks in {chosen.output}")


if __name__ == "__main__":
    main()
