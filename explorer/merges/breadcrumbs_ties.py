"""Model breadcrumbs: task vectors without outliers and smallest values, with TIES' election of signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import Context, Models, PerModel, Range, Tensor
from explorer.merges._parts import drop_outliers, each, elected


def breadcrumbs_ties(tensors: Annotated[Sequence[Tensor], Models()], weights: Sequence[float], context: Context, *,
                     density: Annotated[float | Sequence[float], Range(0, 1), PerModel()] = 1.0,
                     gamma: Annotated[float | Sequence[float], Range(0, 1), PerModel()] = 0.01, normalize: bool = False,
                     rescale: bool = False, lambda_: Annotated[float, Range()] = 1.0) -> Tensor:
    """Each Δᵢ loses its `gamma` share of largest magnitudes, and as many of the smallest as leave a `density` share;
    then signs are elected and merged as in TIES (https://arxiv.org/abs/2312.06795).

    For each parameter apart; a `density` of 1 leaves all. `rescale` gives each Δᵢ its former sum of magnitudes.
    """
    n = len(tensors)
    for tensor, share, top in zip(tensors, each(density, n), each(gamma, n), strict=True):
        drop_outliers(tensor, share, top, rescale)
    return elected(tensors, weights, normalize, lambda_)
