"""Lesson 03: the field of a chain of layers, the best cells of many maps, how masks overlap, a lure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..networks.zoo import load
from ..running.record import record
from ..scenes.scenes import critters
from .compare import compare, unfit
from .prediction import Truth, investigation
from .verdict import Learners, Wrong, ask, check, demand, refuse

Chain = Sequence[tuple[int, int, int]]
Field = tuple[float, float, float]

_CHAINS: tuple[Chain, ...] = (
    [(11, 4, 5)],
    [(11, 4, 5), (3, 2, 1), (5, 1, 2)],  # critternet to conv2
    [(11, 4, 2), (3, 2, 0), (5, 1, 2), (3, 2, 0)],  # AlexNet to its second pooling
    [(7, 2, 3), (3, 2, 1), (2, 3, 0)],
)


@check
def field_of_chain(f: Learners) -> str:
    """f(chain): layers (kernel, stride, padding) to (size, stride, start) of what a cell sees, in pixels."""
    got = []
    for chain in _CHAINS:
        answer = ask(f, chain)
        if sentence := unfit(answer, (3,), "answer", "size, stride, start"):
            raise Wrong(sentence)
        got.append(torch.as_tensor(answer, dtype=torch.float64))
    answers, right = torch.stack(got), _fields(_step)
    if not compare(answers, right):
        return "right: critternet's conv2 sees 51 pixels in steps of 8, AlexNet's second pooling 67"
    mistakes: dict[str, Callable[[Field, tuple[int, int, int]], Field]] = {
        "a kernel reaches over cells that lie `stride` pixels apart: (kernel - 1) × the stride so far": (
            lambda at, layer: (at[0] + layer[0] - 1, *_step(at, layer)[1:])
        ),
        "a window of 3 adds 2 cells, not 3: (kernel - 1) × stride": (
            lambda at, layer: (at[0] + layer[0] * at[1], *_step(at, layer)[1:])
        ),
        "take the stride *before* this layer for its size and start, and multiply afterwards": (
            lambda at, layer: _step((at[0], at[1] * layer[1], at[2]), (layer[0], 1, layer[2]))
        ),
        "strides multiply, they do not add": (
            lambda at, layer: (*_step(at, layer)[:1], at[1] + layer[1], _step(at, layer)[2])
        ),
        "the strides of the layers before are forgotten: multiply them": (
            lambda at, layer: (_step(at, layer)[0], layer[1], _step(at, layer)[2])
        ),
        "padding moves cell 0 out of the picture: start falls by padding × stride": (
            lambda at, layer: (*_step(at, layer)[:2], _step(at, (layer[0], layer[1], 0))[2])
        ),
        "padding does not make the field larger, it only moves its start": (
            lambda at, layer: (_step(at, layer)[0] + 2 * layer[2] * at[1], *_step(at, layer)[1:])
        ),
        "start is the centre of cell 0, half a kernel further than its first pixel": (
            lambda at, layer: (*_step(at, layer)[:2], at[2] - layer[2] * at[1])
        ),
        "start is in pixels: multiply (kernel - 1) / 2 - padding by the stride so far": (
            lambda at, layer: (*_step(at, layer)[:2], at[2] + (layer[0] - 1) / 2 - layer[2])
        ),
    }
    for sentence, step in mistakes.items():
        if not compare(answers, _fields(step)):
            raise Wrong(sentence)
    if not compare(answers[:, [0, 1]], right[:, [0, 1]]):
        raise Wrong(
            "size and stride are right; start is not: it grows by ((kernel - 1) / 2 - padding) · stride"
        )
    number = next(n for n in range(len(_CHAINS)) if compare(answers[n], right[n]))
    says, should = (tuple(f"{x:g}" for x in each[number].tolist()) for each in (answers, right))
    raise Wrong(f"{_CHAINS[number]} gave ({', '.join(says)}), and should be ({', '.join(should)})")


@check
def best_cells(f: Learners) -> str:
    """f(maps, k): (N, h, w) to (k, 3), picture, row and column of the k largest values, best first."""
    maps = torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(3))
    maps[4, 1, 6], maps[4, 3, 2] = 9.0, 8.0  # two in one picture
    got, want = ask(f, maps, 8), _best(maps, 8)
    if getattr(got, "shape", None) == (3, 8):
        raise Wrong("it is (3, k); wanted is a row for each patch, (k, 3): stack along axis 1")
    if getattr(got, "shape", None) == (8,):
        raise Wrong("these are flat numbers: take each apart into picture, row and column")
    flat = maps.flatten().topk(8).indices
    each = maps.flatten(1).max(1)
    first = each.values.topk(6).indices
    alone = torch.stack([first, each.indices[first] // 7, each.indices[first] % 7], 1)
    if not compare(got, alone):
        raise Wrong("each picture gives only its best cell; here any cell may be among the k best")
    refuse(
        got,
        {
            "the best must come first: these are in rising order": want.flip(0),
            "these are the smallest values": _best(-maps, 8),
            "rows and columns are swapped: (picture, row, column)": want[:, [0, 2, 1]],
            "column, row and picture are in reverse order": want.flip(1),
            "a row of the map has w numbers, not h: divide by the width for the row": torch.stack(
                [flat // 35, flat % 35 // 5, flat % 35 % 5], 1
            ),
        },
    )
    demand(got, want, "list of cells")
    demand(ask(f, -maps.abs(), 3), _best(-maps.abs(), 3), "list of cells of maps without a positive value")
    return "right, also for two patches of one picture: this is what top_patches does, batch by batch"


@check
def overlap(f: Learners) -> str:
    """f(lit, concept): bool (N, H, W) twice to one number, pixels in both by pixels in either, over all N."""
    random = torch.Generator().manual_seed(0)
    lit, concept = (torch.rand(5, 6, 8, generator=random) < share for share in (0.3, 0.5))
    lit[3], concept[3] = False, False  # a picture without either
    concept[4] = False
    both, either = (lit & concept).sum((1, 2)).float(), (lit | concept).sum((1, 2)).float()
    got, want = ask(f, lit, concept), both.sum() / either.sum()
    if not compare(got, both / either.clamp(min=1)):
        raise Wrong("it is one number for each picture; add up pixels over all pictures, then divide once")
    each = both / either
    sums = lit.sum(), concept.sum()
    if torch.is_tensor(got) and got.isnan().any():
        raise Wrong("0 / 0 in a picture that has neither: add up over all pictures first, then divide once")
    refuse(
        got,
        {
            "it is the mean of each picture's IoU; add up pixels over all pictures, then divide once": (
                each.nan_to_num().mean()
            ),
            "it is the mean of each picture's IoU, where there is one; add up over all pictures first": (
                each.nanmean()
            ),
            "it is the share of lit pixels on the concept; divide by the pixels in either": both.sum()
            / sums[0],
            "it is the share of the concept that is lit; divide by the pixels in either": both.sum()
            / sums[1],
            "pixels in both count twice below: the union is lit + concept - both": both.sum() / sum(sums),
            "this is Dice, 2 · both / (lit + concept); divide by the union": 2 * both.sum() / sum(sums),
            "it counts pixels in both; divide by those in either": both.sum(),
            "it is the share of pixels where the two agree, which rewards empty masks": (
                (lit == concept).float().mean()
            ),
        },
    )
    demand(got, want, "overlap")
    return "right: 1 where the masks are equal, and large concepts weigh more than small ones"


EYE = ("critternet_gmp", "conv4", 48)  # the best eye finder of lessons 03 and 10
_SIDE, _FIRST = 33, 47  # of the lure, in the middle of a page of 128 pixels


def _eye_lure(f: Learners) -> Truth:
    """f(): a picture (3, 33, 33) with little of an eye; laid on grey, the share of a real one's peak."""
    picture = ask(f, call=f"{getattr(f, '__name__', 'your function')}()")
    if sentence := unfit(picture, (3, _SIDE, _SIDE), "picture"):
        raise Wrong(sentence)
    drawn = torch.as_tensor(picture).float()
    if not 0 <= drawn.min() <= drawn.max() <= 1:
        raise Wrong(f"pixels reach from {drawn.min():.2g} to {drawn.max():.2g}; they lie between 0 and 1")
    pages = torch.full((2, 3, 128, 128), 0.5)
    pages[1, :, _FIRST : _FIRST + _SIDE, _FIRST : _FIRST + _SIDE] = drawn
    crowd = critters(70, seed=31)
    awake = crowd[crowd.labels < 8][:60]
    real = float(_maps(awake.images).amax((1, 2)).median())
    cells = slice(_FIRST // 8, (_FIRST + _SIDE) // 8 + 1)  # those on the lure; at its edge a page is no page
    grey, lured = _maps(pages)[:, cells, cells].amax((1, 2)).tolist()
    if lured <= grey:
        raise Wrong(f"it reaches {lured:.1f}, the grey page alone {grey:.1f}, a critter {real:.1f}: draw on")
    said = (
        f"The grey page alone gives {max(grey, 0) / real:.0%}; a lure above 100% beats half of the critters."
    )
    return lured / real, said


eye_lure = investigation(_eye_lure, near=0.1, most=10)  # it may beat a real eye


def _maps(pictures: Tensor) -> Tensor:
    name, layer, unit = EYE
    with torch.inference_mode(), record(net := load(name), layer) as acts:
        net(pictures)
    return acts[layer][:, unit]


def _step(at: Field, layer: tuple[int, int, int]) -> Field:
    (size, stride, start), (kernel, step, padding) = at, layer
    return size + (kernel - 1) * stride, stride * step, start + ((kernel - 1) / 2 - padding) * stride


def _fields(step: Callable[[Field, tuple[int, int, int]], Field]) -> Tensor:
    """(chains, 3), double."""
    found = []
    for chain in _CHAINS:
        at: Field = (1, 1, 0)
        for layer in chain:
            at = step(at, layer)
        found.append(at)
    return torch.tensor(found, dtype=torch.float64)


def _best(maps: Tensor, k: int) -> Tensor:
    flat = maps.flatten().topk(k).indices
    return torch.stack(torch.unravel_index(flat, maps.shape), 1)
