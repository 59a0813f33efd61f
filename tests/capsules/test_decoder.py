"""A decoder draws what one class capsule says, and nothing that the others do."""

import re

import pytest
import torch

from camlib import coupled, digits, load
from camlib.capsules.decoder import Decoder, digit_decoder, fitted
from tools.capsules_decoder import explained


@pytest.fixture
def some() -> Decoder:
    made, generator = Decoder(), torch.Generator().manual_seed(0)
    for name in ("weight", "bias", "typical"):
        one = made.get_buffer(name)
        one += 0.1 * torch.rand(one.shape, generator=generator)
    return made


def test_only_the_named_capsule_is_drawn(some):
    poses, classes = torch.rand(2, 10, 8, generator=torch.Generator().manual_seed(1)), torch.tensor([3, 7])
    pictures = some(poses, classes)
    wanted = poses[1, 7] @ some.weight[7] + some.bias[7]
    torch.testing.assert_close(pictures[1].flatten(), wanted.clamp(0, 1))
    others = poses.clone()
    others[0, 4], others[1, 3] = 5.0, 5.0
    torch.testing.assert_close(some(others, classes), pictures)
    others[0, 3] = -5.0
    assert (some(others, classes)[0] == 0).any()  # cut off at black


def test_turning_changes_one_number_of_the_typical_pose(some):
    turned = some.turned(2, 5, torch.tensor([0.0, 0.25]))
    step = (turned[1] - turned[0]).flatten()
    torch.testing.assert_close(step, 0.25 * some.weight[2, 5], atol=1e-5, rtol=1e-4)
    for digit, number, line in ((10, 0, "digit is 10; it is a"), (0, 8, "number is 8; it is a")):
        with pytest.raises(ValueError, match=f"^{line}"):
            some.turned(digit, number, torch.zeros(1))


def test_what_is_linear_is_found_again(some):
    generator = torch.Generator().manual_seed(2)
    poses, labels = torch.rand(200, 10, 8, generator=generator), torch.arange(200) % 10
    images = some(poses, labels)
    assert images.min() > 0  # nothing was cut off
    assert images.max() < 1
    found = fitted(poses, labels, images)
    torch.testing.assert_close(found(poses, labels), images, atol=1e-4, rtol=1e-4)
    own = poses[labels == 4, 4]
    torch.testing.assert_close(found.typical[4], own.mean(0))
    torch.testing.assert_close(found.spread[4], own.std(0))
    with pytest.raises(ValueError, match=r"^8 digits of class 0; 8 numbers want 9 or more"):
        fitted(poses[:80], labels[:80], images[:80])


def test_what_does_not_fit_is_named(some):
    for poses, classes, line in (
        (torch.zeros(2, 9, 8), torch.tensor([0, 1]), "poses are (N, 10, 8); given (2, 9, 8)"),
        (torch.zeros(2, 10, 8), torch.tensor([0]), "classes are int64 (2,), one for each picture; given"),
        (torch.zeros(2, 10, 8), torch.zeros(2), "classes are int64 (2,), one for each picture; given"),
        (torch.zeros(1, 10, 8), torch.tensor([10]), "classes hold 10; they are 0 to 9"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(line)}"):
            some(poses, classes)


def test_the_shipped_decoder_draws_digits():
    """Each class's typical pose draws about what other writers' digits of that class are in the mean.

    And the poses of their digits draw them better than that, or at least not much worse.
    """
    decoder, other = digit_decoder(), digits(source="sklearn", split="train")
    poses, mean, gained = coupled(load("capsnet_digits"), other).poses, other.images.mean(0), 0
    for digit in range(10):
        own = other.labels == digit
        typical, images = decoder.turned(digit, 0, torch.zeros(1)), other.images[own]
        both = torch.stack([typical.flatten(), images.mean(0).flatten()])
        assert torch.corrcoef(both)[0, 1] > 0.5, digit
        drawn = explained(decoder(poses[own], other.labels[own]), images, mean)
        gained += drawn > explained(typical.expand_as(images), images, mean)
    assert gained >= 7
    assert (decoder.spread > 0).all()
