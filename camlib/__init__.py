"""camlib: look inside a convolutional network. Every verb of the course is importable from here.

Names are loaded on first use (`__init__.pyi` lists them), so `import camlib` costs nothing and the
processes that draw scenes never import torch.
"""

import sys
from types import ModuleType

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


class _Package(ModuleType):
    """Keeps `camlib.filters` the verb: importing the module of that name would put itself in its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and name in __all__:
            value = getattr(value, name, value)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
__version__ = "0.1.0"
