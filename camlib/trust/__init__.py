"""Can one believe a heatmap? Tests of any method f(net, images, targets), against what is really so.
Parts are not drawn, pixels are taken away, weights are drawn by chance; maps that never look take part.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
