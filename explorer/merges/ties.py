"""TIES: trim, elect signs, merge what agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import Context, Models, PerModel, Range, Tensor
from explorer.merges._parts import each, elected, keep_largest


def ties(tensors: Annotated[Sequence[Tensor], Models()], weights: Sequence[float], context: Context, *,
         density: Annotated[float | Sequence[float], Range(0, 1), PerModel()] = 1.0, normalize: bool = True,
         rescale: bool = False, lambda_: Annotated[float, Range()] = 1.0) -> Tensor:
    """Each Δᵢ is trimmed to its `density` share of largest magnitudes; value by value the sign of Σ wᵢ Δᵢ is elected
    and the weighted mean (`normalize`: else the sum) of those that have it is taken, times λ
    (https://arxiv.org/abs/2306.01708).

    Trimming is for each parameter apart; of equal magnitudes those that come first stay. `rescale` gives each trimmed
    Δᵢ its former sum of magnitudes. `density` is given as one number a model.
    """
    for tensor, share in zip(tensors, each(density, len(tensors)), strict=True):
        keep_largest(tensor, share, rescale)
    return elected(tensors, weights, normalize, lambda_)
