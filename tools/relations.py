"""Follow phrases of each kind, for lesson 16: `make relations` writes data/transfer/relations.csv.

Two parts; a part and a thing; a critter behind, in front of, beside a thing; a part of one critter left of
another's. For each phrase a linear SVM on the averages of three trainings of critternet_gap, with as many
negatives as positives: hard ones (every word is true, the phrase is not) or easy ones (not every word is).
Takes ten minutes of one core. Each kind is kept in build/relations until the table is written: after a stop
it goes on with what it lacks.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import max_pool2d

from camlib import critters, linear_svm, load, pointing_game, record, scenes
from camlib.embeddings.transfer import Transfer, transfer_file
from camlib.networks.net import Net
from camlib.scenes.scenes import Scenes
from camlib.scenes.things import Things
from camlib.scores.bootstrap import counts
from camlib.scores.score import Score
from tools.transfer import kept, maps, write

SEED, PICTURES, PAIRS = 1620, 4800, 2400  # scenes of one critter, and of two
LEARNT = 2 / 3  # the share of the scenes on which an SVM is fitted
MOST, SHOWN = 400, 200  # positives to learn from, and maps to look at, of a phrase
TOLERANCE, RUNS = 4, 3  # pixels, as in the lesson: half a cell; trainings, and draws of untrained weights
#: The phrases of each kind: words that are joined by "and", or a subject, a relation and a thing.
KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "two parts": (
        *(("spikes", "curly tail"), ("wing", "beak")),
        *(("horns", "floppy ears"), ("closed eyes", "bushy tail")),
    ),
    "a part and a thing": (("snout", "stone"), ("wing", "tree"), ("curly tail", "leaf"), ("horns", "pine")),
    "behind": tuple(("critter", "behind", kind) for kind in ("stone", "grass", "mushroom", "leaf")),
    "in front of": (
        *(("critter", "in front of", kind) for kind in ("tree", "pine", "stone")),
        ("wing", "in front of", "tree"),
    ),
    "beside": (
        *(("critter", "beside", kind) for kind in ("tree", "pine", "stone")),
        ("curly tail", "beside", "tree"),
    ),
    "left of": (
        *(("wing", "left of", "curly tail"), ("beak", "left of", "horns")),
        *(("spikes", "left of", "pointed ears"), ("antennae", "left of", "bushy tail")),
    ),
}


class Asked(NamedTuple):
    """A phrase of N scenes: bool (N,) each, but for its name; where it lies and might lie, (N, H, W); areas.

    words: not every kind of phrase has other words than what it says; then it is the same as true.
    """

    name: str
    true: Tensor
    hard: Tensor
    easy: Tensor
    words: Tensor
    place: Tensor
    either: Tensor
    areas: Tensor | None


sets = cache(counts)  # random sets of scenes, the same for all scores


class Auc(Score):
    """How often a true one scores above a false one, of all pairs; ties count half.

    values: (M,).  true: bool (M,).  rows: (M,), which of n scenes they are: drawn alike for every phrase.
    """

    def __init__(self, values: Tensor, true: Tensor, rows: Tensor, n: int) -> None:
        self.values, self.true, self.rows, self.n = values.double(), true, rows, n

    def __float__(self) -> float:
        return float(roc_auc_score(self.true, self.values))

    def __len__(self) -> int:
        return len(self.true)

    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """As often in random sets of the n scenes: (times,)."""
        wins = (self.values[self.true][:, None] - self.values[~self.true]).sign().float() / 2 + 0.5
        drawn = sets(self.n, times, seed)[:, self.rows]
        yes, no = drawn[:, self.true], drawn[:, ~self.true]
        return ((yes @ wins) * no).sum(1) / (yes.sum(1) * no.sum(1))


class Share(Score):
    """The mean of something measured in some of n scenes: values (M,), and which scenes they are, (M,)."""

    def __init__(self, values: Tensor, rows: Tensor, n: int) -> None:
        self.values, self.rows, self.n = values.float(), rows, n

    def __float__(self) -> float:
        return float(self.values.mean())

    def __len__(self) -> int:
        return len(self.values)

    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """The mean in random sets of the n scenes: (times,)."""
        drawn = sets(self.n, times, seed)[:, self.rows]
        return drawn @ self.values / drawn.sum(1)


class Together(Score):
    """The mean of several phrases' scores, each of which counts alike. The same scenes are drawn for all."""

    def __init__(self, each: Sequence[Score]) -> None:
        self.scores = list(each)

    def __float__(self) -> float:
        return sum(map(float, self.scores)) / len(self.scores)

    def __len__(self) -> int:
        return sum(map(len, self.scores))

    def resampled(self, *, times: int = 1000, seed: int = 0) -> Tensor:
        """Their mean: (times,)."""
        return torch.stack([one.resampled(times=times, seed=seed) for one in self.scores]).mean(0)


@cache
def pictures(pair: bool, n: int) -> tuple[Scenes, Things | None]:
    some = critters(n, seed=SEED, pair=pair)
    return some, None if pair else scenes.things(some)


@cache
def networks() -> dict[tuple[str, int], Net]:
    """Three trainings, and three draws of untrained weights."""
    return {
        (name, seed): load("critternet_gap", weights=name or None, seed=seed)
        for name in ("", "untrained")
        for seed in range(RUNS)
    }


@cache
def averages(pair: bool, n: int) -> dict[tuple[str, int], dict[str, Tensor]]:
    """What each of them sees in these pictures."""
    return {key: seen(net, pictures(pair, n)[0]) for key, net in networks().items()}


def asked(some: Scenes, there: Things | None, words: tuple[str, ...]) -> Asked:
    """What is true of a phrase: joined words, or a relation."""
    if len(words) == 2:
        said = scenes.phrase(some, *words, there=there)
        either, easy = said.masks | some.masks, ~said.each.any(1)
        return Asked(str(said), said.true, said.nearly, easy, said.true, said.masks, either, None)
    subject, between, thing = words
    found = scenes.relation(some, subject, between, thing, there)
    true, own, areas = found.true, some.masks, None
    if some.companion is not None:  # where it is true both ways there is more of each part: left out
        true = true & ~scenes.relation(some, thing, between, subject).true
        own = own | some.companion.masks
    if there is not None:
        own_area, both = (mask.flatten(1).float().mean(1) for mask in (there.masks(thing), found.masks))
        areas = torch.stack([both - own_area, own_area], 1)
    either = found.masks | own
    return Asked(str(found), true, found.nearly, ~found.words, found.words, found.meet, either, areas)


def seen(net: Net, some: Scenes) -> dict[str, Tensor]:
    """The averages of conv5: over the picture, (N, K), and over its two halves apart, (N, 2 K)."""
    found: dict[str, list[Tensor]] = {"": [], "halves": []}
    for start in range(0, len(some), 16):
        with torch.inference_mode(), record(net, "conv5") as maps:
            net(some[start : start + 16].images)
        half = maps["conv5"].shape[-1] // 2
        found[""].append(maps["conv5"].mean((2, 3)))
        sides = [maps["conv5"][..., :half], maps["conv5"][..., half:]]
        found["halves"].append(torch.cat([side.mean((2, 3)) for side in sides], 1))
    return {name: torch.cat(each) for name, each in found.items()}


def fits(one: Asked, learn: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """For each choice of negatives which scenes are learnt from, and which of them count as true.

    As many positives as negatives, and as many for each choice; in an order drawn at random.
    """
    order = torch.rand(len(learn), generator=torch.Generator().manual_seed(0)).argsort()
    yes, hard, easy, words, neither = (
        order[(some & learn)[order]] for some in (one.true, one.hard, one.easy, one.words, ~one.words)
    )
    n = min(MOST, *map(len, (yes, hard, easy)))
    pairs = {"hard": (yes, hard), "easy": (yes, easy)}
    if not one.words.equal(one.true):
        pairs["words"] = (words, neither)
    label = torch.arange(2 * n) < n
    return {name: (torch.cat([a[:n], b[:n]]), label) for name, (a, b) in pairs.items()}


def grade(
    one: Asked,
    some: Scenes,
    nets: dict[tuple[str, int], Net],
    features: dict[tuple[str, int], dict[str, Tensor]],
) -> Iterator[tuple[str, int, str, Score]]:
    """Each score of a phrase: of which classifier, of which training, by which measure."""
    learn = torch.arange(len(some)) < round(LEARNT * len(some))
    tests = {"AUC": ~learn & (one.true | one.hard), "AUC, easy": ~learn & (one.true | one.easy)}
    shown = (one.true & ~learn).nonzero()[:SHOWN, 0]
    images, place = some[shown.tolist()].images, one.place[shown]
    near = max_pool2d(place.float(), 2 * TOLERANCE - 1, 1, TOLERANCE - 1)
    yield "a random pixel", 0, "on it", Share(near.flatten(1).mean(1), shown, len(some))
    within = one.either[shown]
    share = (near * within).flatten(1).sum(1) / within.flatten(1).sum(1)
    yield "a random pixel of either", 0, "on it", Share(share, shown, len(some))

    def told(values: Tensor, name: str, seed: int) -> Iterator[tuple[str, int, str, Score]]:
        for measure, test in tests.items():
            if name in chosen or measure == "AUC":
                yield name, seed, measure, Auc(values[test], one.true[test], test.nonzero()[:, 0], len(some))

    chosen = fits(one, learn)
    if one.areas is not None:
        svm = linear_svm(one.areas[chosen["hard"][0]], chosen["hard"][1])
        yield from told(svm.scores(one.areas)[:, 1], "areas alone", 0)
    for (weights, seed), net in nets.items():
        heat = {}
        for name, (rows, label) in chosen.items() if weights == "" else [("hard", chosen["hard"])]:
            svm = linear_svm(features[weights, seed][""][rows], label)
            called = ", ".join(filter(None, (name, weights)))
            yield from told(svm.scores(features[weights, seed][""])[:, 1], called, seed)
            heat[name] = maps(net, svm.weight, svm.bias.float(), images)
            hits = pointing_game(heat[name], place, TOLERANCE).hits
            yield called, seed, "on it", Share(hits, shown, len(some))
        if "words" in heat:
            yield "hard and words", seed, "alike", Share(alike(heat["hard"], heat["words"]), shown, len(some))
        if weights == "":
            rows, label = chosen["hard"]
            svm = linear_svm(features[weights, seed]["halves"][rows], label)
            yield from told(svm.scores(features[weights, seed]["halves"])[:, 1], "hard, halves", seed)


def alike(one: Tensor, other: Tensor) -> Tensor:
    """The correlation of two maps of each picture, (N,)."""
    a, b = (each.flatten(1) - each.flatten(1).mean(1, keepdim=True) for each in (one, other))
    return torch.nn.functional.cosine_similarity(a, b)


def kind(name: str, n: int, pairs: int) -> list[Transfer]:
    """All rows of one kind of phrase: of each phrase, and of all together, of which each counts alike."""
    pair = name == "left of"
    some, there = pictures(pair, pairs if pair else n)
    nets, features = networks(), averages(pair, pairs if pair else n)
    rows: list[Transfer] = []
    every: dict[tuple[str, int, str], list[Score]] = {}
    for words in KINDS[name]:
        one = asked(some, there, words)
        shares = ", ".join(f"{float(each.float().mean()):.0%}" for each in (one.true, one.hard, one.easy))
        print(f"{one.name}: true, hard, easy {shares}", flush=True)
        for called, seed, measure, score in grade(one, some, nets, features):
            rows.append(row(one.name, called, seed, measure, score))
            every.setdefault((called, seed, measure), []).append(score)
    for (called, seed, measure), each in every.items():
        rows.append(row(name, called, seed, f"{measure}, by kind", Together(each)))
    return rows


def row(question: str, called: str, seed: int, measure: str, score: Score) -> Transfer:
    return Transfer(question, called, seed, measure, len(score), float(score), *score.interval())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"scenes of one critter ({PICTURES})")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"scenes of two ({PAIRS})")
    parser.add_argument("--folder", type=Path, default=Path("build/relations"), help="where rows are kept")
    parser.add_argument("--output", type=Path, default=transfer_file("relations"), help="the table")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    size = chosen.pictures, chosen.pairs
    files = {name: chosen.folder / f"{name.replace(' ', '-')}-{size[0]}-{size[1]}.csv" for name in KINDS}
    rows = [one for name, file in files.items() for one in kept(file, partial(kind, name, *size))]
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    write(rows, chosen.output)
    for file in files.values():  # the next run begins anew
        file.unlink()
    print(f"{len(rows)} rows in {chosen.output}")


if __name__ == "__main__":
    main()
