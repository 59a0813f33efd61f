"""A network whose forward runs without gradients is refused by whatever follows a gradient to the pixels."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from camlib.heatmaps.by_captum import deep_lift, guided_backprop, integrated_gradients, smoothgrad
from camlib.heatmaps.saliency import saliency
from camlib.networks.zoo import wrap


class Quiet(nn.Module):
    """Its forward is under torch.no_grad(), as people write it for a network that they only ask."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.relu(self.conv(x)).mean((2, 3)))
        return logits


class Cut(Quiet):
    """It detaches its input: its logits have a gradient, to its weights alone."""

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.relu(self.conv(x.detach())).mean((2, 3)))
        return logits


@pytest.mark.parametrize("network", [Quiet, Cut])
@pytest.mark.parametrize("method", [saliency, integrated_gradients, deep_lift, smoothgrad, guided_backprop])
def test_no_gradient_reaches_the_pixels(method: Callable[..., Any], network: type[nn.Module]) -> None:
    net = wrap(network(), size=16)
    with pytest.raises(
        ValueError, match=r"^no gradient reaches the pixels through \w+: .*use cam, occlusion or rise$"
    ):
        method(net, torch.rand(2, 3, 16, 16), 1)
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in net.modules())
