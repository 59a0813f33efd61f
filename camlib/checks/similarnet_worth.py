"""Lesson 09's investigation: are the filters that digits need those that light text?"""

from __future__ import annotations

import functools
import warnings
from typing import NamedTuple

import torch
from scipy.stats import spearmanr
from torch import Tensor

from ..heatmaps.similarnet import similarnet
from ..networks.net import Net
from ..networks.zoo import load
from ..pictures.digits import Digits, digits
from ..scenes.texts import Texts, texts
from ..scores.spotting import pixel_scores
from ..units.ablation import ablate
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, demand_number

_LAYER, _UNITS = "conv2", 16  # of lenet
_ALIKE = 0.002  # two ways to measure a share may lie so far apart


class _Filters(NamedTuple):
    """What is asked about, and the answers: the error E, what each filter's silence adds to it, and the share
    of the pixels it lights that is text; beside it the share of its heat, and what a blank map lights."""

    net: Net
    digits: Digits
    streets: Texts
    intact: float
    added: Tensor
    text: Tensor
    heat: Tensor
    blank: float


@functools.cache  # a learner tries more than once
def _filters() -> _Filters:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the verdict says whose digits these are
        some = digits(split="test")[:1000]
    net, streets = load("lenet"), texts(8, seed=919)
    found = ablate(net, _LAYER, some, batch_size=500)
    heats = similarnet(net, _LAYER, streets.grey, torch.eye(_UNITS).expand(len(streets), -1, -1))
    text = [pixel_scores(heats[:, u], streets.masks).precision for u in range(_UNITS)]
    heat = (heats * streets.masks[:, None]).sum((0, 2, 3)) / heats.sum((0, 2, 3))
    blank = pixel_scores(torch.zeros_like(heats[:, 0]), streets.masks).precision
    intact = found.baseline.errors
    return _Filters(net, some, streets, intact.item(), found.errors - intact, torch.tensor(text), heat, blank)


def _worth_and_text(f: Learners) -> Truth:
    """f(net, digits, streets, unit): the error its silence adds, and how much of what it lights is text."""
    here = _filters()
    for unit in range(_UNITS):
        call = f"worth_and_text(net, digits, streets, {unit})"
        got = ask(f, here.net, here.digits, here.streets, unit, call=call)
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"{call} should return two numbers, the error added and the share of text")
        mine, share = (demand_number(one, f"{call}[{k}]") for k, one in enumerate(got))
        _same(mine, here.added[unit].item(), here.intact, unit)
        true = here.text[unit].item()
        if abs(share - true) > _ALIKE:
            mistakes = {
                "give a fraction": 100 * true,
                "its map is blank; measure the text after the silence, outside `with silence(…)`": here.blank,
                "that is the share of its heat; light as many pixels as the text has, and count": (
                    here.heat[unit].item()
                ),
            }
            why = "weight 1 for it and 0 for the others, no filter silent, as many pixels lit as the text has"
            why = next((w for w, wrong in mistakes.items() if abs(share - wrong) < _ALIKE), why)
            raise Wrong(
                f"of the pixels that filter {unit} lights {true:.1%} are text, not {share:.1%}: {why}"
            )
    needed, best = int(here.added.argmax()), int(here.text.argmax())
    rank = int((here.text > here.text[needed]).sum()) + 1
    said = (
        f"Filter {needed}, which the digits ({here.digits.source}) need most, is number {rank} of {_UNITS} "
        f"at lighting text. The first is filter {best}, with {here.text[best]:.0%} of its light on text."
    )
    return float(spearmanr(here.added, here.text).statistic), said


def _same(mine: float, added: float, intact: float, unit: int) -> None:
    """Raise `Wrong` unless mine is the error that the silence of a unit adds."""
    if abs(mine - added) < 1e-6:
        return
    mistakes = {
        "this is the error itself; take off the error with all filters": intact + added,
        "the sign is the paper's, E - e; e - E is asked for, above 0 where a filter is needed": -added,
        "these are percentage points; give a fraction": 100 * added,
        "this is the share of right answers": 1 - intact - added,
        "this is the error with all filters": intact,
        "nothing was silent": 0.0,
    }
    why = next((f": {why}" for why, wrong in mistakes.items() if abs(mine - wrong) < 1e-6), "")
    raise Wrong(f"without filter {unit} the error rises by {added:.4f}, not by {mine:.4f}{why}")


worth_and_text = investigation(_worth_and_text, form="+.2f", near=0.2)
