"""Build the course's environment, `.venv`, and open JupyterLab in it; `make env` and `make lab` call this.

    python3 tools/environment.py        build .venv; again only when pyproject.toml or constraints.txt change
    python3 tools/environment.py lab    the same, then open lesson 00 in JupyterLab

It starts on every Python since 3.6 with nothing installed, so that it can say what is missing.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 14)  # what constraints.txt has packages for

# What pip says when it cannot reach the packages, or has no room for them.
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "NameResolutionError",
    "ProxyError",
)
NO_SPACE = ("No space left on device", "not enough space on the disk")

# JupyterLab asks nothing and fetches nothing when it opens for the first time.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}


def main(arguments: Optional[List[str]] = None) -> None:
    """Do what the command line asks; every failure is one line on stderr and exit code 1."""
    parser = argparse.ArgumentParser(description="Build .venv; with 'lab', open JupyterLab in it.")
    parser.add_argument("what", nargs="?", choices=["env", "lab"], default="env")
    given, options = parser.parse_known_args(arguments)
    if options and given.what == "env":
        parser.error("unknown: " + " ".join(options))
    try:
        build()
    except KeyboardInterrupt:
        raise SystemExit("\nInterrupted. The same command goes on from here.") from None
    if given.what == "lab":
        lab(options)


# ---------------------------------------------------------------------------------------- the environment


def build() -> None:
    """Bring `.venv` up to date. The stamp is written last, so a half-built one is never taken for a whole."""
    stamp, inputs = VENV / ".ready", fingerprint()
    if stamp.is_file() and stamp.read_text() == inputs:
        return
    own = own_torch()
    whole = (
        installed("torch") is None and sys.platform == "linux"
    )  # there, torch brings 4 GB of CUDA libraries
    roomy = check_disk(10 if whole else 3)
    if not works():
        python, version = find_python()
        print("Building .venv with Python {}.{}.".format(*version), flush=True)
        run([*python, "-m", "venv", "--clear", str(VENV)], "Could not make .venv")
    options = [] if roomy else ["--no-cache-dir"]
    if stamp.exists():
        stamp.unlink()
        print("Bringing .venv up to date: the course needs other packages than before.", flush=True)
        options.append("--quiet")
    else:
        size = "3 GB" if whole else "up to 500 MB"
        print(f"Installing the packages: {size} to download, a few minutes.", flush=True)
    install(own, options)
    settings = VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS, indent=2))
    stamp.write_text(inputs)
    print("Ready: .venv", flush=True)


def fingerprint() -> str:
    """What `.venv` depends on: the dependencies, their versions, and the folder, for it cannot be moved."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("\n[tool.")[0]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return hashlib.sha256("\0".join([project, pins, str(ROOT)]).encode("utf-8")).hexdigest()


def venv_python() -> str:
    """The interpreter inside `.venv`."""
    return str(VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def works() -> bool:
    """Whether `.venv` has a Python of a good version, and pip: an interrupted start may lack it."""
    found = ask([venv_python()], "import sys, pip; print(*sys.version_info[:2])")
    return found is not None and OLDEST <= version_of(found) <= NEWEST


def installed(name: str) -> Optional[str]:
    """The version of a package in `.venv`, such as "2.15.0" or "2.15.0+cpu"; None where there is none."""
    return ask([venv_python()], f"import importlib.metadata as m; print(m.version('{name}'))")


def own_torch() -> List[str]:
    """The pins of a torch that the learner took from PyTorch's own site; none where it is the usual one.

    Only packages from there have a "+" in their version, and both must come from there to fit together.
    """
    versions = {name: installed(name) or "" for name in ("torch", "torchvision")}
    own = [f"{name}=={version}" for name, version in versions.items() if "+" in version]
    if len(own) == 1:
        raise SystemExit(f"{own[0]} came alone: install torch and torchvision together, as README.md says.")
    return own


def check_disk(gigabytes: int) -> bool:
    """Stop before the download where the packages would not fit; say whether pip may keep a copy of them."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < gigabytes:
        raise SystemExit(
            f"Too little disk: {gigabytes} GB are needed in {ROOT}, {free:.1f} GB are free."
            + (" With a CPU-only torch 3 GB are enough: see README.md." if gigabytes > 3 else "")
        )
    return free > 1.5 * gigabytes


def find_python() -> Tuple[List[str], Tuple[int, int]]:
    """The command and version of the first good Python: this one, then the usual names."""
    seen = set()
    for command in candidates():
        found = ask(command, "import sys; print(*sys.version_info[:2])")
        if found is None:
            continue
        version = version_of(found)
        seen.add(version)
        if OLDEST <= version <= NEWEST:
            if ask(command, "import ensurepip, venv; print('yes')") is None:
                raise SystemExit(
                    "This Python {0}.{1} lacks ensurepip: install python{0}.{1}-venv.".format(*version)
                )
            return command, version
    there = ", ".join("{}.{}".format(*version) for version in sorted(seen))
    raise SystemExit(
        "The course needs Python {}.{} to {}.{}; here is {}.".format(*OLDEST, *NEWEST, there)
        + " Install one from python.org, or name it: make PYTHON=/path/to/python lab"
    )


def candidates() -> Iterator[List[str]]:
    """Commands that may start a Python, newest first after the one that runs this file."""
    yield [sys.executable]
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        yield ["py", f"-3.{minor}"] if os.name == "nt" else [f"python3.{minor}"]


def ask(command: List[str], code: str) -> Optional[str]:
    """What Python prints when it runs the code; None where it cannot."""
    try:
        printed = subprocess.check_output([*command, "-c", code], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return printed.decode().strip()


def version_of(printed: str) -> Tuple[int, int]:
    """(3, 11) of "3 11"."""
    major, minor = printed.split()
    return int(major), int(minor)


def install(own: List[str], options: List[str]) -> None:
    """Install camlib and all it needs, at the versions of constraints.txt, but keep the learner's own torch.

    One environment serves lessons and tests: what the tests add is 2 % of it.
    """
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if own:
        constraints = [line for line in constraints if not line.startswith(("torch==", "torchvision=="))]
    for leftover in VENV.glob("tmp-*"):
        shutil.rmtree(str(leftover))
    # pip unpacks beside .venv: /tmp may be small, or memory.
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=str(VENV)) as folder:
        pins = Path(folder, "constraints.txt")
        pins.write_text("\n".join(constraints + own), encoding="utf-8")
        pip = [venv_python(), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        run(
            [*pip, *options, "-c", str(pins), "-e", ".[dev]"],
            "pip could not install the packages",
            temporary=folder,
        )


def run(command: List[str], failure: str, temporary: Optional[str] = None) -> None:
    """Run a command and show its progress; turn its errors into one line where the reason is plain."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), temporary) if temporary else {}
    done = subprocess.run(
        command,
        cwd=str(ROOT),
        env={**os.environ, **places},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode == 0:
        return
    if any(words in done.stderr for words in NO_SPACE):
        raise SystemExit("The disk is full. Make room and run the same again.")
    if any(words in done.stderr for words in NO_NETWORK):
        raise SystemExit("No network: the first run downloads the packages. Connect and run the same again.")
    raise SystemExit(done.stderr.strip() + f"\n{failure}: its reason stands above.")


# --------------------------------------------------------------------------------------------- JupyterLab


def lab(options: List[str]) -> None:
    """Open JupyterLab on lesson 00; it takes the next free port and prints the address with its token."""
    page = "/lab/tree/notebooks/00_start_here.ipynb"
    command = [venv_python(), "-m", "jupyterlab", "--ServerApp.root_dir=.", "--LabApp.default_url=" + page]
    command.append("--log-level=WARN")  # the address is not lost among twenty lines of news
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    screen = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in screen):
        command.append("--no-browser")  # else a text browser may take the terminal
    command.extend(options)
    os.chdir(str(ROOT))
    print("JupyterLab is starting. Ctrl+C, twice, stops it.", flush=True)
    if os.name == "nt":
        server = subprocess.Popen(command)
        while server.poll() is None:
            with contextlib.suppress(KeyboardInterrupt):  # JupyterLab hears it too, and answers
                server.wait()
        raise SystemExit(server.returncode)
    os.execv(command[0], command)  # so that Ctrl+C and signals reach JupyterLab itself


if __name__ == "__main__":
    main()
