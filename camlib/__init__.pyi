from . import capsules, checks, scenes, scores, show, trust, widgets
from .cluster.log import shard_log
from .cluster.map_shards import map_shards
from .cluster.work import ShardError
from .commands.photograph import Look, look
from .dreams.directions import Directions, cells, directions
from .dreams.disguise import disguised
from .dreams.dream import Dreams, dream
from .dreams.graded import graded_dreams
from .dreams.invert import Inverted, invert
from .dreams.paths import path_similarity
from .dreams.spectrum import Spectrum, spectrum
from .dreams.stability import matched
from .embeddings.centred_cosine import centred_cosine
from .embeddings.codes import codes
from .embeddings.grid import displacement, grid, mosaic
from .embeddings.neighbours import nearest
from .embeddings.plane import embed, neighbours_kept
from .embeddings.probe import probe
from .embeddings.readout import Readout, linear_svm
from .embeddings.regions import regions
from .embeddings.transfer import transfers
from .geometry.field import ReceptiveField, receptive_field, upsample
from .heatmaps.by_captum import deep_lift, guided_backprop, integrated_gradients, smoothgrad
from .heatmaps.cam import cam, class_maps
from .heatmaps.cam_sums import CamSums, cam_sums
from .heatmaps.class_units import ClassUnits, class_units
from .heatmaps.classifier import Classifier, find_classifier
from .heatmaps.gradcam import gradcam
from .heatmaps.layercam import layercam
from .heatmaps.new_head import with_head
from .heatmaps.occlusion import Occlusions, occlude, occlusion
from .heatmaps.rise import rise
from .heatmaps.saliency import saliency
from .heatmaps.scorecam import scorecam
from .heatmaps.similarnet import (
    ablation_cam,
    ablation_cam_weights,
    ccgap_weights,
    linear_weights,
    similarnet,
    softmax_weights,
)
from .networks.cost import Cost, costs
from .networks.first_layer import first_layer
from .networks.history import trained
from .networks.net import Net
from .networks.zoo import here, load, wrap
from .parts.baselines import baselines
from .parts.equivariance import equivariance
from .parts.feature_maps import FeatureMaps, feature_maps
from .parts.find import find_units, locate
from .parts.head_frame import head_frame
from .parts.map_table import find_maps
from .parts.peaks import Located, peaks
from .parts.smooth import smooth
from .parts.tracker import Tracker, track
from .parts.unit_table import UnitTable
from .pictures.batches import Batch, batches
from .pictures.cut_out import cut_out
from .pictures.digits import Digits, digits
from .pictures.files import Folder, folder, load_picture
from .pictures.photos import Photos, photos
from .pictures.tars import Tars, tars
from .running.record import record, silence
from .scenes.clip import walk
from .scenes.scenes import CLASSES, Scenes, critters, draw
from .scenes.texts import Character, Texts, texts
from .scores.boxes import boxes, iou, localization_error
from .scores.max_box_acc import BoxAccuracy, max_box_acc, max_box_acc_v2, pxap
from .scores.pointing import Pointing, pointing_game
from .scores.zhou_boxes import zhou_boxes
from .units.ablation import Ablation, ablate, silenced_logits
from .units.coupled import Coupled, coupled
from .units.dissect import dissect, random_rotation
from .units.dissection import Dissection
from .units.filters import autocorrelation, colour, colourfulness, filter_history, filters, orientation
from .units.patches import TopPatches, top_patches
from .widgets.clickboard import ClickBoard
from .widgets.picture_explorer import SearchBox, UnitExplorer
from .widgets.player import Player
from .widgets.pointmap import PointMap
from .widgets.square import SquareExplorer

__all__ = [
    "CLASSES",
    "Ablation",
    "Batch",
    "BoxAccuracy",
    "CamSums",
    "Character",
    "ClassUnits",
    "Classifier",
    "ClickBoard",
    "Cost",
    "Coupled",
    "Digits",
    "Directions",
    "Dissection",
    "Dreams",
    "FeatureMaps",
    "Folder",
    "Inverted",
    "Located",
    "Look",
    "Net",
    "Occlusions",
    "Photos",
    "Player",
    "PointMap",
    "Pointing",
    "Readout",
    "ReceptiveField",
    "Scenes",
    "SearchBox",
    "ShardError",
    "Spectrum",
    "SquareExplorer",
    "Tars",
    "Texts",
    "TopPatches",
    "Tracker",
    "UnitExplorer",
    "UnitTable",
    "ablate",
    "ablation_cam",
    "ablation_cam_weights",
    "autocorrelation",
    "baselines",
    "batches",
    "boxes",
    "cam",
    "cam_sums",
    "capsules",
    "ccgap_weights",
    "cells",
    "centred_cosine",
    "checks",
    "class_maps",
    "class_units",
    "codes",
    "colour",
    "colourfulness",
    "costs",
    "coupled",
    "critters",
    "cut_out",
    "deep_lift",
    "digits",
    "directions",
    "disguised",
    "displacement",
    "dissect",
    "draw",
    "dream",
    "embed",
    "equivariance",
    "feature_maps",
    "filter_history",
    "filters",
    "find_classifier",
    "find_maps",
    "find_units",
    "first_layer",
    "folder",
    "gradcam",
    "graded_dreams",
    "grid",
    "guided_backprop",
    "head_frame",
    "here",
    "integrated_gradients",
    "invert",
    "iou",
    "layercam",
    "linear_svm",
    "linear_weights",
    "load",
    "load_picture",
    "localization_error",
    "locate",
    "look",
    "map_shards",
    "matched",
    "max_box_acc",
    "max_box_acc_v2",
    "mosaic",
    "nearest",
    "neighbours_kept",
    "occlude",
    "occlusion",
    "orientation",
    "path_similarity",
    "peaks",
    "photos",
    "pointing_game",
    "probe",
    "pxap",
    "random_rotation",
    "receptive_field",
    "record",
    "regions",
    "rise",
    "saliency",
    "scenes",
    "scorecam",
    "scores",
    "shard_log",
    "show",
    "silence",
    "silenced_logits",
    "similarnet",
    "smooth",
    "smoothgrad",
    "softmax_weights",
    "spectrum",
    "tars",
    "texts",
    "top_patches",
    "track",
    "trained",
    "transfers",
    "trust",
    "upsample",
    "walk",
    "widgets",
    "with_head",
    "wrap",
    "zhou_boxes",
]
__version__: str
