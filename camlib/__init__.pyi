from . import checks, show, widgets
from .cost import Cost, costs
from .data import Digits, Photos, digits, photos
from .dissect import Dissection, dissect, random_rotation
from .explorers import UnitExplorer
from .filters import autocorrelation, colour, colourfulness, filters, formation, orientation
from .geometry import ReceptiveField, receptive_field, upsample
from .likeness import likeness
from .nets import Net, here, load, wrap
from .patches import TopPatches, top_patches
from .pictures import Folder, folder, picture
from .record import record, silence
from .scenes import CLASSES, Scenes, critters, draw
from .stream import Batch, batches

__all__ = [
    "CLASSES",
    "Batch",
    "Cost",
    "Digits",
    "Dissection",
    "Folder",
    "Net",
    "Photos",
    "ReceptiveField",
    "Scenes",
    "TopPatches",
    "UnitExplorer",
    "autocorrelation",
    "batches",
    "checks",
    "colour",
    "colourfulness",
    "costs",
    "critters",
    "digits",
    "dissect",
    "draw",
    "filters",
    "folder",
    "formation",
    "here",
    "likeness",
    "load",
    "orientation",
    "photos",
    "picture",
    "random_rotation",
    "receptive_field",
    "record",
    "show",
    "silence",
    "top_patches",
    "upsample",
    "widgets",
    "wrap",
]
__version__: str
