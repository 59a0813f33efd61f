"""What the canvas widgets share: their files, their theme, their still for readers, and pictures as bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, ClassVar

from anywidget import AnyWidget
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import to_pil_image

from ..show import Figure

__all__ = ["SHEET", "Canvas", "image_of", "jpeg", "png", "with_still"]

SHEET = 4096  # pixels, the side of a sheet of many pictures at most: browsers may refuse larger ones

_HERE = Path(__file__).parent


class Canvas(AnyWidget):
    """A widget whose front end is `<name>.js` and `<name>.css` beside this file: no library, no network.

    files: that name.  still: the figure for readers without a kernel.
    """

    files: ClassVar[str] = ""
    still: Figure

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "files" in vars(cls):  # anywidget makes a class of each instance, with its own traits
            cls._esm = _HERE / f"{cls.files}.js"
            cls._css = "".join((_HERE / f"{name}.css").read_text("utf-8") for name in ("theme", cls.files))
        super().__init_subclass__(**kwargs)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)
        return with_still(live[0] if live else {}, self.still)


def with_still(live: dict[str, Any], still: Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """One bundle of the live widget and its still: a front end without a kernel shows the still.

    The still's metadata say `live`, so that a deck can tell its readers where the picture answers them.
    """
    data, metadata = still._repr_mimebundle_()
    return {**live, **data}, {kind: {**of, "live": True} for kind, of in metadata.items()}


def image_of(picture: Tensor) -> Image.Image:
    """A picture (C, H, W) in [0, 1] as Pillow has it."""
    image: Image.Image = to_pil_image(picture.detach().cpu().float().clamp(0, 1))
    return image


def png(image: Image.Image) -> bytes:
    """Without loss, quickly."""
    return _encoded(image, "png", compress_level=1)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """For photographs and sheets of many pictures; below 90 with the colours at half the resolution."""
    return _encoded(image, "jpeg", quality=quality, subsampling=0 if quality >= 90 else 2)


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
