"""A base that is trained from one Point after the other, with everything that is reused kept resident.

The model's parameters are views into one flat buffer: a start is written into it, and training moves it from there.
The base and the tokenised texts are read once; the price of a run is its steps and one pass over the test split.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from explorer import settings
from explorer.tasks import prepare
from explorer.training.batching import Tokens, tokenise
from explorer.training.classifier import Classifier, longest, measured, untrained
from explorer.training.fine_tuning import second
from explorer.training.fitting import fit, run_seed, trained_names
from explorer.training.loop import Step
from explorer.training.starting import Run, Starting
from explorer.training.threads import threads_for
from explorer.types import Base, Notice, Progress, Started, Task, Tuning
from explorer.weights.opening import open_term, reopen_base
from explorer.weights.point import FlatPoint

Labelled = tuple[Tokens, np.ndarray]
_SAID = 0.3
"""Seconds between two words on how far a run is."""
_KEPT = 4
"""Data sets whose tokens are kept."""


class Trainer:
    """One base on one device. `folders` maps checkpoint ids to the folders of their task vectors, and may grow."""

    def __init__(self, base: Base, folder: Path, device: str) -> None:
        self.base, self.folder, self.device = base, folder, device
        self.folders: dict[str, Path] = {}
        opened = reopen_base(base, folder)
        self.flat = FlatPoint(base.id, opened.weights, base.layout, lambda term: open_term(term, self.folders, opened),
                              device)
        self.backbone = untrained(folder).to(device)
        parameters = dict(self.backbone.named_parameters())
        for t in base.layout.tensors:
            parameters[t.name].data = self.flat.theta[t.offset : t.offset + t.size].view(t.shape)
        self._texts: OrderedDict[tuple[str, int], tuple[Labelled, Labelled]] = OrderedDict()

    def train(self, run: Run, how: Tuning) -> Iterator[Step | Started]:
        """Yields after every step and, last, the result: the head and the order of texts are those of every start.

        UnavailableError if the texts are not here.
        """
        with threads_for(self.base.layout.size):
            yield from self._train(run, how)

    def _train(self, run: Run, how: Tuning) -> Iterator[Step | Started]:
        begun = time.perf_counter()
        drawn = run_seed(run.task.name, run.seed, run.size)
        (tokens, labels), test = self._labelled(run.task, how.length)
        some = len(tokens) if run.size is None else run.size
        self.flat.move(run.point)
        model = Classifier(self.backbone, self.backbone.config.hidden_size, len(run.task.labels), drawn,
                           pooling=self.base.pooling).to(self.device)
        taken = 0
        for step in fit(model, trained_names(how.method, self.backbone), tokens.first(some), labels[:some], how,
                        seed=drawn, device=self.device):
            taken = step.number
            yield step
        losses, right = measured(model, *test, self.device)
        n, finite = len(losses), bool(np.isfinite(losses).all())
        stderr = float(losses.std(ddof=1) / np.sqrt(n)) if finite and n > 1 else float("nan")
        yield Started(run.point, run.task.digest, how.key, run.size, run.seed, float(right.mean()),
                      float(losses.mean()) if finite else float("inf"), stderr, n, taken,
                      time.perf_counter() - begun, self.device)

    def _labelled(self, task: Task, length: int) -> tuple[Labelled, Labelled]:
        """Tokens and labels of both splits."""
        limit = longest(self.backbone)
        length = length if limit is None else min(length, limit)
        key = task.digest, length
        if key not in self._texts:
            prepare.require_texts(task)
            texts = prepare.load(task)
            train, test = ((tokenise(self.folder, part.texts, second(part), length), part.labels)
                           for part in (texts.train, texts.test))
            self._texts[key] = train, test
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


_resident: dict[tuple[str, str, str], Trainer] = {}


def resident(base: Base, folder: Path, folders: Mapping[str, Path], device: str) -> Trainer:
    """This process's trainer for a base, made when first asked for; `folders` are added to those it knows."""
    key = (base.id, str(folder), device)
    if key not in _resident:
        _resident[key] = Trainer(base, folder, device)
    _resident[key].folders.update(folders)
    return _resident[key]


def train_from(request: Starting) -> Iterator[Progress | Started | Notice]:
    """Make the runs in order; between two steps the worker may be told to stop. Progress is in training steps."""
    each, done = request.tuning.steps, 0
    total = each * len(request.runs)
    yield Progress(0, total, "loading the model")
    trainer = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                       settings.device(request.device))
    for number, run in enumerate(request.runs, start=1):
        about = f"{run.task.name}, run {number} of {len(request.runs)}"
        yield Progress(done, total, about)
        said = time.monotonic()
        for step in trainer.train(run, request.tuning):
            if isinstance(step, Started):
                if step.loss == float("inf"):
                    yield Notice(f"{run.task.name}, seed {run.seed}: training overflowed, so that no answer counts "
                                 "as right. Choose a lower rate.")
                yield step
            elif time.monotonic() - said > _SAID:
                said = time.monotonic()
                yield Progress(done + step.number, total, f"{about}, loss {step.loss:.3f}")
        done += each
        yield Progress(done, total, about)
