"""The content hash of a model, its finiteness and its likeness to the base, in one read of its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from explorer.errors import CheckpointError
from explorer.types import Layout, Tensor
from explorer.weights.deltas import Delta, Weights

# A fine-tuned model keeps most of its base: cosines of encoder weights are above .9 for usual learning rates. Two
# pretrainings of one architecture are near 0. In between lie long trainings at high rates, which are let through.
MIN_LIKENESS = 0.1
_SLICE = 1 << 20


@dataclass(frozen=True)
class Fingerprint:
    """`id`: hash of the float32 values Δ of the layout; `norm` is ‖Δ‖; `likeness` the cosine of θ and θ_base."""

    id: str
    norm: float
    likeness: float


def slices(layout: Layout, size: int = _SLICE) -> Iterator[tuple[int, int, int]]:
    """(tensor number, lo, hi) over the layout in pieces of at most `size` values."""
    for number, tensor in enumerate(layout.tensors):
        for lo in range(0, tensor.size, size):
            yield number, lo, min(lo + size, tensor.size)


def pieces(delta: Delta, layout: Layout) -> Iterator[tuple[Tensor, int, torch.Tensor]]:
    """A task vector in pieces (tensor, lo, values), all in one buffer: float32 (length,), good until the next one."""
    buffer = torch.empty(_SLICE)
    for number, lo, hi in slices(layout):
        tensor, piece = layout.tensors[number], buffer[: hi - lo]
        delta.slice(tensor, lo, hi, piece)
        yield tensor, lo, piece


def fingerprint(delta: Delta, base: Weights, layout: Layout, where: str,
                also: Callable[[Tensor, int, torch.Tensor], None] | None = None) -> Fingerprint:
    """Read a task vector once. CheckpointError names the first tensor with a value that is not finite.

    `also(tensor, lo, values)` is given every piece of Δ on the way, which must not be kept.

    Likeness is taken over the matrices inside the layers alone: embeddings are often shared between pretrainings, and
    norms and biases are alike in all models.
    """
    h = hashlib.sha256(layout.key.encode())
    squared = inner = own = theirs = 0.0
    for tensor, lo, piece in pieces(delta, layout):
        square = float(torch.dot(piece, piece))
        if not square < float("inf"):  # a NaN or an infinity anywhere makes the sum one, and so do huge values
            if not torch.isfinite(piece).all():
                raise CheckpointError(f"{where}: tensor {tensor.name} holds NaN or infinite values.")
            square = float(piece.double().square().sum())
        h.update(piece.numpy().data)
        squared += square
        if also is not None:
            also(tensor, lo, piece)
        if tensor.group.kind in {"attention", "feed-forward", "other"}:
            base_piece = base.whole(tensor)[lo : lo + len(piece)].float()
            mine = base_piece + piece
            inner += float(torch.dot(base_piece, mine))
            own += float(torch.dot(mine, mine))
            theirs += float(torch.dot(base_piece, base_piece))
    likeness = inner / (own * theirs) ** 0.5 if own and theirs else 1.0
    if not likeness >= MIN_LIKENESS:
        raise CheckpointError(f"{where}: its weights have cosine {likeness:.2f} with the base's (fine-tuned models: "
                              f"above {MIN_LIKENESS}). It was fine-tuned from another base.")
    return Fingerprint(h.hexdigest()[:32], squared**0.5, likeness)


def base_id(weights: Weights, layout: Layout) -> str:
    """The content hash of a base: its parameters as float32. CheckpointError if one is not finite."""
    h = hashlib.sha256(b"base" + layout.key.encode())
    for tensor in layout.tensors:
        whole = weights.whole(tensor)
        for lo in range(0, tensor.size, _SLICE):
            piece = whole[lo : lo + _SLICE].float().contiguous()
            if not torch.isfinite(piece).all():
                raise CheckpointError(f"the base's tensor {tensor.name} holds NaN or infinite values.")
            h.update(piece.numpy().data)
    return h.hexdigest()[:32]
