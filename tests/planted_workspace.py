"""A workspace whose catalog holds a planted Gram: no weights, so that hundreds of models cost nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted_zoo import ATTENTION, NORM

from explorer import workflows
from explorer.types import Base, Checkpoint, Group, Layout
from explorer.workflows import Workspace

LAYOUT = Layout.of([("a", (200,), ATTENTION), ("b", (200,), NORM)])
OTHER = Layout.of([("a", (100,), Group("0", "attention"))])


def workspace(folder: Path) -> Workspace:
    return workflows.open_workspace(folder)


def add_base(ws: Workspace, name: str, layout: Layout = LAYOUT) -> None:
    ws.catalog.add_base(Base(f"id-{name}", name, f"bases/{name}", "bert", layout))


def add_models(ws: Workspace, base: str, vectors: np.ndarray, said: Sequence[dict[str, Any]],
               layout: Layout = LAYOUT, known: np.ndarray | None = None) -> np.ndarray:
    """Add models BASE-0 … with task vectors (n, d), after `known` ones of the same layout; all vectors so far."""
    rows = np.zeros((0, vectors.shape[1])) if known is None else known
    ends = np.cumsum([0, *(sum(t.size for t in layout.tensors if t.group == g) for g in layout.groups)])
    for i, (vector, columns) in enumerate(zip(vectors, said, strict=True)):
        rows = np.vstack([rows, vector])
        gram_row = np.stack([rows[:, a:b] @ vector[a:b] for a, b in itertools.pairwise(ends)], axis=1)
        name = f"{base}-{i}"
        ws.catalog.add_checkpoint(Checkpoint(f"id-{name}", name, f"id-{base}", f"models/{name}", "task-vector",
                                             **columns), layout, gram_row)
    return rows
