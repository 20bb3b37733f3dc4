"""Spherical interpolation between two models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from explorer.merges._contract import Context, Models, Range, Tensor

_STRAIGHT = 0.9995
"""Cosines beyond this, on either side, are too near to one line for an arc."""


def slerp(tensors: Annotated[Sequence[Tensor], Models(2, 2, even=True, whole=True, turns="t")], weights:
          Sequence[float], context: Context, *, t: Annotated[float, Range(0, 1)] = 0.5) -> Tensor:
    """sin((1 − t) φ) / sin φ · θ₁ + sin(t φ) / sin φ · θ₂ of two whole models, φ the angle between them, for each
    parameter apart (Shoemake 1985; https://en.wikipedia.org/wiki/Slerp).

    Where the angle is almost 0 or π, (1 − t) θ₁ + t θ₂: models of one base are that close in most parameters.
    """
    import torch

    first, second = (torch.add(tensor, context.base).flatten().double() for tensor in tensors)
    norms = [float(v.norm()) or 1.0 for v in (first, second)]
    cosine = max(-1.0, min(1.0, float(first @ second) / (norms[0] * norms[1])))
    if min(norms) <= 1e-8 or abs(cosine) > _STRAIGHT:
        ours, theirs = 1.0 - t, t
    else:
        angle = math.acos(cosine)
        ours, theirs = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
    merged = tensors[0].mul_(ours).add_(tensors[1], alpha=theirs)
    return merged if (rest := ours + theirs - 1) == 0 else merged.add_(context.base, alpha=rest)
