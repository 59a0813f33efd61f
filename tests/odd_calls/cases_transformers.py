"""Odd calls with transformers: what someone with a ViT or a Swin of her own would try."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import timm.models.swin_transformer
import timm.models.vision_transformer
import torch
from timm.models.deit import VisionTransformerDistilled
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer

import camlib
from camlib.networks.net import Net
from tests.odd_calls.case import Case, right, told

cl: Any = camlib  # so that what is wrong on purpose needs no excuse for mypy
SIZE, PATCH, WIDTH, CELLS = 32, 8, 16, 4
X = torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
LABELLED: Any = [(image, n) for n, image in enumerate(X)]
ONES = torch.ones(WIDTH)


class Own(nn.Module):
    """A learner's ViT: a class token in front, torch's encoder, and a head on that token, or on the mean."""

    def __init__(self, read: Callable[[Tensor], Tensor] = lambda x: x[:, 0], tokens: int = 1) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.cls = nn.Parameter(torch.randn(1, tokens, WIDTH))
        self.place = nn.Parameter(torch.randn(1, tokens + CELLS**2, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 32, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 5)
        self.read = read

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.place
        logits: Tensor = self.head(self.read(self.norm(self.encoder(x))))
        return logits


class Flat(nn.Module):
    """A convolutional network that lays its map out flat: (N, units, places)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.flat, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Flatten(2), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.flat(self.conv(x)).mean(2))
        return logits


def theirs(**options: Any) -> nn.Module:
    """timm's ViT, small."""
    sizes: Any = {"img_size": SIZE, "patch_size": PATCH, "embed_dim": WIDTH, "depth": 2, "num_heads": 2}
    return timm.models.vision_transformer.VisionTransformer(num_classes=5, **sizes | options)


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "own": Own,
    "own, mean": partial(Own, lambda x: x[:, 1:].mean(1)),
    "own, all": partial(Own, lambda x: x.mean(1)),
    "own, three in front": partial(Own, lambda x: x[:, 3:].amax(1), 3),
    "flat": Flat,
    "torchvision": lambda: VisionTransformer(SIZE, PATCH, 2, 2, WIDTH, 32, num_classes=5),
    "timm": theirs,
    "timm, registers": partial(theirs, reg_tokens=3),
    "timm, mean": partial(theirs, global_pool="avg"),
    "timm, mean of the norm": partial(theirs, global_pool="avg", fc_norm=False, class_token=False),
    "timm, attention pool": partial(theirs, global_pool="map", class_token=False, reg_tokens=1),
    "timm, distilled": lambda: VisionTransformerDistilled(
        *(SIZE, PATCH), num_classes=5, embed_dim=WIDTH, depth=2, num_heads=2
    ),
    "swin": lambda: SwinTransformer([4, 4], 8, [2, 2], [2, 2], [4, 4], num_classes=5),
    "timm's swin": lambda: timm.models.swin_transformer.SwinTransformer(
        *(SIZE, 4, 3, 5), embed_dim=8, depths=(2, 2), num_heads=(2, 2), window_size=4
    ),
}
ATTENDED = [kind for kind in MAKERS if kind != "flat"]
BLOCK = {  # the last of all blocks: tokens with places, on which ViTs with a class token turn their back
    "torchvision": "encoder.layers.encoder_layer_1",
    "swin": "features.3.1",
    "timm's swin": "layers.1.blocks.1",
    **{kind: "encoder.layers.1" for kind in MAKERS if kind.startswith("own")},
    **{kind: "blocks.1" for kind in MAKERS if kind.startswith("timm")},
}
BLOCK["timm's swin"] = "layers.1.blocks.1"
FIRST = {kind: layer.replace("1", "0") for kind, layer in BLOCK.items()} | {
    "torchvision": "encoder.layers.encoder_layer_0"
}
SWINS = ["swin", "timm's swin"]
TOKENS = [kind for kind in ATTENDED if kind not in SWINS]
READS = {  # what Grad-CAM looks at where no layer is named
    "own": "encoder.layers.1.norm1",
    "torchvision": "encoder.layers.encoder_layer_1.ln_1",
    "timm": "blocks.1.norm1",
    "timm, registers": "blocks.1.norm1",
    "timm, distilled": "blocks.1.norm1",
    "own, mean": "norm",
    "own, all": "norm",
    "own, three in front": "norm",
    "timm, mean of the norm": "norm",
    "timm, attention pool": "norm",
    "timm, mean": "blocks.1",
    "swin": "permute",
    "timm's swin": "norm",
}
PREFIX = {  # tokens without a place, all in front
    **dict.fromkeys(TOKENS, 1),
    "own, three in front": 3,
    "timm, registers": 4,
    "timm, mean of the norm": 0,
    "timm, distilled": 2,
}


@cache
def net(kind: str) -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = MAKERS[kind]()
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.3)  # else its answers would hardly differ
        return Net(module.eval(), kind, size=SIZE)


def recorded(kind: str, layer: str) -> Tensor:
    with camlib.record(net(kind), layer) as acts, torch.no_grad():
        net(kind)(X)
    return acts[layer]


def by_hand(kind: str, layer: str) -> Tensor:
    """The layer's cells as a map (N, units, 4, 4): tokens after those in front, and a Swin's maps."""
    out = recorded(kind, layer)
    if out.ndim == 4:
        return out.permute(0, 3, 1, 2) if out.shape[1] == out.shape[2] else out
    return out[:, PREFIX[kind] :].transpose(1, 2).reshape(len(out), -1, CELLS, CELLS)


def gradcam_by_hand(kind: str, layer: str, target: int) -> Tensor:
    """Grad-CAM's maps before the ReLU, without camlib's hooks: the layer's output is put in by `forward`."""
    one = net(kind)
    module, run = one.layer(layer), one.layer(layer).forward
    kept: list[Tensor] = []

    def keep(*given: Any, **options: Any) -> Tensor:
        kept.append(run(*given, **options))
        kept[-1].retain_grad()
        return kept[-1]

    module.forward = keep
    try:
        one(X.clone().requires_grad_())[:, target].sum().backward()
    finally:
        del module.forward
        one.zero_grad()
    maps, slopes = kept[-1].detach(), kept[-1].grad
    assert slopes is not None
    if maps.ndim == 3:
        maps, slopes = maps[:, PREFIX[kind] :], slopes[:, PREFIX[kind] :]
        return (maps * slopes.mean(1, keepdim=True)).sum(2).reshape(len(maps), CELLS, CELLS)
    units = 3 if maps.shape[1] == maps.shape[2] else 1
    places = (1, 2) if units == 3 else (2, 3)
    return (maps * slopes.mean(places, keepdim=True)).sum(units)


def spread(maps: Tensor) -> Tensor:
    return nn.functional.interpolate(maps[:, None], (SIZE, SIZE), mode="bilinear")[:, 0]


def without(kind: str, layer: str, unit: int) -> Tensor:
    with camlib.silence(net(kind), layer, unit), torch.no_grad():
        out: Tensor = net(kind)(X)
    return out


def without_by_hand(kind: str, layer: str, unit: int) -> Tensor:
    axis = 1 if kind == "flat" else -1

    def zero(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        mask = torch.ones(output.shape[axis])
        mask[unit] = 0
        return output * (mask[:, None] if axis == 1 else mask)

    with net(kind).layer(layer).register_forward_hook(zero), torch.no_grad():
        out: Tensor = net(kind)(X)
    return out


def same(call: Callable[[], Tensor], atol: float = 1e-5) -> Callable[[Any], bool]:
    def check(found: Any) -> bool:
        want = call()
        near = torch.allclose(found, want, rtol=1e-4, atol=atol * float(want.abs().max()))
        return near and bool(found.any())

    return check


def best(kind: str, layer: str) -> Callable[[Any], bool]:
    """Whether these are the two best cells of each unit, by brute force over every token with a place."""

    def check(top: Any) -> bool:
        maps = by_hand(kind, layer)
        values, found = maps.transpose(0, 1).flatten(1).topk(2)
        step = SIZE // maps.shape[3]
        pictures, cells = found // maps.shape[2:].numel(), found % maps.shape[2:].numel()
        corner = torch.stack([cells % maps.shape[3], cells // maps.shape[3]], 2) * step
        boxes = torch.cat([corner, corner + step], 2)
        crops = torch.stack(
            [
                torch.stack([X[n, :, y0:y1, x0:x1] for n, (x0, y0, x1, y1) in zip(row, box, strict=True)])
                for row, box in zip(pictures.tolist(), boxes.tolist(), strict=True)
            ]
        )
        return bool(
            top.field.attention
            and torch.allclose(top.values, values, atol=1e-5)
            and top.images.equal(pictures)
            and top.boxes.equal(boxes.float())
            and top.crops(X).equal(crops)
        )

    return check


def logits(kind: str) -> Tensor:
    with torch.no_grad():
        found: Tensor = net(kind)(X)
    return found


def from_maps(kind: str) -> Tensor:
    head = camlib.find_classifier(net(kind), X)
    every = torch.arange(5).expand(len(X), -1)
    maps = head.maps(every)
    pooled = maps.mean((2, 3)) if head.pool == "mean" else head.features.amax((2, 3)) @ head.weight.T
    return pooled + head.bias


def ablated(kind: str, layer: str) -> Tensor:
    return camlib.silenced_logits(net(kind), layer, X)[1]


def ablated_by_hand(kind: str, layer: str) -> Tensor:
    units = recorded(kind, layer).shape[-1]
    return torch.stack([without_by_hand(kind, layer, unit) for unit in range(units)], 1)


def looked(kind: str, layer: str | None = None) -> Tensor:
    return camlib.gradcam(net(kind), X, 2, relu=False, layer=layer)


def patched(kind: str, layer: str) -> Any:
    return camlib.top_patches(net(kind), layer, X, k=2, batch_size=2)


def cammed(kind: str, images: Tensor = X) -> Tensor:
    return camlib.cam(net(kind), images)


def weighed(kind: str, layer: str) -> Tensor:
    """A sum of the maps, unit u's u/16 times."""
    maps = by_hand(kind, layer)
    return (maps * torch.arange(maps.shape[1])[:, None, None]).sum(1) / 16


def covered(kind: str) -> Tensor:
    pictures = X.clone()
    pictures[:, :, 16:, :16] = 0.5
    with torch.no_grad():
        shares: Tensor = net(kind)(pictures).softmax(1)[:, 1]
    return shares


OTHERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "gradcam": lambda one, _, x: cl.gradcam(one, x),
    "cam": lambda one, _, x: cl.cam(one, x),
    "codes": cl.codes,
    "top_patches": cl.top_patches,
    "occlusion": lambda one, _, x: cl.occlusion(one, x),
}


def cases(kind: str) -> list[Case]:
    """What every kind of transformer is asked."""
    last, first, reads = BLOCK[kind], FIRST[kind], READS[kind]
    return [
        right(
            f"record, {kind}: all tokens",
            partial(recorded, kind, last),
            lambda found: found.ndim == 4 or found.shape == (3, PREFIX[kind] + CELLS**2, WIDTH),
        ),
        right(
            f"silence, {kind}",
            partial(without, kind, first, 3),
            same(partial(without_by_hand, kind, first, 3)),
        ),
        told(f"silence, {kind}: no such unit", partial(without, kind, first, 999), "has (16|8) units"),
        right(
            f"silenced_logits, {kind}",
            partial(ablated, kind, last),
            same(partial(ablated_by_hand, kind, last)),
        ),
        right(
            f"codes, {kind}: mean",
            lambda: cl.codes(net(kind), last, X, pool="mean"),
            same(lambda: by_hand(kind, last).mean((2, 3))),
        ),
        right(
            f"codes, {kind}: max",
            lambda: cl.codes(net(kind), last, X, pool="max"),
            same(lambda: by_hand(kind, last).amax((2, 3))),
        ),
        right(
            f"codes, {kind}: all, unit by unit, also of the tokens in front",
            lambda: cl.codes(net(kind), last, X),
            same(lambda: recorded(kind, last).movedim(-1, 1).flatten(1)),
        ),
        *(
            right(
                f"top_patches, {kind}, {layer}",
                partial(patched, kind, layer),
                best(kind, layer),
            )
            for layer in (first, last, reads)
        ),
        right(
            f"gradcam, {kind}: its own layer",
            partial(looked, kind),
            same(lambda: spread(gradcam_by_hand(kind, reads, 2))),
        ),
        right(
            f"gradcam, {kind}: the first block",
            partial(looked, kind, first),
            same(lambda: spread(gradcam_by_hand(kind, first, 2))),
        ),
        right(
            f"similarnet, {kind}",
            lambda: cl.similarnet(net(kind), first, X, torch.arange(recorded(kind, first).shape[-1]) / 16),
            same(lambda: spread(weighed(kind, first))),
        ),
        right(
            f"occlusion, {kind}",
            lambda: cl.occlude(net(kind), X, 1, window=16, stride=16).after[:, 1, 0],
            same(partial(covered, kind)),
        ),
        told(
            f"dissect, {kind}: tokens are no map" if kind in TOKENS else f"dissect, {kind}: no scenes",
            lambda: cl.dissect(net(kind), first, X),
            "gives tokens" if kind in TOKENS else "only scenes know",
        ),
    ]


CASES = [case for kind in ATTENDED for case in cases(kind)]

# Where the last block's places are not read, a map of it would be zero.
CASES += [
    told(
        f"gradcam, {kind}: a layer whose places are not read",
        partial(looked, kind, layer),
        f"{layer}: the logits read only its token.? without a place",
    )
    for kind in ("own", "torchvision", "timm", "timm, registers", "timm, distilled")
    for layer in (BLOCK[kind], {"own": "norm", "torchvision": "encoder"}.get(kind, "norm"))
]

# Class activation maps, where the identity holds; else the reason.
CASES += [
    right(f"cam, {kind}", partial(from_maps, kind), same(partial(logits, kind)))
    for kind in ("own, mean", "own, three in front", "timm, mean of the norm", *SWINS)
]
CASES += [
    told(f"cam, {kind}", partial(cammed, kind), f"{kind} has no class activation maps.*{why}")
    for kind, why in {
        "own": "read off one token, such as a class token, which has no place; use gradcam",
        "torchvision": "read off one token, such as a class token",
        "timm": "read off one token, such as a class token",
        "timm, registers": "read off one token, such as a class token",
        "timm, distilled": "read off one token, such as a class token",
        "own, all": "is not that of the last map",
        "timm, mean": "is not that of the last map",
        "timm, attention pool": "is not that of the last map",
    }.items()
]

# Layers inside, and what is no layer of places.
CASES += [
    right(
        "receptive_field, timm: a token's root, marked",
        lambda: cl.receptive_field(net("timm, registers"), "blocks.1"),
        lambda field: field.attention and field.box(1, 2) == (16, 8, 24, 16) and field.tokens[0] == 4,
    ),
    right(
        "receptive_field, timm: the patches before attention",
        lambda: cl.receptive_field(net("timm"), "patch_embed"),
        lambda field: not field.attention and field.box(1, 2) == (16, 8, 24, 16),
    ),
    right(
        "receptive_field, swin: a cell's root",
        lambda: cl.receptive_field(net("swin"), "features.3"),
        lambda field: field.attention and field.box(1, 2) == (16, 8, 24, 16),
    ),
    right(
        "receptive_field, timm: the head sees the whole",
        lambda: cl.receptive_field(net("timm"), "head"),
        lambda field: field.box(0, 0) == (0, 0, SIZE, SIZE),
    ),
    right(
        "top_patches, timm: the class token's code",
        lambda: cl.top_patches(net("timm"), "fc_norm", X, k=3),
        lambda top: (
            top.values.equal(recorded("timm", "fc_norm").T.sort(1, descending=True).values)
            and top.boxes.unique(dim=1).shape[1] == 1
        ),
    ),
    right(
        "codes, timm: the class token's",
        lambda: cl.codes(net("timm"), "fc_norm", X),
        same(lambda: recorded("timm", "norm")[:, 0]),
    ),
    told(
        "record, torchvision: attention itself",
        lambda: recorded("torchvision", "encoder.layers.encoder_layer_1.self_attention"),
        "gives a tuple, not a tensor: record a layer inside it",
    ),
    right(
        "gradcam, timm: queries, keys and values",
        lambda: cl.gradcam(net("timm"), X, 2, relu=False, layer="blocks.1.attn.qkv"),
        same(lambda: spread(gradcam_by_hand("timm", "blocks.1.attn.qkv", 2))),
    ),
    *(
        told(f"{name}, timm: tokens", call, "gives tokens")
        for name, call in {
            "feature_maps": lambda: cl.feature_maps(net("timm"), ["blocks.0"], X),
            "locate": lambda: cl.locate(net("timm"), ("blocks.0", 1), X),
            "occlude": lambda: cl.occlude(net("timm"), X, layer="blocks.0"),
        }.items()
    ),
    right(
        "feature_maps, swin",
        lambda: cl.feature_maps(net("swin"), ["features.2", "features.3"], X).maps.float(),
        same(
            lambda: (
                torch.cat([by_hand("swin", "features.2"), by_hand("swin", "features.3")], 1).half().float()
            )
        ),
    ),
    right(
        "silence, (N, units, places)",
        partial(without, "flat", "flat", 3),
        same(partial(without_by_hand, "flat", "flat", 3)),
    ),
    right(
        "top_patches, (N, units, places)",
        lambda: cl.top_patches(net("flat"), "flat", X, k=2),
        lambda top: (
            top.boxes.equal((want := cl.top_patches(net("flat"), "conv", X, k=2)).boxes)
            and top.values.equal(want.values)
        ),
    ),
    right(
        "gradcam, (N, units, places)",
        lambda: cl.gradcam(net("flat"), X, layer="flat"),
        same(lambda: cl.gradcam(net("flat"), X, layer="conv")),
    ),
    *(
        told(
            f"{name}, {kind}: another size",
            partial(verb, net(kind), FIRST[kind], torch.rand(1, 3, 48, 48)),
            f"{kind} wants images as floats.*3, 32, 32",
        )
        for kind in ("own", "timm", "torchvision")
        for name, verb in OTHERS.items()
    ),
]
