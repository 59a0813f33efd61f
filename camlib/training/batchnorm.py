"""Batch norm while a network learns, and none in what ships.

With γ, β the norm's weight and bias, μ, σ what it has seen,

    γ (w * x - μ) / σ + β = (γ / σ · w) * x + (β - γ μ / σ)

so a convolution and its norm are one convolution (Ioffe, Szegedy 2015, "Batch normalization").
"""

from collections import OrderedDict

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["batch_normed", "fold"]


def batch_normed(module: nn.Sequential) -> nn.Sequential:
    """The same layers with a batch norm behind each convolution but a heat map's, and a tiny conv1."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, layer in module.named_children():
        layers[name] = layer
        if isinstance(layer, nn.Conv2d) and name != "heat":  # whose numbers are log odds
            layers[f"norm_{name}"] = nn.BatchNorm2d(layer.out_channels)
            layer.bias = None  # batch norm has its own
    conv1 = layers["conv1"]
    assert isinstance(conv1, nn.Conv2d)
    nn.init.normal_(conv1.weight, std=0.003)
    return nn.Sequential(layers)


def fold(module: nn.Sequential) -> nn.Sequential:
    """The plain network with the same logits in eval mode: w' = w γ/σ, b' = β − μ γ/σ for each filter."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = ""
    for name, layer in module.eval().named_children():
        if isinstance(layer, nn.BatchNorm2d):
            conv = layers[before]
            assert isinstance(conv, nn.Conv2d)
            layers[before] = fuse_conv_bn_eval(conv, layer)
        else:
            layers[name] = layer
            before = name
    return nn.Sequential(layers)
