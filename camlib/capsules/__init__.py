"""Capsules: groups of numbers whose length says that a thing is there, and whose direction says how it lies.
The arithmetic and the layers live here; networks made of them are in `networks`, what they say in `units`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
