"""Figures: alt texts travel, nothing runs off the page, nothing is left behind, grey tells the truth."""

import base64
import io
import itertools
import subprocess
import sys
import threading
import warnings

import matplotlib
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image
from skimage.color import rgb2lab

import camlib
from camlib import critters, show
from camlib.show.overlay import blend, ramp

RANDOM = torch.Generator().manual_seed(0)
PICTURES = torch.rand(6, 3, 32, 32, generator=RANDOM)
LONG = "A title that says what the figure says, in a sentence that needs more than one line to say it all"


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(show.png(figure))).convert("RGB")).astype(float) / 255


@pytest.mark.parametrize("title", ["W" * 120, f"{'/long' * 40}: it is a cat", LONG, "犬 and 🦈, \ud800"])
def test_any_title_stays_on_the_page_without_warnings(title):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = show.images(PICTURES[:1], title=title)
        figure.canvas.draw()
        said = figure.get_suptitle()
        (text,) = (one for one in figure.findobj(Text) if one.get_text() == said)
        extent = text.get_window_extent()
    assert 0 <= extent.x0 < extent.x1 <= figure.bbox.x1
    assert extent.y1 <= figure.bbox.y1
    assert "".join(said.split()) == "".join(title.split()).translate(
        dict.fromkeys(map(ord, "犬🦈\ud800"), "?")
    )


def every_figure():
    scenes, net = critters(3), camlib.load("critternet", weights="random")
    words = ["a short one", "a caption far too long for the picture under it, by any measure", "two\nlines"]
    curves = {
        "untrained": [0.0, 0.0, 0.01],
        "trained, and a long name": [0.1, 0.5, 0.98],
        "close": [0, 0.6, 1.0],
    }
    return {
        "images": show.images(PICTURES[:3], words, title=LONG),
        "marked": show.images(
            PICTURES[:2],
            title=LONG,
            boxes=torch.tensor([[2.0, 3, 9, 10], [0, 0, 32, 32]]),
            points=torch.rand(2, 4, 2) * 31,
            masks=PICTURES[:2, 0] > 0.5,
        ),
        "scenes": show.scenes(scenes, title=LONG),
        "scene": show.scenes(scenes[:1], title=LONG),
        "filters": show.filter_grid(camlib.filters(net), title=LONG),
        "common": show.filter_grid(torch.randn(5, 1, 3, 3), "common", title=LONG),
        "maps": show.maps(torch.rand(7, 8, 8), title=LONG),
        "captions": show.maps(torch.rand(3, 8, 8), words, title=LONG, scale="each"),
        "bars": show.bars([0.7, 0.05], ["tabby, tabby cat, and all its other names", "fox"], title=LONG),
        "lines": show.lines([0, 1, 2], curves, "epoch", "autocorrelation", title=LONG),
        "layers": show.lines(["pixels", "conv1", "fc7"], curves, "layer", "likeness", title=LONG),
        "compare": show.compare(
            {"a method with quite a long name": torch.arange(90) < 50, "seeds": [0.5, 0.61, 0.55]},
            untrained=torch.arange(90) < 20,
            base={
                "guessing": 0.11,
                "always tabby": 0.12,
                "a box in the middle": 0.5,
                "the best possible": 0.97,
            },
            title=LONG,
        ),
        "along": show.compare_along(
            ["conv1", "conv2"],
            {"trained": [torch.arange(90) < 50, torch.arange(90) < 70]},
            "layer",
            "hits",
            untrained=[[0.1, 0.2], [0.15, 0.3]],
            base={"guessing": 0.11, "the middle of the head": 0.89},
            title=LONG,
        ),
        "overlays": show.overlays(PICTURES[:3], torch.rand(3, 32, 32), words, title=LONG),
        "overlay": show.overlays(PICTURES[0], torch.rand(1, 32, 32), title=LONG, scale="each"),
        "unit": show.unit(
            PICTURES[0],
            torch.rand(32, 32) * 1000,
            PICTURES,
            torch.tensor([1.0, 0, 0, 0, 0]),
            torch.eye(5)[4],
            ["a", "b", "c", "d", "tabby, tabby cat, and all its other names"],
            title=LONG,
        ),
        "network": show.network(net, title=LONG),
        "lenet": show.network(camlib.load("lenet", weights="random"), title=LONG),
        "deep": show.network(camlib.load("vgg16", weights="random"), title=LONG),
    }


@pytest.fixture(scope="module")
def figures():
    return every_figure()


NAMES = [
    "images",
    "marked",
    "scenes",
    "scene",
    "filters",
    "common",
    "maps",
    "captions",
    "bars",
    "lines",
    "layers",
    "compare",
    "along",
    "overlays",
    "overlay",
    "unit",
    "network",
    "lenet",
    "deep",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_displays_with_its_alt_text(figures, name):
    figure = figures[name]
    bundle, metadata = figure._repr_mimebundle_()
    (kind,) = metadata
    assert set(bundle) == {kind, "text/plain"}
    assert bundle["text/plain"] == metadata[kind]["alt"] == figure.alt
    assert figure.alt.startswith(LONG + ". ")
    assert len(figure.alt) > len(LONG) + 5
    image = Image.open(io.BytesIO(base64.b64decode(bundle[kind])))
    assert image.format == {"image/png": "PNG", "image/jpeg": "JPEG"}[kind]
    assert image.mode in ("RGB", "P")  # opaque: the same on a dark page
    assert "transparency" not in image.info
    assert image.size == (round(metadata[kind]["width"] * 1.5), round(metadata[kind]["height"] * 1.5))
    assert metadata[kind]["width"] == 800


@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs_off_the_page_or_into_the_title(figures, name):
    page = pixels(figures[name])
    for border in (page[:6], page[-6:], page[:, :6], page[:, -6:]):
        assert border.min() == 1
    full = figures[name].get_figheight() * 150
    title = figures[name]._suptitle.get_window_extent(figures[name].canvas.get_renderer())
    below = int(full - title.y0 * 1.5)
    assert page[below + 2 : below + 7].min() == 1
    assert title.y1 - title.y0 > 40  # two lines


def test_an_alt_text_of_ones_own():
    figure = show.images(PICTURES, title="Six", alt="Six squares of noise.")
    assert figure.alt == "Six squares of noise."
    with pytest.raises(ValueError, match="alt is empty"):
        show.images(PICTURES, title="Six", alt=" ")
    with pytest.raises(ValueError, match="needs a title"):
        show.images(PICTURES, title="")


def test_nothing_is_left_behind():
    before = dict(matplotlib.rcParams)
    net = camlib.load("lenet", weights="random").train()
    show.png(show.network(net, title="A network"))
    assert net.training
    assert dict(matplotlib.rcParams) == before
    code = (
        "import sys, torch; from camlib import show;"
        "show.png(show.images(torch.rand(3, 8, 8), title='One'));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_learners_own_style_changes_nothing():
    plain = show.png(show.bars([1, 2], ["a", "b"], title="Two"))
    with matplotlib.style.context("dark_background"):
        assert show.png(show.bars([1, 2], ["a", "b"], title="Two")) == plain


def test_threads_draw_the_same():
    def draw(i):
        return show.png(show.lines([0, 1], {f"curve {i}": [0, i]}, "x", "y", title=f"Curve {i}"))

    alone, together = [draw(i) for i in range(4)], [b""] * 4

    def work(i):
        together[i] = draw(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_photographs_travel_as_jpeg_where_that_is_lighter():
    noise = torch.rand(4, 3, 200, 200, generator=RANDOM)
    bundle, metadata = show.images(noise, title="Noise")._repr_mimebundle_()
    assert list(metadata) == ["image/jpeg"]
    assert len(bundle["image/jpeg"]) < len(base64.b64encode(show.png(show.images(noise, title="Noise"))))


def test_the_kind_of_file_is_what_trying_both_would_choose():
    """What cannot win is not tried: pictures of several textures, and of one colour."""
    random = torch.Generator().manual_seed(1)
    for k, cells in enumerate((1, 4, 16, 64, 200)):
        pictures = torch.rand(4, 3, cells, cells, generator=random)
        figure = show.images(
            torch.nn.functional.interpolate(pictures, 200, mode="bilinear"), title=f"Texture {k}"
        )
        tight, buffer = show.png(figure), io.BytesIO()
        Image.open(io.BytesIO(tight)).convert("RGB").save(buffer, "jpeg", quality=90, subsampling=0)
        lighter = len(tight) > 100_000 and len(buffer.getvalue()) < len(tight)
        assert set(figure._repr_mimebundle_()[1]) == {"image/jpeg" if lighter else "image/png"}


def test_bars_to_the_left_keep_their_numbers_off_the_names_and_many_bars_stand_closer():
    few, many = (show.bars([1.0] * (n - 1) + [-0.4], ["name"] * n, title="Bars") for n in (3, 24))
    for figure in (few, many):
        show.png(figure)
        ax, renderer = figure.axes[0], figure.canvas.get_renderer()  # type: ignore[attr-defined]
        name = ax.get_yticklabels()[-1].get_window_extent(renderer)
        number = next(text for text in ax.texts if text.get_text() == "-0.40").get_window_extent(renderer)
        assert number.x0 > name.x1
    assert many.get_figheight() < 24 * 0.34
    assert few.get_figheight() < many.get_figheight()


def test_the_cycle_reads_in_grey_and_on_white():
    with matplotlib.style.context("camlib.course"):
        cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    colours = np.array([to_rgb(one["color"]) for one in cycle])
    lightness = np.sort(rgb2lab(colours[None])[0, :, 0])
    assert np.diff(lightness).min() > 9
    assert len({one["linestyle"] for one in cycle}) == len(cycle)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    contrast = 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)  # WCAG 2.1; graphics need 3
    assert contrast.min() >= 3


def test_maps_grow_lighter_with_their_values():
    ramp = torch.linspace(0, 1, 64).reshape(1, 1, 64).expand(1, 64, 64)
    picture = rgb2lab(pixels(show.maps(ramp, title="A ramp")))[..., 0]
    height = picture.shape[0] // 2
    row = picture[height, 20:230]
    assert (np.diff(row) >= -0.5).all()
    assert row[-1] - row[0] > 60


def test_zero_weights_are_mid_grey_and_scales_differ():
    w = torch.zeros(2, 1, 3, 3)
    w[0, 0, 1, 1], w[1, 0, 1, 1] = 2.0, -1.0
    each, common = show.filter_grid(w, "each", title="Two"), show.filter_grid(w, "common", title="Two")
    for figure, expected in [(each, {0.0, 0.5, 1.0}), (common, {0.25, 0.5, 1.0})]:
        grid = pixels(figure)[60:260, 20:500]
        values, counts = np.unique(grid.round(2), return_counts=True)
        assert {round(value * 4) / 4 for value in values[counts > 1500]} == expected
    assert "± 2." in common.alt
    coloured = torch.zeros(1, 3, 1, 1)
    coloured[0, 0] = -1
    middle = pixels(show.filter_grid(coloured, title="Less red"))[120, 80]
    assert middle == pytest.approx([0, 0.5, 0.5], abs=0.01)


def test_a_box_goes_round_the_pixels_it_holds():
    figure = show.images(
        PICTURES[:1], title="A box", boxes=torch.tensor([[[2.0, 3, 9, 10], [float("nan")] * 4]])
    )
    frames = [list(p.get_bbox().extents) for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    assert frames == [[1.5, 2.5, 8.5, 9.5]] * 2  # the halo and the line; the box of NaN is left out


def drawn(figure):
    """The array behind each picture."""
    return [np.asarray(ax.images[0].get_array()) for ax in figure.axes]


def test_pictures_are_drawn_as_they_are():
    picture = torch.zeros(3, 2, 2)
    picture[0, 0, 1] = 1  # row 0, column 1 is red
    (red,) = drawn(show.images(picture, title="Red at the top right"))
    assert red[0, 1].tolist() == [1, 0, 0]
    assert red[1, 0].tolist() == [0, 0, 0]
    (grey,) = drawn(show.images((torch.ones(1, 1, 2, 2) * 51).byte(), title="Grey"))
    assert grey[0, 0].tolist() == pytest.approx([0.2] * 3)
    several = drawn(show.images([picture, torch.zeros(1, 5, 9)], title="Two sizes"))
    assert [array.shape for array in several] == [(2, 2, 3), (5, 9, 3)]


def test_names_at_the_ends_of_lines_keep_apart(figures):
    figure = figures["lines"]
    drawn = figure.canvas.get_renderer()
    labels = [text.get_window_extent(drawn) for text in figure.axes[0].texts]
    assert len(labels) == 3
    labels.sort(key=lambda where: where.y0)
    assert all(above.y0 >= below.y1 - 3 for below, above in itertools.pairwise(labels))


def test_the_networks_alt_text_tells_every_shape(figures):
    assert "picture 3×128×128, conv1 32×32×32, pool1 32×16×16, conv2 64×16×16" in figures["network"].alt
    assert figures["network"].alt.endswith("pool5 64×8×8, fc6 256, fc7 256, fc8 9.")


def test_more_heat_is_never_darker():
    heat = torch.linspace(0, 1, 201).expand(3, 201).numpy()
    for grey in (0.0, 0.5, 1.0):
        blended = blend(np.full((3, 201, 3), grey, np.float32), heat)
        lightness = rgb2lab(blended)[1, :, 0]
        assert lightness[-1] - lightness[0] > 30
        if grey <= 0.5:
            assert (np.diff(lightness) > -0.01).all()
    assert np.diff(rgb2lab(ramp()[None])[0, :, 0]).min() > -0.01


def test_heat_lies_where_it_is_given_on_one_scale_or_each():
    picture, heatmaps = torch.zeros(3, 4, 6), torch.zeros(2, 4, 6)
    heatmaps[0, 1, 5], heatmaps[1, 3, 0] = 8.0, 4.0
    hottest = [float(x) for x in matplotlib.colormaps["inferno"](1.0)[:3]]
    one, two, _ = drawn(show.overlays(picture, heatmaps, title="Common"))
    assert one[1, 5].tolist() == pytest.approx(hottest, abs=1e-6)
    assert one.sum() == pytest.approx(sum(hottest))  # the black picture stays black where there is no heat
    assert 0 < two[3, 0].sum() < one[1, 5].sum()
    one, two, _ = drawn(show.overlays(torch.stack([picture] * 2), heatmaps, title="Each", scale="each"))
    assert one[1, 5].tolist() == two[3, 0].tolist()
    assert "from 0 to 8" in show.overlays(picture, heatmaps, title="Common").alt


def test_heatmaps_of_two_sizes_share_a_scale():
    """A map of 8 at its most and one of 4, half as hot; each over its picture, with a box and an outline."""
    pictures, heatmaps = [torch.zeros(3, 4, 6), torch.zeros(3, 7, 3)], [torch.zeros(4, 6), torch.zeros(7, 3)]
    heatmaps[0][1, 5], heatmaps[1][6, 0] = 8.0, 4.0
    boxes, masks = torch.tensor([[1.0, 1, 3, 3], [torch.nan] * 4]), [one > 3 for one in heatmaps]
    figure = show.overlays(pictures, heatmaps, title="Two sizes", boxes=boxes, masks=masks)
    one, two, _ = drawn(figure)
    assert (one.shape, two.shape) == ((4, 6, 3), (7, 3, 3))
    alone, _ = drawn(show.overlays(pictures[0], heatmaps[0][None], title="One"))
    assert (one == alone).all()
    assert 0 < two[6, 0].sum() < one[1, 5].sum()
    assert "2 heatmaps over their pictures, from 0 to 8" in figure.alt
    with pytest.raises(ValueError, match=r"differ in size, \(7, 3\) and \(4, 6\)"):
        show.overlays(pictures, heatmaps[::-1], title="x")
    with pytest.raises(ValueError, match=r"a heatmap has shape \(1, 4, 6\); give \(H, W\)"):
        show.overlays(pictures, [heatmaps[0][None], heatmaps[1]], title="x")


def test_a_units_page_tells_the_answer_in_words(figures):
    alt = figures["unit"].alt
    assert "a 100%, silenced 0%, tabby, tabby cat, and all its other names 0%, silenced 100%, b 0%" in alt
    assert [text.get_text() for text in figures["layers"].axes[0].get_xticklabels()] == [
        "pixels",
        "conv1",
        "fc7",
    ]
    assert "over layer from pixels to fc7" in figures["layers"].alt


def test_wrong_input_is_named():
    for call, said in [
        (lambda: show.images(torch.rand(0, 3, 8, 8), title="x"), "no pictures"),
        (lambda: show.images(torch.rand(2, 8, 8, 3), title="x"), r"\(8, 8, 3\); give \(1 or 3, H, W\)"),
        (lambda: show.images(PICTURES, ["one"], title="x"), "1 captions for 6 pictures"),
        (lambda: show.images(PICTURES, title="x", boxes=torch.zeros(2, 4)), "2 boxes for 6 pictures"),
        (lambda: show.filter_grid(torch.rand(8, 64, 3, 3), title="x"), r"\(8, 64, 3, 3\) are no pictures"),
        (lambda: show.filter_grid(torch.rand(8, 3, 3, 3), "both", title="x"), "'each' and 'common'"),  # type: ignore[arg-type]
        (lambda: show.maps(torch.rand(8, 8), title="x"), r"\(8, 8\); give \(N, H, W\)"),
        (
            lambda: show.overlays(PICTURES, torch.rand(6, 8, 8), title="x"),
            r"\(8, 8\) and \(32, 32\); lay maps",
        ),
        (lambda: show.overlays(PICTURES, torch.rand(5, 32, 32), title="x"), "6 pictures for 5 heatmaps"),
        (lambda: show.overlays(PICTURES, torch.rand(32, 32), title="x"), r"\(32, 32\); give \(N, H, W\)"),
        (lambda: show.bars([1, 2], ["a"], title="x"), "2 values for 1 labels"),
        (lambda: show.lines([1, 2], {"a": [1]}, "x", "y", title="x"), "'a' has 1 values for 2 places"),
    ]:
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.slow
def test_in_a_notebook_and_out_of_it_again():
    alt = '"cat" 0.7 & dog < 0.3'
    code = f"from camlib import show\nshow.bars([0.7, 0.3], ['cat', 'dog'], title='T', alt={alt!r})"
    cells = [nbformat.v4.new_code_cell("%matplotlib inline"), nbformat.v4.new_code_cell(code)]
    nb = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(nb, kernel_name="python3", timeout=60).execute()
    nbformat.validate(nb)
    (output,) = nb.cells[1].outputs
    assert output.metadata["image/png"]["alt"] == output.data["text/plain"] == alt
    image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert image.width == 1200  # ours: inline's own would be cropped
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(nb)
    assert "alt='\"cat\" 0.7 &amp; dog &lt; 0.3'" in page


def test_only_a_net_is_drawn_as_a_network():
    with pytest.raises(ValueError, match="no Net yet"):
        show.network(torch.nn.Sequential(torch.nn.Flatten()), title="t")  # type: ignore[arg-type]
