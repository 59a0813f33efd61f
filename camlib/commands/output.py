"""What is printed comes through: on a terminal of any encoding, into a pipe without a reader, or nowhere."""

import codecs
import io
import os
import sys
from contextlib import suppress

__all__ = ["hush", "in_any_encoding", "somewhere"]

_PLAIN = {"✓": "ok", "✗": "no", "−": "-", "×": "x", "…": "...", "·": "*"}


def somewhere() -> None:
    """Where the shell closed stdout or stderr, Python has None in its place: what goes there is dropped."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def in_any_encoding() -> None:
    """What the terminal's, or the pipe's, encoding lacks is printed in plainer words, or as "?"."""
    codecs.register_error("camlib", _plainer)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="camlib")


def hush() -> None:
    """Nothing more goes to stdout, and nothing is said of what could not: as Python's manual advises."""
    with suppress(AttributeError, io.UnsupportedOperation):  # stdout is closed, or no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(one, "?") for one in lacking), error.end
