"""The widgets' colours and type: JupyterLab's, light or dark, and the system's everywhere else."""

from pathlib import Path

__all__ = ["themed"]


def themed(name: str) -> str:
    """The style sheet of a widget, `name` beside this file, behind the theme that all widgets share."""
    here = Path(__file__)
    return here.with_name("theme.css").read_text("utf-8") + here.with_name(name).read_text("utf-8")
