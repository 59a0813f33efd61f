"""Phrases that say where: a critter behind a stone, a wing left of a beak. Where one is true, by the drawing.

A relation joins the critter, or a part of it, with a kind of thing, or parts of two critters. Whether it
holds is read off what is drawn at each pixel, and in what order (`things`), never off the picture.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..given import told, usual_torch
from ..wording import in_short, listing, near
from .drawing.critter import PARTS
from .drawing.paint import LEAST
from .phrases import PART_WORDS, of_one, shown_by
from .scenes import Scenes
from .things import CLEARABLE, THINGS, Things

__all__ = ["RELATIONS", "Relation", "relation"]

_LEFT = "left of"
RELATIONS = ("behind", "in front of", "beside", _LEFT)
_REACH = 0.125  # how far beside reaches, as a fraction of the picture's width
_SUBJECTS = ("critter", *PART_WORDS)


@dataclass(frozen=True)
class Relation:
    """What is said of N scenes: that a subject stands in a relation to a thing.

    words: bool (N,), whether both are in sight.  true: bool (N,), whether the relation holds as well.
    masks: bool (N, H, W), the pixels in sight of both words, whether or not it holds; empty where words is
    false.
    meet: bool (N, H, W), where it holds: the pixels of the thing that cover the subject (behind), that the
    subject covers (in front of), or that lie beside it; of two critters, the two parts. Empty elsewhere.
    """

    subject: str
    relation: str
    thing: str
    words: Tensor
    true: Tensor
    masks: Tensor
    meet: Tensor

    __repr__ = in_short

    def __str__(self) -> str:
        return f"{self.subject} {self.relation} {self.thing}"

    @property
    def nearly(self) -> Tensor:
        """bool (N,): both are in sight and the relation does not hold: the hard negatives."""
        return self.words & ~self.true


def relation(
    scenes: Scenes, subject: str, relation: str, thing: str, there: Things | None = None
) -> Relation:
    """Where a subject stands in this relation to a thing.

    subject: "critter", or a word of `PHRASE_WORDS` for a part.  relation: one of `RELATIONS`.
    thing: a word for the landscape; for "left of" another word for a part.  there: `things(scenes)`.
    behind: things of that kind are drawn over the subject, and are in sight there.
    in front of: the subject, in sight, is drawn over things of that kind.
    beside: things of that kind are in sight in one of the two fields left and right of the subject's box,
    each as high as the box and an eighth of the picture wide.
    left of: of two critters the left one shows the subject and the right one the thing; words is true where
    they do so the other way round, too. The middle of a critter's box says which is left.
    What is in sight has as many pixels as a thing needs to be counted, 12 of 128 × 128; so has what makes a
    relation hold. Several relations may hold in a scene.
    Raises ValueError for an unknown name, the landscape's without `there`, things of other scenes, two
    critters where one is needed, and one where two are.
    """
    things = PART_WORDS if relation == _LEFT else CLEARABLE
    subjects = PART_WORDS if relation == _LEFT else _SUBJECTS
    _one_of(relation, "relation", RELATIONS)
    _one_of(subject, "subject", subjects)
    _one_of(thing, f"thing to be {relation}", things)
    if relation == _LEFT:
        return _left_of(scenes, subject, thing)
    of_one(scenes, there)
    if there is None:
        raise ValueError(f"{thing!r} is of the landscape; give there=things(scenes)")
    whole, seen = (_subject(scenes, subject, parts) for parts in (there.whole, scenes.parts))
    kind = THINGS.index(thing)
    if relation == "behind":
        meet = whole & (there.kinds == kind)
    elif relation == "in front of":
        meet = seen & (there.behind == kind)
    else:
        meet = _sides(seen) & (there.kinds == kind)
    words = _enough(seen) & (there.count(thing) > 0)
    return _told(subject, relation, thing, words, words & _enough(meet), seen | there.masks(thing), meet)


def _left_of(scenes: Scenes, subject: str, thing: str) -> Relation:
    usual_torch()
    if not isinstance(scenes, Scenes) or scenes.companion is None:
        raise ValueError("left of is about two critters; draw critters(…, pair=True)")
    if subject == thing:
        raise ValueError(f"left of takes two different words; given {subject!r} twice")
    both = (scenes, scenes.companion)
    first = both[0].boxes[:, ::2].sum(1) < both[1].boxes[:, ::2].sum(1)  # whether the first is the left one
    a, b = ([_subject(one, word, one.parts) for one in both] for word in (subject, thing))
    ways = [(_enough(a[k]) & _enough(b[1 - k]), a[k] | b[1 - k]) for k in (0, 1)]
    words = ways[0][0] | ways[1][0]
    true = torch.where(first, ways[0][0], ways[1][0])
    meet = torch.where(first[:, None, None], ways[0][1], ways[1][1])
    return _told(subject, _LEFT, thing, words, true, a[0] | a[1] | b[0] | b[1], meet)


def _told(
    subject: str, relation: str, thing: str, words: Tensor, true: Tensor, masks: Tensor, meet: Tensor
) -> Relation:
    """Masks are left where their sentence is true."""
    masks, meet = masks & words[:, None, None], meet & true[:, None, None]
    return Relation(subject, relation, thing, words, true, masks, meet)


def _subject(scenes: Scenes, subject: str, parts: Tensor) -> Tensor:
    """The subject's pixels, bool (N, H, W), on a map of parts; none where its word is false."""
    if subject == "critter":
        return parts > 0
    true, part = shown_by(scenes, subject)
    return (parts == PARTS.index(part)) & true[:, None, None]


def _enough(mask: Tensor) -> Tensor:
    """bool (N,): whether so many pixels are in sight that a thing would be counted."""
    return mask.flatten(1).sum(1) >= LEAST * (mask.shape[-1] / 128) ** 2


def _sides(mask: Tensor) -> Tensor:
    """bool (N, H, W): left and right of each mask's box, as high as it is, and `_REACH` wide."""
    rows, columns, wide = mask.any(2), mask.any(1), mask.shape[-1]
    x = torch.arange(wide)
    first = torch.where(columns, x, wide).amin(1, keepdim=True)
    last = torch.where(columns, x, -1).amax(1, keepdim=True)
    level = rows.cummax(1)[0] & rows.flip(1).cummax(1)[0].flip(1)
    beyond = torch.maximum(first - x, x - last)
    return level[:, :, None] & ((beyond > 0) & (beyond <= _REACH * wide))[:, None]


def _one_of(given: object, what: str, known: tuple[str, ...]) -> None:
    if given not in known:
        close = near(given, known) if isinstance(given, str) else ""
        raise ValueError(f"no {what} {told(given)}{close}; there are {listing(known, 40)}")
