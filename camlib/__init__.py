"""camlib: look inside a convolutional network. Every verb of the course is importable from here.

Names are loaded on first use (`__init__.pyi` lists them), so `import camlib` costs nothing and the
processes that draw scenes never import torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
