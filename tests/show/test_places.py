"""Which class wins with each place covered, written on the picture."""

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
    (ax,) = figure.axes
    texts = {text.get_text(): text.get_position() for text in ax.texts}
    assert texts["a very long na…"] == (1.5, 5.5)
    assert texts["cat"] == (5.5, 5.5)
    assert sum(text.get_text() == "cat" for text in ax.texts) == 2
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[1.5, 1.5]]]  # type: ignore[union-attr]
    assert png(figure).startswith(b"\x89PNG")


def test_nobody_else_wins() -> None:
    figure = places(torch.rand(1, 8, 8), found([[1, 1], [1, 1]]), ["cat", "dog"], title="It stands")
    assert figure.alt.endswith("dog wins at 4; no other class at any.")


def test_another_picture_is_refused() -> None:
    with pytest.raises(ValueError, match=r"picture 0 of size \(8, 9\); there are 1 of \(8, 8\)"):
        places(torch.rand(3, 8, 9), found([[1, 1], [1, 1]]), ["cat", "dog"], title="No")
    with pytest.raises(ValueError, match="picture 1 of size"):
        places(torch.rand(3, 8, 8), found([[1, 1], [1, 1]]), ["cat", "dog"], 1, title="No")
