"""Odd calls in the rooms of capsules: the arithmetic, and what a network's capsules say."""

from typing import Any

import torch

import camlib
from tests.odd_calls.case import Case, right, told

cl: Any = camlib
caps: Any = camlib.capsules
torch.manual_seed(0)
NET = cl.load("capsnet", weights="random")
SCENES = cl.critters(2)
VOTES = torch.rand(2, 5, 3, 4)
LENGTHS = torch.rand(2, 3)

CASES: list[Case] = [
    right("squash: nothing", lambda: caps.squash(torch.zeros(0, 4)).shape, lambda shape: shape == (0, 4)),
    told("votes: a list", lambda: caps.votes([[1.0]], torch.rand(1, 1, 1, 1)), "poses"),
    told(
        "votes: other sizes",
        lambda: caps.votes(torch.rand(2, 5, 4), torch.rand(5, 3, 3, 4)),
        "votes want poses",
    ),
    told("route: of one picture", lambda: caps.route(VOTES[0]), r"votes are \(N, I, J, E\)"),
    told("route: no iterations", lambda: caps.route(VOTES, iterations=0), "iterations"),
    told("route: half an iteration", lambda: caps.route(VOTES, iterations=1.5), "iterations"),
    told("route: a start for other capsules", lambda: caps.route(VOTES, start=torch.rand(3, 5)), "start is"),
    right("route: no pictures", lambda: caps.route(VOTES[:0]).poses.shape, lambda shape: shape == (0, 3, 4)),
    told(
        "margin loss: no such class",
        lambda: caps.margin_loss(LENGTHS, torch.tensor([0, 3])),
        "present holds 3",
    ),
    told(
        "margin loss: classes as floats",
        lambda: caps.margin_loss(LENGTHS, torch.tensor([0.0, 1.0])),
        "float32",
    ),
    told(
        "margin loss: labels of others",
        lambda: caps.margin_loss(LENGTHS, torch.tensor([0, 1, 2])),
        "lengths are",
    ),
    right(
        "margin loss: nothing is there",
        lambda: float(caps.margin_loss(torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bool))),
        lambda loss: loss == 0,
    ),
    told("grouped: seven channels", lambda: caps.grouped(torch.rand(1, 7, 2, 2), 4), "are no"),
    told(
        "coupled: a network without",
        lambda: cl.coupled(cl.load("lenet", weights="random"), SCENES),
        "no capsules",
    ),
    told("coupled: a module", lambda: cl.coupled(NET.module, SCENES), "no capsules"),
    told("coupled: digits", lambda: cl.coupled(NET, torch.rand(2, 1, 28, 28)), "capsnet wants images"),
    told("coupled: a seed in words", lambda: cl.coupled(NET, SCENES, random="yes"), "random"),
    right(
        "coupled: a data set in memory, one at a time",
        lambda: cl.coupled(NET, SCENES.images, batch_size=1).lengths.shape,
        lambda shape: shape == (2, 9),
    ),
    told("heat: a name", lambda: cl.coupled(NET, SCENES).heat("mallow"), "targets: given 'mallow'; give a"),
    told("find_maps: a tensor", lambda: cl.find_maps(VOTES, None, SCENES, "eye"), "maps are"),
    told("asked: no such question", lambda: caps.asked("who are you"), "no question"),
    told("asked: a number", lambda: caps.asked(3), "no question 3"),
    told("drawings: in words", lambda: caps.drawings("mirrored"), "no digits 'mirrored'"),
    told("decoder: a list", lambda: caps.Decoder()([[1.0]], torch.tensor([0])), "poses"),
    told(
        "decoder: a class in words",
        lambda: caps.Decoder()(torch.zeros(1, 10, 8), "three"),
        "classes",
    ),
    told("decoder: half a digit", lambda: caps.Decoder().turned(0.5, 0, torch.zeros(2)), "digit is 0.5"),
    told("decoder: turned by a word", lambda: caps.Decoder().turned(1, 0, "much"), "by"),
    told("trained on MNIST: upside down", lambda: caps.trained_on_mnist("upside down"), "no digits"),
]
