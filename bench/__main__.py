"""Run every measurement in this folder, each in a process of its own: `make bench`.

What they print goes to the screen; the rows of tables among it also into bench/results.md.
"""

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


def main() -> None:
    rows: list[str] = []
    for path in sorted(HERE.glob("[a-z]*.py")):
        if path.stem == "measure":
            continue
        print(f"\n{path.stem}", flush=True)
        command = [sys.executable, "-u", "-m", f"bench.{path.stem}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as run:
            for line in run.stdout or ():
                print(line, end="", flush=True)
                if line.startswith("| "):
                    rows.append(line)
        if run.returncode:
            raise SystemExit(f"bench.{path.stem} failed")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    peers = ", ".join(f"{name} {metadata.version(name)}" for name in PEERS)
    machine = f"{device}, {platform.system()}, torch {torch.__version__.split('+')[0]}"
    (HERE / "results.md").write_text(
        HEAD.format(machine=machine, peers=peers) + "".join(rows), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
