"""Run every measurement in this folder, each in a process of its own: `make bench`."""

import subprocess
import sys
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    print(f"\n{path.stem}", flush=True)
    subprocess.run([sys.executable, "-m", f"bench.{path.stem}"], check=True)
