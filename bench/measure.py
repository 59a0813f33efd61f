"""What the measurements share: works by turns in one process, CPU time, peak memory, a row of the table."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from timeit import timeit

import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
ROUND = 0.05  # seconds of each work in a round


def ratios(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """For each work its time over the first one's, round by round; a first round is for warming up.

    In a round a quick work is done as often as fills `ROUND` seconds, of which the mean counts: a pass of a
    millisecond, once, says more about what else the machine does.
    """
    for work in works:
        work()
    often = [max(1, round(ROUND / max(timeit(work, timer=now, number=1), 1e-6))) for work in works]
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for each, work, times in zip(spent, works, often, strict=True):
            each.append(timeit(work, timer=now, number=times) / times)
    return [[time / first for time, first in zip(each, spent[0], strict=True)] for each in spent]


def now() -> float:
    """Seconds of this process's own work; of the clock on a GPU, once it is done."""
    if DEVICE == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def extra_memory(work: Callable[[], object]) -> int | None:
    """MB that a work takes at most on top of what is there; None where the system does not tell."""
    if DEVICE == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return (torch.cuda.max_memory_allocated() - before) // 2**20
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (Linux)
    except OSError:
        return None
    before = _status("VmRSS")
    work()
    return (_status("VmHWM") - before) // 1024


class Synthetic:
    """That many digits of noise, each made when it is asked for: a data set that takes no memory."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.rand(1, 28, 28, generator=torch.Generator().manual_seed(index))


def peak_memory(of: int = resource.RUSAGE_SELF) -> int:
    """The most memory that this process has held, in MB; or, of RUSAGE_CHILDREN, the largest that ended."""
    most = resource.getrusage(of).ru_maxrss
    return most // (1024**2 if sys.platform == "darwin" else 1024)  # bytes on a Mac, else KB


def row(what: str, peer: str, gains: Sequence[float], memory: Sequence[int | None] = (None, None)) -> str:
    """A line of the table: how many times as fast as the peer (median, range), extra MB of both."""
    told = " / ".join("–" if mb is None else str(mb) for mb in memory)
    spread = f"{min(gains):.2f} to {max(gains):.2f}"
    return f"| {what} | {peer} | {statistics.median(gains):.2f} ({spread}) | {told} |"


def _status(key: str) -> int:
    """KB, as Linux counts them."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[key].split()[0])
