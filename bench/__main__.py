"""Run every measurement in this folder, each in a process of its own: `make bench`.

What they print goes to the screen; the rows of tables among it ("| …") and the notes ("- …") also into
bench/results.md.
`python -m bench cam` runs that one alone, and leaves the page as it is.
"""

import argparse
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch

HERE = Path(__file__).parent
PEERS = ("captum", "torchcam", "grad-cam", "scikit-learn")
HEAD = """# How fast camlib is

`make bench` wrote this table, on {machine}. Each line comes from one interleaved run in one process: how
many times as fast as the peer camlib is, in CPU time (on a GPU by the clock), the median and the range of the
rounds; and the MB that both took at most on top of what was there. The peers: {peers}.

| what | against | times as fast | extra memory, ours / theirs |
|---|---|---|---|
"""


def main(argv: list[str] | None = None) -> None:
    """Run the named measurements, or all, which writes the page."""
    every = sorted(path.stem for path in HERE.glob("[a-z]*.py") if path.stem != "measure")
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(every)}; all, where none is named"
    )
    names = parser.parse_args(argv).names
    if unknown := [name for name in names if name not in every]:
        parser.error(f"nothing here measures {', '.join(unknown)}; there are {', '.join(every)}")
    rows: list[str] = []
    notes: list[str] = []
    for name in names or every:
        print(f"\n{name}", flush=True)
        command = [sys.executable, "-u", "-m", f"bench.{name}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as run:
            for line in run.stdout or ():
                print(line, end="", flush=True)
                if line.startswith("| "):
                    rows.append(line)
                elif line.startswith("- "):
                    notes.append(line)
        if run.returncode:
            raise SystemExit(f"bench.{name} failed")
    if names:
        return
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    peers = ", ".join(f"{name} {metadata.version(name)}" for name in PEERS)
    machine = f"{device}, {platform.system()}, torch {torch.__version__.split('+')[0]}"
    (HERE / "results.md").write_text(
        HEAD.format(machine=machine, peers=peers) + "".join(rows) + "\n" + "".join(notes), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
