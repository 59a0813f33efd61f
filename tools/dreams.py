"""Grade dreams and directions for lesson 15: `make dreams` writes data/dreams/graded.csv.

A row for each network, training, unit or kind, and measure. About half an hour of one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional
from tqdm.auto import tqdm

from camlib import cells as cells_of
from camlib import critters, dissect, draw, dream, load, matched, receptive_field, spectrum
from camlib import directions as find
from camlib.dreams.directions import KINDS
from camlib.dreams.graded import Row, graded_file
from camlib.networks.net import Net
from camlib.running.extractor import FeatureExtractor
from camlib.scenes.drawing.critter import UNDRAWN
from camlib.scenes.scenes import PARTS, Scenes
from camlib.trust import redraw

NETWORK, LAYER, SEEDS = "critternet_gap", "conv5", 3
OBSERVER = "critternet_gmp"  # pooled otherwise, trained from other seeds: it reads what the others made
UNITS, EACH, PAIRS = 24, 4, 50  # units looked at, dreams and patches of each, pairs to tell apart
STEPS = 64
REMOVABLE = tuple(UNDRAWN.values())  # the parts that a scene can be drawn without, as numbers of `PARTS`
SIDE = 33  # pixels, of what the eye without a network sees round a cell

Told = tuple[str, str, float]  # of what, which measure, the value


def grade(seed: int, trained: bool) -> list[Row]:
    """All rows of one network."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Maximum number of iterations")  # as many as it is given
    net = network(seed, trained)
    found = chain(of_directions(net, seed, trained), of_dreams(net, seed))
    return [Row(seed, trained, *told) for told in found]


def network(seed: int, trained: bool) -> Net:
    return load(NETWORK, seed=seed, weights=None if trained else "untrained")


def of_directions(net: Net, seed: int, trained: bool) -> Iterator[Told]:
    """What each kind detects on scenes that it was not chosen on, and whether it comes again."""
    first, second = critters(300, seed=1500), critters(300, seed=1510)
    choose, test = critters(400, seed=1501), critters(400, seed=1502)
    here, there = (cells_of(net, LAYER, some, per_picture=64) for some in (first, second))
    other = network((seed + 1) % SEEDS, trained)
    abroad = cells_of(other, LAYER, first, per_picture=64)
    probe, probe_abroad = (cells_of(one, LAYER, test[:100]) for one in (net, other))
    for kind in KINDS:
        one = find(kind, here, seed=seed)
        chosen = dissect(net, LAYER, choose, through=one)
        tested = dissect(net, LAYER, test, through=one, thresholds=chosen.thresholds)
        held = tested.iou[chosen.iou.argmax(0), torch.arange(len(chosen.concepts))]
        yield from (
            (kind, f"iou {name}", float(value)) for name, value in zip(chosen.concepts, held, strict=True)
        )
        yield kind, "detectors", float(chosen.detectors.sum())
        again = find(kind, there, seed=seed + 100)
        yield kind, "again", float(matched(one.atoms.T, again.atoms.T).mean())
        afar = find(kind, abroad, seed=seed + 100)
        yield kind, "another network", float(matched(one(probe), afar(probe_abroad)).mean())
    yield from of_baselines((here, there, abroad), (probe, probe_abroad), seed)


def of_baselines(found: Sequence[Tensor], probes: Sequence[Tensor], seed: int) -> Iterator[Told]:
    """What k-means and PCA are to be compared with.

    found: cells to find directions on, of one network, of the same on other scenes, and of another network.
    probes: cells of the same places in both networks. Cells drawn at random stand for k-means' centres. PCA's
    components have no sign of their own: they are matched whatever their signs, and so are random axes.
    """
    seeds = (seed, seed + 100, seed + 100)
    drawn = [_some(cells, k) for cells, k in zip(found, seeds, strict=True)]
    pairs = zip(probes, (drawn[0], drawn[2]), strict=True)
    near = [-torch.cdist(rows, centres) for rows, centres in pairs]
    yield "random cells", "again", float(matched(drawn[0].T, drawn[1].T).mean())
    yield "random cells", "another network", float(matched(*near).mean())
    for kind in ("rotation", "pca"):
        one, again, afar = (find(kind, cells, seed=k) for cells, k in zip(found, seeds, strict=True))
        either = matched(one.atoms.T, again.atoms.T, signed=False)
        yield kind, "either sign, again", float(either.mean())
        either = matched(one(probes[0]), afar(probes[1]), signed=False)
        yield kind, "either sign, another network", float(either.mean())


def _some(cells: Tensor, seed: int) -> Tensor:
    """As many cells, at random, as there are units."""
    return cells[torch.randperm(len(cells), generator=torch.Generator().manual_seed(seed))[: cells.shape[1]]]


def of_dreams(net: Net, seed: int) -> Iterator[Told]:
    """Whether dreams, and best patches, name a unit's part and foretell its answers."""
    learn, choose = critters(300, seed=1500), critters(400, seed=1501)
    refer, ask = critters(400, seed=1502), critters(400, seed=1503)
    observer = Observer(load(OBSERVER, seed=seed), learn)
    named = dissect(net, LAYER, choose).iou[:, : len(PARTS) - 1]
    best, maps, answers = named.max(1), Maps(net, refer), Maps(net, ask)
    costs = falls(net, critters(100, seed=1504))
    alive = [unit for unit in range(named.shape[0]) if maps.values[:, unit].max() > 0][:UNITS]
    asked = [unit for unit in alive for _ in range(EACH)]
    made = dream(net, LAYER, asked, like=spectrum(learn), steps=STEPS, seed=seed)
    on_dreams = FeatureExtractor(net, LAYER)(made.pictures)[LAYER].float().cpu()
    yield "observer", "reads cells", observer.right(choose)
    for n, unit in enumerate(alive):
        rows = slice(EACH * n, EACH * (n + 1))
        views = {
            "dreams": (made.pictures[rows], _peak(on_dreams[rows, unit])),
            "patches": maps.best(unit, EACH),
        }
        name = PARTS[int(best.indices[unit]) + 1] if best.values[unit] > 0.04 else ""
        needed = PARTS[REMOVABLE[int(costs[unit].argmax())]] if costs[unit].isfinite().all() else ""
        who = f"unit {unit}"
        yield who, f"name {name}", 1.0
        yield who, f"needs {needed}", float(costs[unit].max())
        pairs = answers.pairs(unit, torch.Generator().manual_seed(seed))
        for view, (pictures, at) in views.items():
            yield who, f"{view} name", float(observer.reads(pictures, at) == name) if name else float("nan")
            read = observer.reads(pictures, at, REMOVABLE)
            yield who, f"{view} need", float(read == needed) if needed else float("nan")
            for eyes, see in {"network": observer.sees, "pixels": pixels}.items():
                aim = see(pictures, at)
                like = [
                    functional.cosine_similarity(see(*some)[:, None], aim[None], dim=2).mean(1)
                    for some in pairs
                ]
                yield who, f"{view} foretell, {eyes}", float((like[0] > like[1]).float().mean())
        yield (
            who,
            "patches' true part",
            float(_commonest(maps.true(unit, EACH)) == name) if name else float("nan"),
        )


def falls(net: Net, scenes: Scenes) -> Tensor:
    """How much of each unit's peak goes when scenes are drawn without a part of `REMOVABLE`: (U, P), of 1.

    The peak is the highest cell, a mean over the scenes, awake and with nothing in front, as in lesson 03.
    NaN where a unit is silent on all of them.
    """
    whole = draw([replace(recipe, asleep=False, occluders=0) for recipe in scenes.recipes])
    less = redraw(whole, [(name,) for name in UNDRAWN])
    extract = FeatureExtractor(net, LAYER)

    def peaks(images: Tensor) -> Tensor:
        maps = torch.cat([extract(some)[LAYER].float().cpu() for some in torch.split(images, 100)])
        return maps.flatten(2).amax(2).mean(0)

    left = torch.stack([peaks(less.pixels[:, p].float() / 255) for p in range(len(UNDRAWN))], 1)
    return 1 - left / peaks(whole.images)[:, None]


class Maps:
    """A layer's maps over scenes: float32 (N, U, h, w), and which cells lie on the critter."""

    def __init__(self, net: Net, scenes: Scenes) -> None:
        extract = FeatureExtractor(net, LAYER)
        self.scenes = scenes
        self.values = torch.cat(
            [extract(some)[LAYER].float().cpu() for some in torch.split(scenes.images, 100)]
        )
        self.parts = parts_at(net, scenes)

    def best(self, unit: int, k: int) -> tuple[Tensor, Tensor]:
        """The k scenes that excite a unit most, and where in each, (k, 2)."""
        some = self.values[:, unit].flatten(1).amax(1).topk(k).indices
        return self.scenes.images[some], _peak(self.values[some, unit])

    def true(self, unit: int, k: int) -> list[str]:
        """What really lies under those cells."""
        some = self.values[:, unit].flatten(1).amax(1).topk(k).indices
        at = _peak(self.values[some, unit])
        return [PARTS[int(self.parts[n, i, j])] for n, (i, j) in zip(some.tolist(), at.tolist(), strict=True)]

    def pairs(self, unit: int, random: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """Cells of the highest hundredth of those on critters, and as many from below their median."""
        there = (self.parts > 0).nonzero()
        values = self.values[there[:, 0], unit, there[:, 1], there[:, 2]]
        order = values.argsort(descending=True)
        high, low = order[: len(order) // 100], order[len(order) // 2 :]
        picked = [some[torch.randint(len(some), (PAIRS,), generator=random)] for some in (high, low)]
        return [(self.scenes.images[there[some, 0]], there[some, 1:]) for some in picked]


class Observer:
    """Another network's cells, and a linear reader of the part that lies under one."""

    def __init__(self, net: Net, scenes: Scenes) -> None:
        self.net, self.extract = net, FeatureExtractor(net, LAYER)
        cells, parts = self._labelled(scenes)
        self.mean, self.size = cells.mean(0), cells.std(0).clamp_min(1e-6)
        self.reader = LogisticRegression(C=0.1, max_iter=300, class_weight="balanced")
        self.reader.fit(((cells - self.mean) / self.size).numpy(), parts.numpy())

    def _labelled(self, scenes: Scenes) -> tuple[Tensor, Tensor]:
        """Cells and the part under each: all of the critter's parts, and an eighth of the rest."""
        maps, parts = self._maps(scenes.images), parts_at(self.net, scenes)
        random = torch.Generator().manual_seed(0)
        kept = (parts > 0) | (torch.rand(parts.shape, generator=random) < 0.125)
        return maps.permute(0, 2, 3, 1)[kept], parts[kept].long()

    def _maps(self, images: Tensor) -> Tensor:
        return torch.cat([self.extract(some)[LAYER].float().cpu() for some in torch.split(images, 100)])

    def right(self, scenes: Scenes) -> float:
        """In what share of cells the reader is right, each part counting alike."""
        cells, parts = self._labelled(scenes)
        said = torch.from_numpy(self.reader.predict(((cells - self.mean) / self.size).numpy()))
        return float(
            torch.stack([(said == p)[parts == p].float().mean() for p in set(parts.tolist())]).mean()
        )

    def reads(self, pictures: Tensor, at: Tensor, among: Sequence[int] | None = None) -> str:
        """The part that it finds at these cells, one of each picture, taken together.

        among: the numbers of the parts that it may name; None: any.
        """
        code = self._at(pictures, at)
        odds = self.reader.predict_log_proba(((code - self.mean) / self.size).numpy()).mean(0)
        told = dict(zip(self.reader.classes_.tolist(), odds.tolist(), strict=True))
        return PARTS[max(told if among is None else among, key=lambda part: told[part])]

    def sees(self, pictures: Tensor, at: Tensor) -> Tensor:
        """Its cells there, standardised, (N, D)."""
        return (self._at(pictures, at) - self.mean) / self.size

    def _at(self, pictures: Tensor, at: Tensor) -> Tensor:
        return self._maps(pictures)[torch.arange(len(at)), :, at[:, 0], at[:, 1]]


def pixels(pictures: Tensor, at: Tensor) -> Tensor:
    """What lies round each cell, as 8 × 8 colours about mid grey, (N, 192)."""
    stride, half = pictures.shape[2] // 16, SIDE // 2
    wide = functional.pad(pictures, (half, half, half, half), value=0.5)
    cut = [
        one[:, i * stride : i * stride + SIDE, j * stride : j * stride + SIDE]
        for one, (i, j) in zip(wide, at.tolist(), strict=True)
    ]
    return functional.interpolate(torch.stack(cut), (8, 8), mode="area").flatten(1) - 0.5


def parts_at(net: Net, scenes: Scenes) -> Tensor:
    """uint8 (N, h, w), the part under each cell's centre."""
    field = receptive_field(net, LAYER, size=(scenes.parts.shape[1], scenes.parts.shape[2]))
    high, wide = field.shape
    rows = [round(field.centre(i, 0)[1]) for i in range(high)]
    columns = [round(field.centre(0, j)[0]) for j in range(wide)]
    return scenes.parts[:, rows][:, :, columns]


def _peak(maps: Tensor) -> Tensor:
    """Row and column of each map's highest cell, (N, 2)."""
    best = maps.flatten(1).argmax(1)
    return torch.stack([best // maps.shape[2], best % maps.shape[2]], 1)


def _commonest(names: list[str]) -> str:
    return max(sorted(set(names)), key=names.count)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=graded_file(), help="the table")
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    chosen = parser.parse_args()
    work = [(seed, trained) for trained in (True, False) for seed in range(SEEDS)]
    with ProcessPoolExecutor(chosen.jobs, get_context("spawn")) as pool:
        rows = [
            row for rows in tqdm(pool.map(grade, *zip(*work, strict=True)), total=len(work)) for row in rows
        ]
    write(rows, chosen.output)
    print(f"{len(rows)} numbers of {len(work)} networks in {chosen.output}", file=sys.stdout)


def write(rows: list[Row], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(
            [row.seed, int(row.trained), row.what, row.measure, f"{row.value:.4f}"] for row in rows
        )


if __name__ == "__main__":
    main()
