"""The driver: shards go out, results come back, what fails is tried again and then named."""

from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from tqdm.auto import tqdm

from .engines import Engine
from .kept import Kept
from .shard import Shard
from .shards import part_of
from .worker import Done

__all__ = ["ShardError", "work"]

TRIES = 3
# shards on their way at a time, two for each worker, or so many: more would only wait, each with its pictures
_AHEAD = 32


class ShardError(RuntimeError):
    """Shards that could not be done; one line names them, and says where the others are."""


def work(engine: Engine, shards: Sequence[Shard], dataset: Any, kept: Kept) -> None:
    """Do these shards of the data set, keep what comes back; ShardError when all others are done."""
    todo, out = deque(shards), dict[Future[Done], Shard]()
    tried, failed = Counter[Shard](), dict[Shard, Exception]()
    deaths = 0  # of a pool, with nothing done in between
    kept_before = len(dataset) - sum(stop - first for first, stop in shards)
    what = engine.job.layer or engine.job.verb
    with tqdm(
        total=len(dataset), initial=kept_before, desc=what, unit="picture", delay=1, leave=False
    ) as bar:
        while todo or out:
            broken: Exception | None = None
            try:
                ahead = max(_AHEAD, 2 * engine.workers) if todo else 0
                while todo and len(out) < ahead:
                    pictures = cloudpickle.dumps(part_of(dataset, todo[0]))
                    out[engine.submit(pictures, todo[0].first)] = todo[0]
                    todo.popleft()
                ready = wait(out, return_when=FIRST_COMPLETED).done
            except BrokenExecutor as error:  # noticed when something was to be submitted
                broken, ready = error, {future for future in out if future.done()}
            except BaseException:
                for future in out:
                    future.cancel()
                raise
            for future in ready:
                shard = out.pop(future)
                try:
                    kept.keep(shard, future.result())
                except BrokenExecutor as error:
                    broken = error
                    todo.append(shard)
                except ValueError as error:
                    failed[shard] = error
                except (Exception, CancelledError) as error:
                    tried[shard] += 1
                    if tried[shard] < TRIES:
                        todo.append(shard)
                        engine.send_again()
                    else:
                        failed[shard] = error
                else:
                    deaths = 0
                    bar.update(shard.stop - shard.first)
            if broken:
                deaths += 1
                todo.extend(out.values())
                out.clear()
                if deaths == TRIES or not engine.ours:
                    failed.update(dict.fromkeys(todo, broken))
                    break
                engine.renew()
    if failed:
        raise ShardError(_told(failed, len(shards), kept, engine)) from next(iter(failed.values()))


def _told(failed: dict[Shard, Exception], count: int, kept: Kept, engine: Engine) -> str:
    shard = min(failed)
    error = failed[shard]
    why = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, BrokenExecutor) and engine.ours:
        guard = 'in a script, call map_shards under `if __name__ == "__main__":`'
        why = f"workers died {TRIES} times with nothing done in between; {guard}"
    elif isinstance(error, BrokenExecutor):
        why = "a worker died, and with it the pool; give a new one"
    keep = "give folder= to keep finished shards"
    if kept.folder is not None:
        keep = f"the others are kept in {kept.folder}, and the same call goes on with them"
    which = f"pictures {shard.first} to {shard.stop - 1} (a number in what follows counts from {shard.first})"
    return f"{len(failed)} of {count} shards failed, the first {which}: {why}; {keep}"
