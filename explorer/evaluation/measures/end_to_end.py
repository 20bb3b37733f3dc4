"""The loss of the models as they were trained: the Point's head is the same mixture as its weights, Σ cᵢ headᵢ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.errors import UnavailableError
from explorer.evaluation.encoder import pooled
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.head import log_softmax
from explorer.evaluation.trained_heads import TrainedHead, known_kinds, mixed, trained_head
from explorer.types import Point, Probe, Task
from explorer.weights.directions import is_generated

_INSTEAD = "measure it with a refitted head (`--head probe`)"


def end_to_end(evaluator: Evaluator, point: Point, task: Task, how: Probe,
               between: Callable[[], None]) -> tuple[np.ndarray, float]:
    """Cross-entropy (b,) of the test texts in nats, and accuracy, of the interpolated classifier.

    UnavailableError where the coefficients do not sum to 1, a model keeps no head, or one was trained on other labels.
    """
    head = interpolated(evaluator, point, task)
    (features,) = evaluator.rows(point, task, how, ("test",), pooled(head.pooling), between)
    logp = log_softmax(head.logits(features))
    labels = evaluator.reader.labels(task, "test", how)
    return -logp[np.arange(len(labels)), labels], float(np.mean(logp.argmax(axis=1) == labels))


def interpolated(evaluator: Evaluator, point: Point, task: Task) -> TrainedHead:
    """Σ cᵢ headᵢ over a Point's terms, its classes in the task's order."""
    total = sum(c for _, c in point.terms)
    if abs(total - 1) > 1e-9:
        raise UnavailableError(f"a head interpolated end to end needs coefficients that sum to 1, this Point's sum to "
                               f"{total:g}: the base has no head. Choose a Point between fine-tuned models, or "
                               f"{_INSTEAD}.")
    if made := [term for term, _ in point.terms if is_generated(term)]:
        raise UnavailableError(f"{made[0]} is no model and has no head; {_INSTEAD}.")
    heads = []
    for checkpoint, _ in point.terms:
        folder = evaluator.folders[checkpoint]
        head = trained_head(folder, evaluator.folder, evaluator.base.prefix)
        if head is None:
            raise UnavailableError(f"{folder.name} keeps no classification head of a known form (head.safetensors, or "
                                   f"that of transformers' classifiers for {known_kinds()}), so it has no loss end to "
                                   f"end; {_INSTEAD}.")
        known = evaluator.datasets.get(checkpoint) == task.name
        heads.append(_for_task(head, task, folder.name, known))
    if len({h.form for h in heads}) > 1:
        raise UnavailableError(f"the models' heads have different forms ({', '.join(sorted({h.form for h in heads}))})"
                               f" and can't be interpolated; {_INSTEAD}.")
    return mixed(heads, [c for _, c in point.terms])


def _for_task(head: TrainedHead, task: Task, name: str, trained_on_it: bool) -> TrainedHead:
    """The head with its classes in the task's order; UnavailableError where they are others."""
    if head.labels is None:  # it numbers its classes: only the data set says what they are
        if trained_on_it and head.classes == len(task.labels):
            return head
        raise UnavailableError(f"{name}'s head has {head.classes} classes without names; whether they are the labels "
                               f"of {task.name!r} ({', '.join(task.labels)}) is not known. Name them in its "
                               f"config.json (id2label), give its data set when it is imported, or {_INSTEAD}.")
    place = {label.casefold(): i for i, label in enumerate(head.labels)}
    wanted = [label.casefold() for label in task.labels]
    if sorted(place) != sorted(wanted):
        raise UnavailableError(f"{name}'s head was trained on the labels {', '.join(head.labels)}; the task "
                               f"{task.name!r} has {', '.join(task.labels)}. Choose a task with the models' labels, "
                               f"or {_INSTEAD}.")
    return head.ordered([place[label] for label in wanted])
