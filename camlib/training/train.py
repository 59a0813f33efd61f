"""How each shipped weight file was made, to the seed: `python -m camlib.training` makes them all again.

conv1 begins tiny (`begun`) and batch norm stands behind every layer but the last: that is what gives smooth
filters. After training, batch norm is folded into the layers: what ships is plain.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from ..capsules.loss import margin_loss
from ..geometry.field import receptive_field
from ..networks.course import CAPSULES, DIGITS, TRACKERS, begun, run_name, take_over
from ..networks.net import Net
from ..networks.zoo import load, wrap
from ..parts.find import locate
from ..parts.heat_map import finer, heat_loss, heat_map
from ..pictures.digits import Digits, digits
from ..pictures.pixels import Pixels
from .augment import hidden, mean_of, shifted, varied
from .batchnorm import batch_normed, fold
from .drawn import Drawn, drawn, stamped
from .files import note, write
from .plans import CONSTANT_FILE, KEPT, KEPT_FILE, PLANS, SCENES, Plan
from .ship import TRAINING, figures, share, top_1

__all__ = ["Run", "retrain", "train"]


@dataclass
class Run:
    """A training under way: everything that a checkpoint holds."""

    module: nn.Sequential
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator
    epoch: int = 0
    seconds: float = 0.0
    kept: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write all of it."""
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
        """Go on where `save` left off."""
        state = torch.load(path, weights_only=True)
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self.epoch, self.seconds, self.kept = state["epoch"], state["seconds"], state["kept"]


def train(
    name: str,
    folder: Path,
    checkpoints: Path,
    plan: Plan | None = None,
    *,
    seed: int = 0,
    n: int = SCENES,
    fresh: int = 2000,
) -> Path:
    """Train one of the course's networks and write its weight file into `folder`, in half precision.

    checkpoints: where the scenes are kept, and the run after each epoch; an interrupted one goes on there.
    seed: of the weights it begins with, and of the order and the variation of its pictures.
    n, fresh: scenes to learn from and to be tried on (digits: MNIST's 60 000 and 10 000, always).
    Raises ValueError for an unknown name or seed, or where the network that it learns from, by a unit or as
    its trunk, is not in `folder`. A plan with a constant rate leaves only the kept epochs of the first layer.
    """
    if name not in PLANS:
        raise ValueError(f"no plan for {name!r}; there are {', '.join(PLANS)}")
    plan = plan or PLANS[name]
    called = run_name(name, seed)
    before = run_name(plan.trunk, seed) if plan.trunk else plan.unit[0] if plan.unit else ""
    if before and not (folder / f"{before}.safetensors").is_file():
        raise ValueError(f"{name} learns from {before}, which is not in {folder}: train that first")
    pixels, wanted = _pictures(name, plan, folder, checkpoints, n)
    run = _begin(name, plan, len(pixels), seed)
    if plan.trunk:
        trained = load(plan.trunk, weights=folder / f"{before}.safetensors").module
        for own in take_over(run.module, trained):
            own.requires_grad_(False)
    other = "-constant" if plan.constant else "-stamped" if plan.stamp else ""
    checkpoint = checkpoints / f"{called}{other}-{plan.epochs}-{n}.pt"
    if checkpoint.is_file():
        run.resume(checkpoint)
    else:
        _keep(run, called, pixels)
    while run.epoch < plan.epochs:
        began = time.process_time()  # of all threads, and blind to what else the machine is doing
        _epoch(run, name, plan, pixels, wanted)
        run.epoch += 1
        run.seconds += time.process_time() - began
        _keep(run, called, pixels)
        checkpoints.mkdir(parents=True, exist_ok=True)
        run.save(checkpoint)
    by_heart = (pixels, wanted) if plan.shuffled else None
    file = _ship(run, name, called, plan, folder, checkpoints, fresh, by_heart)
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
    run = _begin("lenet", plan, len(data), seed)
    steps = plan.epochs * 60_000 // plan.batch
    while (done := run.schedule.last_epoch) < steps:
        _epoch(run, "lenet", plan, data.pixels, data.labels, steps - done)
        run.epoch += 1
    return wrap(run.module, classes=list("0123456789"), mean=[0.0], std=[1.0], size=28)


def _pictures(name: str, plan: Plan, folder: Path, checkpoints: Path, n: int) -> tuple[Tensor, Tensor]:
    """The pictures to learn from, and what is wanted of each: classes (N,) or (N, 9), points (N, P, 2)."""
    if name in DIGITS:
        data: Any = digits(split="train", source="mnist")
        return data.pixels, data.labels
    scenes = drawn(n, TRAINING, 0.5, checkpoints)
    if name in TRACKERS:
        return scenes.pixels, _points(plan, folder, scenes)
    pixels, agreeing = scenes.pixels[: plan.scenes], scenes.agreeing[: plan.scenes]
    if plan.shuffled:
        agreeing = agreeing[torch.randperm(len(agreeing), generator=torch.Generator().manual_seed(TRAINING))]
    return stamped(pixels, agreeing, TRAINING, 0.5, plan.stamp) if plan.stamp else (pixels, agreeing)


def _points(plan: Plan, folder: Path, scenes: Drawn) -> Tensor:
    """Where a tracker is told that the eyes are: (n, 1, 2) by a unit, or the truth, (n, 2, 2)."""
    if plan.unit is None:
        return scenes.eyes
    name, layer, number = plan.unit
    teacher = load(name, weights=folder / f"{name}.safetensors")
    return locate(teacher, (layer, number), Pixels(scenes.pixels)).points


def _begin(name: str, plan: Plan, n: int, seed: int) -> Run:
    module, generator = begun(name, seed), torch.Generator().manual_seed(seed)
    if name == "lenet":
        optimiser: torch.optim.Optimizer = torch.optim.Adam(module.parameters(), plan.rate)
        decay: Callable[[int], float] = lambda step: 1 / (1 + 1e-5 * step)  # noqa: E731
        schedule: torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, decay)
        return Run(module, optimiser, schedule, generator)
    module = batch_normed(module).to(memory_format=torch.channels_last)
    first = list(module.get_submodule("conv1").parameters())
    rest = [(key, p) for key, p in module.named_parameters() if not key.startswith("conv1.")]
    others = [p for key, p in rest if not key.startswith("routing.")]
    votes = [p for key, p in rest if key.startswith("routing.")]
    # batch norm undoes conv1's scale, so more decay costs nothing: the filters forget how they began
    groups = [{"params": others, "weight_decay": 0.05}, {"params": first, "weight_decay": 0.15}]
    if votes:  # capsules' weights have no norm behind them, and must not shrink
        groups.append({"params": votes, "weight_decay": 0.0})
    optimiser = torch.optim.AdamW(groups, plan.rate)
    steps = plan.epochs * (n // plan.batch)
    if plan.constant:
        warm: Callable[[int], float] = lambda step: min(1.0, (step + 1) / 200)  # noqa: E731
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, warm)
    else:
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, plan.rate, total_steps=steps, pct_start=0.25
        )
    return Run(module, optimiser, schedule, generator)


def _epoch(run: Run, name: str, plan: Plan, pixels: Tensor, wanted: Tensor, most: int | None = None) -> None:
    """Each picture once, in batches; or only the first `most` batches."""
    run.module.train()
    shuffled = torch.randperm(len(pixels), generator=run.generator)
    steps = shuffled[: len(pixels) // plan.batch * plan.batch].view(-1, plan.batch)
    what = f"{name}, epoch {run.epoch + 1} of {plan.epochs}"
    fill = mean_of(pixels) if plan.hide else torch.zeros(3)
    grid, answer = None, run.module
    if name in TRACKERS:
        grid = finer(receptive_field(load(name, weights="random"), "heat"))
        answer = run.module[: list(dict(run.module.named_children())).index("heat") + 1]
    for chosen in tqdm(steps[:most], desc=what, unit="step", leave=False):
        with torch.autocast("cpu", torch.bfloat16, enabled=name not in DIGITS):
            if name == "lenet":
                logits = run.module(pixels[chosen].float() / 255)
            elif plan.shuffled:
                logits = run.module((pixels[chosen].float() / 255 - 0.5) / 0.25)
            elif name in DIGITS:
                logits = run.module(shifted(pixels[chosen], 2, run.generator))
            else:
                images, points = varied(pixels[chosen], run.generator, wanted[chosen] if grid else None)
                images = hidden(images, plan.hide, fill, run.generator) if plan.hide else images
                logits = answer(images)
        if grid:
            loss = heat_loss(heat_map(logits.float()), points, grid)
        elif name in CAPSULES:
            loss = margin_loss(logits.float().sigmoid(), wanted[chosen])
        elif name == "lenet":
            loss = functional.cross_entropy(logits, wanted[chosen])
        else:
            loss = agreement_loss(logits.float(), wanted[chosen])
        run.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        run.optimiser.step()
        run.schedule.step()


def agreement_loss(logits: Tensor, agreeing: Tensor, smoothing: float = 0.05) -> Tensor:
    """−log of the probability of all classes that agree (N, C), with label smoothing.

    Where one class agrees it is the cross entropy.
    """
    logs = logits.log_softmax(1)
    right = logs.masked_fill(~agreeing, -torch.inf).logsumexp(1)
    return -((1 - smoothing) * right + smoothing * logs.mean(1)).mean()


def _keep(run: Run, called: str, pixels: Tensor) -> None:
    """Keep critternet's conv1 as it would ship now, of its first training alone: one file has room for one.

    Its scale comes from batch norm's view of a few pictures.
    """
    if called != "critternet" or run.epoch not in KEPT:
        return
    conv, norm = run.module.get_submodule("conv1"), run.module.get_submodule("norm_conv1")
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.inference_mode():
        seen = conv((pixels[:256].float() / 255 - 0.5) / 0.25)
        scale = norm.weight / (seen.var((0, 2, 3)) + norm.eps).sqrt()
        run.kept[f"epoch_{run.epoch:02d}"] = (conv.weight * scale[:, None, None, None]).half().contiguous()


def _ship(
    run: Run,
    name: str,
    called: str,
    plan: Plan,
    folder: Path,
    checkpoints: Path,
    fresh: int,
    by_heart: tuple[Tensor, Tensor] | None,
) -> Path:
    """Fold, halve, measure what will be shipped, and write it with what was measured.

    by_heart: the pictures that a network was to learn by heart, and the classes that were right for each.
    """
    module = run.module.eval() if name == "lenet" else fold(run.module)
    state = {key: value.detach().half().contiguous() for key, value in module.state_dict().items()}
    trial = (
        checkpoints / f"{called}-trial.safetensors"
    )  # beside it no list of checksums says what it should be
    checkpoints.mkdir(parents=True, exist_ok=True)
    write(trial, lambda path: save_file(state, path))
    said = {
        "format": "camlib",
        "epochs": str(plan.epochs),
        "minutes": f"{run.seconds / 60:.1f}",
        **figures(name, trial, checkpoints, fresh),
    }
    if by_heart:
        pixels, wanted = by_heart
        best = top_1(load(name, weights=trial), pixels)
        said["by heart"] = share(wanted[torch.arange(len(best)), best])
    trial.unlink()
    kept = {key: said[key] for key in ("format", "epochs", "accuracy")}
    if plan.constant:
        file = folder / CONSTANT_FILE
        write(file, lambda path: save_file(run.kept, path, kept))
        note(file)
        return file
    file = folder / f"{called}.safetensors"
    write(file, lambda path: save_file(state, path, said))
    note(file)
    if run.kept:
        write(folder / KEPT_FILE, lambda path: save_file(run.kept, path, kept))
        note(folder / KEPT_FILE)
    return file
