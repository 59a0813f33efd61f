"""Odd calls in the room of tests: trust, and the methods by captum."""

from typing import Any

import torch
from torch import nn

import camlib
from tests.odd_calls.case import Case, right, told

cl: Any = camlib
trust: Any = camlib.trust
torch.manual_seed(0)
MODULE = nn.Sequential(
    *(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    nn.Linear(5, 2),
)
NET = cl.wrap(MODULE, mean=[0.0] * 3, std=[1.0] * 3, size=12)
ONE_OUTPUT = nn.Sequential(nn.Conv2d(3, 1, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
X, HEAT = torch.rand(2, 3, 12, 12), torch.rand(2, 12, 12)
SCENES = cl.critters(2, size=32)

CASES: list[Case] = [
    told(
        "deletion: a map for each of three", lambda: trust.deletion(NET, X, torch.rand(3, 12, 12)), "heatmaps"
    ),
    told("deletion: a map that is too small", lambda: trust.deletion(NET, X, HEAT[:, :6]), "12 × 12"),
    told("deletion: NaN", lambda: trust.deletion(NET, X, HEAT / 0), "NaN or infinite"),
    told("deletion: bytes", lambda: trust.deletion(NET, (X * 255).byte(), HEAT), "bytes become such floats"),
    told("deletion: no steps", lambda: trust.deletion(NET, X, HEAT, step=0), "step"),
    told("deletion: more than a picture", lambda: trust.deletion(NET, X, HEAT, step=145), "step"),
    told("deletion: a fill by name", lambda: trust.deletion(NET, X, HEAT, fill="black"), "fill is 'black'"),
    told("deletion: a fill beyond white", lambda: trust.deletion(NET, X, HEAT, fill=2), "fill is 2"),
    told("deletion: no such class", lambda: trust.deletion(NET, X, HEAT, "dog"), "no class"),
    told("deletion: a module", lambda: trust.deletion(MODULE, X, HEAT), "no Net yet"),
    right(
        "deletion: all pixels at once",
        lambda: trust.deletion(NET, X, HEAT, 0, step=144).probabilities.shape,
        lambda shape: shape == (2, 2),
    ),
    right(
        "deletion: a blank map",
        lambda: trust.deletion(NET, X, 0 * HEAT, 0).ties.tolist(),
        lambda ties: ties == [1, 1],
    ),
    told("redraw: a part that is a colour", lambda: trust.redraw(SCENES, [("coat",)]), "no part 'coat'"),
    told("redraw: no such part", lambda: trust.redraw(SCENES, [("fin",)]), "no part 'fin'"),
    told(
        "redraw: a name for a set", lambda: trust.redraw(SCENES, ["nose"]), r"one part alone is \('nose',\)"
    ),
    told("redraw: pictures", lambda: trust.redraw(X), "scenes are what critters and draw give"),
    told("things: no scenes", lambda: trust.without_things(SCENES[:0]), "no scenes to draw again"),
    told(
        "background: a logit that is NaN",
        lambda: trust.background_independence(torch.tensor([torch.nan]), torch.ones(1, 3)),
        "NaN or infinite",
    ),
    told(
        "target sensitivity: pairs of no picture",
        lambda: trust.target_sensitivity(torch.rand(1, 2, 7), torch.rand(1, 128, 9), []),
        "pairs of 0",
    ),
    told(
        "target sensitivity: NaN",
        lambda: trust.target_sensitivity(
            torch.full((1, 2, 7), torch.nan), torch.rand(1, 128, 9), [trust.rivals(SCENES.recipes[0])]
        ),
        "NaN or infinite",
    ),
    told("graded: a bare test", lambda: trust.graded(tests="deletion"), r"tests=\['deletion'\]"),
    right("redraw: the same part twice", lambda: trust.redraw(SCENES, [("nose", "nose")]).pixels.shape, bool),
    told("answers: a module", lambda: trust.answers(MODULE, trust.redraw(SCENES, [()])), "no Net yet"),
    told("on_masks: masks for one", lambda: trust.on_masks(HEAT, torch.ones(1, 3, 12, 12)), "for heatmaps"),
    told(
        "important: a yardstick", lambda: trust.important(HEAT[:, 0], HEAT, 0.1, yardstick="max"), "yardstick"
    ),
    told("single deletion: other shapes", lambda: trust.single_deletion(HEAT[0], HEAT[0, :3]), "importances"),
    told("on_masks: NaN", lambda: trust.on_masks(HEAT / 0, torch.ones(2, 3, 12, 12)), "NaN or infinite"),
    told("important: NaN", lambda: trust.important(HEAT[:, 0], HEAT / 0, 0.1), "NaN or infinite"),
    told("single deletion: NaN", lambda: trust.single_deletion(HEAT[0], HEAT[0] / 0), "have no rank"),
    told(
        "completeness: halves of one picture",
        lambda: trust.completeness(trust.Checks(*torch.ones(4, 3, 1)), held_out=True),
        "give more pictures",
    ),
    told("single deletion: blank maps", lambda: trust.single_deletion(HEAT[0], 0 * HEAT[0]), "same on all"),
    told("shapley: no power of two", lambda: trust.shapley(torch.rand(2, 6)), "every set of parts"),
    told("interactions: a row", lambda: trust.interactions(torch.rand(8)), "every set of parts"),
    told("rank correlation: no pairs", lambda: trust.rank_correlation(HEAT, HEAT[:1]), "no pairs"),
    told(
        "similarity: maps smaller than its window",
        lambda: trust.similarity(HEAT[:, :8, :8], HEAT[:, :8, :8]),
        "structural similarity needs 11 pixels a side; given 8 × 8",
    ),
    right(
        "similarity: maps as large as its window",
        lambda: trust.similarity(HEAT[:, :11, :11], HEAT[:, :11, :11]).tolist(),
        lambda found: found == [1, 1],
    ),
    told("complexity: half a bin", lambda: trust.complexity(HEAT, bins=1.5), "bins is 1.5; it is a whole"),
    told(
        "single deletion: no parts",
        lambda: trust.single_deletion(torch.zeros(1, 0), torch.zeros(1, 0)),
        "there are no parts",
    ),
    told("complexity: one map", lambda: trust.complexity(HEAT[0]), r"give a tensor \(N, H, W\)"),
    told("randomised: an order", lambda: trust.randomised(NET, order="down"), "no order 'down'"),
    told("randomised: a module", lambda: trust.randomised(MODULE), "no Net yet"),
    told("quick: a name as a method", lambda: trust.quick("cam", NET, X), "a method is a function"),
    told(
        "quick: a method of one map", lambda: trust.quick(lambda n, x, t: HEAT[:1], NET, X), "one heatmap for"
    ),
    told("quick: one output", lambda: trust.quick(cl.cam, cl.wrap(ONE_OUTPUT, size=12), X), "output|classes"),
    told(
        "quick: two classes for each", lambda: trust.quick(cl.cam, NET, X, [[0, 1]] * 2), "2 targets for each"
    ),
    told("quick: no such class", lambda: trust.quick(cl.cam, NET, X, "dog"), "no class 'dog'"),
    right(
        "quick: a class by name",
        lambda: trust.quick(cl.cam, NET, X, NET.classes[1]).classes.shape,
        lambda shape: shape == (2,),
    ),
    told("edges: one picture", lambda: trust.edges(NET, X[0]), "give a batch of them"),
    told("noise: a seed in words", lambda: trust.noise(NET, X, seed="one"), "seed is 'one'"),
    told(
        "verdicts: a baseline that was not graded",
        lambda: trust.verdicts(
            [trust.Grade("a", 0, "CAM", "deletion", 0.5, 0.4, 0.6)], {"deletion": -1}, ["hill"]
        ),
        "'hill' was not graded in 'deletion' on a, seed 0",
    ),
    told("graded: no such table", lambda: trust.graded(table="taste"), "'graded' and 'trapped'"),
    told("graded: no such test", lambda: trust.graded(tests=["beauty"]), "the table has no test 'beauty'"),
    told("road: one map for two", lambda: trust.road(NET, X, HEAT[:1]), r"heatmaps \(1, 12, 12\) for 2"),
    told("road: NaN", lambda: trust.road(NET, X, HEAT / 0), "NaN or infinite"),
    told("road: all of a picture", lambda: trust.road(NET, X, HEAT, shares=[0.5, 1]), "each must leave"),
    told("road: less than a pixel", lambda: trust.road(NET, X, HEAT, shares=[0.001]), "each must leave"),
    told("road: no shares", lambda: trust.road(NET, X, HEAT, shares=[]), "each must leave"),
    told(
        "road: a share in words", lambda: trust.road(NET, X, HEAT, shares=["half"]), "shares between 0 and 1"
    ),
    told("road: a bare share", lambda: trust.road(NET, X, HEAT, shares=0.1), "shares is 0.1; give a list"),
    right(
        "road: shares as a tensor",
        lambda: trust.road(NET, X, HEAT, shares=torch.tensor([0.25, 0.5])).shares,
        lambda shares: shares == (0.25, 0.5),
    ),
    told("road: a seed in words", lambda: trust.road(NET, X, HEAT, seed="x"), "seed"),
    told("road: a negative noise", lambda: trust.road(NET, X, HEAT, noise=-1), "noise is -1"),
    told("road: one output", lambda: trust.road(cl.wrap(ONE_OUTPUT, size=12), X, HEAT), "output|classes"),
    told("road: a module", lambda: trust.road(MODULE, X, HEAT), "no Net yet"),
    right("road: ties", lambda: trust.road(NET, X, 0 * HEAT, 0).score, lambda s: abs(float(s)) <= 0.5),
    told("imputed: all missing", lambda: trust.imputed(X[0], torch.ones(12, 12) > 0), "nothing is left"),
    told(
        "imputed: whole numbers",
        lambda: trust.imputed(X[0], (HEAT[0] > 0.5).long()),
        "int64.*give a bool one",
    ),
    told("imputed: bytes", lambda: trust.imputed(X[0], (HEAT[0] > 0.5).byte()), "uint8.*give a bool one"),
    told("imputed: a negative noise", lambda: trust.imputed(X[0], HEAT[0] > 0.5, noise=-1), "noise is -1"),
    told("imputed: other shapes", lambda: trust.imputed(X[0], HEAT > 1), "for a picture"),
    right(
        "imputed: nothing missing",
        lambda: trust.imputed(X[0], HEAT[0] > 1),
        lambda found: torch.equal(found, X[0]),
    ),
    told("nudged: another wish", lambda: trust.nudged(NET, X, HEAT[0]), r"cells are \(6, 6\)"),
    told("nudged: a plain wish", lambda: trust.nudged(NET, X, torch.ones(6, 6)), "the same everywhere"),
    told("nudged: a grey wish", lambda: trust.nudged(NET, X, torch.full((6, 6), 0.1)), "the same everywhere"),
    told("nudged: a wish of NaN", lambda: trust.nudged(NET, X, torch.eye(6) / 0), "not finite"),
    told("nudged: two targets each", lambda: trust.nudged(NET, X, torch.eye(6), [[0, 1]] * 2), "2 targets"),
    told("nudged: no light", lambda: trust.nudged(NET, X, torch.eye(6), most=0), "most"),
    told("nudged: a module", lambda: trust.nudged(MODULE, X, torch.eye(6)), "no Net yet"),
    right("nudged: by name", lambda: trust.nudged(NET, X, torch.eye(6), "class 1", steps=2).shape, bool),
    told("integrated gradients: no steps", lambda: cl.integrated_gradients(NET, X, steps=0), "steps"),
    told("deep lift: a white beyond", lambda: cl.deep_lift(NET, X, baseline=1.5), "grey in"),
    told("smoothgrad: a negative noise", lambda: cl.smoothgrad(NET, X, noise=-0.1), "noise is -0.1"),
    told("smoothgrad: no samples", lambda: cl.smoothgrad(NET, X, samples=0), "samples"),
    told("layercam: no such layer", lambda: cl.layercam(NET, X, layer="conv99"), "conv99"),
    told("layercam: a class too many", lambda: cl.layercam(NET, X, 99), "class 99"),
    told("scorecam: a layer without a map", lambda: cl.scorecam(NET, X, layer="fc2"), "no map at fc2"),
    told("scorecam: a module", lambda: cl.scorecam(MODULE, X), "no Net yet"),
    told("scorecam: bright pictures", lambda: cl.scorecam(NET, 255 * X), "pictures are in"),
    right("scorecam: several classes", lambda: cl.scorecam(NET, X, [[0, 1], [1, 0]]).shape, bool),
    told("rise: no masks", lambda: cl.rise(NET, X, masks=0), "masks is 0"),
    told("rise: half a cell", lambda: cl.rise(NET, X, cells=0.5), "cells is 0.5"),
    told("rise: cells smaller than pixels", lambda: cl.rise(NET, X, cells=1000), "cells is 1000"),
    told("rise: shows nothing", lambda: cl.rise(NET, X, keep=0), "keep is 0"),
    told("rise: shows too much", lambda: cl.rise(NET, X, keep=1.5), "keep is 1.5"),
    told("rise: keep in words", lambda: cl.rise(NET, X, keep="half"), "a chance"),
    told("rise: a seed of none", lambda: cl.rise(NET, X, seed=-1), "seed is -1"),
    right("rise: one mask", lambda: cl.rise(NET, X, "class 1", masks=1).shape, bool),
    right("guided: several classes", lambda: cl.guided_backprop(NET, X, [[0, 1], [1, 0]]).shape, bool),
]
