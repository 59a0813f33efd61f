"""How the course's networks came out: what each shipped file says of its own training.

How they were trained is told in data/weights/README.md, and repeated by `make train`.
"""

from dataclasses import dataclass

from safetensors import safe_open

from ..wording import listing, near
from .course import COURSE
from .weights import WeightsError, shipped_folder

__all__ = ["Runs", "trained"]

_SHARES = {  # what a file says → what the table calls it
    "accuracy": "whole critters",
    "one missing": "one part missing",
    "two missing": "two parts missing",
    "grey": "in grey",
}


@dataclass(frozen=True, repr=False)
class Runs:
    """Training runs and how they came out; a notebook shows them as a table.

    rows: for each (network, seed, what its file says: shares of right answers, and minutes of one core).
    """

    rows: tuple[tuple[str, int, dict[str, str]], ...]

    def _cells(self) -> list[list[str]]:
        told = [
            [name, str(seed), *(_percent(said.get(key)) for key in _SHARES), f"{_minutes(said):.0f}"]
            for name, seed, said in self.rows
        ]
        return [["network", "seed", *_SHARES.values(), "minutes"], *told]

    def __repr__(self) -> str:
        cells = self._cells()
        wide = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        return "\n".join("  ".join(c.rjust(w) for c, w in zip(row, wide, strict=True)) for row in cells)

    def _repr_markdown_(self) -> str:
        head, *rows = (f"| {' | '.join(row)} |" for row in self._cells())
        return "\n".join([head, "|---|" + "--:|" * (len(_SHARES) + 2), *rows])


def trained(*names: str) -> Runs:
    """What the training of these networks gave, all of their seeds; without names, of all of the course's.

    Raises ValueError for a name that is not the course's, WeightsError where a file cannot be read.
    """
    for name in names:
        if name not in COURSE:
            raise ValueError(
                f"the course trained no {name!r}{near(name, COURSE)}; it trained {listing(COURSE)}"
            )
    rows = []
    for name in names or COURSE:
        first, folder = f"{name}.safetensors", shipped_folder()
        if not (folder / first).is_file():
            raise WeightsError(f"{first} is missing from the course's weights: get the course's files again")
        for path in [folder / first, *sorted(folder.glob(f"{name}-seed*.safetensors"))]:
            seed = int(path.stem.partition("-seed")[2] or 0)
            with safe_open(path, framework="pt") as file:
                rows.append((name, seed, dict(file.metadata() or {})))
    return Runs(tuple(rows))


def _percent(share: str | None) -> str:
    return f"{float(share):.1%}" if share else "–"


def _minutes(said: dict[str, str]) -> float:
    return float(said.get("minutes", "nan"))
