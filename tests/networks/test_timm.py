"""timm's classifiers by name: their weights, classes and preprocessing, and where files are looked for."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.data.config import resolve_data_config
from torch import Tensor

from camlib.heatmaps.classifier import find_classifier
from camlib.networks import from_timm, hub, weights
from camlib.networks.weights import WeightsError, fetch, find, verify
from camlib.networks.zoo import here, is_known, known, load, source

NAME = "timm/resnet26d"
PAGE = "https://huggingface.co/timm/resnet26d.bt_in1k"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder CAMLIB_WEIGHTS of this test alone, and empty caches."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(tmp_path / "own"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "own/timm").mkdir(parents=True)
    return tmp_path / "own"


def pictures(size: int = 224) -> Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))


def state(seed: int, name: str = "resnet26d") -> tuple[dict[str, Tensor], Tensor]:
    """A state dict, and the logits that timm's own network gives with it."""
    torch.manual_seed(seed)
    theirs = timm.create_model(name).eval()
    config = resolve_data_config({}, model=theirs)
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        logits: Tensor = theirs((pictures(config["input_size"][1]) - mean) / std)
    return theirs.state_dict(), logits


def test_untrained() -> None:
    net, again = load(NAME, weights="random"), load(NAME, weights="random")
    assert (net.name, net.sides, net.resize, len(net.classes)) == (NAME, (224, 224), 256, 1000)
    assert net.classes[0] == "tench"
    assert net.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert torch.equal(net(pictures()), again(pictures()))
    assert net.module.pretrained_cfg["architecture"] == "resnet26d"  # type: ignore[index]
    assert find_classifier(net, pictures()).pool == "mean"


def test_a_file_in_the_folder(own: Path) -> None:
    numbers, logits = state(3)
    assert here(NAME) == []
    save_file(numbers, own / "timm/resnet26d.safetensors")
    assert here(NAME) == [NAME]
    net = load(NAME)
    assert torch.equal(net(pictures()), logits)
    assert "state_dict" not in net.module.pretrained_cfg  # type: ignore[operator]
    assert not net.training
    (own / "timm/resnet26d.safetensors").unlink()
    torch.save({f"module.{key}": value.half() for key, value in numbers.items()}, own / "timm/resnet26d.pth")
    assert torch.allclose(load(NAME)(pictures()), logits, rtol=0.05, atol=0.05)
    assert {parameter.dtype for parameter in load(NAME).parameters()} == {torch.float32}
    with pytest.raises(
        WeightsError, match=r"resnet26d\.pth is for another network: Missing key.*_conv1|conv1"
    ):
        load("timm/resnet18", weights=own / "timm/resnet26d.pth")


def test_older_names_of_published_files_are_renamed_by_timm(tmp_path: Path) -> None:
    """ConvNeXt's files have Facebook's names."""
    numbers, logits = state(4, "test_convnext")
    pairs = [
        *((r"^stem\.", "downsample_layers.0."), (r"^stages\.(\d)\.downsample\.", r"downsample_layers.\1.")),
        *((r"\.blocks\.", "."), (r"conv_dw", "dwconv"), (r"mlp\.fc", "pwconv"), (r"^head\.norm\.", "norm.")),
        (r"^head\.fc\.", "head."),
    ]
    older = dict(numbers)
    for new, old in pairs:
        older = {re.sub(new, old, key): value for key, value in older.items()}
    assert len(set(older) & set(numbers)) < len(numbers) / 3
    torch.save(older, tmp_path / "facebook.pth")
    net = load("timm/test_convnext", weights=tmp_path / "facebook.pth")
    assert torch.allclose(net(pictures(160)), logits, rtol=1e-4, atol=1e-5)
    with pytest.raises(WeightsError, match=r"facebook\.pth is for another network") as caught:
        load(NAME, weights=tmp_path / "facebook.pth")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "size", "resize", "first", "classes"),
    [
        ("timm/resnet26d.bt_in1k", 224, 256, "tench", 1000),
        ("timm/mobilenetv3_small_050", 224, 256, "tench", 1000),
        ("timm/test_vit", 160, 168, "tench", 1000),  # floor(160 / .95)
        (
            "timm/lcnet_035",
            224,
            256,
            "class 0",
            1000,
        ),  # no weights for it, so that nothing says what its classes are
        ("timm/vit_tiny_patch16_224.augreg_in21k", 224, 248, "class 0", 21843),
    ],
)
def test_sizes_and_classes(name: str, size: int, resize: int, first: str, classes: int) -> None:
    net = load(name, weights="random")
    assert (net.size, net.resize, net.classes[0], len(net.classes)) == (size, resize, first, classes)


def test_all_of_timms_recipes_are_ones_that_a_net_takes() -> None:
    names = [name for name in known() if name.startswith("timm/")]
    assert len(names) > 1500
    for name in names:
        recipe = from_timm.recipe(name)
        assert recipe.classes is None or len(recipe.classes) == 1000
        assert len(recipe.mean) == len(recipe.std) == 3
        assert 0 <= min(recipe.mean) <= max(recipe.mean) <= 1
        assert 0 < min(recipe.std) <= max(recipe.std) <= 2
        assert recipe.resize >= (recipe.size if isinstance(recipe.size, int) else min(recipe.size))
        assert source(name) == known()[name]


def test_rectangles(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = timm.get_pretrained_cfg("resnet26d")
    assert entry
    entry.input_size = (3, 128, 96)
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: entry)
    net = load(NAME, weights="random")
    assert (net.sides, net.size, net.resize) == ((128, 96), 96, 109)  # floor(96 / .875)


def test_names() -> None:
    assert known()[NAME] == source("timm/resnet26d.bt_in1k") == PAGE
    assert "timm/resnet26d.bt_in1k" not in known()  # the same weights, once
    assert known()["timm/vit_tiny_patch16_224.augreg_in21k"] != known()["timm/vit_tiny_patch16_224"]
    assert is_known("timm/resnet26d.bt_in1k")
    assert not is_known("timm/resnet26d.nonsense")
    assert not is_known("resnet26d")
    with pytest.raises(
        ValueError, match=r"called 'timm/resnet26e' \(did you mean 'timm/resnet26'.*list_models"
    ):
        load("timm/resnet26e")
    with pytest.raises(
        ValueError, match=r"called 'resnet26d'; timm's is 'timm/resnet26d'; there are critternet"
    ):
        load("resnet26d")
    with pytest.raises(ValueError, match=r"vit_small_patch14_dinov2 is no classifier"):
        load("timm/vit_small_patch14_dinov2")


def in_the_hubs_cache(cache: Path, body: bytes, name: str = "model.safetensors") -> Path:
    """A file as huggingface_hub lays it: its real name is its SHA-256."""
    repository = cache / "models--timm--resnet26d.bt_in1k"
    blob = repository / "blobs" / hashlib.sha256(body).hexdigest()
    file = repository / "snapshots/0123abcd" / name
    for folder in (blob.parent, file.parent, repository / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(body)
    file.symlink_to(blob)
    (repository / "refs/main").write_text("0123abcd")
    return file


def test_the_hubs_cache_is_used_and_checked(tmp_path: Path, own: Path) -> None:
    numbers, logits = state(5)
    save_file(numbers, own / "made.safetensors")
    file = in_the_hubs_cache(tmp_path / "hub", (own / "made.safetensors").read_bytes())
    assert find(NAME, PAGE) == fetch(NAME, PAGE) == file
    assert verify(file, PAGE)
    assert torch.equal(load(NAME)(pictures()), logits)
    with file.open("r+b") as body:
        body.seek(-1, 2)
        body.write(b"\x01")
    with pytest.raises(WeightsError, match=r"model\.safetensors is damaged or was altered .*get it again"):
        load(NAME)
    save_file(numbers, own / "timm/resnet26d.safetensors")  # the folder comes first
    assert find(NAME, PAGE) == own / "timm/resnet26d.safetensors"


def refusing(error: Exception) -> Any:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


def test_no_network_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", refusing(ConnectionError("Nobody\nis there")))
    with pytest.raises(WeightsError) as caught:
        load(NAME)
    assert str(caught.value) == (
        f"no network, or {PAGE} cannot be reached (Nobody): copy its model.safetensors as "
        "timm/resnet26d.safetensors into a folder and set CAMLIB_WEIGHTS to it"
    )
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_: None)
    full = OSError(28, "No space left on device", "somewhere")
    monkeypatch.setattr("huggingface_hub.hf_hub_download", refusing(full))
    with pytest.raises(
        WeightsError, match=r"no space left in .*hub \(\d+ MB free\): make room, or set HF_HOME"
    ):
        load(NAME)
    assert not (tmp_path / "hub").exists()


def test_the_hub_is_asked_for_one_file_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub.errors import EntryNotFoundError

    asked: list[str] = []

    def metadata(url: str) -> None:
        asked.append(url.rpartition("/")[2])
        raise EntryNotFoundError("no such file")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", metadata)
    with pytest.raises(
        WeightsError, match=r"bt_in1k has none of the files model\.safetensors, pytorch_model\.bin"
    ):
        hub.download_from_hub(PAGE, NAME)
    assert asked == ["model.safetensors", "pytorch_model.bin"]
    found = tmp_path / "found"
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *names: found / "/".join(names))
    assert fetch(NAME, PAGE) == found / "timm/resnet26d.bt_in1k/model.safetensors"


def test_what_timm_has_no_weights_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        WeightsError, match=r"no weights of timm/coatnet_0_224 to be had: put timm/coatnet_0_224\.s"
    ):
        load("timm/coatnet_0_224")
    asked: list[str] = []

    def download(url: str, folder: Path) -> Path:
        asked.append(url.rpartition("/")[2])
        raise WeightsError("no network")

    monkeypatch.setattr(weights, "download", download)
    with pytest.raises(WeightsError, match="no network"):
        load("timm/gcvit_tiny")  # not on the hub
    assert asked == ["gcvit_tiny_224_nvidia-ac783954.pth"]
