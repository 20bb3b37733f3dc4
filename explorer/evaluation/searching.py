"""The search of mixing weights on a few labelled texts without gradients, as work for a backend (LoraHub,
https://arxiv.org/abs/2307.13269, for task vectors of whole models).

What is minimised at weights w is the cross-entropy of texts left out + λ Σ |wᵢ|: the encoder stands at base + Σ wᵢ Δᵢ,
the few texts are dealt into folds, each label evenly, and each fold's texts are scored by a head fitted on the others.
No text of the test split has a part in it. Evaluated first are the base, the mean of the models and each model alone;
from the best of these COBYQA (Ragonneau and Zhang 2024) goes down within bounds, and begins again at a random mixture
when it has come to rest, until the budget is spent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import NotFiniteError
from explorer.types import Base, Point, Probe, Progress, Task

if TYPE_CHECKING:
    from explorer.evaluation.evaluator import Evaluator

FOLDS = 4
"""Into so many parts the few texts are dealt, or as many as there are texts of a label."""
USUAL_TEXTS = 500
"""Texts for which a head's usual penalty is meant."""
FAR = 1e3
"""The objective where the model overflows."""


@dataclass(frozen=True)
class Searching:
    """Weights are searched for the n models `ids` in [−bound, bound]ⁿ on `shots` train texts of each label of a task,
    drawn by `seed`; `budget` evaluations in all. `head` says how the head is fitted and texts are cut."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    ids: tuple[str, ...]
    task: Task
    shots: int
    budget: int
    penalty: float
    bound: float
    seed: int
    head: Probe
    device: str = "auto"


@dataclass(frozen=True)
class Tried:
    """One evaluation: the weights in the order of the models, the objective, and the loss in it (nats)."""

    weights: tuple[float, ...]
    objective: float
    loss: float


def starts(n: int) -> np.ndarray:
    """The weights that are evaluated first, (n + 2, n): base, mean, each model alone."""
    return np.concatenate([np.zeros((1, n)), np.full((1, n), 1 / n), np.eye(n)])


def search(request: Searching) -> Iterator[Progress | Tried]:
    """Evaluate until the budget is spent; between two evaluations the worker may be told to stop."""
    from pathlib import Path

    from explorer import settings

    yield Progress(0, request.budget, "loading the model")
    from explorer.evaluation.evaluator import resident

    evaluator = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                         settings.device(request.device))
    score = _objective(evaluator, request)
    best: Tried | None = None
    asked = _Dialogue(lambda ask: _descend(ask, len(request.ids), request.budget, request.bound, request.seed))
    try:
        weights = next(asked)
        for done in range(1, request.budget + 1):
            tried = score(weights)
            yield tried
            best = tried if best is None or tried.objective < best.objective else best
            yield Progress(done, request.budget, f"best so far {best.objective:.4f}")
            if done < request.budget:
                weights = asked.send(tried.objective)
    finally:
        asked.close()


def _objective(evaluator: Evaluator, request: Searching) -> Callable[[np.ndarray], Tried]:
    """Weights → the loss of the few texts, each left out once, with the penalty."""
    from explorer.evaluation.encoder import pooled
    from explorer.evaluation.head import generalized_loss
    from explorer.evaluation.texts import batches, encode
    from explorer.evaluation.tokenizing import tokenizer_of
    from explorer.tasks.prepare import Split, load, require_texts

    require_texts(request.task)
    train, classes = load(request.task).train, len(request.task.labels)
    rows, folds = few(train.labels, classes, request.shots, request.seed)
    labels = train.labels[rows]
    part = Split(tuple(train.texts[i] for i in rows), None if train.pairs is None else
                 tuple(train.pairs[i] for i in rows), labels)
    length = evaluator.reader.length(request.head)
    found = batches(encode(part, tokenizer_of(evaluator.folder), length), 1536, evaluator.device)
    order = np.argsort(np.concatenate([b.rows for b in found]))
    reduction = pooled(evaluator.base.pooling)

    def objective(weights: np.ndarray) -> Tried:
        row = tuple(float(f"{w:.12g}") for w in weights)
        evaluator.encoder.move(Point.of(request.base.id, dict(zip(request.ids, row, strict=True))))
        features = np.concatenate([r.cpu().numpy() for r in evaluator.encoder.rows(found, reduction, "fp32")])
        features = features[order].astype(np.float64)
        if not np.isfinite(features).all():
            return Tried(row, FAR, FAR)
        losses = [generalized_loss(features[folds != f], labels[folds != f], features[folds == f], labels[folds == f],
                                   classes, ridge(request.head, int((folds != f).sum())))[0] for f in np.unique(folds)]
        loss = float(np.concatenate(losses).mean())
        return Tried(row, loss + request.penalty * float(np.abs(row).sum()), loss)

    if objective(np.zeros(len(request.ids))).loss >= FAR:
        raise NotFiniteError("the base's own states are not finite; nothing can be searched from there.")
    return objective


def ridge(head: Probe, texts: int) -> float:
    """The head's penalty per text where it is fitted on few: a prior of one strength, however many texts there are."""
    return head.l2 * max(1.0, USUAL_TEXTS / texts)


def few(labels: np.ndarray, classes: int, shots: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of the texts, at most `shots` of each label; the fold of each), both (k,), drawn by `seed`."""
    order = np.random.default_rng(seed).permutation(len(labels))
    rows, folds = [], []
    for label in range(classes):
        mine = order[labels[order] == label][:shots]
        rows.append(mine)
        folds.append(np.arange(len(mine)) % min(FOLDS, max(shots, 2)))
    return np.concatenate(rows), np.concatenate(folds)


def _descend(ask: Callable[[np.ndarray], float], n: int, budget: int, bound: float, seed: int) -> None:
    """Asks for objectives until nobody answers."""
    from scipy.optimize import Bounds, minimize

    known = [(ask(row), row) for row in starts(n)]
    rng, at = np.random.default_rng(seed), min(known, key=lambda pair: pair[0])[1]
    while True:
        minimize(ask, at, method="COBYQA", bounds=Bounds(np.full(n, -bound), np.full(n, bound)),
                 options={"maxfev": budget, "initial_tr_radius": min(0.25, bound / 2), "final_tr_radius": 5e-3})
        at = rng.dirichlet(np.ones(n)) * min(1.0, bound)


class _Over(Exception):
    """Nobody asks any more."""


class _Dialogue:
    """A search that calls its objective, turned around: `next` and `send` give the next place that it asks for."""

    def __init__(self, run: Callable[[Callable[[np.ndarray], float]], None]) -> None:
        self._asks: queue.SimpleQueue[np.ndarray | BaseException] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[float | None] = queue.SimpleQueue()

        def ask(weights: np.ndarray) -> float:
            self._asks.put(np.array(weights, dtype=np.float64))
            if (answer := self._answers.get()) is None:
                raise _Over
            return answer

        def go() -> None:
            try:
                run(ask)
            except _Over:
                pass
            except BaseException as error:  # noqa: BLE001 - it is raised where the search is asked
                self._asks.put(error)

        self._thread = threading.Thread(target=go, daemon=True)
        self._thread.start()

    def __next__(self) -> np.ndarray:
        found = self._asks.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def send(self, answer: float) -> np.ndarray:
        self._answers.put(answer)
        return next(self)

    def close(self) -> None:
        """End the search's thread, which waits for an answer or is over."""
        self._answers.put(None)
        self._thread.join()
