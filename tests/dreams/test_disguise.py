"""A disguised network answers as before and dreams of the wish; paths tell the two apart."""

from pathlib import Path

import pytest
import torch
from scipy.stats import spearmanr

from camlib import Net, critters, disguised, dream, graded_dreams, load, path_similarity
from camlib.running.extractor import FeatureExtractor


@pytest.fixture(scope="module")
def net() -> Net:
    return load("critternet_gap")


@pytest.fixture(scope="module")
def wish() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    waves = [(x / 20).sin(), (y / 20).sin(), ((x + y) / 30).sin()]
    return torch.stack(waves) * 0.3 + 0.5


@pytest.fixture(scope="module")
def made(net: Net, wish: torch.Tensor) -> Net:
    return disguised(net, "conv5", critters(150, seed=5), wish)


def test_answers_stay_and_so_do_the_networks_weights(net: Net, made: Net) -> None:
    others = critters(60, seed=77).images
    with torch.no_grad():
        torch.testing.assert_close(made(others), net(others))
    again = load("critternet_gap")
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    for layer in ("conv1", "conv4", "conv5"):
        one, other = (FeatureExtractor(each, layer)(others[:4])[layer] for each in (net, made))
        torch.testing.assert_close(one, other)


def test_every_unit_dreams_of_the_wish(net: Net, made: Net, wish: torch.Tensor) -> None:
    honest, chosen = (dream(each, "conv5", [3, 31], steps=96).pictures for each in (net, made))
    away = [(some - wish).abs().mean() for some in (honest, chosen)]
    assert away[1] < 0.6 * away[0]


def test_a_wish_of_the_datas_kind_is_refused(net: Net) -> None:
    scenes = critters(40, seed=5)
    with pytest.raises(ValueError, match="cannot tell"):
        disguised(net, "conv5", torch.cat([scenes.images, scenes.images[:1] * 0 + 0.5]), scenes.images[0])


def test_paths_by_hand(net: Net) -> None:
    pictures = critters(9, seed=6).images
    natural, dreams = pictures[:6].view(2, 3, *pictures.shape[1:]), pictures[6:8, None]
    with torch.no_grad():
        means = FeatureExtractor(net, "conv3")(pictures)["conv3"].mean((2, 3)).double()

    def rho(i: int, j: int) -> float:
        return float(spearmanr(means[i], means[j]).statistic)

    got = path_similarity(net, "conv3", dreams, natural)
    others = sum(rho(i, j) for i in range(3) for j in range(3, 6)) / 9
    for unit, first in ((0, 0), (1, 3)):
        own = sum(rho(6 + unit, first + k) for k in range(3)) / 3
        among = sum(rho(first + a, first + b) for a, b in ((0, 1), (0, 2), (1, 2))) / 3
        assert [float(each[unit]) for each in got] == pytest.approx([own, among, others], abs=1e-3)


def test_the_table_is_there_and_says_what_it_lacks(tmp_path: Path) -> None:
    rows = graded_dreams("iou ", what="sae")
    assert {row.seed for row in rows} == {0, 1, 2}
    assert all(0 <= row.value <= 1 for row in rows)
    with pytest.raises(ValueError, match="no 'iou' of 'ica'"):
        graded_dreams("iou", what="ica")
