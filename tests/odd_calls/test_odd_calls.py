"""Every odd call is answered right, or refused in one clear line: nothing is silently wrong.

The cases lie in the modules beside this one, `cases_*.py`, each with a list CASES; a row is a case.
"""

import re
import runpy
import warnings
from collections import Counter
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("cases_*.py"))
CASES = [
    pytest.param(case, id=f"{file.stem.removeprefix('cases_')}: {case.name}")
    for file in FILES
    for case in runpy.run_path(str(file))["CASES"]
]
COUNTS: Counter[str] = Counter()


@pytest.mark.parametrize("case", CASES)
def test_right_or_one_clear_line(case) -> None:
    COUNTS["anything else"] += 1  # until it is known better
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if callable(case.wanted):
            assert case.wanted(case.call()), "the answer is wrong"
            COUNTS["right"] += 1
        else:
            with pytest.raises(ValueError) as caught:  # noqa: PT011, the line is matched below
                case.call()
            line = str(caught.value)
            assert "\n" not in line, line
            assert re.search(case.wanted, line), line
            COUNTS["one clear line"] += 1
    COUNTS["anything else"] -= 1


def test_counts(record_property: pytest.FixtureRequest) -> None:
    """The sum of it, when the whole table has run."""
    tried = sum(COUNTS.values())
    for name in ("right", "one clear line", "anything else"):
        record_property(name, COUNTS[name])  # type: ignore[operator]
    print(
        f"\n{tried} odd calls: "
        + ", ".join(f"{COUNTS[n]} {n}" for n in ("right", "one clear line", "anything else"))
    )
    assert COUNTS["anything else"] == 0
