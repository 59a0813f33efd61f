"""True removal: the scene drawn again without a part, and what the network answers then.

Nothing is covered, blurred or filled in: light, grain, landscape and all else of the picture stay as they
were, but for one thing: head and body are shaded along their outline, so without ears, back or legs their
shading is a little different (in forty scenes some 60, 150 and 310 pixels of 128 × 128 on average change by 8
of 255 steps or more, farther than two pixels from the part; without eyes, nose, tail or horns hardly any).
That is meant: the networks saw such critters when they learned, and a shading that was kept would leave the
missing part's outline on the body. With it kept, `ears` would cost critternet_gap's own logit .92, not 1.01,
and `back` .48, not .56; critternet's .80, not .87, and .25, not .34 (sixty scenes).
A row of 2^P answers, one for every set of parts, is what FunnyBirds' interventions and Shapley's values need.
Hesse, Schaub-Meyer, Roth (2023), "FunnyBirds", section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..given import told
from ..networks.eval_mode import evaluating
from ..networks.net import Net, check_net
from ..scenes.drawing.backdrop import small_things
from ..scenes.drawing.critter import UNDRAWN
from ..scenes.scenes import Recipe, Scenes, draw
from ..wording import in_short

__all__ = ["PLACES", "Redrawn", "answers", "coded", "redraw", "without_things"]

PLACES = tuple(UNDRAWN)  # eyes, ears, nose, tail, horns, back, legs; the coat is a colour and has no place
_AT_ONCE = 256  # pictures in one run


@dataclass(frozen=True, eq=False)
class Redrawn:
    """Scenes, each drawn S times without something.

    scenes: as they are.  pixels: uint8 (N, S, 3, H, W).  there: bool (N, S), whether there was anything to
    leave out; where not, the picture is the scene as it is.
    """

    scenes: Scenes
    pixels: Tensor
    there: Tensor

    __repr__ = in_short

    @property
    def changed(self) -> Tensor:
        """bool (N, S, H, W): the pixels that are another colour now, by one step of 255 or more."""
        whole = self.scenes.pixels[:, None]
        return torch.stack([(new != old).any(1) for new, old in zip(self.pixels, whole, strict=True)])


def coded(sets: Sequence[Sequence[str]]) -> list[int]:
    """The number of each set of parts: bit p for part p of `PLACES`.

    Raises ValueError for an unknown part, and for a name where a set of names belongs.
    """
    if bare := [some for some in sets if isinstance(some, str)]:
        raise ValueError(f"{bare[0]!r} is no set of parts; one part alone is ({bare[0]!r},)")
    for name in {name for some in sets for name in some} - set(PLACES):
        raise ValueError(f"no part {name!r} to leave out; there are {', '.join(PLACES)}")
    return [sum(1 << PLACES.index(name) for name in set(some)) for some in sets]


def redraw(scenes: Scenes, sets: Sequence[Sequence[str]] | None = None) -> Redrawn:
    """Each scene once for every set of parts, without these.

    sets: names from `PLACES`; None: all 2^7 sets, so that set number s lacks the parts whose bits s has.
    Raises ValueError for a name that is no part, and for what are no scenes.
    """
    _check(scenes)
    if sets is None:
        every = range(1 << len(PLACES))
        sets = [tuple(name for p, name in enumerate(PLACES) if s >> p & 1) for s in every]
    coded(sets)
    recipes = [replace(r, without=tuple({*r.without, *some})) for r in scenes.recipes for some in sets]
    there = torch.tensor([[set(some) - set(r.without) != set() for some in sets] for r in scenes.recipes])
    return Redrawn(scenes, _drawn(scenes, recipes, len(sets)), there)


def without_things(scenes: Scenes) -> Redrawn:
    """Each scene once for every small thing on the ground behind the critter, without that one thing.

    S is the most that a scene has; `there` says how many the others have. Raises ValueError for no scenes.
    """
    _check(scenes)
    counts = [small_things(recipe.backdrop) for recipe in scenes.recipes]
    most = max(counts)
    recipes = [
        replace(r, picked=(*r.picked, k) if k < count else r.picked)
        for r, count in zip(scenes.recipes, counts, strict=True)
        for k in range(most)
    ]
    there = torch.arange(most) < torch.tensor(counts)[:, None]
    return Redrawn(scenes, _drawn(scenes, recipes, most), there)


def answers(net: Net, redrawn: Redrawn) -> Tensor:
    """The network's logits for each of the pictures: float32 (N, S, C), on the CPU."""
    check_net(net)
    n, several = redrawn.pixels.shape[:2]
    found = []
    with evaluating(net), torch.inference_mode():
        for part in torch.split(redrawn.pixels.flatten(0, 1), _AT_ONCE):
            found.append(net((part.float() / 255).to(net.mean.device)).float().cpu())
    return torch.cat(found).clone().reshape(n, several, -1)


def _check(scenes: Scenes) -> None:
    if not isinstance(scenes, Scenes):
        raise ValueError(f"scenes are what critters and draw give; given {told(scenes)}")
    if not len(scenes):
        raise ValueError("there are no scenes to draw again")


def _drawn(scenes: Scenes, recipes: list[Recipe], each: int) -> Tensor:
    """uint8 (N, each, 3, H, W); what is the same recipe is drawn once."""
    once = list(dict.fromkeys(recipes))
    number = {recipe: k for k, recipe in enumerate(once)}
    pixels = draw(once, size=scenes.pixels.shape[-1]).pixels
    picked = pixels[torch.from_numpy(np.array([number[r] for r in recipes]))]
    return picked.reshape(len(scenes), each, *pixels.shape[1:])
