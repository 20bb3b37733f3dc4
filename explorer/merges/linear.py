"""Weighted average of whole models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.errors import RecipeError
from explorer.merges._contract import Context, Models, Tensor


def linear(tensors: Annotated[Sequence[Tensor], Models(whole=True)], weights: Sequence[float],
           context: Context, *, normalize: bool = True) -> Tensor:
    """Σ wᵢ θᵢ / Σ wᵢ of whole models; without `normalize` undivided (model soups, https://arxiv.org/abs/2203.05482).

    As task vectors: Σ wᵢ Δᵢ / Σ wᵢ, or Σ wᵢ Δᵢ + (Σ wᵢ − 1) θ_base. RecipeError where weights that sum to 0 would be
    divided by.
    """
    share = sum(weights)
    if normalize and abs(share) < 1e-12:
        raise RecipeError(f"linear: the weights {', '.join(f'{w:g}' for w in weights)} sum to 0 at {context.name}; "
                          "give others, or normalize: false.")
    total = tensors[0].mul_(weights[0])
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        total.add_(tensor, alpha=weight)
    if normalize:
        return total.div_(share)
    return total if share == 1 else total.add_(context.base, alpha=share - 1)
