"""Train small capsule networks on MNIST, right and wrong, for lesson 13: `make capsules` writes its table.

Nine networks and an untrained one, three seeds, 400 batches of 128 digits each: a quarter of an hour of one
core. The wrong ones are what re-implementations of CapsNet have in them; two learn to draw the digit again,
too. Each run is kept in build/capsules, with what it learned; an interrupted one is begun anew. A part of the
runs, or longer or shorter ones, have a table of their own there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import affine
from tqdm.auto import tqdm

from camlib import digits
from camlib.capsules.layers import ClassCapsules, PrimaryCapsules
from camlib.capsules.loss import margin_loss
from camlib.capsules.routing import Routed, squash, votes
from camlib.capsules.trained import Trained, trained_file, write_table
from camlib.networks.course import begun
from camlib.pictures.digits import Digits
from camlib.shipped import rows_of
from camlib.training.augment import shifted
from camlib.training.batchnorm import batch_normed, convolutions
from camlib.training.files import write

BATCH, STEPS, RATE, TRIED = 128, 400, 4e-3, 4000
DRAWN = 5e-4  # the paper's weight of the sum of squared errors of the drawing
OVERLAPPING = "overlapping"
SEEDS = (0, 1, 2)
_Change = Callable[[Tensor], Tensor]
CHANGED: dict[str, _Change] = {
    "as they are": lambda images: images,
    "moved": lambda images: _warped(images, 0, (4, -4), 1),
    "turned": lambda images: _warped(images, 30, (0, 0), 1),
    "smaller": lambda images: _warped(images, 0, (0, 0), 0.6),
}


class OverInputs(ClassCapsules):
    """The commonest mistake: the softmax runs over the capsules below, so each above gets one whole vote."""

    def routed(self, poses: Tensor, iterations: int | None = None, start: Tensor | None = None) -> Routed:
        """As the right one, but for the axis."""
        given = votes(poses, self.weight)
        logits = given.new_zeros(given.shape[:3])
        for step in range(self.iterations):
            couplings = logits.softmax(1)
            found = squash(torch.einsum("nij,nije->nje", couplings, given) + self.bias)
            if step + 1 < self.iterations:
                logits = logits + torch.einsum("nije,nje->nij", given, found)
        return Routed(found, couplings)


class AtRandom(ClassCapsules):
    """Couplings drawn once and kept: nobody votes for whom he agrees with."""

    def __init__(self, inputs: int, atoms: int, classes: int, dims: int) -> None:
        super().__init__(inputs, atoms, classes, dims, iterations=1)
        self.register_buffer("start", torch.randn(self.weight.shape[:2]))

    def forward(self, poses: Tensor) -> Tensor:
        """(N, inputs, atoms) → (N, classes, dims)."""
        start = self.start
        assert isinstance(start, Tensor)
        return self.routed(poses, start=start).poses


class Neighbours(PrimaryCapsules):
    """`view` in place of a transpose: a capsule's numbers are neighbouring pixels of one channel."""

    def forward(self, maps: Tensor) -> Tensor:
        """(N, T · atoms, H, W) → (N, T · H · W, atoms)."""
        return squash(maps.reshape(len(maps), -1, self.atoms))


def plain() -> nn.Sequential:
    """A plain network of the same size: the same convolutions, and two linear layers."""
    begin = begun("capsnet_digits")[:2]
    more = [nn.Conv2d(24, 32, 9, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 80), nn.ReLU()]
    return nn.Sequential(*begin, *more, nn.Linear(80, 10))


def network(variant: str, seed: int) -> nn.Sequential:
    """Untrained, in train mode, to the seed. A decoder draws from what all layers but the last give."""
    torch.manual_seed(seed)
    if variant.removesuffix(AND_DRAWS) == "plain CNN":
        module = plain()
        for layer in module:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.reset_parameters()
        return batch_normed(module, convolutions(module))  # as capsules have it
    module = begun("capsnet_digits", seed)
    sizes = 144, 8, 10, 8
    if variant == "one iteration":
        module.routing = ClassCapsules(*sizes, iterations=1)
    elif variant == "random couplings":
        module.routing = AtRandom(*sizes)
    elif variant == "softmax over inputs":
        module.routing = OverInputs(*sizes)
    elif variant == "reshape without transpose":
        module.primary = Neighbours(8)
    elif variant.removesuffix(AND_DRAWS) not in ("three iterations", "softmax before the loss", UNTRAINED):
        raise ValueError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
    return batch_normed(module)


AND_DRAWS = " + decoder"  # it is trained to draw the digit again, too
UNTRAINED = "untrained"  # three iterations, after none of the batches
VARIANTS = (
    *("three iterations", "one iteration", "random couplings", "plain CNN"),
    *("softmax over inputs", "reshape without transpose", "softmax before the loss"),
    *("three iterations" + AND_DRAWS, "plain CNN" + AND_DRAWS, UNTRAINED),
)
# the right ones, which are asked about two digits at once, too
OVERLAPPED = tuple(name for name in VARIANTS if name.startswith(("three", "one", "plain", UNTRAINED)))


def drawing() -> nn.Sequential:
    """The paper's decoder, with layers of 80, 64, 128 and 784, not 160, 512, 1024 and 784."""
    more = [nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28))]
    return nn.Sequential(nn.Linear(80, 64), nn.ReLU(), *more)


def own_pose(code: Tensor, labels: Tensor) -> Tensor:
    """What a decoder learns to draw from, (N, 80): the class's pose, others zero; a plain CNN's code."""
    if code.ndim == 2:
        return code
    return (code * nn.functional.one_hot(labels, 10)[..., None]).flatten(1)


def overlapped(some: Digits, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Each digit under another of another class, both shifted by up to 2 pixels, their light added up.

    Returns pictures (N, 1, 28, 28), the two alone (N, 2, 1, 28, 28), and their classes (N, 2). Much as the
    paper's MultiMNIST, whose digits are shifted by up to 4 pixels on 36 × 36.
    """
    generator, count = torch.Generator().manual_seed(seed), len(some)
    other = torch.randint(count, (count,), generator=generator)
    while len(same := (some.labels[other] == some.labels).nonzero()[:, 0]):
        other[same] = torch.randint(count, (len(same),), generator=generator)
    moves = torch.randint(-2, 3, (2, count, 2), generator=generator).tolist()
    two = [
        torch.stack([one.roll(by, (1, 2)) for one, by in zip(some.images[which], each, strict=True)])
        for which, each in zip((torch.arange(count), other), moves, strict=True)
    ]
    classes = torch.stack([some.labels, some.labels[other]], 1)
    return (two[0] + two[1]).clamp(max=1), torch.stack(two, 1), classes


def run(variant: str, seed: int, train: Digits, test: Digits, steps: int, kept: Path) -> list[Trained]:
    """Train one network, try it on changed digits, and keep what it learned."""
    net, began = network(variant, seed), time.process_time()
    generator = torch.Generator().manual_seed(seed)
    decoder = drawing() if variant.endswith(AND_DRAWS) else None
    learns = [*net.parameters(), *(decoder.parameters() if decoder else [])]
    steps = 0 if variant == UNTRAINED else steps
    optimiser = torch.optim.AdamW(learns, RATE, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=max(steps, 8), pct_start=0.25)
    order = torch.randperm(len(train), generator=generator)[: steps * BATCH].view(steps, BATCH)
    for chosen in tqdm(order, desc=f"{variant}, seed {seed}", leave=False):
        images, labels = shifted(train.pixels[chosen], 2, generator), train.labels[chosen]
        code = net[:-1](images)
        lengths = net[-1](code).sigmoid()
        if variant == "softmax before the loss":
            lengths = lengths.softmax(1)
        loss = margin_loss(lengths, labels)
        if decoder:
            off = (decoder(own_pose(code, labels)) - images).square()
            loss = loss + DRAWN * off.flatten(1).sum(1).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    seconds, count = time.process_time() - began, sum(p.numel() for p in net.parameters())
    net.eval()
    found = []
    for name, change in CHANGED.items():
        some = test if name == "as they are" else test[:TRIED]
        with torch.inference_mode():
            parts = torch.split(some.images, 500)
            best = torch.cat([net(change(part)).argmax(1) for part in parts])
        right = (best == some.labels).float().mean().item()
        found.append(Trained(variant, seed, name, round(right, 4), count, round(seconds)))
    if variant in OVERLAPPED:
        images, _, pairs = overlapped(test[:TRIED])
        with torch.inference_mode():
            two = torch.cat([net(part).topk(2).indices for part in torch.split(images, 500)])
        both = (two.sort().values == pairs.sort().values).all(1).float().mean().item()
        found.append(Trained(variant, seed, OVERLAPPING, round(both, 4), count, round(seconds)))
    write(kept, lambda path: torch.save(net.state_dict(), path))
    return found


def _warped(images: Tensor, angle: float, move: tuple[int, int], scale: float) -> Tensor:
    moved: Tensor = affine(images, angle, list(move), scale, [0.0], InterpolationMode.BILINEAR)
    return moved


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="batches for each network")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--folder", type=Path, default=Path("build/capsules"), help="where runs are kept")
    parser.add_argument("--output", type=Path, help="the table; else that which ships, or a folder's own")
    chosen = parser.parse_args(argv)
    seeds = sorted(set(chosen.seeds))
    variants = [variant for variant in VARIANTS if variant in chosen.variants]
    everything = (variants, seeds, chosen.steps) == (list(VARIANTS), list(SEEDS), STEPS)
    output = chosen.output or (trained_file() if everything else chosen.folder / "table.csv")
    train, test = (digits(split=split, source="mnist") for split in ("train", "test"))
    chosen.folder.mkdir(parents=True, exist_ok=True)
    files = {(v, s): chosen.folder / f"{v}-{s}-{chosen.steps}.csv" for s in seeds for v in variants}
    for (variant, seed), file in files.items():
        if not file.is_file():
            kept = file.with_suffix(".pt")
            write_table(file, run(variant, seed, train, test, chosen.steps, kept))
    rows = [row for variant in variants for seed in seeds for row in rows_of(files[variant, seed], Trained)]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_table(output, rows)
    print(f"{len(rows)} scores in {output}")


if __name__ == "__main__":
    main()
