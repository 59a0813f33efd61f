from .layers import ClassCapsules, LogOdds, PrimaryCapsules, grouped
from .loss import margin_loss
from .routing import Routed, route, squash, votes
from .trained import Trained, trained_on_mnist

__all__ = [
    "ClassCapsules",
    "LogOdds",
    "PrimaryCapsules",
    "Routed",
    "Trained",
    "grouped",
    "margin_loss",
    "route",
    "squash",
    "trained_on_mnist",
    "votes",
]
