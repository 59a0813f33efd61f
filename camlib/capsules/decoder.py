"""From a capsule's pose back to a picture: what a digit's eight numbers say of its pixels.

Sabour, Frosst, Hinton (2017), section 4.1, set the poses of all classes but one to zero and let three fully
connected layers, which learn together with the capsules, draw the picture. Ours is the simplest decoder there
is, a linear map for each class,

    pixels = pose · W_class + b_class,    cut off at black and white,

fitted by least squares to the poses of `capsnet_digits`, which was trained without it and stayed as it was.
So no training of its own can fail, each of a pose's numbers draws one fixed picture, more or less of it, and
what it cannot draw the pose does not say linearly. `make capsules` fits it again.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..given import tensor, told, usual_torch, whole
from ..shipped import shipped

__all__ = ["Decoder", "decoder_file", "digit_decoder", "fitted"]

_SIDE = 28


class Decoder(nn.Module):
    """Poses (N, classes, dims) and the class of each to draw (N,) → pictures (N, 1, 28, 28) in [0, 1].

    weight: (classes, dims, 784).  bias: (classes, 784).
    typical, spread: (classes, dims), each class's mean pose on the digits it was fitted to, and how far each
    of its numbers varies there, as a standard deviation.
    """

    weight: Tensor
    bias: Tensor
    typical: Tensor
    spread: Tensor

    def __init__(self, classes: int = 10, dims: int = 8) -> None:
        super().__init__()
        sizes = {"weight": (classes, dims, _SIDE**2), "bias": (classes, _SIDE**2)}
        sizes |= dict.fromkeys(("typical", "spread"), (classes, dims))
        for name, size in sizes.items():
            self.register_buffer(name, torch.zeros(size))

    def forward(self, poses: Tensor, classes: Tensor) -> Tensor:
        """What the capsule of that class draws, whatever the others say.

        Raises ValueError for poses of other shapes, and for a class that is not there.
        """
        given, wanted = tensor(poses, "poses"), tensor(classes, "classes")
        count, dims = self.typical.shape
        if given.ndim != 3 or given.shape[1:] != (count, dims):
            raise ValueError(f"poses are (N, {count}, {dims}); given {tuple(given.shape)}")
        if wanted.dtype != torch.int64 or wanted.shape != given.shape[:1]:
            raise ValueError(f"classes are int64 ({len(given)},), one for each picture; given {told(wanted)}")
        if (wrong := (wanted < 0) | (wanted >= count)).any():
            raise ValueError(f"classes hold {wanted[wrong][0]}; they are 0 to {count - 1}")
        own = given[torch.arange(len(given)), wanted]
        drawn = torch.einsum("nd,ndp->np", own, self.weight[wanted]) + self.bias[wanted]
        return drawn.clamp(0, 1).view(-1, 1, _SIDE, _SIDE)

    def turned(self, digit: int, number: int, by: Tensor) -> Tensor:
        """The class's typical pose, drawn with one number changed by each of `by` (K,): (K, 1, 28, 28).

        Raises ValueError for a class or a number that is not there.
        """
        count, dims = self.typical.shape
        digit, number = whole(digit, "digit", 0, count - 1), whole(number, "number", 0, dims - 1)
        steps = tensor(by, "by")
        if steps.ndim != 1:
            raise ValueError(f"by is {tuple(steps.shape)}; give (K,), a picture for each")
        poses = self.typical.repeat(len(steps), 1, 1)
        poses[:, digit, number] += steps
        drawn: Tensor = self(poses, torch.full((len(steps),), digit))
        return drawn


def fitted(poses: Tensor, labels: Tensor, images: Tensor) -> Decoder:
    """The decoder of least squared error on these digits, each drawn by its own class's capsule.

    poses: (N, classes, dims).  labels: int64 (N,).  images: (N, 1, 28, 28) in [0, 1].
    Raises ValueError for a class of which there are no more digits than a pose has numbers.
    """
    _, count, dims = poses.shape
    made = Decoder(count, dims)
    for digit in range(count):
        own, wanted = poses[labels == digit, digit].double(), images[labels == digit].flatten(1).double()
        if len(own) <= dims:
            raise ValueError(f"{len(own)} digits of class {digit}; {dims} numbers want {dims + 1} or more")
        with_one = torch.cat([own, torch.ones_like(own[:, :1])], 1)
        found = torch.linalg.lstsq(with_one, wanted).solution.float()
        made.weight[digit], made.bias[digit] = found[:-1], found[-1]
        made.typical[digit], made.spread[digit] = own.mean(0).float(), own.std(0).float()
    return made.eval()


def decoder_file() -> Path:
    """Where the shipped decoder lies, beside the tables of lesson 13."""
    return shipped("capsules") / "decoder.safetensors"


def digit_decoder() -> Decoder:
    """The decoder that ships: it draws what `load("capsnet_digits")` says of a digit."""
    usual_torch()
    made = Decoder()
    made.load_state_dict({name: one.float() for name, one in load_file(decoder_file()).items()})
    return made.eval()
