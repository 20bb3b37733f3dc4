"""Losses of Points on tasks, with everything that is reused kept resident.

The base, the task vectors last used, the tokenised texts and what was computed of each text stay between calls, so that
the price of a further Point is one write of the flat buffer, the forward passes over texts not yet seen there, and the
measure's own work. What is measured of a text's hidden states is `measures`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from explorer import registry, settings
from explorer.errors import NotFiniteError
from explorer.evaluation.encoder import Encoder, Reduction
from explorer.evaluation.facts import Meter, device_name
from explorer.evaluation.head import fit_head
from explorer.evaluation.lm_heads import LanguageHead, language_head
from explorer.evaluation.reading import Reader, Which, spans
from explorer.evaluation.rows import Rows
from explorer.evaluation.texts import Batch
from explorer.evaluation.tokenizing import positions, tokenizer_of
from explorer.types import Base, DeviceFacts, Notice, Point, Probe, Score, Task
from explorer.weights.opening import open_term, reopen_base
from explorer.weights.point import FlatPoint

# Padded tokens a batch: past this a CPU gains nothing more, a GPU is filled by the larger number.
_TOKENS = {"cpu": 1536, "mps": 16384, "cuda": 65536}
_SMALLEST = 64


@dataclass(frozen=True)
class _Stretch:
    """Texts lo … hi − 1 of a split that are to be forwarded, `span` being (lo, hi)."""

    task: Task
    which: Which
    length: int
    span: tuple[int, int]


class Evaluator:
    """One base on one device.

    `folders` maps checkpoint ids to the folders of their task vectors, `datasets` to the data sets they were trained
    on; both may grow. `recent` are the scores that were made last.
    """

    def __init__(self, base: Base, folder: Path, device: str) -> None:
        self.base, self.folder, self.device = base, folder, device
        self.folders: dict[str, Path] = {}
        self.datasets: dict[str, str] = {}
        opened = reopen_base(base, folder)
        flat = FlatPoint(base.id, opened.weights, base.layout, lambda term: open_term(term, self.folders, opened),
                         device)
        self.encoder = Encoder(folder, flat)
        tokenizer = tokenizer_of(folder)
        self.reader = Reader(tokenizer, positions(self.encoder.model), device)
        self.checked: set[tuple[str, str]] = set()
        self.recent: OrderedDict[tuple[str, str, str], Score] = OrderedDict()
        self._language: LanguageHead | None = None
        self._tokens = _TOKENS[device.partition(":")[0]]
        self._rows = Rows(settings.ROW_CACHE_BYTES)
        self._meter = Meter(device)
        self._notices: list[Notice] = []

    def score(self, point: Point, task: Task, probe: Probe, between: Callable[[], None] = lambda: None) -> Score:
        """Loss of a Point in nats, measured as the probe's `head` says (see `measures`).

        `between` is called after every batch and may raise to stop. UnavailableError if the texts or a head that is
        needed are not here, NotFiniteError if the model's states are not finite there.
        """
        start = time.perf_counter()
        measure = registry.find("explorer.evaluation.measures", probe.head.replace("-", "_"))
        losses, accuracy = measure(self, point, task, probe, between)
        n = len(losses)
        stderr = float(losses.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
        self._meter.points += 1
        return Score(point.hash, task.digest, probe.key, float(losses.mean()), stderr, accuracy, n,
                     device_name(self.device), time.perf_counter() - start, losses.astype(np.float32))

    def rows(self, point: Point, task: Task, probe: Probe, parts: Sequence[Which], reduction: Reduction,
             between: Callable[[], None] = lambda: None) -> list[np.ndarray]:
        """What a reduction keeps of the texts measured on, float64 of shape (b, w) for each of `parts`.

        Only texts of which nothing is known at this Point are forwarded. NotFiniteError if a value is not finite (a
        Point so far out that the model overflows).
        """
        length = self.reader.length(probe)
        keys = {p: (point.hash, task.digest, p, str(length), probe.dtype, reduction.name) for p in parts}
        wanted = {p: self.reader.count(task, p, probe) for p in parts}
        known = {p: self._rows.get(keys[p]) for p in parts}
        first = dict(zip(("train", "test"), Probe.FIRST, strict=True))
        todo = [_Stretch(task, p, length, span) for p in parts
                for span in spans(len(known[p]), wanted[p], first[p])]
        if todo:
            self.encoder.move(point)
            made = self._forward(todo, reduction, probe.dtype, between)
            for p in {s.which for s in todo}:
                grown = [rows for stretch, rows in zip(todo, made, strict=True) if stretch.which == p]
                known[p] = np.concatenate([known[p], *grown] if len(known[p]) else grown)
                self._rows.put(keys[p], known[p])
        return [known[p][: wanted[p]].astype(np.float64) for p in parts]

    def ready(self) -> None:
        """Load what is otherwise loaded when the first Point waits for it: the head's solver, the texts' reader."""
        import pyarrow.parquet  # noqa: F401

        fit_head(np.eye(2), np.array([0, 1]), 2, 1.0)

    def language_head(self) -> LanguageHead:
        """The base's language-model head, read when first asked for; UnavailableError where it keeps none."""
        if self._language is None:
            self._language = language_head(self.base.name, self.folder, self.base.prefix, self.encoder.views,
                                           self.device)
        return self._language

    def facts(self, dtype: str) -> DeviceFacts:
        """What the device does, as measured so far."""
        return self._meter.facts(dtype, self._tokens)

    def notices(self) -> list[Notice]:
        """What a user should know and has not been told yet."""
        told, self._notices = self._notices, []
        return told

    def _forward(self, todo: Sequence[_Stretch], reduction: Reduction, dtype: str,
                 between: Callable[[], None]) -> list[np.ndarray]:
        """Rows of every stretch; all batches in one queue, so that no core waits at the end of each stretch."""
        while True:
            found = [self.reader.batches(s.task, s.which, s.length, s.span, self._tokens, reduction.form) for s in todo]
            queue = [b for some in found for b in some]
            try:
                rows = self._passed(queue, reduction, dtype, between)
            except RuntimeError as e:
                if not _out_of_memory(e) or self._tokens // 2 < _SMALLEST:
                    raise
                self._smaller()
                continue
            parts = iter(rows)
            return [_in_order(some, [next(parts) for _ in some], s.span[0])
                    for s, some in zip(todo, found, strict=True)]

    def _passed(self, queue: Sequence[Batch], reduction: Reduction, dtype: str,
                between: Callable[[], None]) -> list[np.ndarray]:
        start, kept = time.perf_counter(), []
        for rows in self.encoder.rows(queue, reduction, dtype):
            kept.append(rows)
            between()
        values = [rows.cpu().numpy() for rows in kept]
        self._meter.passed(sum(b.tokens for b in queue), time.perf_counter() - start)
        if not all(np.isfinite(v).all() for v in values):
            raise NotFiniteError("the model's features are not finite at this Point: it lies too far from the base.")
        return values

    def _smaller(self) -> None:
        """Smaller batches from here on, for every task: the device is as small for the others."""
        before, self._tokens = self._tokens, self._tokens // 2
        self.reader.forget()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
        self._notices.append(Notice(f"{device_name(self.device)} ran out of memory on batches of {before} tokens; "
                                    f"from here on they hold {self._tokens}. Scores do not change."))


def _in_order(batches: Sequence[Batch], rows: Sequence[np.ndarray], start: int) -> np.ndarray:
    stacked = np.concatenate(rows)
    ordered = np.empty_like(stacked)
    ordered[np.concatenate([b.rows for b in batches]) - start] = stacked
    return ordered


def _out_of_memory(error: RuntimeError) -> bool:
    """Whether a device could not give memory: only CUDA has an error of its own for that."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in said or "can't allocate memory" in said


_resident: dict[tuple[str, str, str], Evaluator] = {}


def resident(base: Base, base_folder: Path, folders: Mapping[str, Path], device: str,
             datasets: Mapping[str, str] | None = None) -> Evaluator:
    """This process's evaluator for a base, made when first asked for; `folders` are added to those it knows."""
    key = (base.id, str(base_folder), device)
    if key not in _resident:
        _resident[key] = Evaluator(base, base_folder, device)
    _resident[key].folders.update(folders)
    _resident[key].datasets.update(datasets or {})
    return _resident[key]
