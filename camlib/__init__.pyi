from .data import Batch, Digits, Photos, batches, digits, photos
from .filters import autocorrelation, colour, colourfulness, filters, orientation
from .nets import Net, load, wrap
from .pictures import Folder, folder, picture
from . import checks, show, widgets
from .record import record, silence
from .scenes import CLASSES, Scenes, critters, draw

__all__ = [
    "CLASSES",
    "Batch",
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
    "critters",
    "digits",
    "draw",
    "filters",
    "folder",
    "load",
    "orientation",
    "photos",
    "picture",
    "record",
    "silence",
    "widgets",
    "wrap",
]
__version__: str
