"""Every check passes a right answer, names the typical mistakes, and is polite to an untouched stub."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from camlib import autocorrelation, checks
from camlib.checks.compare import compare, describe

GRID = torch.arange(12.0).reshape(3, 4) + 1


def untouched(*_):
    """A stub as lessons leave it."""


def ellipsis(*_):
    return ...


def unwritten(*_):
    raise NotImplementedError


def broken(*_):
    return [1, 2, 3][9]


NAMES = [name for name in checks.__all__ if hasattr(getattr(checks, name), "__wrapped__")]
INVESTIGATIONS = [name for name in NAMES if getattr(checks, name).__wrapped__.__name__ == f"_{name}"]


@pytest.mark.parametrize("name", INVESTIGATIONS)
def test_every_investigation_is_polite(name):
    check = getattr(checks, name)
    for prediction, answer in [(..., untouched), (0.5, untouched), (0.5, ellipsis), (0.5, unwritten)]:
        verdict = check(prediction, answer)
        assert not verdict.passed
        assert repr(verdict).startswith("✗ not done yet: ")


@pytest.mark.parametrize("name", [name for name in NAMES if name not in INVESTIGATIONS])
def test_every_check_is_polite(name):
    check = getattr(checks, name)
    assert check.__doc__
    for stub in (untouched, ellipsis, unwritten):
        verdict = check(stub)
        assert not verdict.passed
        assert repr(verdict).startswith("✗ not done yet: ")
    stopped = check(broken)
    assert not stopped
    assert "`return [1, 2, 3][9]`: IndexError: list index out of range" in stopped.message
    for it in ("text", object(), [[1], [2, 3]], math.nan, torch.zeros(0), 1j):
        assert not check(lambda *_, it=it: it).passed
    called = check(5)
    assert called.message == "hand over the function itself, without calling it; this is int 5"


def test_a_check_leaves_its_inputs_and_says_the_line():
    def greedy(logits):
        logits -= logits.max(1, keepdim=True).values
        e = logits.exp_()
        return e / e.sum(1, keepdim=True)

    assert checks.softmax(greedy).passed
    line = broken.__code__.co_firstlineno + 1
    assert f"double(1) stopped at line {line}" in checks.double(broken).message.replace("broken", "double")


@pytest.mark.parametrize(
    ("mine", "sentence"),
    [
        (GRID.T, "are in another order than (row, column): its shape is (4, 3), and should be (3, 4)"),
        (GRID[None], "an axis of length 1 too many"),
        (GRID[:2], "has the wrong shape: its shape is (2, 4)"),
        (7.0, "is a single number"),
        ("cat", "should hold numbers, but is str 'cat'"),
        (GRID * math.nan, "12 values that are NaN"),
        (GRID * 0, "is 0 everywhere"),
        (GRID * 0 + 3, "has the same value, 3, everywhere"),
        (-GRID, "has the opposite sign"),
        (GRID.flip(1), "is mirrored, left to right"),
        (GRID.flip(0), "is mirrored, upside down"),
        (GRID.flip(0, 1), "is turned round by half a turn"),
        (3 * GRID, "right up to a factor: it is 3 × the right one"),
        (GRID + 2, "right up to a constant: every value is 2 too large"),
        (2 * GRID - 5, "right up to scaling: it is 2 × the right one -5"),
        (GRID + 3 * torch.eye(3, 4)[[1, 0, 2]], "25% of the values are wrong"),
    ],
)
def test_compare_recognises(mine, sentence):
    assert compare(GRID, GRID, "map") == ""
    assert sentence in compare(mine, GRID, "map", named="row, column")


def test_compare_recognises_by_structure():
    noise = torch.randn(3, 5, 5, generator=torch.Generator().manual_seed(1))
    for mine, sentence in [
        (
            noise.transpose(1, 2),
            "is transposed: you index [column, row], or [x, y]; arrays here are [row, column]",
        ),
        (noise.roll(1, 2), "shifted by one column: an index is off by one"),
        (noise.roll(-1, 1), "shifted by one row: an index is off by one"),
        (noise.flip(0), "three channels in reverse (BGR)"),
        (noise.abs(), "has lost its signs"),
        (noise.relu(), "has lost its negative values"),
        (noise.int(), "holds whole numbers"),
        (noise.roll(1, 0), "the worst is at ["),
        (noise.roll(1, 2) * 2, "the worst is at ["),
    ]:
        assert sentence in compare(mine, noise, "map"), sentence
    assert compare(noise.numpy().tolist(), noise) == ""
    assert compare(np.float32(2.0), 2.0) == ""
    assert compare(2.5, 2.0, "loss") == "the loss is 2.5, and should be 2"
    assert "the worst is at [0]" in compare((50, 1), (3, 7), "point")  # any two are any other two, scaled
    assert "right up to a factor" in compare((6, 14), (3, 7), "point")


def test_a_single_0_or_1_is_not_called_rounded():
    assert compare(1.0, 0.6, "error") == "the error is 1, and should be 0.6"
    assert compare(torch.zeros(()), 0.4, "error") == "the error is 0, and should be 0.4"
    assert compare(0.0, -0.4, "gain") == "the gain is 0, and should be -0.4"


def test_a_one_hot_is_called_one():
    weights = torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.3, 0.2], [0.4, 0.2, 0.4]])[:2]
    hot = torch.tensor([[0, 1, 0], [1, 0, 0]])
    said = "1 at each row's largest value and 0 elsewhere: it was rounded, or it is the one-hot of an argmax"
    assert said in compare(hot, weights)
    assert said in compare(weights.argmax(1)[:, None] == torch.arange(3), weights)
    assert "1 at its largest value" in compare([0, 1, 0], weights[0])
    assert "holds whole numbers" in compare((weights * 4).int(), weights * 4)


def test_a_large_tensor_is_told_by_its_shape():
    assert describe(torch.zeros(5, 7)) == "a tensor of shape (5, 7)"
    assert describe(torch.tensor(3)) == "Tensor tensor(3)"
    assert describe([[1.0] * 40]) == "of type list"


# Lesson 00


def test_output_size():
    assert checks.output_size(lambda n, k, s, p: (n + 2 * p - k) // s + 1).passed
    assert checks.output_size(lambda n, k, s, p: math.floor((n + 2 * p - k) / s + 1)).passed
    for wrong, why in [
        (lambda n, k, s, p: (n + 2 * p - k) // s, "add 1"),
        (lambda n, k, s, p: (n + p - k) // s + 1, "both sides"),
        (lambda n, k, s, p: (n - k) // s + 1, "padding is missing"),
        (lambda n, k, s, p: n + 2 * p - k + 1, "stride is missing"),
        (lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1, "round down, not up"),
        (lambda n, k, s, p: (n + 2 * p - k) / s + 1, "round down with //"),
        (lambda n, k, s, p: n // s, "the edges"),
        (lambda n, k, s, p: 32, "1 of 6 cases are right"),
        (lambda n, k, s, p: (n, n), "should be one number, but is of type tuple"),
    ]:
        assert why in checks.output_size(wrong).message


def test_output_size_agrees_with_torch():
    def by_torch(n, k, s, p):
        return functional.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k), stride=s, padding=p).shape[
            -1
        ]

    assert checks.output_size(by_torch).passed


def test_conv_parameters():
    def by_torch(i, o, k):
        return sum(p.numel() for p in torch.nn.Conv2d(i, o, k).parameters())

    assert checks.conv_parameters(by_torch).passed
    for wrong, why in [
        (lambda i, o, k: i * o * k * k, "biases are missing"),
        (lambda i, o, k: i * o * k * k + i, "out_channels of them"),
        (lambda i, o, k: i * o * k * k + 1, "not one in all"),
        (lambda i, o, k: i * o * k + o, "square it"),
        (lambda i, o, k: o * k * k + o, "all of the input's channels"),
        (lambda i, o, k: i * o * (k * k + 1), "not to each of its channels"),
    ]:
        assert why in checks.conv_parameters(wrong).message


def less(logits, some):
    powers = (logits - some).exp()
    return powers / powers.sum(1, keepdim=True)


def test_softmax():
    assert checks.softmax(lambda z: less(z, z.amax(1, keepdim=True))).passed
    assert checks.softmax(lambda z: z.softmax(1)).passed
    for wrong, why in [
        (lambda z: z.exp() / z.exp().sum(1, keepdim=True), "exp(1000) is infinite"),
        (lambda z: z.softmax(0), "sum over axis 1"),
        (lambda z: z.exp() / z.exp().sum(), "each row must"),
        (lambda z: z.exp(), "divide each row by its sum"),
        (lambda z: z.log_softmax(1), "logarithms"),
        (lambda z: z / z.sum(1, keepdim=True), "without the exponential"),
        (lambda z: z.softmax(1).T, "are in another order than (picture, class)"),
        (lambda z: z.exp() / z.exp().sum(1), "size of tensor"),
        (lambda z: (z - z.max()).exp() / (z - z.max()).exp().sum(1, keepdim=True) * 2, "2 × the right one"),
        (lambda z: (z - z.max()).exp() / (z - z.max()).exp().sum(1, keepdim=True), "each row's own, amax(1)"),
        (lambda z: less(z, z.amin(1, keepdim=True)), "subtract its largest, not its mean or its smallest"),
        (lambda z: less(z, z.mean(1, keepdim=True)), "subtract its largest, not its mean or its smallest"),
        (lambda z: less(z, z.amax(1, keepdim=True).clamp(max=600)), "subtract each row's largest logit"),
        (lambda z: z == z.amax(1, keepdim=True), "the one-hot of an argmax"),
    ]:
        assert why in checks.softmax(wrong).message, why


# Lesson 01


def test_filter_picture():
    def right(w):
        return (0.5 + w / w.abs().max() / 2).permute(1, 2, 0)

    assert checks.filter_picture(right).passed
    assert checks.filter_picture(lambda w: right(w).numpy()).passed
    for wrong, why in [
        (lambda w: right(w).permute(2, 0, 1), "still (channel, row, column)"),
        (lambda w: ((w - w.min()) / (w.max() - w.min())).permute(1, 2, 0), "zero is not mid grey"),
        (lambda w: (0.5 + w / w.max() / 2).permute(1, 2, 0), "is a negative one"),
        (lambda w: (0.5 + w / w.max() / 2).clip(0, 1).permute(1, 2, 0), "cut off; here"),
        (lambda w: (0.5 + w / w.abs().amax((1, 2), True) / 2).permute(1, 2, 0), "changes the colours"),
        (lambda w: (w / w.abs().max()).permute(1, 2, 0), "halve it and add 0.5"),
        (lambda w: w.permute(1, 2, 0), "without scaling"),
        (lambda w: 1 - right(w), "dark and bright are swapped"),
        (lambda w: (w.abs() / w.abs().max()).permute(1, 2, 0), "the sign is lost"),
        (lambda w: right(w).transpose(0, 1), "rows and columns"),
        (lambda w: right(w).flip(2), "three channels in reverse"),
        (lambda w: right(w).flip(1), "mirrored, left to right"),
        (lambda w: right(w)[..., 0], "the wrong shape"),
        (lambda w: right(w).permute(2, 0, 1).reshape(5, 7, 3), "deals them out anew"),
        (lambda w: 255 * right(w), "as bytes do"),
        (lambda w: (255 * right(w)).byte(), "as bytes do"),
        (lambda w: (255 * right(w)).round(), "as bytes do"),
    ]:
        assert why in checks.filter_picture(wrong).message, why


def by_loops(image, kernel):
    (h, w), (kh, kw) = image.shape, kernel.shape
    out = torch.zeros(h - kh + 1, w - kw + 1)
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            out[i, j] = (image[i : i + kh, j : j + kw] * kernel).sum()
    return out


def test_convolve():
    assert checks.convolve(by_loops).passed
    for wrong, why in [
        (lambda x, k: by_loops(x, k.flip(0, 1)), "half a turn"),
        (lambda x, k: by_loops(x, k.flip(1)), "the kernel is mirrored, left to right"),
        (lambda x, k: by_loops(x, k.flip(0)), "the kernel is mirrored, upside down"),
        (lambda x, k: by_loops(x, k.T if k.shape[0] == k.shape[1] else k), "the kernel is transposed"),
        (
            lambda x, k: by_loops(x, k).T,
            "the map is transposed: you index [x, y], pictures are [row, column]",
        ),
        (lambda x, k: by_loops(x, k)[:-1, :-1], "last row and column of places are missing"),
        (lambda x, k: by_loops(x, k) / k.numel(), "it is the mean"),
        (lambda x, k: by_loops(x, torch.ones_like(k)), "without the kernel's weights"),
        (
            lambda x, k: functional.pad(by_loops(x, k), (0, 3, 0, 2)),
            "as large as the picture",
        ),
        (lambda x, k: functional.conv2d(x[None, None], k[None, None])[0], "an axis of length 1 too many"),
        (lambda x, k: by_loops(x, k).relu(), "lost its negative values"),
        (lambda x, k: x @ k, "stopped at line"),
    ]:
        assert why in checks.convolve(wrong).message, why


def structure(w, centre=(2, 3), pairs=True):
    w = w - w.mean(centre, keepdim=True) if centre else w
    n = w[0].numel()
    right, down = w[..., 1:] * w[..., :-1], w[..., 1:, :] * w[..., :-1, :]
    counts = (right[0].numel(), down[0].numel()) if pairs else (n, n)
    return (right.sum((1, 2, 3)) / counts[0] + down.sum((1, 2, 3)) / counts[1]) / 2 / (w**2).mean((1, 2, 3))


def square(w, centre=False):
    return ((w - w.mean((2, 3), keepdim=True) if centre else w) ** 2).mean((1, 2, 3))


def down(w):
    c = w - w.mean((2, 3), keepdim=True)
    return (c[..., 1:, :] * c[..., :-1, :]).mean((1, 2, 3)) / square(w, centre=True)


def diagonal(w):
    c = w - w.mean((2, 3), keepdim=True)
    return (c[..., 1:, 1:] * c[..., :-1, :-1]).mean((1, 2, 3)) / square(w, centre=True)


def test_autocorrelation():
    assert checks.autocorrelation(structure).passed
    assert checks.autocorrelation(autocorrelation).passed
    for wrong, why in [
        (lambda w: structure(w, centre=None), "the mean is not taken off"),
        (lambda w: structure(w, centre=(1, 2, 3)), "each channel has its own"),
        (lambda w: structure(w, pairs=False), "divide each sum by its own count"),
        (lambda w: structure(w) * 2, "take half of it"),
        (lambda w: structure(w).mean(), "one number for all filters"),
        (lambda w: autocorrelation(w, lag=2), "two apart"),
        (lambda w: structure(w)[:, None], "an axis of length 1 too many"),
        (lambda w: structure(w) + 0.1, "up to a constant"),
        (lambda w: structure(w).clip(0, 1), "lost its negative values"),
        (lambda w: structure(w).abs(), "lost its signs"),
        (lambda w: 2 * structure(w) - down(w) / 2, "only those below are halved"),
        (lambda w: structure(w) + down(w) / 2, "only those to the right are halved"),
        (lambda w: structure(w) * square(w, centre=True) / square(w), "before the means are taken off"),
        (lambda w: structure(w) * square(w, centre=True).sqrt(), "leave out the root"),
        (
            lambda w: torch.stack([structure(w[:, c : c + 1]) for c in range(3)]).mean(0),
            "by its own mean square",
        ),
        (diagonal, "along the diagonal"),
    ]:
        assert why in checks.autocorrelation(wrong).message, why


def stripes(size, angle, wavelength, turn=lambda a, x, y: x * math.sin(a) + y * math.cos(a), fade=5.0):
    y, x = torch.meshgrid(*[torch.arange(size) - (size - 1) / 2] * 2, indexing="ij")
    wave = torch.cos(2 * math.pi * turn(math.radians(angle), x, y) / wavelength)
    return wave * torch.exp(-(x**2 + y**2) / 2 / fade**2)


def test_gabor():
    assert checks.gabor(stripes).passed
    assert checks.gabor(lambda n, a, w: 0.01 * stripes(n, a, w).numpy()).passed
    for width in (2, 3, 8):  # the window's width is free, within reason, and so is the wave's phase
        assert checks.gabor(lambda n, a, w, width=width: stripes(n, a, w, fade=width)).passed
    assert checks.gabor(
        lambda n, a, w: stripes(n, a, w, lambda t, x, y: x * math.sin(t) + y * math.cos(t) + w / 4)
    ).passed
    for wrong, why in [
        (
            lambda n, a, w: stripes(n, a, w, lambda a, x, y: x * math.cos(a) + y * math.sin(a)),
            "x sin a + y cos a",
        ),
        (
            lambda n, a, w: stripes(n, a, w, lambda a, x, y: x * math.sin(a) - y * math.cos(a)),
            "lean the other way",
        ),
        (
            lambda n, a, w: stripes(n, a, w, lambda a, x, y: x * math.cos(a) - y * math.sin(a)),
            "across the angle",
        ),
        (lambda n, a, w: stripes(n, math.degrees(a), w), "cos and sin take radians, the angle"),
        (lambda n, a, w: stripes(n, 30, w), "asked for 75°, the stripes run at 30°: turn the wave with"),
        (
            lambda n, a, w: stripes(n, a, 6),
            "asked for 9 pixels from stripe to stripe, the stripes repeat every 6",
        ),
        (lambda n, a, w: stripes(n, a, 1 / w), "here it is multiplied by it"),
        (
            lambda n, a, w: stripes(n, a, w, fade=n / 2),
            "window's σ is about 12.8 pixels, so they reach the corners",
        ),
        (lambda n, a, w: stripes(n, a, w, fade=n), "so they reach the corners"),
        (lambda n, a, w: stripes(n, a, w, fade=1), "too narrow for even one stripe"),
        (lambda n, a, w: stripes(n, a, w, fade=0.5**0.5), "too narrow for even one stripe"),
        (lambda n, a, w: stripes(n, a, w, fade=5j).real, "its exponent is negative"),
        (
            lambda n, a, w: stripes(n, a, w, fade=1e9) * stripes(n, 90, 1e9)[n // 2],
            "only to the left and right",
        ),
        (
            lambda n, a, w: stripes(n, a, w, fade=1e9) * stripes(n, 90, 1e9)[n // 2][:, None],
            "only upwards and",
        ),
        (
            lambda n, a, w: stripes(n, a, w, fade=1e9) + stripes(n, a, 1e9),
            "the window is added to the stripes",
        ),
        (lambda n, a, w: 0.5 + stripes(n, a, w) / 2, "a constant is added"),
        (lambda n, a, w: stripes(2 * n, a, w)[n:, n:], "count x and y from the patch's middle"),
        (lambda n, a, w: stripes(n, a, w).sign() * stripes(n, a, 1e9), "is no Gaussian"),
        (lambda n, a, w: stripes(n, a, 2 * w), "repeat every 12 pixels"),
        (lambda n, a, w: stripes(n, a, 2 * math.pi * w), "one wave is 2π"),
        (lambda n, a, w: stripes(n, a, 2 * math.pi * w, fade=8), "one wave is 2π"),
        (lambda n, a, w: stripes(n, a, w, fade=1000), "multiply by a Gaussian"),
        (lambda n, a, w: stripes(n, a, w, lambda a, x, y: (x**2 + y**2).sqrt()), "no clear direction"),
        (lambda n, a, w: stripes(n, a, w)[0], "the wrong shape"),
        (lambda n, a, w: 0 * stripes(n, a, w), "has the same value, 0, everywhere"),
    ]:
        assert why in checks.gabor(wrong).message, why
