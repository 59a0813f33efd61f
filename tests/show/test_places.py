"""Which class wins with each place covered, written on the picture."""

import numpy as np
import pytest
import torch

from camlib.heatmaps.occlusion import Occlusions
from camlib.show import places, png


def found(top: list[list[int]]) -> Occlusions:
    edges = torch.tensor([[0, 4], [4, 8]])
    boxes = torch.stack(
        [torch.stack([edges[j, 0], edges[i, 0], edges[j, 1], edges[i, 1]]) for i in (0, 1) for j in (0, 1)]
    )
    after = torch.zeros(1, 2, 2)
    return Occlusions(
        torch.ones(1), after, torch.tensor([top]), torch.tensor([1]), boxes.view(2, 2, 4), (8, 8)
    )


def test_words_stand_where_another_class_wins() -> None:
    figure = places(
        torch.rand(3, 8, 8),
        found([[1, 0], [2, 0]]),
        ["cat", "dog", "a very long name indeed"],
        title="Two win",
    )
    assert figure.alt == (
        "Two win. A square at 4 places: dog wins at 1; cat at 2, a very long name indeed at 1."
    )
    ax, listed = figure.axes
    texts = sorted((*text.get_position(), text.get_text()) for text in ax.texts)
    above, below = 0.5, 6.5  # a quarter of a step away from their squares
    assert texts == [(1.5, 5.5 - 1, "a very long na…"), (5.5, above, "cat"), (5.5, below, "cat")]
    marks = [(*np.asarray(line.get_xydata())[0].tolist(), line.get_marker()) for line in ax.lines]
    assert marks == [(1.5, 1.5, "o"), (5.5, 1.5, "s"), (1.5, 5.5, "s"), (5.5, 5.5, "s")]
    assert [text.get_text().replace("\n", " ") for text in listed.texts] == [
        "dog: 1 place",
        "cat: 2 places",
        "a very long name indeed: 1 place",
    ]
    assert png(figure).startswith(b"\x89PNG")


def test_nobody_else_wins() -> None:
    figure = places(torch.rand(1, 8, 8), found([[1, 1], [1, 1]]), ["cat", "dog"], title="It stands")
    assert figure.alt.endswith("dog wins at 4; no other class at any.")


def test_another_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"picture 0 of size \(8, 9\); there are 1 of \(8, 8\)"):
        places(torch.rand(3, 8, 9), found([[1, 1], [1, 1]]), ["cat", "dog"], title="No")
    with pytest.raises(ValueError, match="picture 1 of size"):
        places(torch.rand(3, 8, 8), found([[1, 1], [1, 1]]), ["cat", "dog"], 1, title="No")


@pytest.mark.parametrize("stride", [4, 8])
def test_neighbouring_names_do_not_run_together(stride: int) -> None:
    start = torch.arange(0, 32 - stride + 1, stride)
    y, x = torch.meshgrid(start, start, indexing="ij")
    boxes = torch.stack([x, y, x + stride, y + stride], 2)
    top = torch.arange(y.numel()).view(1, *y.shape) % 3
    tried = Occlusions(torch.ones(1), torch.zeros(top.shape), top, torch.tensor([3]), boxes, (32, 32))
    figure = places(
        torch.rand(3, 32, 32), tried, ["cat", "sleeper", "terriers", "dog"], title="All others win"
    )
    drawn = [text.get_window_extent(figure.canvas.get_renderer()) for text in figure.axes[0].texts]  # type: ignore[attr-defined]
    assert len(drawn) == y.numel()
    assert not any(one.overlaps(other) for k, one in enumerate(drawn) for other in drawn[:k])
