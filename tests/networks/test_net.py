"""`Net`, `load`, `wrap`, `targets`, and the course's networks against numbers worked out by hand."""

import copy
import os
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models
from torchvision.transforms import v2

from camlib.geometry.field import receptive_field
from camlib.heatmaps.gradcam import gradcam
from camlib.heatmaps.occlusion import occlusion
from camlib.heatmaps.saliency import saliency
from camlib.networks.cost import costs
from camlib.networks.course import CAPSULES, COURSE, RUNS, build
from camlib.networks.net import Net
from camlib.networks.targets import class_indices
from camlib.networks.zoo import here, load, wrap
from camlib.running.record import record
from camlib.units.ablation import silenced_logits

TRUNK = {
    "conv1": (32, 32, 32),
    "pool1": (32, 16, 16),
    "conv2": (64, 16, 16),
    "conv3": (64, 16, 16),
    "conv4": (64, 16, 16),
    "conv5": (64, 16, 16),
}
HEAT: dict[str, tuple[int, ...]] = {"conv6": (16, 16, 16), "heat": (4, 16, 16), "gmp": (1, 1, 1)}
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "critternet": TRUNK | {"pool5": (64, 8, 8), "fc6": (256,), "fc7": (256,), "fc8": (9,)},
    "critternet_gap": TRUNK | {"gap": (64, 1, 1), "fc": (9,)},
    "critternet_gap2": TRUNK | {"conv6": (64, 16, 16), "conv7": (64, 16, 16), "gap": (64, 1, 1), "fc": (9,)},
    "critternet_gmp": TRUNK | {"gmp": (64, 1, 1), "fc": (9,)},
    "critternet_has": TRUNK | {"gap": (64, 1, 1), "fc": (9,)},
    "critternet_shuffled": TRUNK | {"gap": (64, 1, 1), "fc": (9,)},
    "critternet_stamp": TRUNK | {"gap": (64, 1, 1), "fc": (9,)},
    "critternet_eye": TRUNK | HEAT,
    "critternet_eye_exact": TRUNK | HEAT,
    "capsnet": {**{key: shape for key, shape in TRUNK.items() if key != "conv5"}, "maps": (24, 8, 8)},
    "capsnet_digits": {"conv1": (24, 20, 20), "maps": (32, 6, 6)},
    "lenet": {
        "conv1": (6, 28, 28),
        "pool1": (6, 14, 14),
        "conv2": (16, 14, 14),
        "pool2": (16, 7, 7),
        "fc1": (120,),
        "fc2": (84,),
        "fc3": (10,),
    },
}
# conv1 3·32·11² + 32, conv2 32·64·5² + 64, conv3 to conv5 64·64·3² + 64 each
TRUNK_PARAMETERS = 11_648 + 51_264 + 3 * 36_928
PARAMETERS = {
    "critternet": TRUNK_PARAMETERS + (4096 * 256 + 256) + (256 * 256 + 256) + (256 * 9 + 9),
    "critternet_gap": TRUNK_PARAMETERS + 64 * 9 + 9,
    "critternet_gap2": TRUNK_PARAMETERS + 2 * 36_928 + 64 * 9 + 9,
    "critternet_gmp": TRUNK_PARAMETERS + 64 * 9 + 9,
    "critternet_has": TRUNK_PARAMETERS + 64 * 9 + 9,
    "critternet_shuffled": TRUNK_PARAMETERS + 64 * 9 + 9,
    "critternet_stamp": TRUNK_PARAMETERS + 64 * 9 + 9,
    "critternet_eye": TRUNK_PARAMETERS + (64 * 16 + 16) + (16 * 4 * 9 + 4),
    "critternet_eye_exact": TRUNK_PARAMETERS + (64 * 16 + 16) + (16 * 4 * 9 + 4),
    "capsnet": TRUNK_PARAMETERS - 36_928 + (64 * 24 * 9 + 24) + 384 * 9 * 4 * 8 + 9 * 8,
    "capsnet_digits": (24 * 81 + 24) + (24 * 32 * 81 + 32) + 144 * 10 * 8 * 8 + 10 * 8,
    "lenet": (6 * 25 + 6) + (16 * 6 * 25 + 16) + (784 * 120 + 120) + (120 * 84 + 84) + (84 * 10 + 10),
}


class Means(nn.Module):
    """Logits: each channel's mean."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


@pytest.fixture
def means() -> Net:
    return wrap(
        Means(), classes=["red", "green", "blue"], mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0), size=4
    )


@pytest.mark.parametrize("name", COURSE)
def test_the_courses_networks(name: str) -> None:
    net = load(name, weights="random")
    assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[name]
    assert list(net.layers) == list(SHAPES[name])
    with torch.inference_mode(), record(net, *net.layers) as acts:
        logits = net(torch.rand(2, net.channels, net.size, net.size))
    assert {key: tuple(value.shape) for key, value in acts.items()} == {
        key: (2, *shape) for key, shape in SHAPES[name].items()
    }
    last = list(net.layers)[-1]
    assert name in CAPSULES or torch.equal(acts[last].flatten(1), logits)
    signed = {"heat", "maps"} & set(net.layers)  # all are after their ReLUs, but the last with weights
    after = signed.pop() if signed else last
    for key in net.layers:
        if key == after:
            assert acts[key].min() < 0
            break
        assert acts[key].min() >= 0
    assert not net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert net.name == name


def test_classes_sizes_and_normalisation_of_the_courses_networks() -> None:
    critternet, lenet = load("critternet", weights="random"), load("lenet", weights="random")
    assert (critternet.size, critternet.channels, len(critternet.classes)) == (128, 3, 9)
    assert critternet.classes[-1] == "sleeper"
    assert (lenet.size, lenet.channels, lenet.classes) == (28, 1, list("0123456789"))
    scenes, figures = torch.rand(2, 3, 128, 128), torch.rand(2, 1, 28, 28)
    assert torch.equal(critternet(scenes), critternet.module((scenes - 0.5) / 0.25))
    assert torch.equal(lenet(figures), lenet.module(figures))


def test_build_gives_fresh_weights_and_the_agreed_names() -> None:
    torch.manual_seed(3)
    first, second = build("critternet"), build("critternet")
    assert not torch.equal(first.get_parameter("conv1.weight"), second.get_parameter("conv1.weight"))
    assert [key for key in first.state_dict() if key.endswith("weight")] == [
        *(f"conv{i}.weight" for i in range(1, 6)),
        "fc6.weight",
        "fc7.weight",
        "fc8.weight",
    ]
    assert not any(inner.inplace for inner in first.modules() if isinstance(inner, nn.ReLU))
    with pytest.raises(ValueError, match=r"no network 'critternt' \(did you mean 'critternet'"):
        build("critternt")


def test_random_is_always_the_same_and_disturbs_no_one() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = load("lenet", weights="random"), load("lenet", weights="random")
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_net_normalises_inside(means: Net) -> None:
    images = torch.ones(2, 3, 4, 4) * torch.tensor([1.0, 0.0, 0.5]).view(3, 1, 1)
    assert means(images).tolist() == [[1.0, -1.0, 0.25]] * 2
    assert means.classes == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("images", "given"),
    [
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), r"uint8, shape \(1, 3, 4, 4\)"),
        (torch.zeros(3, 4, 4), r"float32, shape \(3, 4, 4\)"),
        (torch.zeros(1, 4, 4, 3), r"float32, shape \(1, 4, 4, 3\)"),
        (torch.zeros(1, 1, 4, 4), r"float32, shape \(1, 1, 4, 4\)"),
        (torch.zeros(1, 3, 4, 4).numpy(), "a ndarray"),
    ],
)
def test_net_says_what_it_was_given_and_what_it_wants(means: Net, images: Tensor, given: str) -> None:
    wanted = r"Means wants images as floats in \[0, 1\], shape \(N, 3, 4, 4\); given "
    with pytest.raises(ValueError, match=wanted + given):
        means(images)


def test_another_size_only_where_the_network_takes_it() -> None:
    images = torch.rand(1, 3, 96, 96)
    assert load("critternet_gap", weights="random")(images).shape == (1, 9)
    with pytest.raises(
        ValueError, match=r"\(N, 3, 128, 128\); given float32, shape \(1, 3, 96, 96\): .*mat1"
    ):
        load("critternet", weights="random")(images)


def test_copies_pickles_devices_and_halves() -> None:
    net, images = load("lenet", weights="random"), torch.rand(2, 1, 28, 28)
    expected = net(images)
    assert all(key.startswith("module.") for key in net.state_dict())
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.layers["conv1"] is twin.module.relu1
        assert twin.layers["conv1"] is not net.layers["conv1"]
        assert torch.equal(twin(images), expected)
    half = copy.deepcopy(net).half()
    for pictures in (images, images.half()):
        assert half(pictures).dtype == torch.float16
        assert torch.allclose(half(pictures).float(), expected, atol=2e-3)
    assert copy.deepcopy(net).to("meta").mean.device.type == "meta"
    assert wrap(net.module.double(), mean=[0.0], std=[1.0], size=28).mean.dtype == torch.float64


def test_wrap_takes_a_learners_network() -> None:
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    module.train()
    before = copy.deepcopy(module.state_dict())
    net = wrap(module, mean=[0.5], std=[0.5], size=8)
    assert net.module is module
    assert not module.training
    assert net.classes == ["class 0", "class 1"]
    assert list(net.layers) == ["conv1", "fc2"]
    assert net.layer("conv1") is module[2]
    assert net.layer("0") is module[0]
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert not any(inner._forward_hooks for inner in module.modules())
    assert "Sequential: 1 × 8 × 8 → 2 classes" in repr(net)
    with pytest.raises(ValueError, match=r"Sequential has no layer 'conv2' \(did you mean 'conv1'"):
        net.layer("conv2")


class Detector(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"boxes": x}


def test_wrap_refuses_what_is_no_classifier(means: Net) -> None:
    with pytest.raises(ValueError, match="for one picture this network gives dict"):
        wrap(Detector())
    with pytest.raises(ValueError, match=r"gives \(1, 4, 222, 222\)"):
        wrap(nn.Conv2d(3, 4, 3))
    with pytest.raises(ValueError, match="2 class names for a network with 3 outputs"):
        wrap(Means(), classes=["one", "two"])
    with pytest.raises(ValueError, match="one number a channel"):
        wrap(Means(), mean=[0.5] * 3, std=[0.5])
    with pytest.raises(ValueError, match="std > 0"):
        wrap(Means(), mean=[0.5], std=[0.0])
    with pytest.raises(ValueError, match=r"does not take images of shape \(1, 3, 224, 224\): .*channels"):
        wrap(nn.Conv2d(1, 4, 3))
    with pytest.raises(ValueError, match="is a Net already"):
        wrap(means)


def test_targets(means: Net) -> None:
    def told(wanted: Any, n: int) -> Any:
        found = class_indices(means, wanted, n)
        assert found is not None
        assert found.dtype == torch.int64
        return found.tolist()

    assert told("green", 3) == [1, 1, 1]
    assert told(2, 2) == [2, 2]
    assert told(["blue", 0], 2) == [2, 0]
    assert told(torch.tensor([2, 1]), 2) == [2, 1]
    assert told(torch.tensor(1), 2) == [1, 1]
    assert told(range(3), 3) == [0, 1, 2]
    assert told([["blue", 0]], 1) == [[2, 0]]
    assert told([torch.tensor([0, 1]), range(1, 3)], 2) == [[0, 1], [1, 2]]
    assert told(torch.tensor([[0], [2]]), 2) == [[0], [2]]
    assert class_indices(means, None, 4) is None
    uneven: Any
    for uneven in ([[0], [1, 2]], [[0], 1], [[], []]):
        with pytest.raises(ValueError, match="give each image a row of the same length"):
            class_indices(means, uneven, 2)
    with pytest.raises(
        ValueError, match=r"no class 'gren' \(did you mean 'green'\?\); it has red, green, blue"
    ):
        class_indices(means, "gren", 1)
    with pytest.raises(ValueError, match="class 3: Means has 3 classes, 0 to 2"):
        class_indices(means, [0, 3], 2)
    with pytest.raises(ValueError, match="class -1"):
        class_indices(means, -1, 1)
    with pytest.raises(ValueError, match="2 targets for 3 images"):
        class_indices(means, [0, 1], 3)
    with pytest.raises(ValueError, match=r"an index or a name; given 1\.0"):
        class_indices(means, torch.tensor([1.0]), 1)
    with pytest.raises(ValueError, match="given True"):
        class_indices(means, True, 1)
    means.classes = ["crane", "crane", "blue"]
    with pytest.raises(ValueError, match="several classes 'crane': 0, 1"):
        class_indices(means, "crane", 1)


def test_load_refuses_unknown_names_and_paths() -> None:
    with pytest.raises(
        ValueError, match=r"'resnet19' \(did you mean 'resnet18'.*critternet, .*alexnet, .*vgg16"
    ):
        load("resnet19")
    with pytest.raises(ValueError, match="no network is called 'fcn_resnet50'"):  # segmentation
        load("fcn_resnet50")
    with pytest.raises(ValueError, match=r"weights='nowhere\.pth' is no file"):
        load("lenet", weights="nowhere.pth")


def test_the_untrained_network_is_of_its_seed_and_leaves_the_random_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = torch.get_rng_state()
    monkeypatch.setitem(RUNS, "critternet_gap", 2)
    first, again, other = (load("critternet_gap", weights="untrained", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    weights = first.module.get_submodule("conv1").weight
    assert torch.equal(weights, again.module.get_submodule("conv1").weight)  # type: ignore[arg-type]
    assert not torch.equal(weights, other.module.get_submodule("conv1").weight)  # type: ignore[arg-type]
    assert isinstance(weights, Tensor)
    assert weights.std().item() == pytest.approx(0.003, rel=0.05)
    biases = {name: one.abs().max() for name, one in first.module.named_parameters() if "bias" in name}
    assert [name for name, most in biases.items() if most] == ["fc.bias"]
    assert first(torch.rand(2, 3, 128, 128)).isfinite().all()
    one, two = (load("lenet", weights="random", seed=seed).module.state_dict() for seed in (0, 1))
    assert not torch.equal(one["conv1.weight"], two["conv1.weight"])


def test_load_refuses_seeds_of_which_there_are_no_weights(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file(build("lenet").state_dict(), file)
    for name, options, line in (
        (
            "lenet",
            {"seed": 3},
            "there is no training of lenet with seed 3; there are seeds 0 to 2",
        ),
        (
            "critternet_eye",
            {"seed": 1},
            "there is no training of critternet_eye with seed 1; there are seeds 0",
        ),
        ("critternet_eye", {"seed": 1, "weights": "untrained"}, "no training of critternet_eye with seed 1"),
        ("alexnet", {"seed": 1}, "seed=1: of alexnet there is one set of weights; leave the seed out"),
        ("lenet", {"seed": 1, "weights": file}, "seed=1: of a file there is one set of weights"),
        ("lenet", {"seed": -1}, "seed is -1; it is a whole number"),
        ("alexnet", {"weights": "untrained"}, 'how alexnet\'s training began nobody kept; weights="random"'),
    ):
        given: Any = options
        with pytest.raises(ValueError, match=line):
            load(name, **given)


def test_torchvisions_classes_and_preprocessing() -> None:
    net = load("squeezenet1_1", weights="random")
    assert (net.size, net.resize, len(net.classes), net.classes[0]) == (224, 256, 1000, "tench")
    assert net.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert net.std.flatten().tolist() == pytest.approx([0.229, 0.224, 0.225])


@pytest.mark.parametrize("name", ["googlenet", "densenet121", "mnasnet0_5", "regnet_y_400mf"])
@pytest.mark.zoo
def test_a_file_gives_the_network_that_torchvision_makes_of_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These families have auxiliary classifiers, old names, a version, or normalise once more inside."""
    torch.manual_seed(0)
    source = models.get_model(name, weights=None, **({"init_weights": True} if name == "googlenet" else {}))
    for inner in source.modules():
        if isinstance(inner, nn.BatchNorm2d):
            inner.momentum = None  # one batch sets the statistics, so that the signal does not fade away
    with torch.no_grad():
        source.train()(torch.randn(4, 3, 224, 224))
    state = source.state_dict()
    if name == "densenet121":  # as in the published file
        old = {re.sub(r"(denselayer\d+\.\w+)(\d)", r"\1.\2", key): value for key, value in state.items()}
        state = {key: value for key, value in old.items() if not key.endswith("num_batches_tracked")}
    entry = models.get_model_weights(name).DEFAULT
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / entry.url.rpartition("/")[2]
    cached.parent.mkdir(parents=True)
    torch.save(state, cached)
    (tmp_path / "mine.pth").hardlink_to(cached)  # under torchvision's name its hash would be wrong
    theirs = models.get_model(name, weights=entry).eval()
    ours = load(name, weights=tmp_path / "mine.pth")
    image = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        assert not torch.allclose(ours(image), ours(image * 0.9), rtol=1e-2, atol=1e-3)
        expected = theirs(v2.functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
        assert torch.allclose(ours(image), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_mobilenet_recognises_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = os.environ.get("CAMLIB_SHARED")
    if not shared:
        pytest.skip("CAMLIB_SHARED does not name the folder with imagenet/photos")
    folder = Path(shared) / "imagenet"
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(folder))
    net = load("mobilenet_v2")
    assert (net.size, net.resize) == (224, 232)
    assert {parameter.dtype for parameter in net.parameters()} == {torch.float32}
    to_tensor = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    middle = v2.Compose([v2.Resize(net.resize), v2.CenterCrop(net.size), to_tensor])
    index = {name.lower().replace(" ", "_"): i for i, name in enumerate(net.classes)}
    photos = sorted((folder / "photos").glob("*.JPEG"))
    assert len(photos) == 113
    right = 0
    with torch.inference_mode():
        for photo in photos:
            name = photo.stem.partition("_")[2].lower()
            right += int(net(middle(Image.open(photo).convert("RGB"))[None]).argmax()) == index[name]
    assert right >= 75


def test_here_names_the_networks_whose_weights_are_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(tmp_path))
    assert here("alexnet", "resnet18") == []
    (tmp_path / "resnet18.safetensors").write_bytes(b"")
    assert here("alexnet", "resnet18") == ["resnet18"]
    with pytest.raises(ValueError, match="no network is called 'resnet19'"):
        here("resnet19")


def test_a_network_for_rectangles() -> None:
    """40 × 24 pixels, flattened: it takes nothing else."""
    layers = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 20 * 12, 2)
    net = wrap(nn.Sequential(*layers), size=(40, 24))
    assert (net.sides, net.size) == ((40, 24), 24)
    assert repr(net).startswith("Sequential: 3 × 40 × 24 → 2 classes")
    images = torch.rand(2, 3, 40, 24)
    field = receptive_field(net, "conv1")
    assert (field.shape, field.picture) == ((20, 12), (40, 24))
    assert gradcam(net, images).shape == saliency(net, images).shape == (2, 40, 24)
    assert occlusion(net, images, window=8, stride=4).shape == (2, 40, 24)
    assert silenced_logits(net, "conv1", images)[1].shape == (2, 4, 2)
    assert costs(net)[0].shape == (4, 20, 12)
    with pytest.raises(ValueError, match=r"wants images .* shape \(N, 3, 40, 24\)"):
        net(torch.rand(1, 3, 24, 24))
    for size in ((40,), (40, 24, 3), (0, 24), (40, 2.5), "40"):
        with pytest.raises(ValueError, match="size is"):
            wrap(nn.Sequential(*layers), size=size)  # type: ignore[arg-type]
