"""Short phrases about scenes: spikes and a curly tail, a wing and a tree. Where one is true, and of what.

A phrase is two words or more out of `PHRASE_WORDS`; it is true where each of its words is. Forms of parts are
read off the recipe, things of the landscape are true where one is in sight.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..given import told, usual_torch
from ..wording import in_short, listing, near
from .drawing.recipe import features
from .scenes import Scenes
from .things import CLEARABLE, Things

__all__ = ["PHRASE_WORDS", "Phrase", "phrase"]

# a word for a form of a part: the feature, its form, and the part that shows it
_FORMS = {
    "pointed ears": ("ears", "pointed", "ear"), "floppy ears": ("ears", "floppy", "ear"),
    "snout": ("nose", "snout", "nose"), "beak": ("nose", "beak", "nose"),
    "curly tail": ("tail", "curly", "tail"), "bushy tail": ("tail", "bushy", "tail"),
    "horns": ("horns", "horns", "horn"), "antennae": ("horns", "antennae", "horn"),
    "spikes": ("back", "spikes", "back"), "wing": ("back", "wing", "back"),
}  # fmt: skip
_CLOSED = "closed eyes"
PART_WORDS = (*_FORMS, _CLOSED)
PHRASE_WORDS = (*PART_WORDS, *CLEARABLE)


@dataclass(frozen=True)
class Phrase:
    """A phrase of K words about N scenes.

    words: the K words.  each: bool (N, K), whether each word is true of each scene.
    masks: bool (N, H, W), the pixels in sight of what any of its words names; empty where none is true.
    """

    words: tuple[str, ...]
    each: Tensor
    masks: Tensor

    __repr__ = in_short

    def __str__(self) -> str:
        return " and ".join(self.words)

    @property
    def true(self) -> Tensor:
        """bool (N,): all of its words are true."""
        return self.each.all(1)

    @property
    def nearly(self) -> Tensor:
        """bool (N,): all of its words but one are true."""
        return self.each.sum(1) == self.each.shape[1] - 1


def phrase(scenes: Scenes, *words: str, there: Things | None = None) -> Phrase:
    """Where these words are true together.

    words: two or more of `PHRASE_WORDS`.  there: `things(scenes)`, for words of the landscape.
    A part of which nothing is drawn (`Recipe.without`) makes its word false.
    Raises ValueError for fewer words, an unknown one, one that is given twice, the landscape's without
    `there`, things of scenes of another number or size, and scenes of two critters.
    """
    of_one(scenes, there)
    for word in words:
        if word not in PHRASE_WORDS:
            close = near(word, PHRASE_WORDS) if isinstance(word, str) else ""
            raise ValueError(f"no word {told(word)}{close}; there are {listing(PHRASE_WORDS, 40)}")
    if len(words) < 2 or len(set(words)) < len(words):
        raise ValueError(f"a phrase is two different words or more; given {', '.join(words) or 'none'}")
    found = [_word(scenes, word, there) for word in words]
    each = torch.stack([true for true, _ in found], 1)
    masks = torch.stack([mask & true[:, None, None] for true, mask in found]).any(0)
    return Phrase(words, each, masks)


def of_one(scenes: Scenes, there: Things | None) -> None:
    """Raises ValueError for anything but scenes of one critter each, and their things, if given."""
    usual_torch()
    if not isinstance(scenes, Scenes):
        raise ValueError(f"a phrase is about `Scenes`; given {told(scenes)}")
    if scenes.companion is not None:
        raise ValueError("a phrase is about one critter; these scenes have two: draw without pair=True")
    if there is not None and not isinstance(there, Things):
        raise ValueError(f"there is {told(there)}; give things(scenes)")
    if there is not None and there.kinds.shape != scenes.parts.shape:
        of, own = tuple(there.kinds.shape), tuple(scenes.parts.shape)
        raise ValueError(f"things of scenes {of} for {own}; give things(scenes)")


def shown_by(scenes: Scenes, word: str) -> tuple[Tensor, str]:
    """Whether a word for a part is true of each critter, (N,), and the part that shows it."""
    if word == _CLOSED:
        closed = [(r.asleep or r.blink) and "eyes" not in r.without for r in scenes.recipes]
        return torch.tensor(closed), "eye"
    name, form, part = _FORMS[word]
    own = [name not in r.without and features(r.species)[name] == form for r in scenes.recipes]
    return torch.tensor(own), part


def _word(scenes: Scenes, word: str, there: Things | None) -> tuple[Tensor, Tensor]:
    """Whether the word is true of each scene, (N,), and where what it names is, (N, H, W)."""
    if word in PART_WORDS:
        true, part = shown_by(scenes, word)
        return true, scenes.part(part)
    if there is None:
        raise ValueError(f"{word!r} is of the landscape; give there=things(scenes)")
    return there.count(word) > 0, there.masks(word)
