"""Random projections of task vectors: what stands for the Gram where there are too many checkpoints for one.

Of each parameter group k numbers are kept. Values get a random sign each and are folded into k buckets, a run of k
consecutive values at a time and each run turned by a random number of places: two values of one run never meet, two of
different runs meet with probability 1/k. So ⟨s(x), s(y)⟩ is an unbiased estimate of ⟨x, y⟩ whose variance is at most
(‖x‖² ‖y‖² + ⟨x, y⟩²) / k, as for a count sketch (Charikar, Chen and Farach-Colton 2002), in one pass over the values
and O(d) time. A group of no more than k values is kept as it is.

Signs and turns are functions of the seed and of a value's place in its group alone: the same whatever the size of the
pieces a vector is read in, on any machine, so that vectors sketched years apart can be compared.
"""

from __future__ import annotations

import numpy as np
import torch

from explorer.types import Layout, Sketch, Tensor
from explorer.weights.units import by_group

_WORD = 64
_GOLDEN, _FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Sketching:
    """One task vector on its way into a sketch; pieces may come in any order and size, each value once."""

    def __init__(self, layout: Layout, sketch: Sketch) -> None:
        self._sketch, self._sizes = sketch, sketch.sizes(layout)
        self._ends = np.cumsum([0, *self._sizes])
        self._place: dict[str, tuple[int, int]] = {}
        self._left: list[int] = []
        for group, tensors in enumerate(by_group(layout)):
            at = 0
            for tensor in tensors:
                self._place[tensor.name] = (group, at)
                at += tensor.size
            self._left.append(at)
        self._whole = list(self._left)
        self._folding: dict[int, torch.Tensor] = {}
        self._values = np.zeros(self._ends[-1], "<f4")

    def add(self, tensor: Tensor, lo: int, piece: torch.Tensor) -> None:
        """The values of one flattened parameter from `lo` on."""
        group, start = self._place[tensor.name]
        k, first = self._sizes[group], start + lo
        if self._whole[group] <= k:
            at = self._ends[group] + first
            self._values[at : at + len(piece)] = piece.numpy()
        else:
            self._fold(group, k, first, piece)
        self._left[group] -= len(piece)
        if not self._left[group] and group in self._folding:
            self._values[self._ends[group] : self._ends[group + 1]] = _turned(self._folding.pop(group))

    def result(self) -> np.ndarray:
        """The sketch, all groups one after the other: float32 of shape (Σ k_g,)."""
        if any(self._left):
            raise ValueError("values are missing from the sketch")
        return self._values

    def _fold(self, group: int, k: int, first: int, piece: torch.Tensor) -> None:
        before = first % k
        runs = -(-(before + len(piece)) // k)
        padded = torch.zeros(runs * k, dtype=torch.float64)
        padded[before : before + len(piece)] = piece * _signs(self._sketch.seed, group, first, len(piece))
        turns = _hashed(self._sketch.seed, 2 * group, np.arange(first // k, first // k + runs)) % np.uint64(k)
        held = self._folding.setdefault(group, torch.zeros(k, k, dtype=torch.float64))  # by turn: turned at the end
        held.index_add_(0, torch.from_numpy(turns.astype(np.int64)), padded.view(runs, k))


def _turned(held: torch.Tensor) -> np.ndarray:
    """Σ over turns r of row r moved on by r places, shape (k,)."""
    k = len(held)
    at = (torch.arange(k)[None, :] - torch.arange(k)[:, None]) % k
    return held.gather(1, at).sum(dim=0).numpy()


def _signs(seed: int, group: int, first: int, length: int) -> torch.Tensor:
    """±1 for the values first … first + length of a group, 64 from one hash."""
    word = first // _WORD
    words = _hashed(seed, 2 * group + 1, np.arange(word, -(-(first + length) // _WORD)))
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")
    return torch.from_numpy(bits[first - word * _WORD :][:length]).float().mul_(-2).add_(1)


def _hashed(seed: int, stream: int, numbers: np.ndarray) -> np.ndarray:
    """64 random bits for each number: SplitMix64 (Steele, Lea and Flood 2014), a stream of its own for each purpose."""
    begin = _mixed(_mixed(np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64)) + np.uint64(stream))
    return _mixed(begin + numbers.astype(np.uint64) * _GOLDEN)


def _mixed(z: np.ndarray) -> np.ndarray:
    z = z + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))
