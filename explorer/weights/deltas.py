"""Task vectors read lazily, a slice at a time: Δ = θ − θ_base, Δ = B A · scale (LoRA), or a stored Δ.

Every source answers `slice(tensor, lo, hi, out)`: the float32 values lo…hi of one flattened parameter of the layout.
That is all the streamed Gram and the materialised Point need, so both work on every format, and no source ever holds
more than the slice asked for. Task vectors of LoRA adapters are formed as B A before anything is combined: averaging A
and B separately is no point in weight space.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch

from explorer.types import Layout, Tensor
from explorer.weights.tensors import Tensors, will_need


class Delta(ABC):
    """A task vector over a layout."""

    @abstractmethod
    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        """Write Δ[tensor].flatten()[lo:hi] into `out`, float32 or float64 of shape (hi − lo,)."""

    def touches(self, tensor: Tensor) -> bool:
        """False where this tensor's Δ is known to be zero without reading it."""
        return True

    def ahead(self, tensor: Tensor, lo: int, hi: int) -> None:  # noqa: B027 - nothing to fetch is the usual case
        """Δ[tensor].flatten()[lo:hi] will be asked for soon."""

    def end(self, layout: Layout) -> torch.Tensor | None:
        """The model's own parameters, float32 of shape (d,), where they are kept whole; None where Δ is all there is.

        θ_base + (θ − θ_base) is θ only up to rounding.
        """
        return None

    def whole(self, tensor: Tensor) -> torch.Tensor | None:
        """One parameter of `end`, flat in its stored precision; None where Δ is all there is."""
        return None

    def flat(self, layout: Layout) -> torch.Tensor:
        """The whole task vector, float32 of shape (d,)."""
        out = torch.zeros(layout.size)
        for tensor in layout.tensors:
            if self.touches(tensor):
                self.slice(tensor, 0, tensor.size, out[tensor.offset : tensor.offset + tensor.size])
        return out


class Weights:
    """A model's backbone parameters by canonical name, as they lie on disk."""

    def __init__(self, tensors: Tensors, names: Mapping[str, str]) -> None:
        self._tensors, self._names = tensors, names
        self._last: tuple[str, torch.Tensor] | None = None

    def whole(self, tensor: Tensor) -> torch.Tensor:
        """One parameter as a flat view in its stored precision, shape (size,)."""
        last = self._last  # a pass asks for a tensor's slices one after the other
        if last is None or last[0] != tensor.name:
            self._last = last = (tensor.name, self._tensors[self._names[tensor.name]].reshape(-1))
        return last[1]

    def ahead(self, tensor: Tensor, lo: int, hi: int) -> None:
        """Values lo … hi of one parameter will be read soon: the kernel may begin to."""
        will_need(self.whole(tensor)[lo:hi])

    def flat(self, layout: Layout) -> torch.Tensor:
        """All parameters, float32 of shape (d,)."""
        out = torch.empty(layout.size)
        for tensor in layout.tensors:
            out[tensor.offset : tensor.offset + tensor.size] = self.whole(tensor)
        return out


class Difference(Delta):
    """θ − θ_base of a model kept whole."""

    def __init__(self, weights: Weights, base: Weights) -> None:
        self._weights, self._base = weights, base

    def end(self, layout: Layout) -> torch.Tensor:
        return self._weights.flat(layout)

    def whole(self, tensor: Tensor) -> torch.Tensor:
        return self._weights.whole(tensor)

    def ahead(self, tensor: Tensor, lo: int, hi: int) -> None:
        self._weights.ahead(tensor, lo, hi)

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        mine, base = self._weights.whole(tensor)[lo:hi], self._base.whole(tensor)[lo:hi]
        if mine.dtype == base.dtype == out.dtype:
            torch.sub(mine, base, out=out)
        else:
            out.copy_(mine).sub_(base)


class LowRank(Delta):
    """B A · scale on the tensors an adapter targets, and θ − θ_base on those it keeps whole (biases, saved modules)."""

    def __init__(self, factors: Mapping[str, tuple[torch.Tensor, torch.Tensor, float]],
                 kept: Mapping[str, torch.Tensor], base: Weights) -> None:
        # factors[name] = (B, A, scale), already turned so that B A has the parameter's own shape
        self._factors, self._kept, self._base = factors, kept, base

    def factors(self, tensor: Tensor) -> tuple[torch.Tensor, torch.Tensor, float] | None:
        """(B, A, scale) of a parameter, B A of its shape; None where the adapter has no such factors."""
        return self._factors.get(tensor.name)

    def touches(self, tensor: Tensor) -> bool:
        return tensor.name in self._factors or tensor.name in self._kept

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        if tensor.name in self._factors:
            b, a, scale = self._factors[tensor.name]
            columns = a.shape[1]
            first, last = lo // columns, -(-hi // columns)
            rows = b[first:last].float() @ a.float()
            torch.mul(rows.reshape(-1)[lo - first * columns : hi - first * columns], scale, out=out)
        elif tensor.name in self._kept:
            out.copy_(self._kept[tensor.name].reshape(-1)[lo:hi]).sub_(self._base.whole(tensor)[lo:hi].float())
        else:
            out.zero_()


class Stored(Delta):
    """A Δ kept as such: fp16/fp32 tensors, or int8 with one scale a row (`NAME::scale`); absent tensors are zero."""

    def __init__(self, tensors: Tensors, names: Mapping[str, str]) -> None:
        self._tensors, self._names = tensors, names

    def touches(self, tensor: Tensor) -> bool:
        return tensor.name in self._names

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        if tensor.name not in self._names:
            out.zero_()
            return
        stored = self._names[tensor.name]
        out.copy_(self._tensors[stored].reshape(-1)[lo:hi])
        if (scales := f"{stored}::scale") in self._tensors:
            scale = self._tensors[scales]
            columns = tensor.size // scale.numel()
            first, last = lo // columns, -(-hi // columns)
            rows = scale[first:last].repeat_interleave(columns)
            out.mul_(rows[lo - first * columns : hi - first * columns])


class InMemory(Delta):
    """A flat task vector of shape (d,) that is at hand already."""

    def __init__(self, values: torch.Tensor) -> None:
        self._values = values

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        out.copy_(self._values[tensor.offset + lo : tensor.offset + hi])
