"""Train a capsule network on scenes from the first layer on; `tools/capsules_scenes.py` asks it questions.

`capsnet` as the course has it, but nothing is frozen or taken over: batch norm behind every convolution, the
margin loss, three iterations of routing; scenes, rate and variation as critternet_gap's. So many epochs as
take the minutes of critternet_gap's eighteen. What it learned is kept in build/capsules, and does not ship.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from tqdm.auto import tqdm

from camlib.capsules.loss import margin_loss
from camlib.networks.course import begun
from camlib.training.augment import varied
from camlib.training.batchnorm import fold
from camlib.training.drawn import drawn
from camlib.training.files import write
from camlib.training.plans import PLANS, SCENES
from camlib.training.ship import TRAINING

EPOCHS = 16


def network(seed: int) -> nn.Sequential:
    """capsnet as its training begins, with a batch norm behind every convolution."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, layer in begun("capsnet", seed).named_children():
        layers[name] = layer
        if isinstance(layer, nn.Conv2d):
            layers[f"norm_{name}"], layer.bias = nn.BatchNorm2d(layer.out_channels), None
    return nn.Sequential(layers).to(memory_format=torch.channels_last)


def train(seed: int, file: Path, checkpoints: Path, epochs: int = EPOCHS, n: int = SCENES) -> None:
    """Train it, and write its weights in half precision, with the minutes of one core."""
    plan, scenes = PLANS["critternet_gap"], drawn(n, TRAINING, 0.5, checkpoints)
    net, generator = network(seed), torch.Generator().manual_seed(seed)
    first = [p for key, p in net.named_parameters() if key.startswith("conv1.")]
    votes = [p for key, p in net.named_parameters() if key.startswith("routing.")]
    others = [p for p in net.parameters() if not any(p is one for one in first + votes)]
    decays = {0.05: others, 0.15: first, 0.0: votes}  # as camlib.training has them
    groups = [{"params": group, "weight_decay": decay} for decay, group in decays.items()]
    optimiser, per_epoch = torch.optim.AdamW(groups, plan.rate), n // plan.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, plan.rate, total_steps=epochs * per_epoch, pct_start=0.25
    )
    net.train()
    began = time.process_time()
    for epoch in range(epochs):
        order = torch.randperm(n, generator=generator)[: per_epoch * plan.batch].view(per_epoch, plan.batch)
        for chosen in tqdm(order, desc=f"epoch {epoch + 1} of {epochs}, seed {seed}", leave=False):
            images, _ = varied(scenes.pixels[chosen], generator)
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(images)
            loss = margin_loss(logits.float().sigmoid(), scenes.agreeing[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    state = {key: value.detach().half().contiguous() for key, value in fold(net).state_dict().items()}
    said = {"format": "camlib", "minutes": f"{(time.process_time() - began) / 60:.1f}"}
    write(file, lambda path: save_file(state, path, said))
