from .alike import complexity, rank_correlation, similarity
from .baselines import blob, edges, noise
from .curves import Curves, deletion, insertion, ranking
from .funnybirds import (
    Checks,
    background_independence,
    centred,
    checks,
    completeness,
    irrelevant,
    single_deletion,
)
from .graded import Grade, Verdict, graded, verdicts
from .method import Method, explained
from .nudge import nudged
from .parts import THRESHOLDS, dilated, important, on_masks, part_masks, sufficient
from .quick import Quick, quick
from .randomise import fresh, randomised
from .redraw import PLACES, Redrawn, answers, redraw, without_things
from .road import SHARES, Road, imputed, road
from .sensitivity import rivals, target_sensitivity
from .shapley import interactions, shapley
from .watermarked import Watermarked, watermarked

__all__ = [
    "PLACES",
    "SHARES",
    "THRESHOLDS",
    "Checks",
    "Curves",
    "Grade",
    "Method",
    "Quick",
    "Redrawn",
    "Road",
    "Verdict",
    "Watermarked",
    "answers",
    "background_independence",
    "blob",
    "centred",
    "checks",
    "completeness",
    "complexity",
    "deletion",
    "dilated",
    "edges",
    "explained",
    "fresh",
    "graded",
    "important",
    "imputed",
    "insertion",
    "interactions",
    "irrelevant",
    "noise",
    "nudged",
    "on_masks",
    "part_masks",
    "quick",
    "randomised",
    "rank_correlation",
    "ranking",
    "redraw",
    "rivals",
    "road",
    "shapley",
    "similarity",
    "single_deletion",
    "sufficient",
    "target_sensitivity",
    "verdicts",
    "watermarked",
    "without_things",
]
