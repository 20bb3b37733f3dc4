"""An export with the head that the generalized loss fits on a task: the score is taken, the head fitted, all written.

The head is the one that the score was measured with, so what is written scores what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer import settings
from explorer.evaluation.work import Scored
from explorer.types import Probe, Progress, Task
from explorer.weights.exporting import Exporting, Linear
from explorer.weights.model_card import Row


@dataclass(frozen=True, eq=False)
class Headed:
    """What to export, and the task and measurement that its head comes from; `how` says the latter on the card."""

    exporting: Exporting
    task: Task
    probe: Probe
    how: str
    device: str = "auto"

    def on(self, device: str) -> Headed:
        """The same work on another device."""
        return replace(self, device=device)


def export(request: Headed) -> Iterator[Any]:
    """Yields progress, the Point's score on the task, and the finished folder."""
    from explorer.evaluation.encoder import pooled
    from explorer.evaluation.evaluator import resident
    from explorer.evaluation.head import linear_head
    from explorer.weights import exporting

    told, task, how = request.exporting, request.task, request.probe
    exporting.check_target(Path(told.out), told.force)
    yield Progress(0, len(told.base.layout.tensors), f"fitting the head on {task.name}")
    evaluator = resident(told.base, Path(told.base_folder), {k: Path(v) for k, v in told.folders.items()},
                         settings.device(request.device))
    score = evaluator.score(told.point, task, how)
    yield Scored(told.point, score)
    (features,) = evaluator.rows(told.point, task, how, ("train",), pooled(told.base.pooling))
    labels = evaluator.reader.labels(task, "train", how)
    head = Linear(task.name, task.labels, *linear_head(features, labels, len(task.labels), how.l2))
    others = tuple(r for r in told.card.scores if (r.task, r.how) != (task.name, request.how))
    card = replace(told.card, scores=(Row(task.name, request.how, score), *others))
    yield from exporting.export(replace(told, head=head, card=card))
