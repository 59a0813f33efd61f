"""Check the links that lead out of the site: `make links`. Sphinx's linkcheck asks each; it needs a network.

Links inside the site are checked, without a network, when it is built (`tools.website`).
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tools import lesson, website

OUT = lesson.ROOT / "build" / "links"
#: What a server answers that is there, but that talks to people only, or not now: publishers do.
REFUSED = re.compile(r"(401|403|405|418|429|5\d\d) ")


def broken(source: Path, out: Path) -> list[str]:
    """The links out of a folder's pages that lead nowhere, each with its page; Sphinx's report is in out."""
    from sphinx.cmd.build import build_main  # the extra `site`

    build_main(["-q", "-b", "linkcheck", str(source), str(out)])
    told = [json.loads(line) for line in (out / "output.json").read_text("utf-8").splitlines()]
    if not told:
        raise RuntimeError(f"no link was asked: Sphinx read no page in {source}")
    return sorted(
        f"{one['filename']}: {one['uri']} ({one['info']})"
        for one in told
        if one["status"] in ("broken", "timeout") and not REFUSED.match(one["info"])
    )


def main() -> None:
    for folder in (OUT, website.SOURCE):
        shutil.rmtree(folder, ignore_errors=True)
    website.lay_out(website.SOURCE)
    if found := broken(website.SOURCE, OUT):
        raise SystemExit("links that lead nowhere:\n" + "\n".join(found))
    print(f"every link out of the site leads somewhere; {OUT.relative_to(lesson.ROOT)} has the list")


if __name__ == "__main__":
    main()
