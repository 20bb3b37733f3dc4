"""Whether a lower precision shows: the paired difference of losses to float32 against their standard error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.evaluation.evaluator import Evaluator
from explorer.types import Notice, Point, Probe, Task


def checked(evaluator: Evaluator, point: Point, task: Task, probe: Probe) -> Notice | None:
    """A notice where bf16 or fp16 moves the loss by as much as its standard error, at this Point's first texts.

    Made once for each task and probe of a base; None if nothing is to be said, or it was checked before.
    """
    key = (task.digest, probe.key)
    if probe.dtype == "fp32" or key in evaluator.checked:
        return None
    evaluator.checked.add(key)
    few = probe.first()
    low = evaluator.score(point, task, few)
    exact = evaluator.score(point, task, replace(few, dtype="fp32"))
    moved = float(np.mean(low.losses.astype(np.float64) - exact.losses))
    if abs(moved) < exact.stderr:
        return None
    return Notice(f"{task.name}: {probe.dtype} changes the loss by {moved:+.4f} nats on {exact.n} texts, which is not "
                  f"less than its standard error of {exact.stderr:.4f}. Measure with --dtype fp32.")
