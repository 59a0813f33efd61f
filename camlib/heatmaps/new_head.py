"""A network's features under another classifier: heatmaps of classes that it was never trained for.

    M_c(x, y) = Σ_k w_k^c f_k(x, y)

holds for any linear classifier on the pooled map; here w may be that of a linear support vector machine.
Zhou, Khosla, Lapedriza, Oliva, Torralba (2016), section 4, "Deep features for generic localization".
"""

import torch
from torch import nn

from ..chance import drawing
from ..embeddings.readout import Readout
from ..given import told, usual_torch
from ..networks.lock import copied
from ..networks.net import Net, check_net
from .classifier import ending, last_linear

__all__ = ["with_head"]


@torch.inference_mode(False)  # else its numbers would never take part in a gradient
def with_head(net: Net, readout: Readout) -> Net:
    """A copy of the network that ends in this linear layer and names these classes; the network stays.

    readout: fitted on the means (or maxima) of the last map, `codes(net, layer, data, pool="mean")`.
    `cam`, `class_maps`, `occlusion` and all else that takes a network then speak of the new classes. The
    logits are the readout's scores.
    Raises ValueError where the network does not end in one linear layer on a pooled map (`find_classifier`),
    and where that layer takes another number of features.
    """
    usual_torch()
    check_net(net)
    if not isinstance(readout, Readout):
        raise ValueError(f"a readout is what linear_svm gives; given {told(readout)}")
    random = torch.Generator().manual_seed(0)
    picture = torch.rand((1, net.channels, *net.sides), generator=random).to(net.mean)
    have = ending(net, picture, net.sides).weight.shape[1]
    if readout.weight.shape[1] != have:
        raise ValueError(f"the readout takes {readout.weight.shape[1]} features; {net.name} gives {have}")
    name, old = last_linear(net, net.sides)
    module = copied(net.module)
    count = len(readout.classes)
    with drawing(0):  # the fresh numbers are overwritten
        new: nn.Conv2d | nn.Linear = nn.Linear(have, count)
        if isinstance(old, nn.Conv2d):
            new = nn.Conv2d(have, count, 1)
    assert new.bias is not None
    with torch.no_grad():
        new.weight.copy_(readout.weight.reshape(new.weight.shape))
        new.bias.copy_(readout.bias)
    module.set_submodule(name, new.to(net.mean))
    mean, std = net.mean.flatten().tolist(), net.std.flatten().tolist()
    made = Net(module, f"{net.name} with a new head", readout.classes, mean, std, net.sides, net.resize)
    return made.train(net.training)
