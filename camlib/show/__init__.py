"""Every figure of the course: pure drawing functions that return a `Figure`. Only they import matplotlib.

    show.images(scenes.images[:6], title="Six scenes, six critters")     # displayed, at the end of a cell
    show.png(figure)                                                     # PNG bytes, for a widget

Every function takes `title`, the figure's message in a sentence, and `alt`, what one sees and what it means,
in words; where no alt is given it is made of the title and what is drawn.

How the alt text travels. A figure displays as image/png with the metadata {"image/png": {"alt": …, "width":
…, "height": …}}, and its text/plain is the alt text too: it is stored in the notebook, and tests can demand
it. Who shows it, as read in their sources and tried (November 2026):

- nbconvert 7.17: the template `classic` writes it into <img alt>; `lab`, and with it `html`, `webpdf` and
  `slides` (`reveal`), drop it. A template that overrides `data_png` keeps it; the course's own decks do.
- myst-nb 1.4: takes an output's width and height, not its alt; it reads `mystnb.image.alt` of the cell's
  metadata. The site's conf.py must carry it over.
- JupyterLab 4.6: sets src, width and height, never alt.
- GitHub shows image/png; what it does with the alt is not documented.
- Terminals, diffs and whoever shows no pictures: text/plain, the alt text itself.

The rival, text/html with <img alt="…" src="data:…">, would reach the first three unaided. But all of them
prefer HTML to PNG, so where data addresses are removed from foreign HTML the picture itself would be lost;
and both side by side would double every notebook.
"""

from .answers import look
from .charts import bars, lines
from .compare import compare, compare_along
from .figure import Figure, png
from .filter_grids import filter_grids
from .grades import grades
from .network import network
from .overlay import overlays
from .patches import crops, patches
from .pictures import filter_grid, images, maps, scenes
from .places import places
from .poster import poster, tints
from .printed import print_poster
from .scatter import scatter
from .shards import shards
from .strip import strip
from .unit import unit

__all__ = [
    "Figure",
    "bars",
    "compare",
    "compare_along",
    "crops",
    "filter_grid",
    "filter_grids",
    "grades",
    "images",
    "lines",
    "look",
    "maps",
    "network",
    "overlays",
    "patches",
    "places",
    "png",
    "poster",
    "print_poster",
    "scatter",
    "scenes",
    "shards",
    "strip",
    "tints",
    "unit",
]
