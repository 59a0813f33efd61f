"""What a verb does on a shard, and how the results of all shards become that of one pass.

Results may be joined wherever "first A, then B" is the same as "A and B": lists of the k best, sums, rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..embeddings.codes import codes
from ..heatmaps.cam_sums import cam_sums
from ..networks.net import Net
from ..pictures.files import Unreadable
from ..units.ablation import ablate
from ..units.dissect import dissect, highest_cells
from ..units.patches import TopPatches, top_patches
from .shard import Shard

__all__ = ["VERBS", "Found", "Verb"]

Found = tuple[Shard, Any]  # a shard and its result; None, where none of its pictures can be read


class Verb(NamedTuple):
    """run(net, layer, pictures, number of the first one, options) → a result; join(results in order).

    layer: whether it has one.
    """

    run: Callable[[Net, Any, Any, int, dict[str, Any]], Any]
    join: Callable[[Iterable[Found]], Any]
    options: frozenset[str]
    layer: bool = True


def _plain(verb: Callable[..., Any]) -> Callable[[Net, Any, Any, int, dict[str, Any]], Any]:
    """A verb that does not mind which pictures of the whole these are."""
    return lambda net, layer, part, first, options: verb(net, layer, part, **options)


def _sums_of_maps(net: Net, layer: Any, part: Any, first: int, options: dict[str, Any]) -> Any:
    return cam_sums(net, part, **options)


def _best(net: Net, layer: str, part: Any, first: int, options: dict[str, Any]) -> TopPatches:
    return top_patches(net, layer, part, start=first, **options)


def _joined(found: Iterable[Found]) -> tuple[Any, list[Shard]]:
    """a | b | c …, and the shards that have no result. Raises `Unreadable` where none has one."""
    total, nothing, stop = None, [], 0
    for shard, result in found:
        stop = shard.stop
        if result is None:
            nothing.append(shard)
        else:
            total = result if total is None else total | result
    if total is None:
        raise Unreadable(f"none of the {stop} pictures can be read")
    return total, nothing


def _join(found: Iterable[Found]) -> Any:
    return _joined(found)[0]


def _join_best(found: Iterable[Found]) -> TopPatches:
    best, nothing = _joined(found)
    spans = tuple((shard.first, shard.stop) for shard in nothing)
    joined: TopPatches = replace(best, asked=best.asked + spans, spans=tuple(sorted(best.spans + spans)))
    return joined


def _join_rows(found: Iterable[Found]) -> Tensor:
    """One below the other; a row that could not be read is NaN, as in one pass."""
    every = list(found)
    wide = next((rows.shape[1] for _, rows in every if rows is not None), None)
    if wide is None:
        raise Unreadable(f"none of the {every[-1][0].stop} pictures can be read")
    return torch.cat(
        [
            torch.full((shard.stop - shard.first, wide), torch.nan) if rows is None else rows
            for shard, rows in every
        ]
    )


_DISSECT = frozenset({"rotation", "quantile", "batch_size"})

VERBS = {
    "codes": Verb(_plain(codes), _join_rows, frozenset({"pool", "batch_size"})),
    "top_patches": Verb(_best, _join_best, frozenset({"k", "units", "one_per_image", "batch_size"})),
    "ablate": Verb(_plain(ablate), _join, frozenset({"batch_size"})),
    "dissect": Verb(_plain(dissect), _join, _DISSECT | {"thresholds"}),
    "cam_sums": Verb(_sums_of_maps, _join, frozenset({"batch_size"}), layer=False),
    "highest_cells": Verb(_plain(highest_cells), _join, _DISSECT | {"of"}),  # dissect's first round
}
