"""What is printed: into a pipe without a reader, to nobody, onto a full disk, in an encoding without ✓."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import camlib
from camlib.scenes.scenes import critters

ROOT = str(Path(camlib.__file__).parents[1])


def run(*arguments: str, folder: Path, **how: object) -> "subprocess.CompletedProcess[str]":
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, "-m", "camlib", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": ROOT, "TQDM_DISABLE": "1"} | how.pop("env", {}),  # type: ignore[operator]
        stderr=subprocess.PIPE,
        encoding="latin-1",
        check=False,
        **how,  # type: ignore[call-overload]
    )
    return done


@pytest.fixture
def broken() -> int:
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    scenes = critters(2, seed=5, size=160).pixels.permute(0, 2, 3, 1).numpy()
    for name, scene in zip("ab", scenes, strict=True):
        Image.fromarray(scene).save(tmp_path / "in" / f"{name}.jpg")
    return tmp_path


@pytest.mark.parametrize("arguments", [["data", "list"], ["weights", "list"], ["doctor"]])
def test_a_reader_that_has_gone_ends_it_quietly(arguments: list[str], broken: int, tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path, stdout=broken)
    assert (done.returncode, done.stderr) == (141, "")


def test_pages_are_written_without_a_reader(broken: int, photographs: Path) -> None:
    done = run("look", "in", "--net", "critternet_gap", "--top", "1", folder=photographs, stdout=broken)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in photographs.glob("*.png")} == {"a-look.png", "b-look.png"}


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="this system has no such shell")
def test_pages_are_written_where_the_shell_closed_the_output(photographs: Path) -> None:
    """As `camlib look … >&-` does, or a job that was started without a terminal."""
    command = f'"{sys.executable}" -m camlib look in/a.jpg --net critternet_gap >&- 2>&-'
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=photographs,
        env=os.environ | {"PYTHONPATH": ROOT},  # with its progress bar
        check=False,
    )
    assert done.returncode == 0
    assert (photographs / "a-look.png").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_takes_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = run("data", "list", folder=tmp_path, stdout=full)
    assert (done.returncode, done.stderr) == (1, "camlib: [Errno 28] No space left on device\n")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_an_encoding_without_ticks(encoding: str, photographs: Path) -> None:
    """What a redirected Windows console, or a bare Linux one, has."""
    done = run(
        *("look", "in/a.jpg", "--net", "critternet_gap", "--check"),
        folder=photographs,
        stdout=subprocess.PIPE,
        env={"PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    tests = lines[lines.index("  tests of the first heatmap:") + 1 :]
    assert len(tests) == 3
    assert {line.split()[0] for line in tests} <= {"ok", "no"}
    assert "?" not in done.stdout
