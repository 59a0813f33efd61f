"""Score-CAM: weigh each unit's map by what the network answers when it sees only what the map lets through.

    H_k = U(A_k), scaled to [0, 1]    w_k = softmax over k of S_c(x masked by H_k)    M_c = ReLU(Σ_k w_k A_k)

U lays a map over the picture. No gradient is needed, but a run of the network for each unit. What a mask
hides becomes the colour that the network's normalisation calls zero, as in the published code. (The paper
subtracts the score of an empty picture from each: the softmax takes no notice.)
Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu (2020), "Score-CAM: Score-weighted visual explanations for
convolutional neural networks", eq. 4 to 8 and algorithm 1.
"""

import torch
from torch import Tensor
from tqdm.auto import tqdm

from ..geometry.field import lay
from ..networks.called import check_rows
from ..networks.eval_mode import evaluating
from ..networks.images import check_answers, check_images
from ..networks.net import Net
from ..networks.targets import Targets, class_indices
from ..running.record import record
from ..wording import listing
from .tapped import Tap, tap

__all__ = ["scorecam"]

_AT_ONCE = 64  # masked pictures in one run


def scorecam(net: Net, images: Tensor, targets: Targets = None, *, layer: str | None = None) -> Tensor:
    """Score-CAM's heatmaps, laid over the pictures where the layer's cells look.

    images, targets, layer: as for `gradcam`. Costs 1 + units passes for each picture, however many targets.
    Returns (N, H, W), or (N, K, H, W): weighted means of the units' own values, negative ones set to 0.
    The scores are logits. A unit whose map is the same everywhere hides the whole picture.
    Raises ValueError as `gradcam` does, but for a layer that the logits ignore.
    """
    size = check_images(net, images)
    at = tap(net, layer, size)
    wanted, found = class_indices(net, targets, len(images)), []
    with evaluating(net), torch.inference_mode(), tqdm(total=len(images), delay=1, leave=False) as bar:
        for n, picture in enumerate(images.to(net.mean.device)):
            maps, logits = _seen(net, picture, at)
            check_answers(net, logits, n)
            target = logits[0].argmax() if wanted is None else wanted[n]
            scores = [_scores(net, picture, at, some, n)[:, target] for some in torch.split(maps, _AT_ONCE)]
            weights = torch.cat(scores).softmax(0)  # (units,), or (units, K)
            found.append(torch.tensordot(weights.movedim(0, -1), maps, 1).relu())
            bar.update()
        return lay(torch.stack(found), at.field, size)


def _seen(net: Net, picture: Tensor, at: Tap) -> tuple[Tensor, Tensor]:
    """Of a picture (C, H, W) the layer's map, float (units, h, w), and the logits (1, classes)."""
    with record(net, at.name) as acts:
        logits: Tensor = net(picture[None])
    output = acts[at.name]
    if output.ndim not in (3, 4) or (output.ndim == 3 and at.field is None):
        raise ValueError(f"{net.name} has no map at {at.name}; name a layer: {listing(net.layers)}")
    check_rows(at.name, output, 1)
    return at.map(output)[0].float(), logits.float()


def _scores(net: Net, picture: Tensor, at: Tap, maps: Tensor, number: int) -> Tensor:
    """The logits (units, classes) of a picture (C, H, W) behind each of these maps (units, h, w)."""
    masks = lay(maps[None], at.field, (picture.shape[1], picture.shape[2]))[0]
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    shown = torch.where(high > low, (masks - low) / (high - low).clamp(min=1e-30), 0)[:, None]
    hidden = net.mean.reshape(1, -1, 1, 1)
    logits: Tensor = net((hidden + shown * (picture - hidden)).to(picture.dtype))
    check_answers(net, logits, number)
    return logits.float()
