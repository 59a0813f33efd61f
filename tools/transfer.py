"""Ask features what they were not trained for, for lesson 11: `make transfer` writes data/transfer/asked.csv.

Landscapes of six kinds, the same with half of them at night, and letters cut out of streets; a linear SVM on
the averages of three trainings of critternet_gap, on critternet's fc7, on a colour histogram, on an ImageNet
network, and on both networks untrained. Takes three minutes of one core. What each network saw and answered
is kept in build/transfer until the table is written: after a stop it goes on with what it lacks.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from camlib import (
    Readout,
    cam,
    codes,
    critters,
    cut_out,
    linear_svm,
    load,
    pointing_game,
    scenes,
    scores,
    texts,
    with_head,
)
from camlib.embeddings.transfer import Transfer, transfer_file, transfer_rows
from camlib.networks.net import Net
from camlib.scenes.drawing.backdrop import SMALL
from camlib.scenes.scenes import Scenes
from camlib.scenes.things import Things
from camlib.scores.score import Score
from camlib.training.files import write as whole_or_not

SEED, PICTURES = 1103, 330  # the landscapes of the lesson
STREETS, STREETS_SEED, GLYPHS, EACH = 120, 1104, 10, 33  # streets, commonest characters, of each at most
LEARNT = 2 / 3  # the share of landscapes, and of streets, on which the SVM is fitted
TOLERANCE = 4  # pixels, as in the lesson: half a cell
MUCH = 5  # tufts of grass that are in sight in about half of the landscapes
POINTED = {"a tree?": "tree", "a stone?": "stone", "a sun?": "sun"}  # where the map of "yes" should lie
NIGHT = "day or night?"
AT_NIGHT = {f"{NIGHT} moon": ("moon",), f"{NIGHT} sky": ("sky", "moon", "cloud")}  # and that of "night"
#: Each kind of features: the network and its weights, the layer, and of how many trainings or draws.
NETWORKS = {
    "GAP": ("critternet_gap", None, "conv5", 3),
    "GAP, untrained": ("critternet_gap", "untrained", "conv5", 3),
    "fc7": ("critternet", None, "fc7", 1),
    "ImageNet": ("efficientnet_lite0", None, "bn2", 1),
    "ImageNet, untrained": ("efficientnet_lite0", "random", "bn2", 2),
}


class Question(NamedTuple):
    """answers: int64 (N,), -1 where it is not asked.  names: of the answers.  learn: bool (N,)."""

    answers: Tensor
    names: tuple[str, ...]
    learn: Tensor


@cache
def landscapes(n: int = PICTURES) -> tuple[Scenes, Things]:
    some = critters(n, seed=SEED, places=True)
    return some, scenes.things(some)


@cache
def nights(n: int = PICTURES) -> tuple[Scenes, Things, Question]:
    """The same landscapes, half of them at night, and which."""
    some = critters(n, seed=SEED, places=True, night=0.5)
    dark = torch.tensor([one.night for one in some.recipes]).long()
    return some, scenes.things(some), Question(dark, ("day", "night"), torch.arange(n) < round(LEARNT * n))


@cache
def letters(streets: int = STREETS) -> tuple[Tensor, Question]:
    """Squares round the commonest characters of streets, (N, 3, 128, 128), and which each is."""
    some = texts(streets, seed=STREETS_SEED)
    every = [(i, one) for i, row in enumerate(some.characters) for one in row if one.kind == "letter"]
    names = tuple(sorted(name for name, _ in Counter(one.char for _, one in every).most_common(GLYPHS)))
    taken: Counter[str] = Counter()
    cut, own, street = [], [], []
    for i, one in every:
        taken[one.char] += 1
        if one.char in names and taken[one.char] <= EACH * streets // STREETS:
            x0, y0, x1, y1 = one.box
            side, x, y = 0.75 * max(x1 - x0, y1 - y0), (x0 + x1) / 2, (y0 + y1) / 2
            box = torch.tensor([[x - side, y - side, x + side, y + side]])
            cut.append(cut_out(some.images[[i]], box, size=128))
            own.append(names.index(one.char))
            street.append(i)
    learn = torch.tensor(street) < _first(street, LEARNT)
    return torch.cat(cut), Question(torch.tensor(own), names, learn)


def _first(street: Sequence[int], share: float) -> int:
    """The street before which this share of the letters lies: no street is in both halves."""
    return sorted(street)[int(share * len(street))]


def questions(some: Scenes, there: Things) -> dict[str, Question]:
    """What is asked of landscapes."""
    n = len(some)
    learn = torch.arange(n) < round(LEARNT * n)
    tree, pine = there.count("tree") > 0, there.count("pine") > 0
    which = torch.where(tree ^ pine, pine.long(), -1)
    found = {
        "which of six places?": Question(some.places, tuple(scenes.PLACES), learn),
        "tree or pine?": Question(which, ("tree", "pine"), learn),
        "how many stones?": Question(there.count("stone").clamp(max=3), ("0", "1", "2", "3 or more"), learn),
    }
    yes = {f"a {kind}?": there.count(kind) > 0 for kind in ("sun", "tree", *(set(SMALL) - {"grass"}))}
    yes["much grass?"] = there.count("grass") > MUCH
    order = ("sun", "tree", *SMALL)
    for name in sorted(yes, key=lambda one: order.index(one.strip("?").split()[1])):
        found[name] = Question(yes[name].long(), ("no", "yes"), learn)
    return found


def colours(images: Tensor) -> Tensor:
    """A histogram of 64 bins for each picture, float32 (N, 64): four levels of each colour."""
    shade = (images * 255).long() // 64
    bins = (16 * shade[:, 0] + 4 * shade[:, 1] + shade[:, 2]).flatten(1)
    return torch.stack([one.bincount(minlength=64) for one in bins]).float() / bins.shape[1]


def asks(question: Question, features: Tensor) -> tuple[Tensor, scores.Mean]:
    """The SVM's weights and bias, (C, K + 1), and which of its answers on what it has not seen are right."""
    asked = question.answers >= 0
    fit, test = question.learn & asked, ~question.learn & asked
    svm = linear_svm(features[fit], question.answers[fit], question.names)
    right = svm.answers(features[test]) == question.answers[test]
    return torch.cat([svm.weight, svm.bias.float()[:, None]], 1), scores.Mean(right.float())


class Pointed(NamedTuple):
    """own: whether each map is highest on the thing.  another: how often on that of another of the pictures.

    A map that is highest in the same place whatever the picture shows has as much of the one as of the other.
    """

    question: str
    own: Score
    another: Score


def points(net: Net, weights: dict[str, Tensor], some: Scenes, there: Things) -> Iterator[Pointed]:
    """For each question of `POINTED`: is the map of "yes" highest on the thing, in scenes that show it?"""
    for name, kind in POINTED.items():
        shown = (there.count(kind) > 0) & (torch.arange(len(some)) >= round(LEARNT * len(some)))
        found = maps(net, weights[name][:, :-1], weights[name][:, -1], some.images[shown])
        yield Pointed(name, *pointed(found, there.masks(kind)[shown]))


def points_at_night(net: Net, weights: Tensor, n: int) -> Iterator[Pointed]:
    """Is the map of "night" highest on the moon, or in the sky, in nights that show a moon?"""
    some, there, question = nights(n)
    shown = (there.count("moon") > 0) & ~question.learn
    found = maps(net, weights[:, :-1], weights[:, -1], some.images[shown])
    for name, kinds in AT_NIGHT.items():
        yield Pointed(name, *pointed(found, there.masks(*kinds)[shown]))


def pointed(maps: Tensor, masks: Tensor) -> tuple[Score, Score]:
    """Whether maps (N, H, W) are highest on their own masks, and how often on those of the other pictures."""
    own, *others = (pointing_game(maps, masks.roll(k, 0), TOLERANCE) for k in range(len(maps)))
    return own, scores.Mean(torch.stack([one.hits for one in others]).float().mean(0))


def maps(net: Net, weight: Tensor, bias: Tensor, images: Tensor) -> Tensor:
    """The maps of the second of two answers, (N, H, W), with an SVM's weights as the network's last layer."""
    ended = with_head(net, Readout(weight, bias, ("no", "yes")))
    return torch.cat([cam(ended, part, "yes") for part in torch.split(images, 16)])


def network(features: str, seed: int) -> tuple[Net, str]:
    """The network of such features, and the layer they are read from."""
    name, weights, layer, _ = NETWORKS[features]
    return load(name, weights=weights, seed=seed), layer


def grade(features: str, seed: int, n: int, streets: int) -> Iterator[Transfer]:
    """All rows of one kind of features, of one training."""
    (some, there), (cut, letter), (halves, _, night) = landscapes(n), letters(streets), nights(n)
    if features == "colours":
        seen = [colours(each) for each in (some.images, cut, halves.images)]
    else:
        net, layer = network(features, seed)
        pool: Literal["mean"] | None = None if layer == "fc7" else "mean"
        seen = [codes(net, layer, each, pool=pool, batch_size=16) for each in (some, cut, halves)]
    weights = {}

    def told(question: str, measure: str, score: Score, pictures: int) -> Transfer:
        return Transfer(question, features, seed, measure, pictures, float(score), *score.interval())

    for name, question in questions(some, there).items():
        weights[name], right = asks(question, seen[0])
        yield told(name, "right", right, len(right.values))
    right = asks(letter, seen[1])[1]
    yield told("which of ten letters?", "right", right, len(right.values))
    weights[NIGHT], right = asks(night, seen[2])
    yield told(NIGHT, "right", right, len(right.values))
    if features not in ("colours", "fc7"):
        at_night = points_at_night(net, weights[NIGHT], n)
        for name, own, another in (*points(net, weights, some, there), *at_night):
            yield told(name, "on it", own, len(own))
            yield told(name, "on another's", another, len(own))


def baselines(n: int, streets: int) -> Iterator[Transfer]:
    """The commonest answer to each question, and a random pixel."""
    (some, there), (_, letter), (_, dark, night) = landscapes(n), letters(streets), nights(n)
    for name, question in (questions(some, there) | {"which of ten letters?": letter, NIGHT: night}).items():
        own = question.answers[~question.learn & (question.answers >= 0)]
        share = float(own.bincount().max() / len(own))
        yield Transfer(name, "constant", 0, "right", len(own), share, share, share)
    masks = {}
    for name, kind in POINTED.items():
        masks[name] = there.masks(kind)[(there.count(kind) > 0) & ~night.learn]
    for name, kinds in AT_NIGHT.items():
        masks[name] = dark.masks(*kinds)[(dark.count("moon") > 0) & ~night.learn]
    for name, mask in masks.items():
        near = float(max_pool2d(mask.float(), 2 * TOLERANCE - 1, 1, TOLERANCE - 1).mean())
        yield Transfer(name, "a random pixel", 0, "on it", len(mask), near, near, near)


def write(rows: Sequence[Transfer], file: Path) -> None:
    """Write rows as a table, numbers with four digits."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(Transfer._fields)
        writer.writerows([*row[:5], *(f"{value:.4f}" for value in row[5:])] for row in rows)


def kept(file: Path, made: Callable[[], list[Transfer]]) -> list[Transfer]:
    """The rows in this file; where there is none yet, they are made and kept in it."""
    if not file.is_file():
        found = made()
        file.parent.mkdir(parents=True, exist_ok=True)
        whole_or_not(file, lambda path: write(found, path))
    return transfer_rows(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"landscapes ({PICTURES})")
    parser.add_argument("--streets", type=int, default=STREETS, help=f"streets ({STREETS})")
    parser.add_argument("--folder", type=Path, default=Path("build/transfer"), help="where rows are kept")
    parser.add_argument("--output", type=Path, default=transfer_file(), help="the table")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    size = chosen.pictures, chosen.streets
    runs = [(name, seed) for name, (*_, count) in NETWORKS.items() for seed in range(count)]
    rows, files = list(baselines(*size)), []
    for name, seed in [("colours", 0), *runs]:
        file = chosen.folder / f"{name.replace(', ', '-')}-{seed}-{size[0]}-{size[1]}.csv"
        found = kept(file, lambda name=name, seed=seed: list(grade(name, seed, *size)))  # type: ignore[misc]
        print(name, seed, *(f"{row.question} {row.score:.0%};" for row in found), flush=True)
        files.append(file)
        rows += found
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    write(rows, chosen.output)
    for file in files:  # the next run begins anew
        file.unlink()
    print(f"{len(rows)} rows in {chosen.output}")


if __name__ == "__main__":
    main()
