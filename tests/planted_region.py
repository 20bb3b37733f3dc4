"""A workspace of planted models whose losses are known: nothing is ever measured in it, so hundreds cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from planted_workspace import add_base, add_models, workspace
from planted_zoo import zoo

from explorer.types import Probe, Score, Task
from explorer.workflows import Workspace, regions
from explorer.workflows.regions import Groups, Level

TEXTS = 40
PROBE = Probe(train=20, test=20)
TASKS = {name: Task(name, f"tasks/{name}.parquet", ("a", "b"), 20, 20, f"digest-{name}", family=family)
         for name, family in (("d0", "t0"), ("d1", "t0"), ("d4", "t1"), ("elsewhere", None))}
"""Tasks without texts: two of one family with models, one of another, one that no model was trained on."""


def planted(folder: Path) -> Workspace:
    """Base A with 72 models: 12 data sets d0 … d11 of 6 models, 4 a task t0 … t2, the first of each small."""
    ws, made = workspace(folder), zoo()
    add_base(ws, "A")
    first: set[str] = set()
    said = []
    for dataset, task in zip(made.datasets, made.tasks, strict=True):
        said.append({"dataset": dataset, "task": task, "train_size": 100 if dataset not in first else 1000})
        first.add(dataset)
    add_models(ws, "A", made.vectors, said)
    for task in TASKS.values():
        ws.catalog.add_task(task)
    return ws


def score(ws: Workspace, groups: Groups, losses: Callable[[str, int, int], np.ndarray], probe: Probe = PROBE) -> None:
    """Store scores of In ("in"), In′ ("in_prime"), Ex ("ex") and the base; single losses by (group, place, texts)."""
    sides = {"in": groups.inside.points, "in_prime": groups.in_prime.points, "ex": groups.outside.points}
    rows = [(p, losses(name, i, TEXTS)) for name, points in sides.items() for i, p in enumerate(points)]
    made = [(p, Score(p.hash, groups.task.digest, probe.key, float(x.mean()), float(x.std(ddof=1) / np.sqrt(TEXTS)),
                      0.8, TEXTS, "cpu", 0.5, x.astype(np.float32))) for p, x in rows]
    origin = regions.asks(groups, probe)[-1].point
    flat = np.ones(TEXTS, np.float32)
    made.append((origin, Score(origin.hash, groups.task.digest, probe.key, 1.0, 0.0, 0.5, TEXTS, "cpu", 0.5, flat)))
    ws.catalog.add_scores(made)


def equal(seed: int) -> Callable[[str, int, int], np.ndarray]:
    """Losses that no group is better at: texts differ, models differ, groups do not."""
    rng = np.random.default_rng(seed)
    return lambda name, i, texts: 0.5 + rng.normal(scale=0.05) + rng.normal(scale=0.1, size=texts)


def apart(name: str, i: int, texts: int) -> np.ndarray:
    """The hull is better than its models, and those better than all others."""
    level = {"in": 0.4, "in_prime": 0.3, "ex": 0.6}[name] + 0.0001 * i
    return np.full(texts, level) + 0.01 * np.linspace(-1, 1, texts)


def groups(ws: Workspace, task: str = "d0", level: Level = "dataset", trait: str | None = None,
           **settings: object) -> Groups:
    return regions.groups(ws, TASKS[task], level, trait, **settings)  # type: ignore[arg-type]
