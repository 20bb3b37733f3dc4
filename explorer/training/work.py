"""Running a recipe as work for a backend, on one worker or shared by several, and what it would cost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.training.bases import Known
from explorer.types import Progress, Task

if TYPE_CHECKING:
    from explorer.training.preflight import Cost

_SAID = 0.2
"""Seconds between two words on how far a sweep is: a word for each step would cost more than a small model's step."""


@dataclass(frozen=True)
class Finetuning:
    """A recipe file, the folder its models go to, which runs (None: all), the folder of the texts, the device.

    `mine` names the runs of this part where several workers share the sweep (None: all of them).
    """

    recipe: str
    out: str
    only: tuple[str, ...] | None
    tasks: str
    device: str = "auto"
    known: Known = field(default_factory=Known)
    mine: tuple[str, ...] | None = None

    def split(self, n: int) -> list[Finetuning]:
        """At most n parts, none of them empty, of the runs that are not there yet; each run is of one part."""
        from explorer.training import files, plan, sweep

        if n < 1:
            raise ValueError(f"into {n} parts: at least one is needed")
        _, waiting = sweep.waiting_for(files.load(self.recipe), Path(self.out), self.only)
        if self.mine is not None:
            waiting = [r for r in waiting if r.name in self.mine]
        return [replace(self, mine=names) for names in plan.shared(waiting, n)] or [self]

    def remaining(self, results: Iterable[Any]) -> Finetuning:
        """The same: runs whose folders are there are skipped."""
        return self

    def on(self, device: str) -> Finetuning:
        """The same work on another device."""
        return replace(self, device=device)


@dataclass(frozen=True)
class Made:
    """A base or model of the recipe that is complete, at `folder`."""

    name: str
    folder: str


def finetune(request: Finetuning) -> Iterator[Progress | Made | Task]:
    """Yields progress in training steps, data sets that were fetched, and each model when it is complete.

    Closing it leaves nothing half-made.
    """
    from explorer.training import files, sweep

    recipe = files.load(request.recipe)
    folders = {r.name: Path(request.out) / r.folder for r in sweep.runs(recipe)
               if request.mine is None or r.name in request.mine}
    said: set[str] = set()
    last = 0.0
    for step in sweep.run(recipe, request.out, request.only, tasks=request.tasks, device=request.device,
                          known=request.known, mine=request.mine):
        if isinstance(step, Task):
            yield step
            continue
        made = step.name in folders and step.name not in said and folders[step.name].is_dir()
        if made or step.done == step.total or time.monotonic() - last > _SAID:
            last = time.monotonic()
            yield Progress(step.done, step.total, f"{step.name}: {step.message}")
        if made:
            said.add(step.name)
            yield Made(step.name, str(folders[step.name]))


def estimate(request: Finetuning) -> Iterator[Progress | Task | Cost]:
    """Everything that is checked before a sweep, and last what it would cost; no model is made."""
    from explorer import settings
    from explorer.training import files, preflight, sweep

    recipe, out = files.load(request.recipe), Path(request.out)
    wanted, waiting = sweep.waiting_for(recipe, out, request.only)
    known = [r.name for r in waiting]
    for said in sweep.prepared(recipe, out, wanted, waiting, Path(request.tasks), request.known):
        if isinstance(said, list):
            yield Progress(0, 1, "timing a few steps")
            yield preflight.cost(recipe, [r for r in said if r.name in known], out, request.known,
                                 settings.device(request.device))
        elif isinstance(said, Task):
            yield said
        else:
            yield Progress(said.done, said.total, said.message)
