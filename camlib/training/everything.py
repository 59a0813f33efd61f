"""`make train`: all runs, several at a time, each in its own process; and the page beside the weights."""

import argparse
import os
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import torch

from ..networks.course import COURSE, DIGITS
from ..networks.weights import shipped_folder
from .drawn import drawn
from .files import note, write
from .plans import PLANS, SCENES, Plan
from .ship import TRAINING, page, runs, table
from .train import train

__all__ = ["main", "write_readme"]


def main(argv: list[str] | None = None) -> None:
    """Train the named networks (all of them, where none is named) and write the page beside their weights."""
    parser = argparse.ArgumentParser(prog="python -m camlib.training", description=__doc__)
    names = [*PLANS, "constant"]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(PLANS)}, or constant; all, where none is named"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of which runs, from 0 to 2")
    parser.add_argument("--folder", type=Path, default=shipped_folder(), help="where the weights go")
    parser.add_argument("--checkpoints", type=Path, default=Path("build/train"), help="where a run is kept")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="runs at a time")
    chosen = parser.parse_args(argv)
    if unknown := [name for name in chosen.names if name not in names]:
        parser.error(f"no plan for {', '.join(unknown)}; there are {', '.join(names)}")
    folder, checkpoints, wanted = chosen.folder, chosen.checkpoints, chosen.names or names
    folder.mkdir(parents=True, exist_ok=True)
    work = [(name, seed, PLANS[name]) for name, seed in runs() if name in wanted and seed in chosen.seeds]
    if "constant" in wanted and 0 in chosen.seeds:
        work.append(("critternet", 0, replace(PLANS["critternet"], constant=True)))
    if any(name not in DIGITS for name, _, _ in work):
        drawn(SCENES, TRAINING, 0.5, checkpoints)  # before there are several who would draw them
    taught = [one for one in work if one[2].unit or one[2].trunk]
    teachers = {(plan.trunk, seed) for _, seed, plan in taught if plan.trunk}
    teachers |= {(plan.unit[0], 0) for _, _, plan in taught if plan.unit}
    first = [one for one in work if (one[0], one[1]) in teachers and not one[2].constant]
    threads = max(1, (os.cpu_count() or 1) // chosen.jobs)
    with ProcessPoolExecutor(chosen.jobs, get_context("spawn"), _threads, (threads,)) as pool:
        # the teachers' runs begin first, and their pupils' as soon as they are done
        early: list[Future[Path]] = [pool.submit(_run, one, folder, checkpoints) for one in first]
        others = [
            pool.submit(_run, one, folder, checkpoints)
            for one in work
            if one not in first and one not in taught
        ]
        for done in early:
            print(done.result(), flush=True)
        late = [pool.submit(_run, one, folder, checkpoints) for one in taught]
        for done in [*others, *late]:
            print(done.result(), flush=True)
    write_readme(folder)


def write_readme(folder: Path) -> None:
    """The checksums of all weight files in `folder`, and, once all networks are there, the page."""
    for file in sorted(folder.glob("*.safetensors")):
        note(file)  # again, one after the other: two runs may have ended at once
    if all((folder / f"{name}.safetensors").is_file() for name in COURSE):
        text = page(folder)
        write(folder / "README.md", lambda path: path.write_text(text))
        print(table(folder))


def _run(one: tuple[str, int, Plan], folder: Path, checkpoints: Path) -> Path:
    name, seed, plan = one
    return train(name, folder, checkpoints, plan, seed=seed)


def _threads(count: int) -> None:
    torch.set_num_threads(count)
