"""Train capsule networks on scenes that do not ship; `tools/capsules_scenes.py` asks them questions.

*From the first layer on*: `capsnet` as the course has it, but nothing is frozen or taken over: batch norm
behind every convolution, the margin loss, three iterations of routing; scenes, rate and variation as
critternet_gap's. So many epochs as take the minutes of critternet_gap's eighteen.

*On a finer grid*: `capsnet` by its own plan, on the same frozen convolutions, but with capsules at 16 × 16
places, 8 pixels apart, in place of 8 × 8, 16 apart.

What they learned is kept in build/capsules; an interrupted training goes on after its last whole epoch.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm.auto import tqdm

from camlib import load, wrap
from camlib.capsules.layers import ClassCapsules
from camlib.capsules.loss import margin_loss
from camlib.networks.course import begun, take_over
from camlib.networks.net import Net
from camlib.scenes.scenes import CLASSES
from camlib.training.augment import varied
from camlib.training.batchnorm import batch_normed, convolutions, fold
from camlib.training.drawn import drawn
from camlib.training.files import write
from camlib.training.plans import PLANS, SCENES
from camlib.training.ship import TRAINING
from camlib.training.train import Run

FIRST_LAYER, FINER = "capsules from the first layer", "capsules on a finer grid"
UNTRAINED_FINER = "untrained capsules on a finer grid"
EPOCHS = {FIRST_LAYER: 16, FINER: PLANS["capsnet"].epochs}
BATCH = PLANS["capsnet"].batch
RATES = {FIRST_LAYER: PLANS["critternet_gap"].rate, FINER: PLANS["capsnet"].rate}


def network(kind: str, seed: int) -> nn.Sequential:
    """One of the two as its training begins, with a batch norm behind every convolution that learns."""
    module = begun("capsnet", seed)
    if kind == FINER:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module.maps = nn.Conv2d(64, 6 * 4, 3, padding=1)
            module.routing = ClassCapsules(16 * 16 * 6, 4, 9, 8)
        for own in take_over(module, load("critternet_gap", seed=seed).module):
            own.requires_grad_(False)
    learn = [one for one in convolutions(module) if one.weight.requires_grad]
    return batch_normed(module, learn).to(memory_format=torch.channels_last)


def train(kind: str, seed: int, file: Path, checkpoints: Path, epochs: int = 0, n: int = SCENES) -> None:
    """Train one, and write its weights in half precision, with the minutes of one core.

    epochs: 0: as many as `EPOCHS` says.
    """
    scenes, epochs = drawn(n, TRAINING, 0.5, checkpoints), epochs or EPOCHS[kind]
    net, generator = network(kind, seed), torch.Generator().manual_seed(seed)
    learn = {key: p for key, p in net.named_parameters() if p.requires_grad}
    first = [p for key, p in learn.items() if key.startswith("conv1.")]
    votes = [p for key, p in learn.items() if key.startswith("routing.")]
    others = [p for p in learn.values() if not any(p is one for one in first + votes)]
    decays = {0.05: others, 0.15: first, 0.0: votes}  # as camlib.training has them
    groups = [{"params": group, "weight_decay": decay} for decay, group in decays.items() if group]
    optimiser, per_epoch = torch.optim.AdamW(groups, RATES[kind]), n // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATES[kind], total_steps=epochs * per_epoch, pct_start=0.25
    )
    run, checkpoint = Run(net, optimiser, schedule, generator), file.with_suffix(".pt")
    if checkpoint.is_file():
        run.resume(checkpoint)
    net.train()
    while run.epoch < epochs:
        began = time.process_time()
        order = torch.randperm(n, generator=generator)[: per_epoch * BATCH].view(per_epoch, BATCH)
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


def kept(kind: str, seed: int, folder: Path, checkpoints: Path) -> tuple[Net, float]:
    """One of them, trained if it was not yet, and the minutes of one core that it took."""
    file = folder / f"{kind}-{seed}.safetensors"
    if not file.is_file():
        train(kind, seed, file, checkpoints)
    net = untrained(kind, seed)
    net.module.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    with safe_open(file, "pt") as opened:
        minutes = float(opened.metadata()["minutes"])
    return net, minutes


def untrained(kind: str, seed: int) -> Net:
    """One of them as its training begins."""
    return wrap(fold(network(kind, seed)), classes=CLASSES, mean=[0.5] * 3, std=[0.25] * 3, size=128)
