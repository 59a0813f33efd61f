"""What can be read off a code: linear probes.

Alain, Bengio (2016), "Understanding intermediate layers using linear classifier probes": where a linear model
finds a fact in a layer's numbers, the fact is there, ready for use; the layers above are often no more than
such models.
"""

from collections.abc import Mapping

import torch
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from torch import Tensor
from torch.nn.functional import one_hot

from ..given import tensor, told
from .codes import finite
from .scale import centred

__all__ = ["probe"]

_STRENGTHS = [10.0**power for power in range(-6, 3)]  # of the ridge penalty, chosen inside each fold
_FOLDS = 5


def probe(codes: Tensor, facts: Mapping[str, Tensor]) -> dict[str, float]:
    """How much of each fact a linear model reads off codes that it was not fitted on. 1: all, 0: nothing.

    codes: floats (N, D).  facts: name → (N,). Floats are numbers; what is told is R², the share of their
    variance that is explained. Whole numbers and bools are classes; what is told is the share that is avoided
    of the mistakes one makes by always naming the most frequent class. Below 0: worse than that.
    Ridge regression; for classes, on a number for each, 1 or 0, of which the highest wins. Five folds; the
    penalty is chosen inside each. The same call gives the same answer.
    Raises ValueError for fewer than ten codes, a fact that does not fit them, is not finite, or is the same
    for all.
    """
    finite(codes)
    if len(codes) < 2 * _FOLDS:
        raise ValueError(f"{len(codes)} codes; a probe wants {2 * _FOLDS} or more")
    if not isinstance(facts, Mapping) or not facts:
        raise ValueError(f"facts are {told(facts)}; give a dict, name → tensor, of one or more")
    for name, fact in facts.items():
        tensor(fact, f"the fact {name!r}")
        if fact.is_complex() or fact.shape != (len(codes),) or not fact.isfinite().all():
            raise ValueError(f"{name!r} is {tuple(fact.shape)}; give {len(codes)} finite numbers, one a code")
        if (fact == fact[0]).all():
            raise ValueError(f"{name!r} is {fact[0].item()} for all codes: there is nothing to read")
    wanted = {name: _targets(fact) for name, fact in facts.items()}
    together = torch.cat(list(wanted.values()), 1).numpy()
    model = RidgeCV(_STRENGTHS, alpha_per_target=True)
    folds = KFold(_FOLDS, shuffle=True, random_state=0)
    read = torch.from_numpy(cross_val_predict(model, _small(codes).numpy(), together, cv=folds))
    found, first = {}, 0
    for name, true in wanted.items():
        found[name] = _score(read.view(len(codes), -1)[:, first : first + true.shape[1]], true)
        first += true.shape[1]
    return found


def _small(codes: Tensor) -> Tensor:
    """The codes, centred, at a variance of 1 in all; turned so that N of more than N numbers are enough.

    A ridge knows codes only by their inner products, which a rotation keeps.
    """
    rows = centred(codes)[0].float()
    rows = rows - rows.mean(0)
    if (codes == codes[0]).all() or not rows.any():
        raise ValueError("all codes are alike: there is nothing to read")
    rows = rows / rows.square().sum(1).mean().sqrt()
    if rows.shape[1] <= rows.shape[0]:
        return rows.double()
    values, vectors = torch.linalg.eigh((rows @ rows.T).double())
    turned: Tensor = vectors * values.clamp_min(0).sqrt()
    return turned


def _targets(fact: Tensor) -> Tensor:
    """(N, 1) for numbers, (N, classes) for classes."""
    fact = fact.cpu()
    if fact.is_floating_point():
        return fact.double()[:, None]
    _, classes = torch.unique(fact, return_inverse=True)
    return one_hot(classes).double()


def _score(read: Tensor, true: Tensor) -> float:
    if true.shape[1] == 1:
        return 1 - float((read - true).square().sum() / (true - true.mean()).square().sum())
    wrong = (read.argmax(1) != true.argmax(1)).sum()
    return 1 - float(wrong / (len(true) - true.sum(0).max()))
