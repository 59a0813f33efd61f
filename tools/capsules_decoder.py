"""Fit decoders to the codes of small networks on MNIST, for lesson 13: `make capsules` runs it, too.

Which share of the digits' variance can be drawn again, linearly, from the poses of capsules that learned with
a decoder, and of those that did not; from a plain network's numbers; and from what knows only the class. It
reads what `tools/capsules.py` kept, writes the table data/capsules/drawn.csv, and beside it the decoder that
ships, which is fitted to the poses of the shipped `capsnet_digits`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from camlib import digits, load
from camlib.capsules.decoder import Decoder, decoder_file, fitted
from camlib.capsules.trained import Drawing, drawings_file, write_table
from camlib.pictures.digits import Digits
from camlib.training.files import write
from tools.capsules import AND_DRAWS, BATCH, OVERLAPPING, SEEDS, STEPS, TRIED, UNTRAINED, network, overlapped

FITTED = 10_000  # training digits
CLASS, DIRECTIONS = "the class alone", "the class and 8 components"
CODES = {
    "three iterations": "poses",
    "three iterations" + AND_DRAWS: "poses, trained to draw",
    "plain CNN": "plain CNN's 80 numbers",
    "plain CNN" + AND_DRAWS: "the 80, trained to draw",
    UNTRAINED: "untrained",
}


@torch.inference_mode()
def code_of(net: nn.Sequential, images: Tensor) -> Tensor:
    """What goes into the last layer, as poses (N, 10, D): a plain network says the same to all classes."""
    code = torch.cat([net[:-1](part) for part in torch.split(images, 500)])
    return code if code.ndim == 3 else code[:, None].expand(-1, 10, -1)


def explained(draws: Tensor, images: Tensor, mean: Tensor) -> float:
    """The share of the pixels' variance about the mean picture that a drawing has: 1 is all, 0 the mean."""
    return round(1 - ((draws - images).square().sum() / (images - mean).square().sum()).item(), 4)


def tried(net: nn.Sequential, decoder: Decoder, test: Digits, mean: Tensor) -> dict[str, float]:
    """The shares on digits as they are, and on both of two that overlap, each drawn by its own capsule."""
    drawn = decoder(code_of(net, test.images), test.labels)
    both, two, classes = overlapped(test)
    poses = code_of(net, both)
    apart = torch.stack([decoder(poses, classes[:, k]) for k in range(2)], 1)
    return {"as they are": explained(drawn, test.images, mean), OVERLAPPING: explained(apart, two, mean)}


def by_class(train: Digits, test: Digits, mean: Tensor) -> dict[tuple[str, str], float]:
    """What the class alone draws, its mean picture, and with 8 principal components of its own digits."""
    alone, with_more = torch.empty_like(test.images), torch.empty_like(test.images)
    means = torch.empty(10, 1, 28, 28)
    for digit in range(10):
        known, asked = train.images[train.labels == digit].flatten(1), test.labels == digit
        centre = known.mean(0)
        axes = torch.linalg.eigh(torch.cov(known.T.double())).eigenvectors[:, -8:].float()
        rest = test.images[asked].flatten(1) - centre
        means[digit] = centre.view(1, 28, 28)
        alone[asked] = means[digit]
        with_more[asked] = (centre + rest @ axes @ axes.T).view(-1, 1, 28, 28)
    _, two, classes = overlapped(test)
    return {
        (CLASS, "as they are"): explained(alone, test.images, mean),
        (CLASS, OVERLAPPING): explained(means[classes], two, mean),
        (DIRECTIONS, "as they are"): explained(with_more, test.images, mean),
    }


def settled(net: nn.Sequential, train: Digits) -> nn.Sequential:
    """An untrained network in eval mode, whose batch norm has seen some digits."""
    net.train()
    with torch.no_grad():
        for part in torch.split(train.images[: 20 * BATCH], BATCH):
            net(part)
    return net.eval()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("build/capsules"), help="where runs were kept")
    parser.add_argument("--table", type=Path, default=drawings_file())
    parser.add_argument("--decoder", type=Path, default=decoder_file())
    chosen = parser.parse_args(argv)
    train, test = (digits(split=split, source="mnist") for split in ("train", "test"))
    test, mean, some = test[:TRIED], train.images.mean(0), train[:FITTED]
    images = some.images
    rows = [Drawing(code, 0, kind, share) for (code, kind), share in by_class(some, test, mean).items()]
    for variant, name in CODES.items():
        for seed in SEEDS:
            learned = torch.load(chosen.folder / f"{variant}-{seed}-{STEPS}.pt", weights_only=True)
            net = network(variant, seed)
            net.load_state_dict(learned)
            net = settled(net, train) if variant == UNTRAINED else net.eval()
            decoder = fitted(code_of(net, images), some.labels, images)
            rows += [Drawing(name, seed, *one) for one in tried(net, decoder, test, mean).items()]
    write_table(chosen.table, rows)
    print(f"{len(rows)} shares in {chosen.table}")
    shipped = load("capsnet_digits").module
    assert isinstance(shipped, nn.Sequential)
    decoder = fitted(code_of(shipped, images), some.labels, images)
    state = {name: one.half().contiguous() for name, one in decoder.state_dict().items()}
    write(chosen.decoder, lambda path: save_file(state, path, {"format": "camlib"}))
    print(f"{chosen.decoder}: {tried(shipped, decoder, test, mean)}")


if __name__ == "__main__":
    main()
