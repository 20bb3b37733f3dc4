"""The tasks' texts as a device reads them: the batches of any stretch of a split, made once and kept.

A split is read in stretches: its first texts, which a first pass asks for, and the rest. The stretches are the same
whoever asks, so that a score has the same bits whether or not a first pass went before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from explorer.evaluation.texts import Batch, Encoded, batches, encode, masked, shifted
from explorer.tasks.prepare import Split, Texts, load, require_texts
from explorer.types import Probe, Task

Which = Literal["train", "test"]
Form = Literal["plain", "masked", "shifted"]
# Texts of a split that are kept as they are: more than most measurements use, and little memory.
_KEPT = 2000


class Reader:
    """Batches of tasks for one tokenizer, longest text and device."""

    def __init__(self, tokenizer: Any, longest: int | None, device: str) -> None:
        self._tokenizer, self._longest, self._device = tokenizer, longest, device
        self._texts: dict[str, Texts] = {}
        self._batches: dict[tuple[Any, ...], list[Batch]] = {}

    @property
    def masks(self) -> bool:
        """Whether the tokenizer has a mask token."""
        return getattr(self._tokenizer, "mask_token_id", None) is not None

    def length(self, probe: Probe) -> int:
        """The longest text in tokens: what is asked for, or all that the model can read."""
        return probe.length if self._longest is None else min(probe.length, self._longest)

    def labels(self, task: Task, which: Which, probe: Probe) -> np.ndarray:
        """Labels (b,) of the texts that are measured on."""
        count = self.count(task, which, probe)
        return self._split(task, which, count).labels[:count]

    @staticmethod
    def count(task: Task, which: Which, probe: Probe) -> int:
        """b, the texts of a split that are measured on."""
        wanted, there = (probe.train, task.n_train) if which == "train" else (probe.test, task.n_test)
        return min(wanted, there) if wanted else there

    def batches(self, task: Task, which: Which, length: int, span: tuple[int, int], tokens: int,
                form: Form) -> list[Batch]:
        """Batches of the texts number span[0] … span[1] − 1, at most `tokens` padded tokens each."""
        key = (task.digest, which, length, span, tokens, form)
        if key not in self._batches:
            lo, hi = span
            part = self._split(task, which, hi)
            pairs = None if part.pairs is None else part.pairs[lo:hi]
            plain = encode(Split(part.texts[lo:hi], pairs, part.labels[lo:hi]), self._tokenizer, length)
            self._batches[key] = batches(self._formed(plain, form), tokens, self._device, lo)
        return self._batches[key]

    def forget(self) -> None:
        """Let go of all batches: they are about to be made smaller."""
        self._batches.clear()

    def _formed(self, encoded: Encoded, form: Form) -> Encoded:
        made: dict[Form, Callable[[], Encoded]] = {
            "plain": lambda: encoded, "shifted": lambda: shifted(encoded),
            "masked": lambda: masked(encoded, self._tokenizer.mask_token_id,
                                     frozenset(self._tokenizer.all_special_ids))}
        return made[form]()

    def _split(self, task: Task, which: Which, upto: int) -> Split:
        """At least the first `upto` texts of a split."""
        kept = self._texts.get(task.digest)
        if kept is None or len(getattr(kept, which)) < upto:
            require_texts(task)
            whole, keep = load(task), max(upto, _KEPT)
            kept = self._texts[task.digest] = Texts(whole.train.first(keep), whole.test.first(keep))
        found: Split = getattr(kept, which)
        return found


def spans(done: int, wanted: int, cut: int) -> Iterator[tuple[int, int]]:
    """The stretches of a split still to be read, from `done` to `wanted`, cut where a first pass ends."""
    edges = [done, *([cut] if done < cut < wanted else []), wanted]
    yield from ((lo, hi) for lo, hi in pairwise(edges) if lo < hi)
