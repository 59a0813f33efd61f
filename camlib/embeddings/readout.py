"""A new classifier on old features: the linear support vector machine of Zhou et al. (2016), section 4.

    s_c = Σ_k w_k^c F_k + b_c

is for each class the direction that parts it from all others by the widest margin. Cortes, Vapnik (1995),
"Support-vector networks"; the solver is LIBLINEAR's, through scikit-learn. Where the codes are means of a
map, the weights make class activation maps of the new classes (`with_head`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC
from torch import Tensor

from ..given import tensor
from ..wording import in_short
from .codes import finite

__all__ = ["Readout", "linear_svm"]

_STRENGTHS = [0.001, 0.01, 0.1, 1.0]  # the price C of an error, chosen by cross-validation
_FOLDS = 3


@dataclass(frozen=True)
class Readout:
    """One linear layer on codes of K numbers.  weight: float32 (C, K).  bias: (C,).  classes: C names.

    What `linear_svm` gives has its bias in float64: where codes lie far from 0, it is a small number less a
    large one. A network into which it is built (`with_head`) has it in its own precision.
    """

    weight: Tensor
    bias: Tensor
    classes: tuple[str, ...]

    __repr__ = in_short

    def scores(self, codes: Tensor) -> Tensor:
        """Each class's score, float32 (N, C), of codes (N, K); computed in float64."""
        finite(codes)
        if codes.shape[1] != self.weight.shape[1]:
            raise ValueError(f"codes of {codes.shape[1]} numbers; it reads {self.weight.shape[1]}")
        return (codes.double() @ self.weight.double().T + self.bias.double()).float()

    def answers(self, codes: Tensor) -> Tensor:
        """The class with the highest score, int64 (N,)."""
        return self.scores(codes).argmax(1)


def linear_svm(codes: Tensor, labels: Tensor, classes: Sequence[str] | None = None) -> Readout:
    """Fit a linear support vector machine for each class against all others.

    codes: floats (N, K).  labels: whole numbers or bools (N,), index into classes; each occurs three times or
    more.  classes: their names; None: "0", "1", …, of bools "no" and "yes".
    Inside, each number is brought to mean 0 and variance 1, and the price of an error, C, is the best of
    0.001, 0.01, 0.1 and 1 in three folds; both are folded into weight and bias. Of two classes the scores are
    -s and s. The same call gives the same answer.
    Raises ValueError for codes that are not finite, labels that do not fit them, one class alone, and a class
    that occurs too rarely.
    """
    finite(codes)
    given, names = _labels(labels, len(codes), classes)
    rows = codes.double().cpu().numpy()
    mean, scale = rows.mean(0), rows.std(0)
    scale[scale == 0] = 1
    rows = (rows - mean) / scale
    turn = None
    if rows.shape[1] > rows.shape[0]:  # N rows lie in N dimensions: turned into them, the machine is the same
        turn = np.linalg.svd(rows, full_matrices=False)[2]
        rows = rows @ turn.T
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    # two ways to one optimum: the dual is far quicker on as many dimensions as rows
    svm = LinearSVC(dual=turn is not None, max_iter=10_000, random_state=0)
    best = GridSearchCV(svm, {"C": _STRENGTHS}, cv=folds).fit(rows, given).best_estimator_
    weight = (best.coef_ if turn is None else best.coef_ @ turn) / scale
    weight = weight.astype(np.float32)  # first: the bias then takes off the mean by the very same weights
    bias = best.intercept_ - weight.astype(np.float64) @ mean
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    return Readout(torch.from_numpy(weight), torch.from_numpy(bias), names)


def _labels(
    labels: Tensor, n: int, classes: Sequence[str] | None
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], tuple[str, ...]]:
    """The labels as numbers, and the classes' names."""
    given = tensor(labels, "labels")
    if given.shape != (n,) or given.is_floating_point() or given.is_complex():
        raise ValueError(
            f"labels are {given.dtype} of shape {tuple(given.shape)}; give one class for each of {n} codes"
        )
    default = ("no", "yes") if given.dtype == torch.bool else None
    given = given.long().cpu()
    low, high = int(given.min()), int(given.max())
    names = tuple(classes or default or (str(k) for k in range(high + 1)))
    if low < 0 or high >= len(names):
        raise ValueError(f"labels reach from {low} to {high}; classes has {len(names)}")
    counts = given.bincount(minlength=len(names))
    if len(names) < 2:
        raise ValueError("one class alone; there is nothing to part")
    rare = int(counts.argmin())
    if counts[rare] < _FOLDS:
        raise ValueError(f"class {names[rare]} occurs {int(counts[rare])} times; {_FOLDS} are needed")
    return given.numpy(), names
