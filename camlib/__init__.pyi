from .data import Batch, Digits, Photos, batches, digits, photos
from .filters import autocorrelation, colour, colourfulness, filters, orientation
from .nets import Net, load, wrap
from .pictures import Folder, folder, picture
from . import checks, show, widgets
from .record import record, silence

__all__ = [
    "Batch",
    "Digits",
    "Folder",
    "Net",
    "Photos",
    "autocorrelation",
    "batches",
    "checks",
    "colour",
    "colourfulness",
    "digits",
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
