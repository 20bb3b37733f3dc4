"""Scores with planted losses."""

from __future__ import annotations

import math

import numpy as np

from explorer.types import Point, Score

HERE = Point("base")


def score(losses, *, task="task", probe="probe", point=HERE, accuracy=0.8, keep=True):
    """A Score of single examples' losses (b,)."""
    losses = np.asarray(losses, dtype=np.float32)
    known = len(losses) > 1 and np.isfinite(losses).all()
    stderr = float(losses.std(ddof=1) / math.sqrt(len(losses))) if known else math.nan
    return Score(point.hash, task, probe, float(losses.mean()), stderr, accuracy, len(losses), "cpu", 0.1,
                 losses if keep else np.zeros(0, np.float32))
