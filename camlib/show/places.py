"""What a network answers with each place of a picture covered, written where the square was.

Figure 6 (e) of Zeiler, Fergus (2014), "Visualizing and understanding convolutional networks", with words for
its colours.
"""

from collections import Counter
from collections.abc import Sequence

from matplotlib import patheffects
from torch import Tensor

from ..heatmaps.occlusion import Occlusions
from .figure import Figure, breadth, styled
from .tiles import pixels, tiles

_SIDE, _DIM = 4.2, 0.6  # inches, as wide as a picture alone is; how bright it is drawn


@styled
def places(
    image: Tensor,
    found: Occlusions,
    classes: Sequence[str],
    number: int = 0,
    *,
    title: str,
    alt: str | None = None,
) -> Figure:
    """The picture, and at the middle of each place a dot, or the answer's name where another class wins.

    image: (C, H, W) in [0, 1].  found: what `occlude` found for it.  classes: the network's names.
    number: which of the pictures of `found` it is.
    Raises ValueError for a picture of another size, and a number that is not there.
    """
    if tuple(image.shape[1:]) != found.size or not 0 <= number < len(found.top):
        raise ValueError(
            f"picture {number} of size {tuple(image.shape[1:])}; there are {len(found.top)} of {found.size}"
        )
    (picture,) = pixels([image])
    target, top = int(found.targets[number]), found.top[number].flatten().tolist()
    others = Counter(classes[c] for c in top if c != target)
    said = ", ".join(f"{name} at {count}" for name, count in others.most_common(5)) or "no other class at any"
    content = f"A square at {len(top)} places: {classes[target]} wins at {len(top) - others.total()}; {said}."
    figure, (ax,) = tiles([_DIM * picture], None, title, alt, content, None)
    steps = found.boxes[0, :, 0].diff()  # pixels from one place to the next
    room = 0.94 * _SIDE * (int(steps.min()) if len(steps) else found.size[1]) / found.size[1]
    words = [name if len(name) < 16 else f"{name[:14]}…" for name in others]
    size = min([11.0, *(11 * room / breadth(word, 11, "bold") for word in words)])
    halo = [patheffects.withStroke(linewidth=2, foreground="black")]
    for (x0, y0, x1, y1), winner in zip(found.boxes.flatten(0, 1).tolist(), top, strict=True):
        x, y = (x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2
        if winner == target:
            ax.plot(x, y, "o", ms=3, mfc="white", mec="black", mew=0.8)
            continue
        name = classes[winner]
        word = name if len(name) < 16 else f"{name[:14]}…"
        text = ax.text(x, y, word, size=size, color="#ffd400", weight="bold", ha="center", va="center")
        text.set(path_effects=halo, parse_math=False)
    return figure
