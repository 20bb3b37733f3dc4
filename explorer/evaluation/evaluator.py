"""Generalized loss of Points on tasks, with everything that is reused kept resident.

The base, the task vectors last used and the tokenised tasks stay on the device between calls, so that the price of a
further Point is one write of the flat buffer, the forward passes and the fit of a head.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from explorer.errors import UnavailableError
from explorer.evaluation.encoder import Encoder
from explorer.evaluation.head import generalized_loss
from explorer.evaluation.texts import Batch, Encoded, batches, encode, positions, tokenizer_of
from explorer.types import Base, Point, Probe, Score, Task
from explorer.weights.opening import open_delta, reopen_base
from explorer.weights.point import FlatPoint

# Padded tokens a batch: past this a CPU gains nothing more, a GPU is filled by the larger number.
_TOKENS = {"cpu": 2048, "mps": 16384, "cuda": 65536}
_SMALLEST = 64


class Evaluator:
    """One base on one device. `folders` maps checkpoint ids to the folders of their task vectors and may grow."""

    def __init__(self, base: Base, folder: Path, device: str, dtype: str = "fp32") -> None:
        self.folders: dict[str, Path] = {}
        self.device = device
        opened = reopen_base(base, folder)
        flat = FlatPoint(base.id, opened.weights, base.layout, lambda i: open_delta(self.folders[i], opened), device)
        self._encoder = Encoder(folder, flat, base.pooling, dtype)
        self._tokenizer = tokenizer_of(folder)
        self._longest = positions(self._encoder.model)
        self._tokens = _TOKENS[device]
        self._texts: dict[str, tuple[Encoded, Encoded]] = {}
        self._batches: dict[str, tuple[list[Batch], list[Batch]]] = {}

    def score(self, point: Point, task: Task, probe: Probe, between: Callable[[], None] = lambda: None) -> Score:
        """Generalized loss of a Point: mean test cross-entropy in nats of a fresh head on the frozen encoder.

        `between` is called before every batch and may raise to stop. UnavailableError if the texts are not here.
        """
        start = time.perf_counter()
        train, test = self._encoded(task, probe)
        self._encoder.move(point)
        features = self._features(task, probe, between)
        losses, accuracy = generalized_loss(features[0], train.labels, features[1], test.labels, len(task.labels),
                                            probe.l2)
        n = len(losses)
        stderr = float(losses.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        return Score(point.hash, task.digest, probe.key, float(losses.mean()), stderr, accuracy, n,
                     device_name(self.device), time.perf_counter() - start, losses.astype(np.float32))

    def _encoded(self, task: Task, probe: Probe) -> tuple[Encoded, Encoded]:
        key = task.digest + probe.key
        if key not in self._texts:
            if not Path(task.path).is_file():
                raise UnavailableError(f"the texts of task {task.name!r} are not here; get them with "
                                       "`python -m explorer datasets fetch` or on the Catalog page.")
            self._texts[key] = encode(task, self._tokenizer, probe, self._longest)
        return self._texts[key]

    def _features(self, task: Task, probe: Probe, between: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
        key = task.digest + probe.key
        while True:
            if key not in self._batches:
                train, test = self._texts[key]
                self._batches[key] = (batches(train, self._tokens, self.device),
                                      batches(test, self._tokens, self.device))
            try:
                train_batches, test_batches = self._batches[key]
                return self._encoder.features(train_batches, between), self._encoder.features(test_batches, between)
            except torch.OutOfMemoryError:
                if self._tokens // 2 < _SMALLEST:
                    raise
                # smaller batches from here on, for every task: the device is as small for the others
                self._tokens //= 2
                self._batches.clear()
                if self.device == "cuda":
                    torch.cuda.empty_cache()


def device_name(device: str) -> str:
    """The device as people know it."""
    return f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device


_resident: dict[tuple[str, str, str, str], Evaluator] = {}


def resident(base: Base, base_folder: Path, folders: Mapping[str, Path], device: str, dtype: str) -> Evaluator:
    """This process's evaluator for a base, made when first asked for; `folders` are added to those it knows."""
    key = (base.id, str(base_folder), device, dtype)
    if key not in _resident:
        _resident[key] = Evaluator(base, base_folder, device, dtype)
    _resident[key].folders.update(folders)
    return _resident[key]
