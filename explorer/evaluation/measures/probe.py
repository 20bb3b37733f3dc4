"""The paper's generalized loss: the encoder is frozen and a fresh linear head is fitted on the train texts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.evaluation.encoder import pooled
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.head import generalized_loss
from explorer.types import Point, Probe, Task


def probe(evaluator: Evaluator, point: Point, task: Task, how: Probe,
          between: Callable[[], None]) -> tuple[np.ndarray, float]:
    """Cross-entropy (b,) of the test texts in nats, and accuracy, of a head fitted on the train texts."""
    train, test = evaluator.rows(point, task, how, ("train", "test"), pooled(evaluator.base.pooling), between)
    labels = evaluator.reader.labels
    return generalized_loss(train, labels(task, "train", how), test, labels(task, "test", how), len(task.labels),
                            how.l2)
