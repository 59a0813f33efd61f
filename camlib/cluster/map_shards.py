"""A verb over a data set in shards, on any engine: the result is that of one pass.

Dean, Ghemawat (2004), "MapReduce": what is cut, done anywhere in any order, and joined. What is done again
after a worker died gives the same, for a verb leaves nothing behind.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from ..given import path_of, told, whole
from ..networks.lock import alone, copied
from ..networks.net import Net, check_net
from ..networks.unhooked import bears_hooks
from ..pictures.batches import data_set
from ..pictures.files import Folder
from ..units.dissect import highest_cells
from ..wording import listing
from .engines import engine_of
from .joins import VERBS
from .kept import Kept
from .shard import cut
from .shards import known_by, made_by, part_of
from .work import work
from .worker import Job, here

__all__ = ["map_shards"]


def map_shards(
    verb: Callable[..., Any],
    net: Net,
    layer: str | None,
    dataset: Any,
    *,
    engine: Any = None,
    size: int = 4096,
    folder: str | Path | None = None,
    **options: Any,
) -> Any:
    """`verb(net, layer, dataset, **options)` by many workers.

    verb: `codes`, `top_patches`, `ablate`, `dissect` or, with the layer None, which it has not, `cam_sums`.
    engine: how many processes of this machine; or anything with `submit(function, …)` that gives concurrent
        futures, such as a ProcessPoolExecutor; or Dask's Client; None: a process for each core that this
        process may use; for each GPU, where the network is on one. (A script, unlike a notebook, then needs
        its `if __name__ == "__main__":`.) Workers of several threads gain nothing by them (`dask worker
        --nthreads 1`): the threads of a process take turns in a network.
    size: pictures in a shard, rounded up to whole batches.
    folder: where finished shards are kept, as pickles: whatever ended a run, the same call goes on with them.
        Those of another network, layer or option are not taken, nor any that the disk has damaged, nor those
        of another picture or label, so far as that is noticed: in tensors, `Scenes` and the like, lists and
        TensorDatasets any change is; of files a new name, size or time of change, and another label; and in a
        data set of one's own a change of what it holds as a list or tensor of one entry a picture. Of files
        and of such a data set up to 16 items a shard, spread evenly, are read besides: a change that shows
        neither there nor in any of these is not noticed, and wants another folder. One that gives other
        pictures each time never fits. Only the process that calls reads and writes there. Codes then lie in
        its codes.npy and are mapped, not in memory, and its log.csv says who did what and when (`shard_log`).
        None: nothing is kept.
    options: the verb's own.
    A worker has one thread and unpacks the network once; it travels once to each worker of a pool of
    processes, once to a Dask cluster, and with every shard to another engine. Where the network is on a GPU,
    each worker takes the next of them. A shard that fails, or whose worker dies, is tried three times; a
    ValueError, which is about the data, once. The others are done and kept all the same, and a ShardError
    names what is lacking. A Folder's unreadable files are in its `skipped`.
    The result equals one pass bit for bit, however the shards are cut and in whatever order they come, on
    machines of one kind; only sums of losses (`ablate`) and of heat (`cam_sums`), float64 both, are rounded
    in another order. `dissect` goes round twice: its thresholds depend on all pictures, and to find them it
    holds the highest `quantile` of all the layer's cells, which grows with the data set.
    Raises ValueError for another verb, what is no engine, an unknown layer or option, and a network with
    hooks on it (as within `silence` or `record`) or a `forward` put on it, which would not travel, before any
    work.
    """
    check_net(net)
    _check_bare(net)
    name = getattr(verb, "__name__", told(verb))
    if name not in VERBS:
        public = [one for one in VERBS if one != highest_cells.__name__]
        raise ValueError(f"map_shards can join {listing(public)}; given {name}")
    takes = VERBS[name].options
    if unknown := sorted(options.keys() - takes):
        raise ValueError(f"{name} over shards has no option {unknown[0]!r}; it has {listing(sorted(takes))}")
    if VERBS[name].layer:
        net.layer(layer)  # type: ignore[arg-type]  # it says what is wrong with None
    elif layer is not None:
        raise ValueError(f"{name} has no layer; given {told(layer)}, give None")
    dataset = data_set(dataset)
    if name == "dissect" and options.get("thresholds") is None:
        options.pop("thresholds", None)
        rest: dict[str, Any] = {"engine": engine, "size": size, "folder": folder, "of": len(dataset)}
        highest = map_shards(highest_cells, net, layer, dataset, **rest, **options)
        options["thresholds"] = highest.thresholds
    shards = cut(len(dataset), whole(size, "size", 1), whole(options.get("batch_size", 64), "batch_size", 1))
    skipped = dataset.skipped if isinstance(dataset, Folder) else {}
    kept = Kept(None if folder is None else path_of(folder, "folder"), skipped, name)
    job = Job(known_by(net), here(), net.mean.device.type, name, layer, options)
    # from the CPU each worker brings it to a device of its own
    with alone(net):
        portable = cloudpickle.dumps(net if job.device == "cpu" else copied(net).cpu())
    with engine_of(engine, job, portable) as workers:
        made = (made_by(job, part_of(dataset, shard)) if folder is not None else "" for shard in shards)
        todo = [shard for shard, by in zip(shards, made, strict=True) if not kept.has(shard, by)]
        work(workers, todo, dataset, kept)
    if name == "codes" and folder is not None:
        return kept.rows(shards)
    return VERBS[name].join(kept.found(shards))


def _check_bare(net: Net) -> None:
    """Raise ValueError for what lies on the network and not in it; torch's own hooks compute weights."""
    for name, inner in reversed(list(net.named_modules())):  # those inside first: the root bears one for them
        if (hook := bears_hooks(inner)) or "forward" in vars(inner):
            what = "a hook (silence and record put such)" if hook else "a forward of its own"
            short = (known for known, module in net.layers.items() if module is inner)
            where = next(short, name.removeprefix("module.") or net.name)
            raise ValueError(
                f"{what} lies on {where!r}; workers would run the network without it: "
                "take it off, or call the verb itself"
            )
