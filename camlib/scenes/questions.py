"""Questions about scenes, with exact answers: what is on its back? Is it asleep? How many clouds are there?

Everything is read off the recipe, but for what is in sight of the landscape, which `things` tells. What a
scene is asked depends on the seed, on its place in the set, and on the kinds and how many they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..given import seeded, told, whole
from ..wording import in_short, listing, near
from .drawing.recipe import Recipe, features
from .scenes import Scenes
from .things import Things, things

__all__ = ["QUESTIONS", "Questions", "questions"]

Answer = Callable[[Recipe, dict[str, int]], str]  # of a recipe, and of how many of each kind are in sight
_COUNTED = ("tree", "cloud")
_MOST = 3  # clouds in sight; there may be more where places are drawn


@dataclass(frozen=True)
class Questions:
    """N questions about scenes, each with its answer.

    words: what is asked, in lower case, without a question mark.  kinds: names from `QUESTIONS`.
    scene: int64 (N,), the number of the scene that each is about.
    labels: int64 (N,), the true answers, index into `classes`, the answers that occur, in order.
    """

    words: tuple[str, ...]
    kinds: tuple[str, ...]
    scene: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    __repr__ = in_short

    def __len__(self) -> int:
        return len(self.words)

    def of(self, *kinds: str) -> Tensor:
        """bool (N,): which questions are of these kinds."""
        wanted = _kinds(kinds)
        return torch.tensor([kind in wanted for kind in self.kinds])


def _form(name: str) -> Answer:
    return lambda recipe, _: features(recipe.species)[name]


def _whether(name: str, form: str) -> Answer:
    return lambda recipe, _: "yes" if features(recipe.species)[name] == form else "no"


# of each kind three ways to ask, and the answer
QUESTIONS: dict[str, tuple[tuple[str, str, str], Answer]] = {
    "back": (("what is on its back", "what grows on the back", "what does the back carry"), _form("back")),
    "tail": (("what is its tail like", "how is the tail", "what kind of tail is it"), _form("tail")),
    "nose": (("what nose has it", "is it a beak or a snout", "what is its nose like"), _form("nose")),
    "ears": (("what are its ears like", "how are the ears", "what kind of ears has it"), _form("ears")),
    "horns": (
        ("has it got horns", "are there horns on its head", "does it wear horns"),
        _whether("horns", "horns"),
    ),
    "wing": (("has it got a wing", "is there a wing", "could it fly with a wing"), _whether("back", "wing")),
    "asleep": (
        ("is it asleep", "does it sleep", "are its eyes closed"),
        lambda recipe, _: "yes" if recipe.asleep else "no",
    ),
    "markings": (
        ("what is the pattern of its coat", "how is the coat marked", "what pattern has it"),
        lambda recipe, _: recipe.markings,
    ),
    "tree": (
        ("is there a tree", "can you see a tree", "does a tree stand there"),
        lambda _, seen: "yes" if seen["tree"] else "no",
    ),
    "clouds": (
        ("how many clouds are there", "count the clouds", "what is the number of clouds"),
        lambda _, seen: str(min(seen["cloud"], _MOST)),
    ),
}


def questions(
    scenes: Scenes, *, each: int = 3, kinds: Sequence[str] | None = None, seed: int = 0
) -> Questions:
    """For each scene that many questions of different kinds, each in one of three wordings, scene by scene.

    kinds: names from `QUESTIONS`, from which they are drawn; None: all ten.
    The scenes show whole critters: of a part that is not drawn nothing is asked (ValueError). More than three
    clouds are answered with "3". Raises ValueError also for scenes of two critters, an unknown kind, and more
    questions than kinds.
    """
    if not isinstance(scenes, Scenes):
        raise ValueError(f"questions are about `Scenes`; given {told(scenes)}")
    if not len(scenes):
        raise ValueError("there is no scene to ask about")
    if scenes.companion is not None:
        raise ValueError("questions are about one critter; these scenes have two: draw without pair=True")
    names = _kinds(kinds)
    each, seed = whole(each, "each", 1), seeded(seed)
    if each > len(names):
        raise ValueError(f"{each} different questions for each scene; there are {len(names)} kinds")
    for i, recipe in enumerate(scenes.recipes):
        if recipe.without or recipe.blink or recipe.turned:
            raise ValueError(f"scene {i} lacks parts, blinks or is turned; ask about whole critters")
    seen = _seen(things(scenes)) if {"tree", "clouds"} & set(names) else [{} for _ in scenes.recipes]
    words, asked, about, answers = [], [], [], []
    for i, (recipe, counts) in enumerate(zip(scenes.recipes, seen, strict=True)):
        rng = np.random.default_rng([seed, i, len(names)])
        for k in rng.permutation(len(names))[:each].tolist():
            wordings, answer = QUESTIONS[names[k]]
            words.append(wordings[int(rng.integers(len(wordings)))])
            asked.append(names[k])
            about.append(i)
            answers.append(answer(recipe, counts))
    classes = tuple(sorted(set(answers)))
    labels = torch.tensor([classes.index(one) for one in answers])
    return Questions(tuple(words), tuple(asked), torch.tensor(about), labels, classes)


def _kinds(kinds: Sequence[str] | None) -> list[str]:
    if kinds is None:
        return list(QUESTIONS)
    if isinstance(kinds, str) or not isinstance(kinds, Sequence) or not kinds:
        raise ValueError(f"kinds is {told(kinds)}; give a list of names: kinds=['back']")
    for name in kinds:
        if name not in QUESTIONS:
            close = near(name, QUESTIONS) if isinstance(name, str) else ""
            raise ValueError(f"no kind of question {told(name)}{close}; there are {listing(QUESTIONS)}")
    return list(dict.fromkeys(kinds))


def _seen(there: Things) -> list[dict[str, int]]:
    """Of each scene how many trees and clouds are in sight."""
    both: Tensor = torch.stack([there.count(kind) for kind in _COUNTED], 1)
    return [dict(zip(_COUNTED, row, strict=True)) for row in both.tolist()]
