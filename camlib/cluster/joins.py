"""What a verb does on a shard, and how the results of all shards become that of one pass.

Results may be joined wherever "first A, then B" is the same as "A and B": lists of the k best, sums, rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..networks.net import Net
from ..pictures.files import Unreadable
from ..units.ablation import Ablation, ablate
from ..units.patches import TopPatches, top_patches
from .shard import Shard

__all__ = ["VERBS", "Found", "Verb"]

Found = tuple[Shard, Any]  # a shard and its result; None, where none of its pictures can be read


class Verb(NamedTuple):
    """run(net, layer, pictures, number of the first one, options) → a result; join(results in order)."""

    run: Callable[[Net, str, Any, int, dict[str, Any]], Any]
    join: Callable[[Sequence[Found]], Any]
    options: frozenset[str]


def _rows(net: Net, layer: str, part: Any, first: int, options: dict[str, Any]) -> Tensor:
    return codes(net, layer, part, **options)


def _join_rows(found: Sequence[Found]) -> Tensor:
    """One below the other; a row that could not be read is NaN, as in one pass."""
    width = next(rows.shape[1] for _, rows in _good(found))
    every = torch.full((found[-1][0].stop, width), torch.nan)
    for shard, rows in _good(found):
        every[slice(*shard)] = rows
    return every


def _best(net: Net, layer: str, part: Any, first: int, options: dict[str, Any]) -> TopPatches:
    return top_patches(net, layer, part, start=first, **options)


def _join_best(found: Sequence[Found]) -> TopPatches:
    best: TopPatches = reduce(or_, [result for _, result in _good(found)])
    nothing = tuple((shard.first, shard.stop) for shard, result in found if result is None)
    return replace(best, asked=best.asked + nothing, spans=tuple(sorted(best.spans + nothing)))


def _sums(net: Net, layer: str, part: Any, first: int, options: dict[str, Any]) -> Ablation:
    return ablate(net, layer, part, **options)


def _join_sums(found: Sequence[Found]) -> Ablation:
    total: Ablation = reduce(or_, [result for _, result in _good(found)])
    return total


def _good(found: Sequence[Found]) -> list[Found]:
    good = [(shard, result) for shard, result in found if result is not None]
    if not good:
        raise Unreadable(f"none of the {found[-1][0].stop} pictures can be read")
    return good


VERBS = {
    "codes": Verb(_rows, _join_rows, frozenset({"pool", "batch_size"})),
    "top_patches": Verb(_best, _join_best, frozenset({"k", "units", "one_per_image", "batch_size"})),
    "ablate": Verb(_sums, _join_sums, frozenset({"batch_size"})),
}
