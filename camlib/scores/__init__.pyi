from .bootstrap import interval
from .keypoints import KeypointErrors, keypoint_errors, part_truth
from .reading import characters_in, cut_digits, hotspots
from .spotting import Spotted, box_scores, character_recall, lit_at_area, pixel_scores
from .tracks import track_errors

__all__ = [
    "KeypointErrors",
    "Spotted",
    "box_scores",
    "character_recall",
    "characters_in",
    "cut_digits",
    "hotspots",
    "interval",
    "keypoint_errors",
    "lit_at_area",
    "part_truth",
    "pixel_scores",
    "track_errors",
]
