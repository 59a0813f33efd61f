"""What axe-core finds wrong with a page for people who do not see it, or not well, or have no mouse.

It comes as the package axe-core-python, which nothing else needs; without it those tests are skipped.
"""

import importlib.util
from pathlib import Path

import pytest

_FOUND = importlib.util.find_spec("axe_core_python")
installed = pytest.mark.skipif(_FOUND is None, reason="axe-core is not here: pip install axe-core-python")

RUN = """
const done = arguments[arguments.length - 1];
const kinds = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
const why = one => one.any.map(a => a.message)[0] || "";
const line = id => one => `${id}: ${one.target.join(" ")} ${one.html.slice(0, 90)} ${why(one)}`;
axe.run(document, {resultTypes: ["violations"], runOnly: kinds})
  .then(({violations}) => done(violations.flatMap(({id, nodes}) => nodes.map(line(id)))));
"""


def violations(driver):
    """Each of its rules that an element of the shown page breaks, as a line."""
    assert _FOUND is not None
    assert _FOUND.submodule_search_locations
    script = Path(_FOUND.submodule_search_locations[0]) / "axe.min.js"
    driver.execute_script(script.read_text("utf-8"))
    return driver.execute_async_script(RUN)
