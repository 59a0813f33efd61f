"""Figures with controls, for notebooks: Python beside its JavaScript, on `show`'s pure drawing.
What moves when somebody clicks lives here; what stands still is in `show`.
"""

from .controls import Explorer, explorer, filters_over_epochs

__all__ = ["Explorer", "explorer", "filters_over_epochs"]
