"""The exercises' checks, a module for each lesson: what is wrong with an answer, in a sentence.

A check tries the learner's function on inputs where the truth is known. It never raises: it returns a
`Verdict`, which a notebook shows as ✓ or ✗ and its sentence.
"""

from .activations import centred_cosine, defended, feeders, lit, peak
from .beyond_objects import avoided, folded, gone_without, only_units
from .beyond_objects_coin import on_critter
from .cam import centred, class_map, grad_cam, heat_and_worth, logit_of_map
from .capsules import agreed, both_found, margin, squashed
from .dreams import colour_root, moved_dream, partners, uphill
from .fc7_neighbours import distances, kept_fact, precision, times_found
from .filters import autocorrelation, convolve, filter_picture, lure
from .filters_gabor import gabor
from .filters_to_labels import flip_agreement, pck
from .filters_to_labels_part import other_part
from .localization import best_threshold, box_overlap, top_error
from .localization_box import box_of_map
from .localization_rule import better_box
from .occlusion import cover, lay_drops
from .occlusion_pairs import beyond, interaction
from .patches import best_cells, eye_lure, field_of_chain, overlap
from .pca_and_tsne import bandwidth, components, far_islands, kept, snapped
from .peak_finding import refined_peak, two_peaks
from .prediction import investigation, sixes
from .shards import joined_best, joined_moments, one_cell, rows_to_check
from .similarnet import closed_form, effective, matched_precision, paper_weights
from .similarnet_worth import worth_and_text
from .start_here import conv_parameters, harder, output_size, softmax
from .trust import curve_area, rank_agreement
from .trust_measured import blur_gain, stand_ins
from .trust_parts import important_parts
from .verdict import Verdict, double
from .words_and_pictures import bag, boxes_and_words, hardest, said_of_blank

__all__ = [
    "Verdict",
    "agreed",
    "autocorrelation",
    "avoided",
    "bag",
    "bandwidth",
    "best_cells",
    "best_threshold",
    "better_box",
    "beyond",
    "blur_gain",
    "both_found",
    "box_of_map",
    "box_overlap",
    "boxes_and_words",
    "centred",
    "centred_cosine",
    "class_map",
    "closed_form",
    "colour_root",
    "components",
    "conv_parameters",
    "convolve",
    "cover",
    "curve_area",
    "defended",
    "distances",
    "double",
    "effective",
    "eye_lure",
    "far_islands",
    "feeders",
    "field_of_chain",
    "filter_picture",
    "flip_agreement",
    "folded",
    "gabor",
    "gone_without",
    "grad_cam",
    "harder",
    "hardest",
    "heat_and_worth",
    "important_parts",
    "interaction",
    "investigation",
    "joined_best",
    "joined_moments",
    "kept",
    "kept_fact",
    "lay_drops",
    "lit",
    "logit_of_map",
    "lure",
    "margin",
    "matched_precision",
    "moved_dream",
    "on_critter",
    "one_cell",
    "only_units",
    "other_part",
    "output_size",
    "overlap",
    "paper_weights",
    "partners",
    "pck",
    "peak",
    "precision",
    "rank_agreement",
    "refined_peak",
    "rows_to_check",
    "said_of_blank",
    "sixes",
    "snapped",
    "softmax",
    "squashed",
    "stand_ins",
    "times_found",
    "top_error",
    "two_peaks",
    "uphill",
    "worth_and_text",
]
