"""Lesson 11's second investigation: does a map on the object show that the answer comes from there?

A network with an end that was fitted to the toss of a coin answers by chance on fresh scenes. Its map lies on
the critter all the same, more often than a random pixel does: the features respond there, whatever is asked.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..embeddings.readout import linear_svm
from ..heatmaps.cam import cam
from ..heatmaps.new_head import with_head
from ..networks.net import Net
from ..networks.zoo import load
from ..scenes.scenes import Scenes, critters
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, demand_number, refuse_number

__all__ = ["on_critter"]


@functools.cache
def _tossed() -> tuple[dict[str, Net], Scenes]:
    """A network with an end fitted to the toss of a coin, the network it was made of, and fresh scenes."""
    net, learn = load("critternet_gap"), critters(120, seed=1131)
    coin = torch.randint(2, (120,), generator=torch.Generator().manual_seed(11))
    svm = linear_svm(codes(net, "conv5", learn, pool="mean"), coin, ("heads", "tails"))
    return {"the coin's network": with_head(net, svm), "critternet_gap": net}, critters(60, seed=1133)


def _on_critter(f: Learners) -> Truth:
    """f(net, scenes): how often the highest point of the map of the network's answer is on the critter."""
    nets, scenes = _tossed()
    shares = {}
    for name, net in nets.items():
        got = demand_number(ask(f, net, scenes, call=f"on_critter(net, scenes), {name},"), "the share")
        with torch.inference_mode():
            first, own = (cam(net, scenes.images, which).cpu() for which in (0, None))
        hits = _shown(scenes.masks, own)
        x, y = own.flatten(1).argmax(1) % own.shape[2], own.flatten(1).argmax(1) // own.shape[2]
        left, top, right, bottom = scenes.boxes.T
        in_box = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        want = float(hits.float().mean())
        mistakes = {
            "the scenes in which it lies elsewhere are counted": 1 - want,
            "it is a number of scenes; a share is wanted": float(hits.sum()),
            "these are points in the critter's box; take its mask": float(in_box.float().mean()),
            "this is the lowest point; take the highest": float(_shown(scenes.masks, -own).float().mean()),
            "this is the map of the first class; take the network's own answer in each scene": float(
                _shown(scenes.masks, first).float().mean()
            ),
        }
        refuse_number(got, want, mistakes)
        if abs(got - want) > 0.02:
            raise Wrong(
                f"{name}: the highest point lies on the critter in {want:.0%} of the scenes, not {got:.0%}"
            )
        shares[name] = want
    return shares["the coin's network"], (
        f"For the map of the critter's name it is {shares['critternet_gap']:.0%}; a random pixel is on the "
        f"critter in {float(scenes.masks.float().mean()):.0%}."
    )


def _shown(masks: Tensor, heat: Tensor) -> Tensor:
    """bool (N,): whether the highest point of each map is in the mask."""
    return masks.flatten(1).gather(1, heat.flatten(1).argmax(1, keepdim=True))[:, 0]


on_critter = investigation(_on_critter, near=0.15)
