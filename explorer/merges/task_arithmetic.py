"""Sum of task vectors: addition, negation, analogy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import Context, Models, Range, Tensor
from explorer.merges._parts import summed


def task_arithmetic(tensors: Annotated[Sequence[Tensor], Models()], weights: Sequence[float], context: Context, *,
                    normalize: bool = False, lambda_: Annotated[float, Range()] = 1.0) -> Tensor:
    """λ Σ wᵢ Δᵢ, with `normalize` divided by Σ wᵢ where that is not 0 (https://arxiv.org/abs/2212.04089)."""
    return summed(tensors, weights, normalize, lambda_)
