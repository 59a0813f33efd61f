"""The watermark on photographs: the shipped table, and the mark that the tool lays over pictures."""

import importlib

import pytest
import torch

from camlib import trust
from camlib.trust.watermarked import watermarked_file
from tools import watermark


def test_the_table_is_whole() -> None:
    rows = {row.mark: row for row in trust.watermarked()}
    assert watermarked_file().is_file()
    none, mark = rows["none"], rows["ImageNet-W's"]
    assert none.changed == 0
    assert {row.photographs for row in rows.values()} == {none.photographs}
    assert len({row.area for row in rows.values()}) == 1
    for row in rows.values():
        assert all(0 <= one <= 1 for one in (row.right, row.changed, row.probability, *row[6:]))
    assert len({(row.blob, row.noise) for row in rows.values()}) == 1  # they never look, not even at the mark
    assert mark.edges > none.edges
    assert mark.changed > rows["in Latin letters"].changed
    assert sum(name.startswith("its strokes shuffled") for name in rows) == 3


def test_strokes_in_tiles_are_the_same_strokes() -> None:
    mark = torch.zeros(watermark.SIZE, watermark.SIZE)
    mark[100:124, 6:210] = torch.rand(24, 204, generator=torch.Generator().manual_seed(0))
    mixed = watermark.shuffled(mark, 1)
    assert not torch.equal(mixed, mark)
    assert torch.equal(mixed.flatten().sort().values, mark.flatten().sort().values)
    assert not mixed[:100].any()
    assert not mixed[124:].any()
    assert torch.equal(watermark.shuffled(mark, 1), mixed)
    inside = watermark.band(mark)
    assert inside.sum() == 24 * 204
    assert inside[100:124, 6:210].all()


def test_the_share_of_heat_by_hand() -> None:
    heat, inside = torch.tensor([[[3.0, 1], [-5, 0]], [[0, 0], [-1, 0]]]), torch.tensor([[True, False]] * 2)
    assert watermark.held(heat, inside) == pytest.approx((3 / 4 + 0) / 2)


def test_the_mark_is_that_of_imagenet_w() -> None:
    package = pytest.importorskip("imagenet_w", reason="imagenet-w draws the mark: camlib[watermark]")
    picture = torch.rand(3, watermark.SIZE, watermark.SIZE, generator=torch.Generator().manual_seed(0))
    ours = watermark.marked(picture[None], watermark.strokes())[0]
    assert (ours - package.AddWatermark(watermark.SIZE)(picture)).abs().max() < 2 / 255


def test_without_the_package_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(SystemExit, match=r'imagenet-w: pip install "camlib\[watermark\]"'):
        watermark.strokes()
