"""DARE, then a weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import SEEDS, Context, Models, PerModel, Range, Tensor
from explorer.merges._parts import drop_at_random, each, summed


def dare_linear(tensors: Annotated[Sequence[Tensor], Models()], weights: Sequence[float], context: Context, *,
                density: Annotated[float | Sequence[float], Range(0, 1), PerModel()] = 1.0, normalize: bool = False,
                rescale: bool = True, lambda_: Annotated[float, Range()] = 1.0,
                seed: Annotated[int, SEEDS] = 0) -> Tensor:
    """Each value of each Δᵢ is kept with probability `density` and, with `rescale`, divided by it; then λ Σ wᵢ Δᵢ
    (https://arxiv.org/abs/2311.03099).

    Which values are kept follows from `seed`, the model's id and the parameter's name.
    """
    for tensor, share, model in zip(tensors, each(density, len(tensors)), context.ids, strict=True):
        drop_at_random(tensor, share, seed, context, model, rescale)
    return summed(tensors, weights, normalize, lambda_)
