"""Files that are whole or not there, and the list of their checksums."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["note", "write"]


def note(file: Path) -> None:
    """Put the file's SHA-256 into the list beside it."""
    sums = file.with_name("SHA256SUMS")
    lines = sums.read_text().splitlines() if sums.is_file() else []
    others = [line for line in lines if line.split()[1] != file.name]
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    text = "\n".join(sorted([*others, f"{digest}  {file.name}"], key=lambda line: line.split()[1]))
    write(sums, lambda path: path.write_text(text + "\n"))


def write(path: Path, save: Callable[[Path], Any]) -> None:
    """Write under another name and rename, so that a file is whole or not there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save(temporary)
        temporary.chmod(0o644)  # safetensors would keep it from everybody else
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
