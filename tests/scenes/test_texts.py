"""Texts: the same each day, true to their truth, balanced in size, and without a shortcut."""

from collections import Counter

import numpy as np
import pytest
import torch
from skimage.filters import sobel
from sklearn.metrics import roc_auc_score

from camlib.pictures.digits import Digits
from camlib.scenes.drawing.batch import KINDS
from camlib.scenes.drawing.develop import truth
from camlib.scenes.drawing.glyphs import FONTS, OVER, Style, measure
from camlib.scenes.drawing.lettering import Letter, Sheet, homography
from camlib.scenes.texts import Texts, texts

SIZES = {"page": (200, 280), "street": (240, 320), "handwritten": (180, 240)}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Texts]:
    return {kind: texts(40, seed=3, kind=kind, size=size) for kind, size in SIZES.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_depends_on_its_seed_and_number_alone(drawn: dict[str, Texts], kind: str) -> None:
    again = texts(3, seed=3, kind=kind, size=SIZES[kind])
    assert torch.equal(again.pixels, drawn[kind].pixels[:3])
    assert torch.equal(again.ids, drawn[kind].ids[:3])
    assert again.characters == drawn[kind].characters[:3]
    assert not torch.equal(again.pixels, texts(3, seed=4, kind=kind, size=SIZES[kind]).pixels)


@pytest.mark.parametrize(
    ("kind", "counts", "colour", "begins"),
    [
        ("page", [40, 25, 108, 32], (136.6, 129.2, 122.9), "April5512"),
        ("street", [15, 13, 18, 11], (137.1, 125.3, 111.5), "BAR7936In"),
        ("handwritten", [144, 48, 89, 177], (97.3, 112.9, 110.9), "887393039"),
    ],
)
def test_texts_are_the_same_on_another_day(
    kind: str, counts: list[int], colour: tuple[float, float, float], begins: str
) -> None:
    """Lessons print scores on such pictures; another Pillow may round differently, and no more."""
    found = texts(4, seed=3, kind=kind)
    assert [len(row) for row in found.characters] == counts
    assert found.pixels.float().mean((0, 2, 3)).tolist() == pytest.approx(colour, abs=0.5)
    assert "".join(one.char for one in found.characters[0]).startswith(begins)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_types_and_ranges(drawn: dict[str, Texts], kind: str) -> None:
    found, (height, width) = drawn[kind], SIZES[kind]
    assert found.pixels.dtype == torch.uint8
    assert found.images.shape == (40, 3, height, width)
    assert found.grey.shape == (40, 1, height, width)
    assert 0 <= found.grey.min() < 0.1
    assert 0.9 < found.grey.max() <= 1
    assert found.masks.dtype == found.clutter.dtype == torch.bool
    assert found.masks.shape == found.clutter.shape == found.ids.shape == (40, height, width)
    assert not (found.masks & found.clutter).any()
    assert 0.01 < found.masks.float().mean() < 0.3


def test_grey_is_the_luminance(drawn: dict[str, Texts]) -> None:
    one = drawn["street"][:2]
    weighed = (one.images * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    assert torch.allclose(one.grey, weighed, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_hug_the_ink_and_never_touch_the_frame(drawn: dict[str, Texts], kind: str) -> None:
    found, (height, width) = drawn[kind], SIZES[kind]
    for ids, row in zip(found.ids, found.characters, strict=True):
        assert ids.unique().tolist() == list(range(len(row) + 1))
        for k, one in enumerate(row, 1):
            y, x = (ids == k).nonzero().T
            assert one.box == (x.min(), y.min(), x.max() + 1, y.max() + 1)
            assert min(one.box[:2]) >= 1
            assert (one.box[2] < width, one.box[3] < height) == (True, True)
            assert one.height == y.max() + 1 - y.min()


def test_boxes_are_padded_with_nan(drawn: dict[str, Texts]) -> None:
    boxes = drawn["street"].boxes
    counts = [len(row) for row in drawn["street"].characters]
    assert boxes.shape == (40, max(counts), 4)
    assert boxes.isfinite().all(2).sum(1).tolist() == counts
    assert boxes[5, 1].tolist() == list(drawn["street"].characters[5][1].box)


def test_redrawn_alone_a_character_has_the_ink_of_the_truth() -> None:
    """Bars of whole pixels and of parts of pixels: a pixel is ink from half of it on."""
    letters: list[Letter] = []
    sheet = Sheet(12, 6, letters, (1, 1, 1))
    sheet.text(2, 5, "H", Style("DejaVu Sans Bold", 4.0 * 3, (0, 0, 0)))  # drawn, then all but a bar removed
    sheet.rectangle(0, 0, 12, 6, (1, 1, 1))
    sheet.codes.paste(1, (3, 3, 9, 8))  # fine pixels: x from 1 to 3, y from 1 to 2 and two thirds
    ids = truth(sheet).ids
    assert np.argwhere(ids).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]
    sheet.codes.paste(0, (3, 7, 9, 8))  # a third of the second row is left
    assert np.argwhere(truth(sheet).ids).tolist() == [[1, 1], [1, 2]]


@pytest.mark.parametrize("font", FONTS)
def test_letters_have_the_height_that_was_asked_for(font: str) -> None:
    for cap in (12, 30):
        sheet = Sheet(60, 40, [], (1, 1, 1))
        sheet.text(30, 35, "H", Style(font, cap, (0, 0, 0)), align=0.5)
        y, x = np.nonzero(truth(sheet).ids)
        assert y.max() + 1 == 35
        assert y.max() + 1 - y.min() == pytest.approx(cap, abs=1)
        assert (x.min() + x.max() + 1) / 2 == pytest.approx(30, abs=0.15 * cap)
        dark = np.asarray(sheet.colours.reduce(OVER).convert("L")) < 128
        assert (dark == (truth(sheet).ids > 0)).all()


def test_measure_is_where_the_next_word_goes() -> None:
    style = Style("STIX Bold", 20, (0, 0, 0), 0.1)
    sheet = Sheet(200, 40, [], (1, 1, 1))
    sheet.text(10, 30, "4K", style)
    apart = Sheet(200, 40, [], (1, 1, 1))
    apart.text(10, 30, "4", style)
    apart.text(10 + measure("4", style) + 0.1 * 20, 30, "K", style)
    assert (truth(sheet).ids == truth(apart).ids).mean() > 0.999


def test_a_homography_by_hand() -> None:
    """Half of the sheet's width is seen at two thirds of the way where the right edge is half as high."""
    to = homography((10, 10), [(0, 0), (20, 5), (20, 15), (0, 20)])
    for at, seen in (((0, 0), (0, 0)), ((10, 10), (20, 15)), ((5, 5), (40 / 3, 10))):
        x, y, w = to @ (*at, 1)
        assert (x / w, y / w) == pytest.approx(seen)


def test_a_sheet_lies_where_its_corners_are_told() -> None:
    """A square of text, a quarter of the sheet, laid without and with perspective, against its outline."""
    whole, part = Sheet(60, 40, [], (1, 1, 1)), Sheet(20, 20, [], (1, 1, 1))
    part.letters.append(Letter("x", "none", 0))
    part.codes.paste(1, (0, 0, 10 * OVER, 10 * OVER))
    whole.lay(part, [(4, 3), (24, 3), (24, 23), (4, 23)])
    expected = np.zeros((40, 60), bool)
    expected[3:13, 4:14] = True
    whole.letters = part.letters
    assert ((truth(whole).ids > 0) == expected).all()

    corners = [(5, 2), (55, 8), (50, 30), (8, 38)]
    whole = Sheet(60, 40, part.letters, (1, 1, 1))
    whole.lay(part, corners)
    y, x = np.mgrid[:40, :60] + 0.5
    u, v, w = np.tensordot(np.linalg.inv(homography((20, 20), corners)), np.stack([x, y, x * 0 + 1]), 1)
    inside = (u / w > 0) & (u / w < 10) & (v / w > 0) & (v / w < 10)
    assert 250 < inside.sum() < 700
    assert ((truth(whole).ids > 0) != inside).sum() < 12  # pixels that the outline halves


def test_nothing_stands_before_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """No stroke of the pen takes away the ink of a character that was there."""
    covered = []

    def watched(name: str) -> None:
        draw = getattr(Sheet, name)

        def drawing(self, *args, **options):
            before = np.array(self.codes)
            draw(self, *args, **options)
            covered.append((name, int(((before > 0) & (np.asarray(self.codes) != before)).sum())))

        monkeypatch.setattr(Sheet, name, drawing)

    for name in ("polygon", "line", "rectangle", "paste", "lay", "ink"):
        watched(name)
    for kind in ("page", "street"):
        texts(4, seed=11, kind=kind, size=(120, 160))
    assert {name for name, _ in covered} == {"polygon", "line", "rectangle", "paste", "lay", "ink"}
    assert [one for one in covered if one[1]] == []


def test_contrast_is_seen_in_the_picture(drawn: dict[str, Texts]) -> None:
    for found in drawn.values():
        contrasts = torch.tensor([one.contrast for row in found.characters for one in row])
        assert contrasts.abs().quantile(0.01) > 0.15
        assert 0.2 < (contrasts > 0).float().mean() < 0.8
    street = drawn["street"]
    one, ids, grey = street.characters[0][0], street.ids[0], street.grey[0, 0]
    ink = torch.nn.functional.max_pool2d((ids == 1)[None].float(), 5, 1, 2)[0] > 0
    by_hand = grey[ink & (ids == 0)].mean() - grey[ids == 1].mean()
    assert one.contrast == pytest.approx(by_hand.item(), abs=0.01)
    assert one.dark_on_light == (by_hand > 0)


def test_digits_and_letters_of_all_sizes(drawn: dict[str, Texts]) -> None:
    """Each third of an octave from 10 to 60 pixels has its share, and no character is missing."""
    every = [one for found in drawn.values() for row in found.characters for one in row]
    heights = np.array([one.height for one in every])
    bins = np.histogram(heights, [5, 10, 15, 22, 33, 48, 72])[0]
    assert bins.sum() == len(every)
    assert (bins[1:] > 40).all(), bins
    chars = Counter(one.char for one in every)
    assert set("0123456789") <= set(chars)
    assert set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set(map(str.upper, chars)) == set()
    kinds = Counter(one.kind for one in every if one.font != "handwriting")
    assert 0.4 < kinds["digit"] / kinds.total() < 0.7
    assert {one.font for one in every} == {*FONTS, "handwriting"}


@pytest.mark.slow
def test_no_shortcut(drawn: dict[str, Texts]) -> None:
    """How well what needs no letters tells text from all else (area under the ROC curve; 0.5 is chance)."""
    print("\n            dark  light  middle  edge  edge among strokes")
    for kind, found in drawn.items():
        grey, mask, clutter = found.grey[:, 0].numpy(), found.masks.numpy(), found.clutter.numpy()
        height, width = SIZES[kind]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        middle = np.broadcast_to(-np.hypot(x, y), grey.shape)
        edge = np.stack([sobel(one) for one in grey])
        either = mask | clutter
        scores = [roc_auc_score(mask.ravel(), map_.ravel()) for map_ in (-grey, grey, middle, edge)]
        scores.append(roc_auc_score(mask[either], edge[either]))
        print(f"{kind:12s}" + "  ".join(f"{score:.2f}" for score in scores))
        assert max(scores[:2]) < 0.8
        assert scores[2] < 0.8
        assert scores[4] < 0.85


def test_other_sizes() -> None:
    for kind, size in (("street", (150, 400)), ("page", (300, 160)), ("handwritten", (120, 120))):
        found = texts(2, kind=kind, size=size)
        assert found.pixels.shape == (2, 3, *size)
        assert all(found.characters)


def test_a_slice_and_a_picture(drawn: dict[str, Texts]) -> None:
    found = drawn["page"]
    part = found[[4, 2]]
    assert torch.equal(part.pixels, found.pixels[[4, 2]])
    assert part.characters == (found.characters[4], found.characters[2])
    assert torch.equal(found[4][0], part.images[0])
    assert found[4][1] is None
    assert (len(found), len(found[:7]), len(part)) == (40, 7, 2)


def test_other_handwriting() -> None:
    """A digit that is a full block is a block of ink, as high as wide."""
    block = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    block[..., 4:24, 4:24] = 255
    found = texts(2, kind="handwritten", size=(120, 160), hand=Digits(block, torch.tensor([7]), "mnist"))
    for ids, row in zip(found.ids, found.characters, strict=True):
        assert {one.char for one in row} == {"7"}
        for k, (x0, y0, x1, y1) in enumerate((one.box for one in row), 1):
            assert abs((x1 - x0) - (y1 - y0)) <= 1
            assert (ids == k).sum() >= 0.85 * (x1 - x0) * (y1 - y0)


def test_wrong_input() -> None:
    with pytest.raises(ValueError, match="n is 0"):
        texts(0)
    with pytest.raises(ValueError, match="no kind 'poster'; there are page, street, handwritten"):
        texts(1, kind="poster")
    with pytest.raises(ValueError, match=r"the height is 100; it is a whole number, at least 120"):
        texts(1, size=(100, 320))


def test_a_blank_street_is_the_same_street_without_its_letters() -> None:
    written, blank = (texts(3, seed=4, size=(180, 240), blank=flag) for flag in (False, True))
    changed = (written.pixels != blank.pixels).any(1)
    near = torch.nn.functional.max_pool2d(written.masks.float(), 7, 1, 3) > 0  # soft edges, and a blur
    assert (changed & written.masks).sum() > 0.9 * written.masks.sum()
    assert not (changed & ~near).any()
    assert blank.characters == ((), (), ())
    assert not blank.masks.any()
    assert blank.boxes.shape == blank.word_boxes.shape == (3, 0, 4)
    assert not blank.word_masks.any()
    assert blank.clutter.equal(written.clutter)


def test_only_streets_are_blank() -> None:
    with pytest.raises(ValueError, match="only a street can be blank"):
        texts(1, kind="page", blank=True)


def test_words_are_what_stands_between_spaces() -> None:
    sheet = Sheet(120, 40, [], (1, 1, 1))
    style = Style("DejaVu Sans Bold", 12, (0, 0, 0))
    sheet.text(5, 30, "AB 7", style)
    sheet.text(80, 30, "C", style)
    assert [(one.char, one.word) for one in sheet.letters] == [("A", 0), ("B", 0), ("7", 2), ("C", 3)]


def test_a_word_is_as_wide_as_its_characters(drawn: dict[str, Texts]) -> None:
    for kind, found in drawn.items():
        for row, words in zip(found.characters, found.word_boxes, strict=True):
            firsts = sorted({one.word for one in row})
            assert words.isfinite().all(1).sum() == len(firsts)
            for first, box in zip(firsts, words.tolist(), strict=False):
                own = [one.box for one in row if one.word == first]
                ends = [min(b[0] for b in own), min(b[1] for b in own)]
                assert box == [*ends, max(b[2] for b in own), max(b[3] for b in own)]
        assert not (found.masks & ~found.word_masks).any(), kind
