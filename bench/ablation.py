"""`ablate` against silencing a filter at a time by full passes, and against pytorch-grad-cam's Ablation-CAM.

The digits are MNIST's 10 000 where they are on this machine, else as many random pictures. One process, one
round after the other; CPU time, in which waiting threads do not count.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: idle threads sleep, and cost no CPU time
os.environ.setdefault("TQDM_DISABLE", "1")

import contextlib
import io
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

from bench.measure import row
from camlib.networks.net import Net
from camlib.networks.zoo import load
from camlib.pictures.batches import batches
from camlib.pictures.digits import Digits, digits
from camlib.running.record import silence
from camlib.units.ablation import ablate, silenced_logits

from .occlusion import peak, times

DIGITS, BATCH = 10_000, 64
ROUNDS = {"lenet": 5, "resnet18": 3}


def main() -> None:
    # First, while this process is small: on Linux a new process starts from the peak of its parent.
    code = "import sys, bench.ablation as b; print(b.extra(sys.argv[1]))"
    for name in ("lenet", "resnet18"):
        run = subprocess.run([sys.executable, "-c", code, name], check=True, capture_output=True, text=True)
        print(f"{name}: peak extra memory {run.stdout.strip()} MB", flush=True)
    filters()
    units()


def filters() -> None:
    """All 16 filters of LeNet's conv2."""
    net, (kind, data) = load("lenet"), pictures()
    ours, theirs = partial(ablate, net, "conv2", data, batch_size=BATCH), partial(one_at_a_time, net, data)
    found, wrong = ours(), theirs()
    error = int((torch.cat([found.wrong, found.baseline.wrong[None]]) - wrong).abs().max())
    what = f"silencing lenet's 16 filters of conv2 in turn, {len(data)} {kind}"
    ratio = spread(what, "one full pass for each", [ours, theirs], ROUNDS["lenet"])
    print(
        f"lenet conv2, 16 filters, {len(data)} {kind}: {ratio} full passes; errors differ by {error} at most",
        flush=True,
    )


def units() -> None:
    """All 512 units of ResNet-18's layer4, on one picture."""
    from pytorch_grad_cam import AblationCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    net = load("resnet18", weights="random")
    image = torch.rand(1, 3, net.size, net.size, generator=torch.Generator().manual_seed(0))
    activations: list[Tensor] = []
    with (
        torch.inference_mode(),
        net.layer("layer4").register_forward_hook(lambda *all: activations.append(all[2])),
    ):
        net(image)

    def ours() -> Tensor:
        logits, silenced = silenced_logits(net, "layer4", image)
        return (logits[0, 7] - silenced[0, :, 7]) / logits[0, 7]

    def theirs() -> Tensor:
        """Only its weights: no map is made."""
        with contextlib.redirect_stderr(io.StringIO()):
            method = AblationCAM(net, [net.module.get_submodule("layer4")])
            with method:
                weights = method.get_cam_weights(
                    image,
                    net.module.get_submodule("layer4"),
                    [ClassifierOutputTarget(7)],
                    activations[0].numpy(),
                    None,
                )
        return torch.from_numpy(weights[0])

    error = (ours() - theirs()).abs().max().item()
    what = "silencing ResNet-18's 512 units of layer4 in turn, one picture"
    works: list[Callable[[], object]] = [ours, theirs, partial(plain, net, image)]
    ratio = spread(what, "pytorch-grad-cam", works, ROUNDS["resnet18"])
    print(
        f"resnet18 layer4, 512 units, 1 picture: {ratio} pytorch-grad-cam's Ablation-CAM; "
        f"the weights differ by {error:.0e} at most",
        flush=True,
    )


def one_at_a_time(net: Net, data: Digits | TensorDataset) -> Tensor:
    """Wrong answers with each of 16 filters silent, then with none: 17 runs over the data."""
    wrong = []
    for silent in [*([unit] for unit in range(16)), []]:
        count = 0
        with torch.inference_mode(), silence(net, "conv2", silent):
            for batch in batches(data, batch_size=BATCH):
                logits = net(batch.images)
                assert isinstance(batch.labels, Tensor)
                cross_entropy(logits, batch.labels, reduction="sum")
                count += int((logits.argmax(1) != batch.labels).sum())
        wrong.append(count)
    return torch.tensor(wrong)


def pictures() -> tuple[str, Digits | TensorDataset]:
    try:
        return "MNIST digits", digits(split="test", source="mnist")[:DIGITS]
    except OSError:
        noise = torch.Generator().manual_seed(0)
        images = torch.rand(DIGITS, 1, 28, 28, generator=noise)
        return "random pictures", TensorDataset(images, torch.randint(10, (DIGITS,), generator=noise))


def plain(net: Net, image: Tensor) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = net(image)
    return logits


def spread(what: str, peer: str, works: Sequence[Callable[[], object]], rounds: int) -> str:
    """How many times as fast the first is as the second; of a third, how many of it the first takes."""
    mine, others, *third = times(works, rounds)
    ratios = sorted(other / own for own, other in zip(mine, others, strict=True))
    print(row(what, peer, ratios))
    low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
    text = f"{middle:.1f} times as fast ({low:.1f} to {high:.1f}, {rounds} rounds) as"
    if third:
        passes = statistics.median(own / one for own, one in zip(mine, third[0], strict=True))
        text = f"{passes:.1f} forward passes' time; {text}"
    return text


def extra(name: str) -> int:
    """By how many MB the process grows beyond plain runs of the network on a batch, or one picture."""
    if name == "lenet":
        net, (_, data) = load(name), pictures()
        work: Callable[[], object] = partial(ablate, net, "conv2", data, batch_size=BATCH)
        image = torch.rand(BATCH, 1, 28, 28)
    else:
        net = load(name, weights="random")
        image = torch.rand(1, 3, net.size, net.size)
        work = partial(silenced_logits, net, "layer4", image)
    plain(net, image)
    before = peak()
    work()
    return round(peak() - before)


if __name__ == "__main__":
    main()
