from .nets import Net, load, wrap
from .record import record, silence

__all__ = [
    "Net",
    "load",
    "record",
    "silence",
    "wrap",
]
__version__: str
