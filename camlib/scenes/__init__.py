"""The embedded world with its exact truth: critters, pages and streets of text, a clip.
A data set that is drawn from a seed lives here; how it is painted, in `drawing`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
