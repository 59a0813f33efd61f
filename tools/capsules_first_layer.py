"""Train a capsule network on scenes from the first layer on; `tools/capsules_scenes.py` asks it questions.

`capsnet` as the course has it, but nothing is frozen or taken over: batch norm behind every convolution, the
margin loss, three iterations of routing; scenes, rate and variation as critternet_gap's. So many epochs as
take the minutes of critternet_gap's eighteen. What it learned is kept in build/capsules, and does not ship;
an interrupted training goes on after its last whole epoch.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from tqdm.auto import tqdm

from camlib import load
from camlib.capsules.loss import margin_loss
from camlib.networks.course import begun
from camlib.networks.net import Net
from camlib.training.augment import varied
from camlib.training.batchnorm import batch_normed, convolutions, fold
from camlib.training.drawn import drawn
from camlib.training.files import write
from camlib.training.plans import PLANS, SCENES
from camlib.training.ship import TRAINING
from camlib.training.train import Run

FIRST_LAYER = "capsules from the first layer"
EPOCHS, PLAN = 16, PLANS["critternet_gap"]


def network(seed: int) -> nn.Sequential:
    """capsnet as its training begins, with a batch norm behind every convolution."""
    module = begun("capsnet", seed)
    return batch_normed(module, convolutions(module)).to(memory_format=torch.channels_last)


def train(seed: int, file: Path, checkpoints: Path, epochs: int = EPOCHS, n: int = SCENES) -> None:
    """Train it, and write its weights in half precision, with the minutes of one core."""
    scenes, net = drawn(n, TRAINING, 0.5, checkpoints), network(seed)
    generator, learn = torch.Generator().manual_seed(seed), dict(net.named_parameters())
    first = [p for key, p in learn.items() if key.startswith("conv1.")]
    votes = [p for key, p in learn.items() if key.startswith("routing.")]
    others = [p for p in learn.values() if not any(p is one for one in first + votes)]
    decays = {0.05: others, 0.15: first, 0.0: votes}  # as camlib.training has them
    groups = [{"params": group, "weight_decay": decay} for decay, group in decays.items()]
    optimiser, per_epoch = torch.optim.AdamW(groups, PLAN.rate), n // PLAN.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PLAN.rate, total_steps=epochs * per_epoch, pct_start=0.25
    )
    run, checkpoint = Run(net, optimiser, schedule, generator), file.with_suffix(".pt")
    if checkpoint.is_file():
        run.resume(checkpoint)
    net.train()
    while run.epoch < epochs:
        began = time.process_time()
        order = torch.randperm(n, generator=generator)[: per_epoch * PLAN.batch].view(per_epoch, PLAN.batch)
        for chosen in tqdm(order, desc=f"epoch {run.epoch + 1} of {epochs}, seed {seed}", leave=False):
            images, _ = varied(scenes.pixels[chosen], generator)
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(images)
            loss = margin_loss(logits.float().sigmoid(), scenes.agreeing[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        run.epoch += 1
        run.seconds += time.process_time() - began
        run.save(checkpoint)
    state = {key: value.detach().half().contiguous() for key, value in fold(net).state_dict().items()}
    said = {"format": "camlib", "minutes": f"{run.seconds / 60:.1f}"}
    write(file, lambda path: save_file(state, path, said))
    checkpoint.unlink()


def kept(seed: int, folder: Path, checkpoints: Path) -> tuple[Net, float]:
    """The network, trained if it was not yet, and the minutes of one core that it took."""
    file = folder / f"{FIRST_LAYER}-{seed}.safetensors"
    if not file.is_file():
        train(seed, file, checkpoints)
    with safe_open(file, "pt") as opened:
        minutes = float(opened.metadata()["minutes"])
    return load("capsnet", weights=file), minutes
