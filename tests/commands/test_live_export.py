"""`camlib live export`: two files for the page, and one sentence where that cannot be."""

import json

import torch
from safetensors.torch import load_file

from camlib import load, receptive_field
from camlib.__main__ import main
from camlib.commands.live import FORMAT, export
from camlib.networks.chain_steps import run
from camlib.networks.weights import shipped_folder

OWN = """
from torch import nn
from camlib import wrap
module = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                       nn.Flatten(), nn.Linear(5, 2))
my_net = wrap(module, classes=["cat", "dog"], mean=[0.5] * 3, std=[0.25] * 3, size=16)
"""


def test_the_two_files_are_the_network(tmp_path):
    net = load("lenet")
    weights, told = export(net, tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"lenet.json", "lenet.safetensors"}
    spec = json.loads(told.read_text("utf-8"))
    assert spec["format"] == FORMAT
    assert (spec["name"], spec["size"], spec["classes"]) == ("lenet", 28, [str(n) for n in range(10)])
    assert tuple(spec["fields"]["conv2"]["size"]) == receptive_field(net, "conv2").size
    images = torch.rand(2, 1, 28, 28)
    found = run(spec["steps"], load_file(weights), (images - torch.tensor(spec["mean"])) / spec["std"][0])
    assert torch.allclose(found, net(images), atol=1e-4)


def test_a_network_that_a_file_makes(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(OWN)
    out = tmp_path / "out"
    assert main(["live", "export", f"{tmp_path / 'mine.py'}:my_net", "-o", str(out)]) == 0
    assert json.loads((out / "my_net.json").read_text("utf-8"))["classes"] == ["cat", "dog"]
    assert str(out / "my_net.safetensors") in capsys.readouterr().out


def refused(capsys, *arguments):
    assert main(["live", "export", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_what_cannot_be_is_said_in_a_line(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("1 / 0")
    out = str(tmp_path / "out")
    mine = str(tmp_path / "mine.py")
    assert "no network 'your_net'; it has module, my_net" in refused(capsys, f"{mine}:your_net", "-o", out)
    assert "leave --weights out" in refused(capsys, f"{mine}:my_net", "--weights", mine, "-o", out)
    assert "stops with ZeroDivisionError" in refused(capsys, f"{tmp_path / 'broken.py'}:net", "-o", out)
    assert f"say {mine}:NAME" in refused(capsys, mine, "-o", out)
    assert "no file" in refused(capsys, f"{tmp_path / 'none.py'}:net", "-o", out)
    assert "no network is called 'critternett'" in refused(capsys, "critternett", "-o", out)
    assert "efficientnet_lite0 " in refused(capsys, "efficientnet_lite0", "-o", out)
    assert not (tmp_path / "out").exists()


def test_an_export_replaces_nothing_but_an_export(tmp_path, capsys):
    """Least of all the weights that the network came from, which have the same name."""
    mine = tmp_path / "lenet-mine.safetensors"
    mine.write_bytes((shipped_folder() / "lenet.safetensors").read_bytes())
    before, arguments = mine.read_bytes(), ["lenet", "--weights", str(mine), "-o"]
    assert "lenet-mine.safetensors is there, and no export wrote it" in refused(
        capsys, *arguments, str(tmp_path)
    )
    assert [mine.read_bytes()] == [before] == [path.read_bytes() for path in tmp_path.iterdir()]

    out = tmp_path / "out"
    for _ in range(2):  # an earlier export is replaced
        assert main(["live", "export", *arguments, str(out)]) == 0
    (out / "lenet-mine.json").write_text("[1]")
    assert "lenet-mine.json is there" in refused(capsys, *arguments, str(out))
    (out / "lenet-mine.json").write_text("no JSON")
    assert "lenet-mine.json is there" in refused(capsys, *arguments, str(out))
    (out / "lenet-mine.json").unlink()
    (out / "lenet-mine.safetensors").write_text("x")
    assert "lenet-mine.safetensors is there" in refused(capsys, *arguments, str(out))
