"""With another default dtype or device of torch's a verb says the usual, or what to do, in one line."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import camlib
from camlib import capsules, checks, scenes, scores, trust
from camlib.trust.parts import THRESHOLDS

cl: Any = camlib
torch.manual_seed(0)
NET = cl.wrap(
    nn.Sequential(
        *(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(6, 3),
    ),
    mean=[0.0] * 3,
    std=[1.0] * 3,
    size=32,
)
SCENES = cl.critters(4, size=32)
X, MASKS, BOXES = SCENES.images, SCENES.masks, SCENES.boxes.float()
HEAT, CODES, XY = torch.rand(4, 32, 32), torch.rand(40, 6), torch.rand(40, 2)
LABELLED = [(x, i % 3) for i, x in enumerate(X)]
FACTS = torch.arange(40) % 3
FIELD = cl.receptive_field(NET, "conv1", size=(32, 32))
MAPS = torch.rand(4, 6, 16, 16)
TEXTS = cl.texts(2, size=(120, 160))
ABLATION = cl.ablate(NET, "conv1", LABELLED)
POINTS = torch.rand(4, 2) * 30
FEATURES = cl.feature_maps(NET, ["conv1"], SCENES)
CUBE = torch.rand(4, 1 << 3)
DREAM: Any = {"basis": "pixels", "steps": 2}

NORMS, FILTERS = torch.rand(3, 6), cl.filters(NET)
THERE, LOGITS = scenes.things(SCENES), torch.rand(4, 1 << 7, len(cl.CLASSES))
CHECKS = trust.checks(torch.rand(3, 4, 3) > 0.5, torch.rand(4, 8, 3), FACTS[:4] * 0, [[("eyes",)]] * 4)
PLACED, CORNERS = cl.grid(XY, (5, 8)), torch.arange(4).view(2, 2)
PHOTOS, ACCURACY = cl.photos(size=32), cl.max_box_acc(HEAT, BOXES)
DEEP = cl.wrap(
    nn.Sequential(
        *(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
    ),
    mean=[0.0] * 3,
    std=[1.0] * 3,
    size=32,
)
DEEP_WISH = torch.eye(32).expand(3, -1, -1)
DARK = X / 50
SVM = cl.linear_svm(cl.codes(NET, "conv1", torch.rand(12, 3, 32, 32), pool="mean"), FACTS[:12])
VOTES, WEIGHTS = torch.rand(8, 5, 3, 4), torch.rand(5, 3, 6, 4)

CALLS: dict[str, Callable[[], Any]] = {
    "ablate": lambda: cl.ablate(NET, "conv1", LABELLED),
    "ablation_cam": lambda: cl.ablation_cam(NET, "conv1", X),
    "ablation_cam_weights": lambda: cl.ablation_cam_weights(NET, "conv1", X),
    "autocorrelation": lambda: cl.autocorrelation(torch.arange(75.0, dtype=torch.float32).view(1, 3, 5, 5)),
    "baselines": lambda: cl.baselines(X, boxes=BOXES),
    "batches": lambda: list(cl.batches(SCENES)),
    "boxes": lambda: cl.boxes(HEAT),
    "cam": lambda: cl.cam(NET, X),
    "cam_sums": lambda: cl.cam_sums(NET, LABELLED),
    "ccgap_weights": lambda: cl.ccgap_weights(ABLATION, NORMS[0]),
    "cells": lambda: cl.cells(NET, "conv1", X, per_picture=5),
    "centred_cosine": lambda: cl.centred_cosine(CODES, CODES.flip(1)),
    "class_maps": lambda: cl.class_maps(NET, X),
    "class_units": lambda: cl.class_units(NET, LABELLED),
    "codes": lambda: cl.codes(NET, "conv1", X, pool="mean"),
    "colour": lambda: cl.colour(FILTERS),
    "colourfulness": lambda: cl.colourfulness(FILTERS),
    "costs": lambda: cl.costs(NET),
    "critters": lambda: cl.critters(3, size=32),
    "cut_out": lambda: cl.cut_out(X, BOXES),
    "cut_out, no box": lambda: cl.cut_out(X, BOXES.new_full((4, 4), torch.nan)),
    "deep_lift": lambda: cl.deep_lift(NET, X, 0),
    "directions": lambda: cl.directions("kmeans", CODES, count=3),
    "directions, sae": lambda: cl.directions("sae", CODES, count=4, active=2),
    "disguised": lambda: cl.disguised(DEEP, "conv2", DARK, DEEP_WISH)(X),
    "displacement": lambda: cl.displacement(XY, PLACED),
    "dissect": lambda: cl.dissect(NET, "conv1", SCENES, rotation=cl.random_rotation(6)),
    "draw": lambda: cl.draw(SCENES.recipes[:2], size=32),
    "dream": lambda: cl.dream(NET, "conv1", [0], **DREAM),
    "embed": lambda: cl.embed(CODES, method="pca"),
    "equivariance": lambda: cl.equivariance(NET, X),
    "feature_maps": lambda: cl.feature_maps(NET, ["conv1"], X),
    "filter_history": lambda: cl.filter_history(),
    "filters": lambda: cl.filters(NET),
    "find_classifier": lambda: cl.find_classifier(NET, X).maps(torch.zeros(4, dtype=torch.int64)),
    "find_maps": lambda: cl.find_maps({"a map": MAPS}, FIELD, SCENES, "eye"),
    "find_units": lambda: cl.find_units(NET, SCENES, "eye", layers=["conv1"]),
    "first_layer": lambda: cl.first_layer("critternet"),
    "gradcam": lambda: cl.gradcam(NET, X),
    "grid": lambda: cl.grid(XY, (5, 8)),
    "guided_backprop": lambda: cl.guided_backprop(NET, X),
    "head_frame": lambda: cl.head_frame(SCENES, POINTS[:, None]),
    "integrated_gradients": lambda: cl.integrated_gradients(NET, X, steps=4),
    "invert": lambda: cl.invert(NET, "conv1", X[:1], **DREAM),
    "iou": lambda: cl.iou(BOXES, BOXES.flip(0)),
    "layercam": lambda: cl.layercam(NET, X),
    "linear_svm": lambda: cl.linear_svm(CODES, FACTS).scores(CODES),
    "linear_weights": lambda: cl.linear_weights(ABLATION),
    "load": lambda: cl.load("critternet", weights="random"),
    "localization_error": lambda: cl.localization_error(
        BOXES[:, None], FACTS[:4, None], BOXES, FACTS[:4].flip(0)
    ),
    "locate": lambda: cl.locate(NET, ("conv1", 1), X),
    "matched": lambda: cl.matched(CODES[:, :3], CODES[:, 3:]),
    "max_box_acc": lambda: cl.max_box_acc(HEAT, BOXES),
    "max_box_acc_v2": lambda: cl.max_box_acc_v2(HEAT, BOXES),
    "mosaic": lambda: cl.mosaic(X, CORNERS, side=8),
    "nearest": lambda: cl.nearest(CODES, CODES[:3]),
    "neighbours_kept": lambda: cl.neighbours_kept(CODES, XY, k=3),
    "occlude": lambda: cl.occlude(NET, X, window=8, stride=8),
    "occlusion": lambda: cl.occlusion(NET, X, window=8, stride=8, fill="noise"),
    "orientation": lambda: cl.orientation(FILTERS),
    "peaks": lambda: cl.peaks(MAPS, FIELD),
    "photos": lambda: cl.photos(size=32),
    "photos' boxes": lambda: PHOTOS[[0, 3]].boxes,
    "pointing_game": lambda: cl.pointing_game(HEAT, MASKS, 0),
    "probe": lambda: cl.probe(CODES, {"a fact": FACTS}),
    "pxap": lambda: cl.pxap(HEAT, MASKS),
    "random_rotation": lambda: cl.random_rotation(5),
    "receptive_field": lambda: cl.receptive_field(NET, "conv1"),
    "regions": lambda: cl.regions(CORNERS, ["red", "red", "blue", "blue"]),
    "rise": lambda: cl.rise(NET, X, masks=20),
    "saliency": lambda: cl.saliency(NET, X),
    "scorecam": lambda: cl.scorecam(NET, X),
    "silenced_logits": lambda: cl.silenced_logits(NET, "conv1", X),
    "similarnet": lambda: cl.similarnet(NET, "conv1", X, NORMS[0]),
    "smooth": lambda: cl.smooth(torch.arange(40.0, dtype=torch.float32, device="cpu").view(20, 2)),
    "smoothgrad": lambda: cl.smoothgrad(NET, X, samples=3),
    "softmax_weights": lambda: cl.softmax_weights(ABLATION),
    "spectrum": lambda: cl.spectrum(X),
    "texts": lambda: cl.texts(2, size=(120, 160)).boxes,
    "top_patches": lambda: cl.top_patches(NET, "conv1", X, k=2),
    "track": lambda: cl.track(FEATURES, POINTS[:, None], steps=2).locate(FEATURES),
    "upsample": lambda: cl.upsample(MAPS[:, 0], FIELD, size=(32, 32)),
    "walk": lambda: cl.walk(frames=24, size=32).keypoints,
    "with_head": lambda: cl.with_head(NET, SVM)(X),
    "wrap": lambda: cl.wrap(NET.module, size=32).layers,
    "zhou_boxes": lambda: cl.zhou_boxes(HEAT),
    "a score's interval": lambda: ACCURACY.interval(),
    "a net": lambda: NET(X),
    "scenes of some": lambda: SCENES[1:3].keypoints,
    "scores.base_rates": lambda: scores.base_rates([0, 1, 1]),
    "scores.box_scores": lambda: scores.box_scores(HEAT, MASKS, BOXES[:, None]).interval(),
    "scores.character_recall": lambda: scores.character_recall(HEAT, MASKS.int()),
    "scores.cut_digits": lambda: scores.cut_digits(TEXTS.images[:, :1], list(TEXTS.boxes[:, :2])),
    "scores.difference": lambda: scores.difference(ACCURACY, ACCURACY),
    "scores.hotspots": lambda: scores.hotspots(HEAT, MASKS),
    "scores.interval": lambda: scores.interval(HEAT[0, 0]),
    "scores.keypoint_errors": lambda: scores.keypoint_errors(
        POINTS[:, None], POINTS[:, None] + 1, POINTS.new_full((4,), 9)
    ),
    "scores.lit_at_area": lambda: scores.lit_at_area(HEAT, MASKS),
    "scores.part_truth": lambda: scores.part_truth(SCENES, "eye"),
    "scores.pixel_scores": lambda: scores.pixel_scores(HEAT, MASKS),
    "scores.spread": lambda: scores.spread([True, False, True]),
    "scores.track_errors": lambda: scores.track_errors(POINTS, POINTS + 1),
    "scenes.questions": lambda: scenes.questions(SCENES, each=1).labels,
    "scenes.phrase": lambda: scenes.phrase(SCENES, "horns", "curly tail"),
    "scenes.relation": lambda: scenes.relation(SCENES, "critter", "behind", "tree", THERE),
    "scenes.things": lambda: scenes.things(SCENES),
    "trust.completeness": lambda: trust.completeness(CHECKS),
    "trust.target_sensitivity": lambda: trust.target_sensitivity(
        HEAT[:, :2, :7], LOGITS, [trust.rivals(r) for r in SCENES.recipes]
    ),
    "trust.blob": lambda: trust.blob(NET, X),
    "trust.complexity": lambda: trust.complexity(HEAT),
    "trust.deletion": lambda: trust.deletion(NET, X, HEAT, step=300),
    "trust.edges": lambda: trust.edges(NET, X),
    "trust.fresh": lambda: trust.fresh(NET)(X),
    "trust.important": lambda: trust.important(CUBE, HEAT, THRESHOLDS),
    "trust.imputed": lambda: trust.imputed(X[0], MASKS[0]),
    "trust.insertion": lambda: trust.insertion(NET, X, HEAT, step=300),
    "trust.interactions": lambda: trust.interactions(CUBE),
    "trust.noise": lambda: trust.noise(NET, X),
    "trust.nudged": lambda: trust.nudged(NET, X, MAPS[0, 0], steps=1),
    "trust.on_masks": lambda: trust.on_masks(HEAT, MASKS[:, None]),
    "trust.quick": lambda: trust.quick(cl.saliency, NET, X),
    "trust.randomised": lambda: [net(X) for _, net in trust.randomised(NET)],
    "trust.rank_correlation": lambda: trust.rank_correlation(HEAT, HEAT.flip(0)),
    "trust.ranking": lambda: trust.ranking(HEAT[0], ties="random"),
    "trust.redraw": lambda: trust.redraw(SCENES[:1], [("eyes",)]),
    "trust.road": lambda: trust.road(NET, X, HEAT),
    "trust.shapley": lambda: trust.shapley(CUBE),
    "trust.similarity": lambda: trust.similarity(HEAT, HEAT.flip(0)),
    "capsules.route": lambda: capsules.route(VOTES),
    "capsules.squash": lambda: capsules.squash(CODES),
    "capsules.votes": lambda: capsules.votes(CODES.view(8, 5, 6), WEIGHTS),
    "capsules.digit_decoder": lambda: capsules.digit_decoder()(CODES.view(3, 10, 8), FACTS[:3]),
    "capsules.margin_loss": lambda: capsules.margin_loss(CODES, FACTS),
}
NO_TENSORS = {  # these read files or tables, or make none; "coupled" wants a network of capsules
    *(
        "coupled",
        "digits",
        "folder",
        "graded_dreams",
        "here",
        "load_picture",
        "look",
        "map_shards",
        "path_similarity",
    ),
    *("record", "shard_log", "silence", "tars", "trained", "transfers"),
}


@contextmanager
def default(what: torch.dtype | str) -> Iterator[None]:
    """Within the block torch makes its tensors so, or there."""
    try:
        if isinstance(what, str):
            torch.set_default_device(what)
        else:
            torch.set_default_dtype(what)
        yield
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)


def numbers(found: Any) -> list[Any]:
    """All that an answer holds, in order: tensors, and what else can be compared."""
    if is_dataclass(found):
        return [one for field in fields(found) for one in numbers(getattr(found, field.name))]
    if isinstance(found, nn.Module):
        return list(found.parameters())
    if isinstance(found, dict):
        return [one for pair in found.items() for one in numbers(pair)]
    if isinstance(found, list | tuple):
        return [one for value in found for one in numbers(value)]
    return [] if callable(found) else [found]


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(-7), other.nan_to_num(-7))
    return one is other or bool(one == other)


@pytest.mark.parametrize("what", [torch.float64, torch.float16, "meta"], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_as_ever_or_one_clear_line(name: str, what: torch.dtype | str) -> None:
    with default(what):
        try:
            found, said = CALLS[name](), ""
        except ValueError as error:
            found, said = None, str(error)
    if said:
        assert said.startswith(f"torch's default {'device' if what == 'meta' else 'dtype'} is ")
        assert "\n" not in said
        return
    wanted = numbers(CALLS[name]())
    assert all(alike(one, other) for one, other in zip(numbers(found), wanted, strict=True))


def test_every_verb_is_in_the_table() -> None:
    there = {name for name in camlib.__all__ if inspect.isfunction(getattr(camlib, name))}
    tried = {name.split(",")[0] for name in CALLS} | NO_TENSORS
    assert not there - tried
    assert THRESHOLDS.dtype == torch.float32  # made when it was imported


@pytest.mark.parametrize("what", [torch.float64, torch.float16, "meta"], ids=str)
def test_a_check_says_so_too(what: torch.dtype | str) -> None:
    with default(what):
        verdicts = checks.double(lambda x: 2 * x), checks.sixes(0.3, lambda a, b: 11 / 36)
    assert all(not one and str(one).startswith("✗ torch's default ") for one in verdicts)
    assert checks.double(lambda x: 2 * x)
