"""Batch norm while a network learns, and none in what ships.

With γ, β the norm's weight and bias, μ, σ what it has seen,

    γ (w * x - μ) / σ + β = (γ / σ · w) * x + (β - γ μ / σ)

so a layer and its norm are one layer (Ioffe, Szegedy 2015, "Batch normalization").
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from ..networks.course import normed

__all__ = ["batch_normed", "convolutions", "fold"]


def batch_normed(
    module: nn.Sequential, behind: Sequence[nn.Conv2d | nn.Linear] | None = None
) -> nn.Sequential:
    """The same layers with a batch norm behind some of them, in place of their bias.

    behind: which layers; None: those that `normed` names. So fully connected layers learn from scratch. The
    last one has none where its numbers are logits, or a heat map's log odds; that before capsules has one.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    wanted = normed(module) if behind is None else behind
    for name, layer in module.named_children():
        layers[name] = layer
        if layer in wanted:
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            width = layer.weight.shape[0]
            norm = nn.BatchNorm2d(width) if isinstance(layer, nn.Conv2d) else nn.BatchNorm1d(width)
            layers[f"norm_{name}"] = norm
            layer.bias = None  # batch norm has its own
    return nn.Sequential(layers)


def convolutions(module: nn.Sequential) -> list[nn.Conv2d]:
    """Its convolutions, in order."""
    return [layer for layer in module if isinstance(layer, nn.Conv2d)]


def fold(module: nn.Sequential) -> nn.Sequential:
    """The plain network with the same logits in eval mode: w' = w γ/σ, b' = β − μ γ/σ for each unit."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = ""
    for name, layer in module.eval().named_children():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
            one = layers[before]
            if isinstance(one, nn.Conv2d):
                layers[before] = fuse_conv_bn_eval(one, layer)
            else:
                assert isinstance(one, nn.Linear)
                layers[before] = fuse_linear_bn_eval(one, layer)
        else:
            layers[name] = layer
            before = name
    return nn.Sequential(layers)
