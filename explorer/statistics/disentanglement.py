"""Weight disentanglement: how far two task vectors, added together, disturb each other's task.

Ortiz-Jimenez et al. 2023: ξ(α₁, α₂) = Σₜ E |f(x; αₜ Δₜ) − f(x; α₁ Δ₁ + α₂ Δ₂)| over the inputs x of task t, with the
share of changed predictions as distance. Here the distance is that of the losses, in nats, of single examples where
they were kept. A mean loss alone can hide changes that cancel; `xi` then is a lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from explorer.errors import InputError
from explorer.statistics.readings import Difference
from explorer.types import Score


def xi(first: Sequence[float], second: Sequence[float], losses: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """ξ in nats on a grid: shape (rows, columns), row i at α₂ = second[i], column j at α₁ = first[j].

    `losses`: on the first and on the second task, each (rows, columns), or (rows, columns, b) of single examples, NaN
    where not measured. Zero on both axes' own share: at α₂ = 0 the first task counts nothing. InputError where 0 is not
    among the α of both, or shapes do not fit.
    """
    shape = (len(second), len(first))
    tasks = [np.asarray(x, dtype=np.float64) for x in losses]
    for task in tasks:
        if task.shape[:2] != shape or task.ndim not in (2, 3):
            raise InputError(f"losses of shape {task.shape} on a grid of {shape[0]} rows and {shape[1]} columns.")
    if 0.0 not in first or 0.0 not in second:
        raise InputError("both coefficients must take the value 0: each task is compared with its vector alone.")
    row, column = list(second).index(0.0), list(first).index(0.0)
    changes = [tasks[0] - tasks[0][row : row + 1], tasks[1] - tasks[1][:, column : column + 1]]
    means = [np.abs(c) if c.ndim == 2 else np.abs(c).mean(axis=2) for c in changes]
    return np.asarray(means[0] + means[1])


def disturbance(together: Sequence[Score], alone: Sequence[Score]) -> Difference | None:
    """ξ at one place with its standard error over the texts of both tasks: `together` is the sum's score on each task,
    `alone` that of the task's own vector. None where single texts' losses were not kept.
    """
    value, variance = 0.0, 0.0
    for both, own in zip(together, alone, strict=True):
        if len(both.losses) != len(own.losses) or len(own.losses) < 2:
            return None
        changes = np.abs(both.losses.astype(np.float64) - own.losses)
        value += float(changes.mean())
        variance += float(changes.var(ddof=1)) / len(changes)
    return Difference(value, math.sqrt(variance), True)
