"""Stored scores passed on to Weights & Biases, MLflow or trackio: one run a Point, one metric a task and quantity.

A tracker is a function of this module's `TRACKERS` that takes runs and writes them; its package is an extra. Nothing
is sent unless this is called, and `offline` keeps everything on this machine.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.types import Probe, Task
from explorer.workflows.naming import checkpoint_point, describe, recipe
from explorer.workflows.opening import Workspace


@dataclass(frozen=True)
class Run:
    """What a tracker is given of a Point: a name, its settings, and its metrics ("TASK/loss", "TASK/accuracy", …)."""

    name: str
    settings: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)


Tracker = Callable[[Sequence[Run], str, bool, Path], None]
"""Writes runs under a project; the flag keeps them on this machine, in the folder."""


def runs(ws: Workspace, tasks: Sequence[Task] | None = None, probe: Probe | None = None) -> list[Run]:
    """Every checkpoint and kept Point that has a score, with all of them; the models' metadata are settings."""
    how, chosen = probe or Probe(), ws.catalog.tasks() if tasks is None else list(tasks)
    checkpoints = ws.catalog.checkpoints()
    points = {checkpoint_point(c).hash: (checkpoint_point(c), c) for c in checkpoints}
    points |= {p.hash: (p, None) for p in ws.catalog.points().values() if p.hash not in points}  # type: ignore[misc]
    metrics: dict[str, dict[str, float]] = {}
    for task in chosen:
        for key, score in ws.catalog.known_scores(task, how).items():
            if key in points:
                metrics.setdefault(key, {}).update({f"{task.name}/loss": score.loss, f"{task.name}/n": float(score.n),
                                                    f"{task.name}/loss_stderr": score.stderr,
                                                    f"{task.name}/accuracy": score.accuracy})
    made = []
    for key, told in metrics.items():
        point, checkpoint = points[key]
        settings: dict[str, Any] = {"recipe": recipe(ws, point), "point": point.hash, "head": how.head}
        if checkpoint is not None:
            settings |= {c: checkpoint.value(c) for c in (*checkpoint.STANDARD, *checkpoint.columns)
                         if checkpoint.value(c) is not None} | {"weights": checkpoint.id}
        made.append(Run(describe(ws, point), settings, told))
    return made


def log(ws: Workspace, to: str, *, project: str = "weight-space", tasks: Sequence[Task] | None = None,
        offline: bool = False) -> int:
    """Write the stored scores to a tracker; how many runs it was. UnavailableError without its package.

    InputError where there is nothing to write.
    """
    if to not in TRACKERS:
        raise UnknownNameError("tracker", to, list(TRACKERS))
    made = runs(ws, tasks)
    if not made:
        raise InputError("no model has a score on these tasks yet; measure some with `evaluate` or on the Path page.")
    with contextlib.redirect_stdout(sys.stderr):  # what trackers say is no answer of a verb
        TRACKERS[to](made, project, offline, ws.folder / "logs")
    return len(made)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnavailableError(f"{name} is not installed; install the extra: pip install "
                               f"'weight-space-explorer[{name}]'.") from error


def _wandb(made: Sequence[Run], project: str, offline: bool, folder: Path) -> None:
    wandb = _package("wandb")
    folder.mkdir(parents=True, exist_ok=True)
    for run in made:
        begun = wandb.init(project=project, name=run.name, config=run.settings, dir=str(folder),
                           reinit="finish_previous", mode="offline" if offline else "online")
        begun.log(run.metrics)
        begun.finish()


def _mlflow(made: Sequence[Run], project: str, offline: bool, folder: Path) -> None:
    mlflow = _package("mlflow")
    if offline:
        folder.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment(project)
    for run in made:
        with mlflow.start_run(run_name=run.name):
            mlflow.log_params({key: str(value)[:500] for key, value in run.settings.items()})
            mlflow.log_metrics(run.metrics)


def _trackio(made: Sequence[Run], project: str, offline: bool, folder: Path) -> None:
    if offline:  # it keeps runs on this machine, where this says, unless a space was named
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("TRACKIO_DIR", str(folder))
    trackio = _package("trackio")
    for run in made:
        trackio.init(project=project, name=run.name, config=run.settings)
        trackio.log(run.metrics)
        trackio.finish()


TRACKERS: dict[str, Tracker] = {"wandb": _wandb, "mlflow": _mlflow, "trackio": _trackio}
