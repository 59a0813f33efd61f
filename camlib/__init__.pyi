from . import checks, show, widgets
from .ablation import Ablation, ablate, silenced_logits
from .agreement import agreement
from .cam import cam, class_maps
from .clickboard import ClickBoard
from .clip import walk
from .codes import codes
from .cost import Cost, costs
from .data import Digits, Photos, digits, photos
from .dissect import Dissection, dissect, random_rotation
from .embedding import embed, neighbours_kept
from .explorers import SearchBox, UnitExplorer
from .featuremaps import FeatureMaps, feature_maps
from .filters import autocorrelation, colour, colourfulness, filters, formation, orientation
from .geometry import ReceptiveField, receptive_field, upsample
from .gradcam import gradcam
from .grid import displacement, grid, mosaic
from .guesses import guesses
from .head import Head, find_head
from .headframe import head_frame
from .hotspots import cut_digits, hotspots, written_in
from .keypoints import KeypointErrors, keypoint_errors, part_truth
from .likeness import likeness
from .localize import boxes, iou, localization_error
from .neighbours import nearest
from .nets import Net, here, load, wrap
from .occlusion import Occlusions, occlude, occlusion
from .parts import find_units, locate
from .patches import TopPatches, top_patches
from .peaks import Located, peaks
from .pictures import Folder, folder, picture
from .player import Player
from .pointing import Pointing, pointing_game
from .pointmap import PointMap
from .probe import probe
from .record import record, silence
from .released import released_boxes
from .saliency import saliency
from .scenes import CLASSES, Scenes, critters, draw
from .similarnet import (
    ablation_cam,
    ablation_cam_weights,
    ccgap_weights,
    linear_weights,
    similarnet,
    softmax_weights,
)
from .smooth import smooth, track_errors
from .spotting import Spotted, box_scores, ink_lit, matched, pixel_scores
from .square import SquareExplorer
from .stream import Batch, batches
from .texts import Character, Texts, texts
from .track import Tracker, track
from .units import UnitTable
from .wsol import BoxAccuracy, max_box_acc, max_box_acc_v2, pxap

__all__ = [
    "CLASSES",
    "Ablation",
    "Batch",
    "BoxAccuracy",
    "Character",
    "ClickBoard",
    "Cost",
    "Digits",
    "Dissection",
    "FeatureMaps",
    "Folder",
    "Head",
    "KeypointErrors",
    "Located",
    "Net",
    "Occlusions",
    "Photos",
    "Player",
    "PointMap",
    "Pointing",
    "ReceptiveField",
    "Scenes",
    "SearchBox",
    "Spotted",
    "SquareExplorer",
    "Texts",
    "TopPatches",
    "Tracker",
    "UnitExplorer",
    "UnitTable",
    "ablate",
    "ablation_cam",
    "ablation_cam_weights",
    "agreement",
    "autocorrelation",
    "batches",
    "box_scores",
    "boxes",
    "cam",
    "ccgap_weights",
    "checks",
    "class_maps",
    "codes",
    "colour",
    "colourfulness",
    "costs",
    "critters",
    "cut_digits",
    "digits",
    "displacement",
    "dissect",
    "draw",
    "embed",
    "feature_maps",
    "filters",
    "find_head",
    "find_units",
    "folder",
    "formation",
    "gradcam",
    "grid",
    "guesses",
    "head_frame",
    "here",
    "hotspots",
    "ink_lit",
    "iou",
    "keypoint_errors",
    "likeness",
    "linear_weights",
    "load",
    "localization_error",
    "locate",
    "matched",
    "max_box_acc",
    "max_box_acc_v2",
    "mosaic",
    "nearest",
    "neighbours_kept",
    "occlude",
    "occlusion",
    "orientation",
    "part_truth",
    "peaks",
    "photos",
    "picture",
    "pixel_scores",
    "pointing_game",
    "probe",
    "pxap",
    "random_rotation",
    "receptive_field",
    "record",
    "released_boxes",
    "saliency",
    "show",
    "silence",
    "silenced_logits",
    "similarnet",
    "smooth",
    "softmax_weights",
    "texts",
    "top_patches",
    "track",
    "track_errors",
    "upsample",
    "walk",
    "widgets",
    "wrap",
    "written_in",
]
__version__: str
