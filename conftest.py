"""Lesson 09 is about MNIST: where it can neither be found nor fetched, its numbers are not compared."""

import pytest

from camlib import digits


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip lesson 09, and say why, where other digits would stand in."""
    lesson = [item for item in items if item.path.name == "09_similarnet.ipynb"]
    if not lesson:
        return
    try:
        digits(split="test", source="mnist")
    except OSError as error:
        for item in lesson:
            item.add_marker(pytest.mark.skip(reason=str(error)))
