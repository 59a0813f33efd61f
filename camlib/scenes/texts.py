"""Pages, streets and handwriting: pictures with digits and letters at known places.

A picture depends on its kind, size, seed and number alone, as a scene does. Nothing stands before a
character, and none is cut by the frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import joblib
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.transforms.v2.functional import rgb_to_grayscale
from tqdm.auto import tqdm

from ..given import seeded, told, whole
from ..pictures.digits import Digits, digits
from ..pictures.pixels import Pixels
from .drawing.batch import KINDS, Drawn, lettered
from .drawing.cores import jobs
from .drawing.develop import Array
from .drawing.lettering import Letter

__all__ = ["Character", "Texts", "texts"]

_CHUNK = 4  # pictures a worker draws before it reports
_RING = 5  # pixels: a character's ground is what is no text in this neighbourhood of its ink


@dataclass(frozen=True)
class Character:
    """A digit or letter in a picture.

    box: (x0, y0, x1, y1) in pixels, half open, of its ink.  font: its font's name, or "handwriting".
    word: the number of its word's first character in the picture; a handwritten digit is a word by itself.
    contrast: in [-1, 1], the mean grey of its ground less that of its ink, as they are in the picture.
    """

    char: str
    box: tuple[int, int, int, int]
    font: str
    word: int
    contrast: float

    @property
    def kind(self) -> str:
        """ "digit" or "letter"."""
        return "digit" if self.char.isdigit() else "letter"

    @property
    def height(self) -> int:
        """How high its box is, in pixels."""
        return self.box[3] - self.box[1]

    @property
    def dark_on_light(self) -> bool:
        """Whether its ink is darker than its ground."""
        return self.contrast > 0


@dataclass(frozen=True, repr=False)
class Texts(Pixels):
    """N pictures of H × W pixels, and where each character lies.

    pixels: uint8 (N, 3, H, W), RGB.
    ids: int16 (N, H, W), k + 1 where character k of the picture has its ink, else 0. A pixel is ink where at
    least half of it is covered by text.
    clutter: bool (N, H, W), strokes that are no text: mortar, bars, branches, cables, rules.
    characters: one tuple for each picture, in the order of `ids`.
    """

    ids: Tensor
    clutter: Tensor
    characters: tuple[tuple[Character, ...], ...]

    @property
    def grey(self) -> Tensor:
        """float32 (N, 1, H, W) in [0, 1]: the luminance (ITU-R 601), as LeNet wants it."""
        grey: Tensor = rgb_to_grayscale(self.images)
        return grey

    @property
    def masks(self) -> Tensor:
        """bool (N, H, W): the pixels of text."""
        return self.ids > 0

    @property
    def boxes(self) -> Tensor:
        """float32 (N, B, 4): each character's box; rows of NaN where a picture has fewer than B."""
        if not len(self):
            return torch.empty(0, 0, 4)
        each = [torch.tensor([one.box for one in row]).float().reshape(-1, 4) for row in self.characters]
        return pad_sequence(each, batch_first=True, padding_value=torch.nan)

    @property
    def word_boxes(self) -> Tensor:
        """float32 (N, W, 4): the box round each word's characters; rows of NaN where there are fewer."""
        found = []
        for row, own in zip(self.characters, self.boxes, strict=True):
            words = torch.tensor([one.word for one in row])
            each = [own[: len(row)][words == first] for first in sorted({one.word for one in row})]
            both = [torch.cat([some[:, :2].amin(0), some[:, 2:].amax(0)]) for some in each]
            found.append(torch.stack(both) if both else torch.empty(0, 4))
        if not found:
            return torch.empty(0, 0, 4)
        return pad_sequence(found, batch_first=True, padding_value=torch.nan)

    @property
    def word_masks(self) -> Tensor:
        """bool (N, H, W): the pixels inside of a word's box."""
        found = torch.zeros_like(self.clutter)
        for mask, own in zip(found, self.word_boxes, strict=True):
            for x0, y0, x1, y1 in own[~own.isnan().any(1)].long().tolist():
                mask[y0:y1, x0:x1] = True
        return found


def texts(
    n: int,
    *,
    seed: int = 0,
    kind: str = "street",
    size: tuple[int, int] = (240, 320),
    hand: Digits | None = None,
    blank: bool = False,
) -> Texts:
    """Draw n pictures with text, on all cores.

    kind: "page": printed pages; "street": houses, signs and what resembles letters; "handwritten": digits
    on slates, walls and ruled paper.  size: (height, width) in pixels.
    hand: whose digits are "handwritten"; None: scikit-learn's for testing. No other kind uses them.
    blank: the same streets with nothing written: signs, plates and bills are empty, and all else is as it
    was, pixel for pixel. Strokes that a letter covered are not in `clutter` here either.
    Raises ValueError for a count below 1, another kind, a side below 120, and blank for another kind than
    "street".
    """
    n, seed = whole(n, "n", 1), seeded(seed)
    if kind not in KINDS:
        raise ValueError(f"no kind {told(kind)}; there are {', '.join(KINDS)}")
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise ValueError(f"size is {told(size)}; give (height, width), each at least 120 pixels")
    size = whole(size[0], "the height", 120), whole(size[1], "the width", 120)
    if hand is not None and (not isinstance(hand, Digits) or not len(hand)):
        raise ValueError(f"hand is {told(hand)}; give digits, as digits() does")
    if blank and kind != "street":
        raise ValueError(f"only a street can be blank; a {kind} picture without text has nothing left")
    written = _written(hand) if kind == "handwritten" else None
    chunks = [range(n)[i : i + _CHUNK] for i in range(0, n, _CHUNK)]
    work = joblib.Parallel(n_jobs=jobs(len(chunks), 5), return_as="generator")(
        joblib.delayed(lettered)(kind, size, seed, numbers, written, blank) for numbers in chunks
    )
    found: list[Drawn] = []
    with tqdm(total=n, desc="drawing", unit="picture", delay=1, leave=False) as bar:
        for drawn in work:
            found += drawn
            bar.update(len(drawn))
    pixels = torch.from_numpy(np.stack([pixels for pixels, _, _ in found]))
    grey = rgb_to_grayscale(pixels)[:, 0].float().numpy() / 255
    return Texts(
        pixels,
        torch.from_numpy(np.stack([true.ids for _, true, _ in found])),
        torch.from_numpy(np.stack([true.clutter for _, true, _ in found])),
        tuple(_characters(one, true.ids, own) for one, (_, true, own) in zip(grey, found, strict=True)),
    )


def _written(hand: Digits | None) -> tuple[Array, Array]:
    """Handwritten digits and what they say, without torch."""
    given = digits(split="test", source="sklearn") if hand is None else hand
    return given.pixels[:, 0].numpy(), given.labels.numpy()


def _characters(grey: Array, ids: Array, letters: Sequence[Letter]) -> tuple[Character, ...]:
    """What is true of each character, from the picture's grey and the ids of its ink, both (H, W)."""
    near = np.where(ids == 0, ndimage.grey_dilation(ids, _RING), 0)
    ink, ground = (
        np.bincount(own.ravel(), grey.ravel(), len(letters) + 1)
        / np.bincount(own.ravel(), minlength=len(letters) + 1)
        for own in (ids, near)
    )
    spans = ndimage.find_objects(ids, len(letters))
    return tuple(
        Character(
            letter.char,
            (across.start, down.start, across.stop, down.stop),
            letter.font,
            letter.word,
            float(ground[k] - ink[k]),
        )
        for k, (letter, (down, across)) in enumerate(zip(letters, spans, strict=True), 1)
    )
