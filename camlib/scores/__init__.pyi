from .bootstrap import interval
from .keypoints import KeypointErrors, keypoint_errors, part_truth
from .reading import characters_in, cut_digits, hotspots
from .spotting import Spotted, box_scores, character_recall, lit_at_area, pixel_scores
from .spread import Mean, Spread, base_rates, difference, spread
from .tracks import track_errors

__all__ = [
    "KeypointErrors",
    "Mean",
    "Spotted",
    "Spread",
    "base_rates",
    "box_scores",
    "character_recall",
    "characters_in",
    "cut_digits",
    "difference",
    "hotspots",
    "interval",
    "keypoint_errors",
    "lit_at_area",
    "part_truth",
    "pixel_scores",
    "spread",
    "track_errors",
]
