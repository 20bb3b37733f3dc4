"""A Point's parameters one after the other, and a safetensors file written as they come.

For models that are written and not evaluated: memory is a few copies of one parameter, whatever the number of models
(of a merge, one for each that it merges).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from explorer.errors import InputError, NotFiniteError
from explorer.types import Layout, Point, Tensor
from explorer.weights.deltas import Delta, Weights


class Stream:
    """The parameters of a Point; `open_delta(term)` gives a term's task vector."""

    def __init__(self, point: Point, base: Weights, open_delta: Callable[[str], Delta]) -> None:
        self._base = base
        self._deltas = [(open_delta(term), coefficient) for term, coefficient in point.terms]
        self._average = bool(point.terms) and abs(sum(c for _, c in point.terms) - 1.0) <= 1e-9

    def parameter(self, tensor: Tensor) -> torch.Tensor:
        """θ of one parameter, float32 of its shape; NotFiniteError where it is not finite.

        Models that are kept whole and whose coefficients sum to 1 are averaged as they are, so that one model alone is
        itself to the bit; otherwise Σ cᵢ Δᵢ is summed before the base is added.
        """
        whole = [delta.whole(tensor) for delta, _ in self._deltas] if self._average else []
        if whole and all(w is not None for w in whole):
            theta = self._averaged([w for w in whole if w is not None])
        else:
            theta = self._summed(tensor)
        if not bool(torch.isfinite(theta).all()):
            raise NotFiniteError(f"{tensor.name} is not finite at this Point: it lies too far from the base.")
        return theta.view(tensor.shape)

    def delta(self, tensor: Tensor) -> torch.Tensor:
        """Σ cᵢ Δᵢ of one parameter, float32 of its shape; NotFiniteError where it is not finite."""
        total = self._total(tensor)
        if not bool(torch.isfinite(total).all()):
            raise NotFiniteError(f"{tensor.name} is not finite at this Point: it lies too far from the base.")
        return total.view(tensor.shape)

    def touches(self, tensor: Tensor) -> bool:
        """False where Σ cᵢ Δᵢ is known to be zero without reading it."""
        return any(delta.touches(tensor) for delta, _ in self._deltas)

    @property
    def terms(self) -> list[tuple[Delta, float]]:
        """The task vectors and their coefficients."""
        return list(self._deltas)

    def _averaged(self, whole: list[torch.Tensor]) -> torch.Tensor:
        if len(whole) == 1:
            return whole[0].float()
        theta = torch.zeros(whole[0].numel())
        for values, (_, coefficient) in zip(whole, self._deltas, strict=True):
            theta.addcmul_(values.float(), torch.tensor(coefficient))
        return theta

    def _summed(self, tensor: Tensor) -> torch.Tensor:
        return self._total(tensor).add_(self._base.whole(tensor).float())

    def _total(self, tensor: Tensor) -> torch.Tensor:
        total, one = torch.zeros(tensor.size), torch.empty(tensor.size)
        for delta, coefficient in self._deltas:
            if delta.touches(tensor):
                delta.slice(tensor, 0, tensor.size, one)
                total.add_(one, alpha=coefficient)
        return total


def write_tensors(path: Path, layout: Layout, parameter: Callable[[Tensor], torch.Tensor],
                  metadata: Mapping[str, str] | None = None) -> Iterator[Tensor]:
    """A safetensors file of a layout's parameters in float32, each asked for when its turn comes; yields those written.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata or {"format": "pt"})}
    for tensor in layout.tensors:
        header[tensor.name] = {"dtype": "F32", "shape": list(tensor.shape),
                               "data_offsets": [4 * tensor.offset, 4 * (tensor.offset + tensor.size)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # values begin at a multiple of 8 bytes
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in layout.tensors:
            values = parameter(tensor).contiguous()
            if values.dtype is not torch.float32 or tuple(values.shape) != tensor.shape:
                raise InputError(f"{tensor.name} is {values.dtype} of {tuple(values.shape)}, not float32 of "
                                 f"{tensor.shape}.")
            file.write(values.numpy().astype("<f4", copy=False).data)
            yield tensor
