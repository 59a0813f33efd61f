from . import checks, show, widgets
from .cost import Cost, costs
from .data import Digits, Photos, digits, photos
from .filters import autocorrelation, colour, colourfulness, filters, formation, orientation
from .nets import Net, here, load, wrap
from .pictures import Folder, folder, picture
from .record import record, silence
from .scenes import CLASSES, Scenes, critters, draw
from .stream import Batch, batches

__all__ = [
    "CLASSES",
    "Batch",
    "Cost",
    "Digits",
    "Folder",
    "Net",
    "Photos",
    "Scenes",
    "autocorrelation",
    "batches",
    "checks",
    "colour",
    "colourfulness",
    "costs",
    "critters",
    "digits",
    "draw",
    "filters",
    "folder",
    "formation",
    "here",
    "load",
    "orientation",
    "photos",
    "picture",
    "record",
    "show",
    "silence",
    "widgets",
    "wrap",
]
__version__: str
