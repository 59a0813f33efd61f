"""Is an answer right? Boxes, points, tracks, spotted text, each score with its interval.
What holds an answer against the truth lives here; it never runs a network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
