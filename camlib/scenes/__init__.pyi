from .phrases import PHRASE_WORDS, Phrase, phrase
from .questions import QUESTIONS, Questions, questions
from .relations import RELATIONS, Relation, relation
from .scenes import (
    CLASSES,
    FEATURES,
    KEYPOINTS,
    MARKINGS,
    PARTS,
    PLACES,
    REMOVABLE,
    SPECIES,
    Recipe,
    Scenes,
    draw,
    features,
)
from .things import CLEARABLE, THINGS, Things, things

__all__ = [
    "CLASSES",
    "CLEARABLE",
    "FEATURES",
    "KEYPOINTS",
    "MARKINGS",
    "PARTS",
    "PHRASE_WORDS",
    "PLACES",
    "QUESTIONS",
    "RELATIONS",
    "REMOVABLE",
    "SPECIES",
    "THINGS",
    "Phrase",
    "Questions",
    "Recipe",
    "Relation",
    "Scenes",
    "Things",
    "draw",
    "features",
    "phrase",
    "questions",
    "relation",
    "things",
]
