"""torchvision's networks without numbers."""

import warnings
from typing import Any

import torch
from torchvision import models

__all__ = ["empty"]


def empty(name: str) -> Any:
    """One of torchvision's classifiers on the "meta" device: shapes, and no weights to draw."""
    options = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # googlenet's about its initialisation
        if name.startswith("regnet"):  # computes with numbers while it is built
            return models.get_model(name, weights=None).to("meta")
        with torch.device("meta"):
            return models.get_model(name, weights=None, **options)
