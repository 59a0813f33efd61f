"""The one error about weight files."""

__all__ = ["WeightsError"]


class WeightsError(RuntimeError):
    """A weight file is missing, damaged or for another network; the message says what to do."""
