"""How each shipped weight file was made, to the seed: `python -m camlib.training` makes them all again.

conv1 begins tiny (standard deviation 0.003) and batch norm stands behind every convolution: that is what
gives smooth filters. After training, batch norm is folded into the convolutions: what ships is plain.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from ..geometry.field import receptive_field
from ..networks.course import COURSE, TRACKERS, build
from ..networks.net import Net
from ..networks.weights import shipped_folder
from ..networks.zoo import load, wrap
from ..parts.find import locate
from ..parts.heat_map import finer, heat_loss, heat_map
from ..pictures.digits import Digits, digits
from ..scenes.scenes import critters
from ..scores.keypoints import part_truth
from ..units.filters import autocorrelation
from .augment import hidden, mean_of, varied
from .batchnorm import batch_normed, fold
from .plans import PLANS, Plan
from .ship import README, TRAINING, accuracy, note, table, write

__all__ = ["main", "retrain", "train"]

KEPT = (0, 1, 2, 3, 4, 6, 8, 12, 16)  # epochs after which conv1 is kept to look at
KEPT_FILE = "critternet_conv1_epochs.safetensors"


@dataclass
class _Run:
    """A training under way: everything that a checkpoint holds."""

    module: nn.Sequential
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator
    epoch: int = 0
    seconds: float = 0.0
    kept: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        state = {
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "kept": self.kept,
        }
        write(path, lambda temporary: torch.save(state, temporary))

    def resume(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self.epoch, self.seconds, self.kept = state["epoch"], state["seconds"], state["kept"]


def train(
    name: str, folder: Path, checkpoints: Path, plan: Plan | None = None, n: int = 12000, fresh: int = 2000
) -> Path:
    """Train one of the course's networks and write `folder`/`name`.safetensors, in half precision.

    checkpoints: where the run is kept after each epoch; an interrupted run goes on from there.
    n, fresh: scenes to learn from and to be tried on (lenet: MNIST's 60 000 and 10 000, always).
    Raises ValueError for an unknown name, or where the network to start from is not in `folder`.
    """
    if name not in PLANS:
        raise ValueError(f"no plan for {name!r}; there are {', '.join(PLANS)}")
    plan = plan or PLANS[name]
    start = folder / f"{plan.start}.safetensors"
    if plan.start and not start.is_file():
        raise ValueError(f"{name} starts from {plan.start}, which is not in {folder}: train that first")
    if plan.unit and not (folder / f"{plan.unit[0]}.safetensors").is_file():
        raise ValueError(f"{name} learns from {plan.unit[0]}, which is not in {folder}: train that first")
    pixels, labels = _pictures(name, n)
    if name in TRACKERS:
        labels = _points(plan, folder, n)
    run = _begin(name, plan, start if plan.start else None, len(pixels))
    checkpoint = checkpoints / f"{name}-{plan.epochs}-{n}.pt"
    if checkpoint.is_file():
        run.resume(checkpoint)
    else:
        _keep(run, name, pixels)
    while run.epoch < plan.epochs:
        began = time.process_time()  # of all threads, and blind to what else the machine is doing
        _epoch(run, name, plan, pixels, labels)
        run.epoch += 1
        run.seconds += time.process_time() - began
        _keep(run, name, pixels)
        checkpoints.mkdir(parents=True, exist_ok=True)
        run.save(checkpoint)
    file = _ship(run, name, plan, folder, checkpoints, fresh)
    checkpoint.unlink()
    return file


def retrain(data: Digits, seed: int = 0) -> Net:
    """LeNet, trained anew by SIMILARnet's recipe: 2000 batches of 300 digits, however many there are.

    Adam at a rate of 0.001, which decays by 1e-5 a step; of MNIST 2000 batches are ten epochs. Takes a
    minute on two cores. On MNIST's training digits and with seed 0 it is the network that ships, before its
    numbers were halved in precision. The global random state is left as it was.
    Raises ValueError for fewer digits than a batch has.
    """
    plan = PLANS["lenet"]
    if len(data) < plan.batch:
        raise ValueError(f"{len(data)} digits do not fill a batch of {plan.batch}")
    with torch.random.fork_rng(devices=[]):
        run = _begin("lenet", plan, None, len(data), seed)
    steps = plan.epochs * 60_000 // plan.batch
    while (done := run.schedule.last_epoch) < steps:
        _epoch(run, "lenet", plan, data.pixels, data.labels, steps - done)
        run.epoch += 1
    return wrap(run.module, classes=list("0123456789"), mean=[0.0], std=[1.0], size=28)


def main(argv: list[str] | None = None) -> None:
    """Train the named networks (all of them, where none is named) and print the table."""
    parser = argparse.ArgumentParser(prog="python -m camlib.training", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(PLANS)}; all, where none is named"
    )
    parser.add_argument("--folder", type=Path, default=shipped_folder(), help="where the weights go")
    parser.add_argument("--checkpoints", type=Path, default=Path("build/train"), help="where a run is kept")
    chosen = parser.parse_args(argv)
    if unknown := [name for name in chosen.names if name not in PLANS]:
        parser.error(f"no plan for {', '.join(unknown)}; there are {', '.join(PLANS)}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in [name for name in PLANS if name in chosen.names or not chosen.names]:
        print(train(name, chosen.folder, chosen.checkpoints))
    if all((chosen.folder / f"{name}.safetensors").is_file() for name in COURSE):
        text = README.format(table=table(chosen.folder))
        write(chosen.folder / "README.md", lambda path: path.write_text(text))
        print(table(chosen.folder))


@cache
def _pictures(name: str, n: int) -> tuple[Tensor, Tensor]:
    if name == "lenet":
        data: Any = digits(split="train", source="mnist")
    else:
        data = _scenes(n)
    return data.pixels, data.labels


@cache
def _scenes(n: int) -> Any:
    return critters(n, seed=TRAINING)


def _points(plan: Plan, folder: Path, n: int) -> Tensor:
    """Where a tracker is told that the eyes are: (n, 1, 2) by a unit, or the truth, (n, 2, 2)."""
    if plan.unit is None:
        return part_truth(_scenes(n), "eye").points
    name, layer, number = plan.unit
    return locate(load(name, weights=folder / f"{name}.safetensors"), (layer, number), _scenes(n)).points


def _begin(name: str, plan: Plan, start: Path | None, n: int, seed: int = 0) -> _Run:
    torch.manual_seed(seed)
    module = build(name)
    if name == "lenet":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(module.parameters(), plan.rate)
        decay: Callable[[int], float] = lambda step: 1 / (1 + 1e-5 * step)  # noqa: E731
        schedule: torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, decay)
        return _Run(module, optimiser, schedule, torch.Generator().manual_seed(seed))
    if start:
        module.load_state_dict(
            {k: v.float() for k, v in load_file(start).items() if "conv" in k}, strict=False
        )
        # the first layer stays, so that the kept epochs show how this network's filters came to be
        module.get_submodule("conv1").requires_grad_(False)
    else:
        module = batch_normed(module)
    module = module.to(memory_format=torch.channels_last)
    first = [p for p in module.get_submodule("conv1").parameters() if p.requires_grad]
    others = [p for name, p in module.named_parameters() if not name.startswith("conv1.")]
    # batch norm undoes conv1's scale, so more decay costs nothing: the filters forget how they began
    groups = [{"params": others, "weight_decay": 0.05}, {"params": first, "weight_decay": 0.15}]
    optimiser = torch.optim.AdamW(groups if first else groups[:1], plan.rate)
    steps = plan.epochs * (n // plan.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=steps, pct_start=0.25)
    return _Run(module, optimiser, schedule, torch.Generator().manual_seed(0))


def _epoch(run: _Run, name: str, plan: Plan, pixels: Tensor, labels: Tensor, most: int | None = None) -> None:
    """Each picture once, in batches; or only the first `most` batches."""
    run.module.train()
    shuffled = torch.randperm(len(pixels), generator=run.generator)
    steps = shuffled[: len(pixels) // plan.batch * plan.batch].view(-1, plan.batch)
    what = f"{name}, epoch {run.epoch + 1} of {plan.epochs}"
    fill = mean_of(pixels) if plan.hide else 0.0
    grid, answer = None, run.module
    if name in TRACKERS:
        grid = finer(receptive_field(load(name, weights="random"), "heat"))
        answer = run.module[: list(dict(run.module.named_children())).index("heat") + 1]
    for chosen in tqdm(steps[:most], desc=what, unit="step", leave=False):
        with torch.autocast("cpu", torch.bfloat16, enabled=name != "lenet"):
            if name == "lenet":
                logits = run.module(pixels[chosen].float() / 255)
            else:
                images, points = varied(pixels[chosen], run.generator, labels[chosen] if grid else None)
                images = hidden(images, plan.hide, fill, run.generator) if plan.hide else images
                logits = answer(images)
        if grid:
            loss = heat_loss(heat_map(logits.float()), points, grid)
        else:
            smoothing = 0.0 if name == "lenet" else 0.05
            loss = functional.cross_entropy(logits.float(), labels[chosen], label_smoothing=smoothing)
        run.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
        run.schedule.step()


def _keep(run: _Run, name: str, pixels: Tensor) -> None:
    """Keep conv1 as it would ship now; its scale comes from batch norm's view of a few pictures."""
    if name != "critternet_gmp" or run.epoch not in KEPT:
        return
    conv, norm = run.module.get_submodule("conv1"), run.module.get_submodule("norm_conv1")
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.inference_mode():
        seen = conv((pixels[:256].float() / 255 - 0.5) / 0.25)
        scale = norm.weight / (seen.var((0, 2, 3)) + norm.eps).sqrt()
        run.kept[f"epoch_{run.epoch:02d}"] = (conv.weight * scale[:, None, None, None]).half().contiguous()


def _ship(run: _Run, name: str, plan: Plan, folder: Path, checkpoints: Path, fresh: int) -> Path:
    """Fold, halve, measure what will be shipped, and write it with what was measured."""
    module = run.module.eval() if name == "lenet" or plan.start else fold(run.module)
    state = {key: value.detach().half().contiguous() for key, value in module.state_dict().items()}
    trial = checkpoints / f"{name}-trial.safetensors"  # beside it no list of checksums says what it should be
    write(trial, lambda path: save_file(state, path))
    said = {
        "format": "camlib",
        "epochs": str(plan.epochs),
        "minutes": f"{run.seconds / 60 / torch.get_num_threads():.1f}",
        "cores": str(torch.get_num_threads()),
        "accuracy": f"{accuracy(name, trial, fresh):.4f}",
        "autocorrelation": f"{autocorrelation(state['conv1.weight'].float()).mean():.3f}",
    }
    trial.unlink()
    file = folder / f"{name}.safetensors"
    write(file, lambda path: save_file(state, path, said))
    note(file)
    if run.kept:
        write(folder / KEPT_FILE, lambda path: save_file(run.kept, path, {"format": "camlib"}))
        note(folder / KEPT_FILE)
    return file
