"""Model stock: as far from the base towards the mean as the angles between the models say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import Context, Models, Tensor


def model_stock(tensors: Annotated[Sequence[Tensor], Models(2, even=True)], weights: Sequence[float],
                context: Context, *, filter_wise: bool = False) -> Tensor:
    """t times the mean of the Δᵢ, t = n cos φ / (1 + (n − 1) cos φ), cos φ the mean cosine of two of the n models'
    task vectors (https://arxiv.org/abs/2403.19522), for each parameter apart; with `filter_wise` for each of its rows.

    A Δᵢ that is all 0 has cosine 0 with the others. Where the denominator is 0 the base stays.
    """
    import torch

    n, shape = len(tensors), tensors[0].shape
    rows = shape[0] if filter_wise and len(shape) > 1 else 1
    flat = [tensor.reshape(rows, -1) for tensor in tensors]
    directions = torch.zeros(flat[0].shape, dtype=torch.float64)
    found = torch.zeros(rows, 1, dtype=torch.float64)
    for tensor in flat:
        exact = tensor.double()
        norm = torch.linalg.vector_norm(exact, dim=1, keepdim=True)
        directions += exact.div_(norm.masked_fill(norm == 0, 1.0))
        found += norm > 0
    # ‖Σ uᵢ‖² of unit vectors is their number plus twice the sum of all cosines
    mean = (directions.square_().sum(dim=1, keepdim=True) - found) / (n * (n - 1))
    below = 1 + (n - 1) * mean
    towards = torch.where(below.abs() < 1e-6, 0.0, n * mean / below)
    total = flat[0]
    for other in flat[1:]:
        total = total.add_(other)
    return total.mul_(towards.div_(n).float()).reshape(shape)
