"""Lesson 16's checks."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..embeddings.readout import linear_svm
from ..networks.net import Net
from ..networks.zoo import load
from ..pictures.pixels import Pixels
from ..scenes.scenes import critters
from ..scenes.texts import texts
from ..scores.boxes import iou
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, demand_number, refuse

__all__ = ["bag", "boxes_and_words", "hardest", "said_of_blank"]


@check
def bag(f: Learners) -> str:
    """f(words, vocabulary): 1 for each word of the vocabulary that the question contains, else 0."""
    vocabulary = ["a", "asleep", "beak", "is", "it", "or", "snout", "wing", "wings"]
    for words in ("is it a beak or a snout", "has it got wings", "asleep it is"):
        own = words.split()
        got = ask(f, words, vocabulary, call=f"bag({words!r}, vocabulary)")
        want = torch.tensor([float(word in own) for word in vocabulary])
        times = torch.tensor([float(own.count(word)) for word in vocabulary])
        parts = torch.tensor([float(word in words) for word in vocabulary])
        mistakes = {
            "a word that occurs twice still gives 1: what counts is whether it occurs": times,
            "“wing” is found inside of “wings”, and “a” inside of “has”: split the question first": parts,
        }
        refuse(got, {why: wrong for why, wrong in mistakes.items() if not wrong.equal(want)})
        if not isinstance(got, Tensor):
            raise Wrong(
                f"bag should return a tensor of {len(vocabulary)} numbers, not a {type(got).__name__}"
            )
        demand(got.float(), want, f"bag of {words!r}", named="word")
    return "right: which words occur, and neither how often nor in which order"


@check
def hardest(f: Learners) -> str:
    """f(scores, true, count): the numbers of the negatives with the highest scores, the highest first."""
    scores = torch.tensor([2.0, 0.5, -0.2, 3.0, 1.0, -1.0, 0.8])
    true = torch.tensor([True, False, False, True, False, False, True])
    for count in (1, 3):
        got = ask(f, scores, true, count, call=f"hardest(scores, true, {count})")
        order = scores.argsort(descending=True)
        negatives = order[~true[order]]
        among = scores[~true].argsort(descending=True)[:count]
        refuse(
            got,
            {
                "these include true ones: a hard negative is false, and scores high": order[:count],
                "these are the negatives with the lowest scores, the easy ones": negatives.flip(0)[:count],
                "these number the negatives only; give the numbers that they have among all": among,
                "these are scores; give the numbers of the pictures": scores[negatives[:count]],
                "set to 0, the true ones come before the negatives below 0: set them to -inf": (
                    (scores * ~true).argsort(descending=True)[:count] if count > 1 else order[:1]
                ),
                "the highest should come first": negatives[:count].flip(0) if count > 1 else order[:1],
            },
        )
        demand(got, negatives[:count], "numbers", named="place")
    return "right: false, and all the same high: the pictures from which a classifier has most to learn"


@check
def boxes_and_words(f: Learners) -> str:
    """f(found, words): the share of found boxes that are right, and the share of words that are found."""
    words = torch.tensor([[0.0, 0, 20, 10], [30, 0, 50, 10], [60, 0, 80, 10], [0, 30, 20, 40]])
    found = torch.tensor(
        [
            [1.0, 0, 21, 10],
            [0, 0, 19, 10],  # the first word a second time
            [33, 0, 52, 10],
            [0, 30, 20, 35],  # the fourth by exactly a half
            [70, 0, 90, 10],  # the third by less
            [0, 60, 9, 70],
            [60, 60, 80, 70],
        ]
    )
    pairs = iou(found[:, None], words) >= 0.5
    got = ask(f, found, words, call="boxes_and_words(found, words)")
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("return two numbers: precision and recall")
    precision, recall = (
        demand_number(one, name) for one, name in zip(got, ("precision", "recall"), strict=True)
    )
    want = float(pairs.any(1).float().mean()), float(pairs.any(0).float().mean())
    both, more = float(pairs.float().mean()), iou(found[:, None], words) > 0.5
    if abs(precision - want[1]) < 1e-4 and abs(recall - want[0]) < 1e-4:
        raise Wrong("the two are swapped: precision is a share of the found boxes, recall one of the words")
    if abs(precision - both) < 1e-4 or abs(recall - both) < 1e-4:
        raise Wrong("this is the share of all pairs; a box is right if it overlaps with any of the words")
    if abs(recall - float(pairs.sum()) / len(words)) < 1e-4:
        raise Wrong("a word that two boxes find is one word: count the words that any box finds")
    if abs(precision - float(pairs.any(0).sum()) / len(found)) < 1e-4 and abs(recall - want[1]) < 1e-4:
        raise Wrong("a second box on the same word is right, too: count the boxes, not the words they find")
    if abs(precision - float(more.any(1).float().mean())) < 1e-4:
        raise Wrong("an IoU of exactly a half counts, too: at least 0.5")
    for name, one, true in zip(("precision", "recall"), (precision, recall), want, strict=True):
        if abs(one - true) > 1e-4:
            raise Wrong(
                f"{name} should be {true:g}, not {one:g}: 4 of 7 boxes have an IoU of 0.5 or more with a "
                "word, and 3 of 4 words have such a box"
            )
    return "right: four of seven boxes are on a word, and three of four words have a box"


@functools.cache
def _streets() -> tuple[Net, Pixels, Pixels, Pixels, Pixels]:
    """A network, streets with text, landscapes, blank streets to learn from, and other blank streets."""
    size = (150, 200)
    return (
        load("critternet_gap"),
        texts(36, seed=1631, size=size),
        critters(36, seed=1632, size=150, places=True),
        texts(36, seed=1633, size=size, blank=True),
        texts(36, seed=1634, size=size, blank=True),
    )


def _share(net: Net, written: Pixels, negatives: Pixels, bare: Pixels) -> float:
    """Of the blank streets, the share that is called text."""
    learn, asked = (
        torch.cat([codes(net, "conv5", one, pool="mean") for one in some])
        for some in ((written, negatives), (bare,))
    )
    labels = torch.arange(len(learn)) < len(written)
    return float(linear_svm(learn, labels).answers(asked).float().mean())


def _said_of_blank(f: Learners) -> Truth:
    """f(net, written, negatives, bare): of blank streets, the share that the detector calls text."""
    net, written, land, empty, bare = _streets()
    shares = {}
    for name, negatives in (("landscapes", land), ("blank streets", empty)):
        call = f"said_of_blank(net, written, {name}, bare)"
        got = demand_number(ask(f, net, written, negatives, bare, call=call), call)
        want = _share(net, written, negatives, bare)
        if abs(got - (1 - want)) < 1e-4 and abs(want - 0.5) > 1e-3:
            raise Wrong("the blank streets that are called blank are counted; count those called text")
        if abs(got - want * len(bare)) < 1e-4 and want > 0:
            raise Wrong("it is a number of streets; a share is wanted")
        if abs(got - want) > 0.02:
            raise Wrong(f"{call}: {want:.0%} of the {len(bare)} blank streets are called text, not {got:.0%}")
        shares[name] = want
    return shares["landscapes"], (
        f"A detector that learned from blank streets says “text” of {shares['blank streets']:.0%} of them."
    )


said_of_blank = investigation(_said_of_blank, near=0.15)
