"""How many processes draw a set: one for each core, but not where several draw already."""

from multiprocessing import parent_process

__all__ = ["jobs"]


def jobs(chunks: int, worth: int) -> int:
    """-1, which is joblib's word for all cores, or 1: for fewer than `worth` chunks, and in a pool's worker.

    To start processes takes longer than to draw a few pictures. A worker whose pool has the cores already
    would only get in its neighbours' way, and at its end wait for minutes until its own processes give up.
    """
    return 1 if chunks < worth or parent_process() is not None else -1
