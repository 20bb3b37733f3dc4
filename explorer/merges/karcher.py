"""Karcher mean: the mean of directions on the sphere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from explorer.merges._contract import Context, Models, Range, Tensor

if TYPE_CHECKING:
    import numpy as np


def karcher(tensors: Annotated[Sequence[Tensor], Models(even=True, whole=True)], weights: Sequence[float],
            context: Context, *, max_iter: Annotated[int, Range(0, 10_000)] = 10,
            tol: Annotated[float, Range(0, 1)] = 1e-5) -> Tensor:
    """The whole models' directions are averaged on the unit sphere (Karcher 1977, https://arxiv.org/abs/2603.04972),
    their norms by their mean, for each parameter apart; `max_iter` steps at most, ended by one shorter than `tol`.

    The mean lies in the span of the n models, so the steps are taken in n coefficients and need the n × n inner
    products alone. Models whose norm is at most `tol` have no direction and are left out of the mean of directions.
    """
    import numpy as np

    if len(tensors) == 1:
        return tensors[0]
    inner = _inner(tensors, context.base)
    norms = np.sqrt(np.maximum(np.diag(inner), 0.0))
    found = norms > tol
    total = float(norms.mean())
    of = np.zeros(len(tensors))
    if found.any():
        units = inner[np.ix_(found, found)] / np.outer(norms[found], norms[found])
        of[found] = total * _mean(units, max_iter, tol) / norms[found]
    merged = tensors[0].mul_(float(of[0]))
    for tensor, coefficient in zip(tensors[1:], of[1:], strict=True):
        merged.add_(tensor, alpha=float(coefficient))
    return merged.add_(context.base, alpha=float(of.sum()) - 1.0)


def _mean(units: np.ndarray, steps: int, tol: float) -> np.ndarray:
    """Coefficients (n,) of the mean direction over unit vectors whose inner products are `units` (n, n)."""
    import numpy as np

    n = len(units)
    mean = np.full(n, 1 / n)
    length = math.sqrt(max(float(mean @ units @ mean), 0.0))
    mean = mean / length if length >= tol else np.eye(n)[0]
    for _ in range(steps):
        cosines = np.clip(units @ mean, -1.0, 1.0)
        angles = np.arccos(cosines)
        far = angles >= tol
        pull = np.where(far, angles / np.where(far, np.sin(angles), 1.0) / n, 0.0)
        tangent = pull - float(pull @ cosines) * mean
        length = math.sqrt(max(float(tangent @ units @ tangent), 0.0))
        if length < tol:
            break
        mean = math.cos(length) * mean + math.sin(length) * tangent / length
        mean /= math.sqrt(float(mean @ units @ mean)) or 1.0
    return mean


def _inner(tensors: Sequence[Tensor], base: Tensor) -> np.ndarray:
    """Inner products (n, n) of the whole models, float64, a block at a time."""
    import torch

    total = torch.zeros(len(tensors), len(tensors), dtype=torch.float64)
    flat, origin = [tensor.flatten() for tensor in tensors], base.flatten()
    for lo in range(0, origin.numel(), 1 << 18):
        block = torch.stack([f[lo : lo + (1 << 18)] for f in flat]).double().add_(origin[lo : lo + (1 << 18)])
        total += block @ block.T
    return total.numpy()
