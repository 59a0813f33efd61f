"""What a stranger types: the environment script with its one-line failures, `make`, `.ci/run`, JupyterLab."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from PIL import Image

import camlib
from tools import environment

ROOT = environment.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
posix = pytest.mark.skipif(os.name == "nt", reason="uses a shell script in place of Python")

# Stands in for .venv/bin/python: it has pip, $TORCH and $TORCHVISION; `pip install` keeps the constraints it
# was given in pins.txt, says $PIP_SAYS, and ends with $PIP_ENDS.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
  *"import sys, pip"*) echo 3 12 ;;
  *"m.version('torch')"*) [ -n "$TORCH" ] && echo "$TORCH" ;;
  *"m.version('torchvision')"*) [ -n "$TORCHVISION" ] && echo "$TORCHVISION" ;;
  *"-m pip install"*)
    echo "$*" > pip.txt
    while [ "$1" != -c ]; do shift; done
    cat "$2" >> pins.txt
    echo "$PIP_SAYS" >&2
    exit "${PIP_ENDS:-0}" ;;
  *) exit 9 ;;
esac
"""


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two inputs and a `.venv` whose Python is a fake; there is disk for everything."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    disk(monkeypatch, 500)
    for name in ("TORCH", "TORCHVISION", "PIP_SAYS", "PIP_ENDS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def disk(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=gigabytes * 1e9))


def failure(*arguments: str) -> str:
    """The line with which the environment script gives up; Python prints it and exits with 1."""
    with pytest.raises(SystemExit) as stopped:
        environment.main(list(arguments))
    assert isinstance(stopped.value.code, str)
    return stopped.value.code


def installs(course: Path) -> int:
    """How often pip was called: each call appends one whole constraints file."""
    pins = course / "pins.txt"
    return pins.read_text().count("\nnumpy==2.4") if pins.exists() else 0


@posix
def test_an_environment_is_built_once_and_again_when_its_inputs_change(course: Path) -> None:
    environment.main([])
    assert installs(course) == 1
    assert (course / ".venv/.ready").read_text() == environment.fingerprint()
    assert "fetchNews" in (course / ".venv/share/jupyter/lab/settings/overrides.json").read_text()
    with (course / "pyproject.toml").open("a") as file:
        file.write("# the tools' settings are no dependency\n")
    environment.main(["env"])
    assert installs(course) == 1
    with (course / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    environment.main([])
    assert installs(course) == 2


@posix
@pytest.mark.parametrize(
    ("says", "line"),
    [
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", r"^No network: .*\.$"),
        ("ERROR: [Errno 28] No space left on device", r"^The disk is full\. .*\.$"),
        (
            "ERROR: Cannot install x and y",
            r"^ERROR: Cannot install x and y\npip could not install .*above\.$",
        ),
    ],
)
def test_a_failing_pip_is_told_in_one_line_and_nothing_looks_finished(
    course: Path, monkeypatch: pytest.MonkeyPatch, says: str, line: str
) -> None:
    environment.main([])
    (course / "constraints.txt").write_text("numpy==2.4.0\n")  # an update of a finished environment
    monkeypatch.setenv("PIP_SAYS", says)
    monkeypatch.setenv("PIP_ENDS", "1")
    assert re.match(line, failure())
    assert [
        path.name for path in (course / ".venv").iterdir() if path.name.startswith((".ready", "tmp-"))
    ] == []


@posix
def test_an_interrupted_installation_does_not_look_finished(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / ".venv" / "tmp-left").mkdir()  # of one that was killed outright

    def interrupted(*command: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "run", interrupted)
    assert failure() == "\nInterrupted. The same command goes on from here."
    assert sorted(path.name for path in (course / ".venv").iterdir()) == ["bin"]


@posix
def test_a_torch_from_pytorchs_own_site_is_kept(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH", "2.13.0+cpu")
    monkeypatch.setenv("TORCHVISION", "0.28.0")
    assert failure().startswith("torch==2.13.0+cpu came alone: install torch and torchvision together")
    monkeypatch.setenv("TORCHVISION", "0.28.0+cpu")
    disk(monkeypatch, 4)
    environment.main([])
    pins = (course / "pins.txt").read_text().splitlines()
    assert [pin for pin in pins if pin.startswith(("torch=", "torchvision="))] == [
        "torch==2.13.0+cpu",
        "torchvision==0.28.0+cpu",
    ]
    assert "--no-cache-dir" in (course / "pip.txt").read_text()  # 4 GB do not hold everything twice
    (course / ".venv/.ready").unlink()
    monkeypatch.setenv("TORCHVISION", "0.28.0")
    monkeypatch.setenv("TORCH", "2.13.0")  # of an older constraints.txt: that one follows the file
    disk(monkeypatch, 50)
    environment.main([])
    assert "--no-cache-dir" not in (course / "pip.txt").read_text()
    assert "torch==2.13.0" not in (course / "pins.txt").read_text().splitlines()


@posix
def test_too_little_disk_is_told_before_anything_starts(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    disk(monkeypatch, 4.2)
    assert re.fullmatch(
        r"Too little disk: 10 GB are needed in .*, 4\.2 GB are free\. With a CPU.*", failure()
    )
    monkeypatch.setattr(sys, "platform", "darwin")
    disk(monkeypatch, 1)
    assert re.fullmatch(r"Too little disk: 3 GB are needed in .*, 1\.0 GB are free\.", failure())
    assert installs(course) == 0


def answers(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], complete: bool = True) -> None:
    """Let only these commands start a Python, of these versions."""

    def ask(command: list[str], code: str) -> str | None:
        found = versions.get(" ".join(command))
        return found if "version_info" in code else "yes" if found and complete else None

    monkeypatch.setattr(environment, "ask", ask)
    monkeypatch.setattr(os, "name", "posix")
    monkeypatch.setattr(sys, "executable", "python3")


def test_a_python_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, {"python3": "3 13", "python3.14": "3 14"})
    assert environment.find_python() == (["python3"], (3, 13))
    answers(monkeypatch, {"python3": "3 9", "python3.12": "3 12", "python3.11": "3 11"})
    assert environment.find_python() == (["python3.12"], (3, 12))
    answers(monkeypatch, {"python3": "3 15", "python3.11": "3 11"})  # no packages for it yet
    assert environment.find_python() == (["python3.11"], (3, 11))


def test_no_good_python_is_told_in_one_line(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, {"python3": "3 9"})
    said = failure()
    assert said.startswith("The course needs Python 3.11 to 3.14; here is 3.9. Install")
    assert "\n" not in said
    answers(monkeypatch, {"python3": "3 11"}, complete=False)
    assert failure() == "This Python 3.11 lacks ensurepip: install python3.11-venv."


def test_an_unknown_word_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        environment.main(["--nonsense"])
    assert "unknown: --nonsense" in capsys.readouterr().err


# -------------------------------------------------------------------------------------------------- make


def make(*arguments: str) -> str:
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, env=own)
    return done.stdout + done.stderr


@posix
def test_make_alone_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert phony
    listed = re.findall(r"^make ([a-z-]+) +\S.*$", make(), re.M)
    assert sorted(listed) == sorted(phony[1].split())


@posix
def test_make_builds_the_environment_before_it_uses_it() -> None:
    first, second = make("-n", "lab", "PYTHON=python9", "LAB=--ip=0.0.0.0").splitlines()
    assert first == "python9 tools/environment.py"
    assert second == ".venv/bin/python tools/environment.py lab --ip=0.0.0.0"
    assert make("-n", "new-lesson", "NAME=02_x").endswith(".venv/bin/python -m tools.new_lesson 02_x\n")
    assert make("env", "PYTHON=").startswith("No Python here: install 3.11 to 3.14")


@posix
def test_make_calls_only_modules_that_are_there() -> None:
    modules = re.findall(r"\$\(PY\) -m ((?:tools|camlib|bench)[.\w]*)", (ROOT / "Makefile").read_text())
    assert len(modules) >= 6
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@posix
def test_ci_names_the_shared_folder_absolutely(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "clone/.ci").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / "clone/.ci/run")
    for name in ("make", "chromium"):
        (tmp_path / "bin" / name).write_text('#!/bin/sh\necho "$0 $1 in $PWD with $CAMLIB_SHARED"\n')
        (tmp_path / "bin" / name).chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    said = subprocess.check_output(
        [tmp_path / "clone/.ci/run"], cwd="/", env={**os.environ, "PATH": path}, text=True
    )
    assert said.splitlines()[-1] == f"{tmp_path}/bin/make test in {tmp_path}/clone with {tmp_path}/shared"


# ----------------------------------------------------------------------------------------- the first page


@pytest.fixture
def taken_port() -> Iterator[int]:
    """JupyterLab's usual port, in use."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("localhost", 8888))
            server.listen()
        except OSError:
            pass  # somebody else takes it, which serves as well
        yield 8888


@posix
@pytest.mark.slow
def test_jupyterlab_opens_with_no_browser_and_the_usual_port_taken(taken_port: int, tmp_path: Path) -> None:
    code = (
        "import sys; from tools import environment as e;"
        "e.venv_python = lambda: sys.executable; e.lab(['--no-browser'])"
    )
    homes = dict.fromkeys(("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"), str(tmp_path))
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **homes},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(log := tmp_path / "log").open("w"),
        start_new_session=True,
    )
    try:
        address = re.compile(r"http://localhost:(\d+)/lab/tree/notebooks/00_start_here.ipynb\?token=\w+")
        deadline = time.monotonic() + 60
        while not (found := address.search(log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        assert int(found[1]) != taken_port
        with urllib.request.urlopen(found[0], timeout=20) as answer:
            assert answer.status == 200
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.slow
def test_the_readmes_example_runs_on_somebodys_network(tmp_path: Path) -> None:
    code = re.search(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    assert code
    (tmp_path / "my_photos").mkdir()
    Image.new("RGB", (90, 60), "teal").save(tmp_path / "my_photos/wide.jpg")
    Image.new("L", (60, 90)).save(tmp_path / "my_photos/grey.png")
    own = "import torchvision; my_network = torchvision.models.resnet18(num_classes=3)\n"
    said = subprocess.check_output([sys.executable, "-c", own + code[1]], cwd=tmp_path, text=True)
    assert said.splitlines()[0] == "torch.Size([64, 3, 7, 7])"
    assert said.splitlines()[1].endswith("torch.Size([2, 512, 7, 7])")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_pages_point_to_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [name for name in targets if not name.startswith("https://") and not (ROOT / name).exists()] == []
    assert set(re.findall(r"git clone (\S+)", text)) <= {PROJECT["urls"]["Repository"]}
    assert set(re.findall(r"make ([a-z-]+) ?[`A-Z]", text)) <= set(
        re.findall(r"^make ([a-z-]+)", make(), re.M)
    )


# -------------------------------------------------------------------------------------------- the versions

LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINS = [Requirement(line) for line in LINES]
LIST = [
    *PROJECT["dependencies"],
    *PROJECT["optional-dependencies"]["lab"],
    *PROJECT["optional-dependencies"]["dev"],
]


def pinned(where: dict[str, str] | None = None) -> dict[str, list[Version]]:
    """Name -> the versions that apply here, or in the environment that is named."""
    versions: dict[str, list[Version]] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(where):
            version = str(pin.specifier).removeprefix("==")
            versions.setdefault(canonicalize_name(pin.name), []).append(Version(version))
    return versions


def test_constraints_are_exact_versions_without_addresses() -> None:
    for line in LINES:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; [^:#@]+)?", line), line


@pytest.mark.parametrize("minor", range(environment.OLDEST[1], environment.NEWEST[1] + 1))
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_constraints_pin_each_dependency_once_everywhere(system: str, minor: int) -> None:
    where = {
        "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix",
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.9",
    }
    versions = pinned(where)
    assert [name for name, several in versions.items() if len(several) > 1] == []
    for text in LIST:
        need = Requirement(text)
        found = versions.get(canonicalize_name(need.name), [])
        assert need.name == "camlib" or any(map(need.specifier.contains, found)), f"{text}: pinned {found}"
    assert any(name.startswith("nvidia-") for name in versions) == (system == "linux")


def test_constraints_cover_what_is_installed() -> None:
    """Every distribution that camlib[dev] brings, followed through the installed metadata."""
    versions, seen = pinned(), set()
    todo = [Requirement("camlib[dev]")]
    while todo:
        need = todo.pop()
        name = canonicalize_name(need.name)
        if (key := (name, *sorted(need.extras))) in seen:
            continue
        seen.add(key)
        installed = Version(metadata.version(name))
        if name != "camlib":
            assert name in versions, (
                f"{name} is not in constraints.txt: make it again, as its first lines say"
            )
        if name.startswith("torch") and installed != versions[name][0]:
            continue  # the learner's own torch, which has its own needs
        assert name == "camlib" or versions[name] == [installed], name
        for text in metadata.requires(name) or []:
            of = Requirement(text)
            if any(not of.marker or of.marker.evaluate({"extra": extra}) for extra in ("", *need.extras)):
                todo.append(of)
    assert len(seen) > 100


def test_one_version_and_one_list() -> None:
    assert PROJECT["version"] == camlib.__version__
    assert f"\nversion: {camlib.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    items = re.findall(r"^ *- (.*[^:\n])$", (ROOT / "environment.yml").read_text(), re.M)
    floors = [need for need in PROJECT["dependencies"] if need.startswith("torch")]
    assert items == ["python=3.12", "pip", floors[0].replace("torch", "pytorch-cpu", 1), floors[1]]
    assert "tools/environment.py here" in (ROOT / "postBuild").read_text()


def test_the_readme_quotes_the_benchmarks() -> None:
    """Each speed in README.md stands in the table that `make bench` wrote."""
    readme = (environment.ROOT / "README.md").read_text("utf-8").split("**Fast on a CPU.**")[1]
    rows = re.findall(r"^\| (.+) \| (.+) \| ([\d.]+) \|$", readme, flags=re.M)
    measured = (environment.ROOT / "bench" / "results.md").read_text("utf-8")
    assert len(rows) == 5
    for what, peer, times in rows:
        assert f"| {peer} | {times} (" in measured, what
