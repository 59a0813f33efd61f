from .decoder import Decoder, digit_decoder
from .layers import ClassCapsules, LogOdds, PrimaryCapsules, grouped
from .loss import margin_loss
from .routing import Routed, route, squash, votes
from .trained import Asked, Drawing, Trained, asked, drawings, trained_on_mnist

__all__ = [
    "Asked",
    "ClassCapsules",
    "Decoder",
    "Drawing",
    "LogOdds",
    "PrimaryCapsules",
    "Routed",
    "Trained",
    "asked",
    "digit_decoder",
    "drawings",
    "grouped",
    "margin_loss",
    "route",
    "squash",
    "trained_on_mnist",
    "votes",
]
