"""Average of models in which each parameter's value counts as much as its model's task needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.errors import RecipeError
from explorer.merges._contract import Context, Models, PerModel, Range, Tensor


def fisher(tensors: Annotated[Sequence[Tensor], Models(informed="key")], weights: Sequence[float], context: Context, *,
           key: Annotated[str | Sequence[str], PerModel()] = "", normalize: bool = True,
           floor: Annotated[float, Range(0, 1e6)] = 0.01) -> Tensor:
    """Σ wᵢ Fᵢ Δᵢ / Σ wᵢ Fᵢ, value by value, Fᵢ the diagonal Fisher information of model i on its own task
    (https://arxiv.org/abs/2111.09832).

    `key` names each model's stored Fᵢ. With `normalize` each Fᵢ is divided by its mean over all parameters, so that no
    model counts more for being less sure; `floor`, in units of that mean, is added to all of its values: where no model
    is informed, it makes the merge the weighted mean, as it is where Σ wᵢ Fᵢ is 0. RecipeError for negative weights or
    a sum of 0.
    """
    import torch

    if min(weights) < 0 or sum(weights) <= 0:
        raise RecipeError(f"fisher: the weights are {', '.join(f'{w:g}' for w in weights)}; none may be negative, and "
                          "one must be above 0.")
    total, share = torch.zeros_like(tensors[0]), torch.zeros_like(tensors[0])
    mean = torch.zeros_like(tensors[0])
    for tensor, weight, name in zip(tensors, weights, _keys(key, len(tensors)), strict=True):
        values, middle = context.fisher(name)
        unit = 1 / middle if normalize and middle > 0 else 1.0
        counts = (values * unit).add_(floor * middle * unit).mul_(weight)
        mean.add_(tensor, alpha=weight / sum(weights))
        total.addcmul_(tensor, counts)
        share.add_(counts)
    return torch.where(share > 0, total.div_(share.clamp(min=torch.finfo(share.dtype).tiny)), mean)


def _keys(key: str | Sequence[str], n: int) -> list[str]:
    return [key] * n if isinstance(key, str) else list(key)
