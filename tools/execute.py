"""Run lessons from their first cell to their last and write them back: `make notebooks`.

What changes from run to run or from machine to machine is stripped; ids, tags and slide types stay.
"""

from __future__ import annotations

import argparse
import re
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools import lesson
from tools.anatomy import WIDGET_VIEW
from tools.new_lesson import METADATA

TIMEOUT = 600  # seconds for one cell


def run(nb: NotebookNode) -> NotebookNode:
    """Execute all cells in a fresh kernel, started in the lessons' folder; raises at the first error."""
    client = NotebookClient(
        nb,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson.NOTEBOOKS)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    return nb


def clean(nb: NotebookNode) -> NotebookNode:
    """Keep only what readers on any machine need; a widget leaves the still that stands beside it."""
    nb.metadata = nbformat.from_dict(METADATA)
    for cell in nb.cells:
        for name in ("execution", "collapsed", "scrolled", "trusted", "ExecuteTime", "jupyter"):
            cell.metadata.pop(name, None)
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if not _only_live(output)]
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET_VIEW, None)
            output.get("metadata", {}).pop(WIDGET_VIEW, None)
    return nb


def _only_live(output: NotebookNode) -> bool:
    """Whether the output is a widget without a still, such as a progress bar: words that help no reader."""
    data = output.get("data", {})
    return WIDGET_VIEW in data and not any(kind.startswith("image/") for kind in data)


def relink(nb: NotebookNode, name: str) -> NotebookNode:
    """Write the course's address, from pyproject.toml, into the links and the setup cell."""
    for cell in nb.cells:
        if "links" in lesson.tags(cell):
            cell.source = lesson.links(name)
        if "setup" in lesson.tags(cell):
            cell.source = re.sub(r"git\+https://[^\s\"']+", f"git+{lesson.repository()}", cell.source)
    return nb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="for example 01; all, if none is named")
    for path in lesson.find(parser.parse_args().lessons):
        start = time.perf_counter()
        try:
            nb = run(relink(lesson.read(path), path.stem))
        except CellExecutionError as error:
            raise SystemExit(f"{path.name} stopped; the file is as it was.\n{error}") from None
        lesson.write(clean(nb), path)
        print(f"{path.name}  {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
