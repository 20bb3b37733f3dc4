"""What task-arithmetic merges are made of: thinning a task vector, electing signs, summing. All work in place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from explorer.merges._contract import Context, Tensor

_SMALL = 1e-7
"""Sums of magnitudes below this have no ratio worth speaking of."""


def each(value: float | Sequence[float], n: int) -> list[float]:
    """One number for each of n models, of one number for all of them or of n."""
    return list(value) if isinstance(value, Sequence) else [value] * n


def keep_largest(tensor: Tensor, density: float, rescale: bool) -> None:
    """Zero all but the `density` share of largest magnitudes, at least one value (TIES' trim)."""
    if density >= 1 or not tensor.numel():
        return
    count = max(1, int(density * tensor.numel())) if density > 0 else 0
    _thin(tensor, _first(tensor.abs().flatten(), count, largest=True), rescale)


def drop_outliers(tensor: Tensor, density: float, gamma: float, rescale: bool) -> None:
    """Zero the `gamma` share of largest magnitudes, and as many of the smallest as leave a `density` share."""
    if density >= 1 or not tensor.numel():
        return
    size = tensor.numel()
    kept, top = int(density * size), int(gamma * size)
    bottom = max(0, size - kept - top)  # fewer outliers go where they would eat into the share that is kept
    magnitudes = tensor.abs().flatten()
    _thin(tensor, _first(magnitudes, bottom + kept) & ~_first(magnitudes, bottom), rescale)


def drop_at_random(tensor: Tensor, density: float, seed: int, context: Context, model: str, rescale: bool) -> None:
    """Keep each value with probability `density`; rescaled, the rest is divided by it, so that the mean stays.

    The stream, the same on every machine: Philox 4×64 with counter 0 and the first 16 bytes, little-endian, of SHA-256
    ("dare:SEED:MODEL:" + parameter's name) as key; each word gives two 32-bit values, its low half first, and a value
    is kept where its number is below density · 2³².
    """
    import numpy as np
    import torch

    if density >= 1:
        return
    name = f"dare:{seed}:{model}:{context.name}"
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    words = np.random.Philox(key=key, counter=0).random_raw(-(-tensor.numel() // 2)).astype("<u8", copy=False)
    keep = words.view("<u4")[: tensor.numel()] < density * 2**32
    tensor.mul_(torch.from_numpy(keep).view(tensor.shape))
    if rescale and density > 0:
        tensor.div_(density)


def summed(tensors: Sequence[Tensor], weights: Sequence[float], normalize: bool, scale: float) -> Tensor:
    """scale · Σ wᵢ Δᵢ, divided by Σ wᵢ where asked for and it is not 0."""
    total = tensors[0].mul_(weights[0])
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        total.add_(tensor, alpha=weight)
    divisor = sum(weights)
    return total.mul_(scale / divisor if normalize and abs(divisor) >= 1e-8 else scale)


def elected(tensors: Sequence[Tensor], weights: Sequence[float], normalize: bool, scale: float) -> Tensor:
    """scale · Σ wᵢ Δᵢ over the models whose sign is that of the sum, value by value (TIES' election and merge).

    Where asked for it is divided by the sum of those models' weights; models whose value is 0 have no part in that.
    """
    import torch

    total = torch.zeros_like(tensors[0])
    for tensor, weight in zip(tensors, weights, strict=True):
        total.add_(tensor.mul_(weight))
    up = total >= 0
    divisor = torch.zeros_like(total)
    total.zero_()
    for tensor, weight in zip(tensors, weights, strict=True):
        agrees = torch.where(up, tensor > 0, tensor < 0)
        total.add_(tensor.mul_(agrees))
        divisor.add_(agrees, alpha=weight)
    if normalize:
        total.div_(divisor.masked_fill_(divisor == 0, 1.0))
    return total.mul_(scale) if scale != 1 else total


def _thin(tensor: Tensor, keep: Tensor, rescale: bool) -> None:
    before = float(tensor.abs().sum()) if rescale else 0.0
    tensor.mul_(keep.view(tensor.shape))
    if rescale and before >= _SMALL and (after := float(tensor.abs().sum())) >= _SMALL:
        tensor.mul_(before / after)


def _first(values: Tensor, count: int, *, largest: bool = False) -> Tensor:
    """Mask of the `count` smallest (largest) of flat values, of equal ones those that come first."""
    import numpy as np
    import torch

    if count <= 0:
        return torch.zeros_like(values, dtype=torch.bool)
    place = values.numel() - count if largest else count - 1
    bound = float(np.partition(values.numpy(), place)[place])
    keep = values > bound if largest else values < bound
    equal = (values == bound).nonzero().flatten()
    keep[equal[: count - int(keep.sum())]] = True
    return keep
