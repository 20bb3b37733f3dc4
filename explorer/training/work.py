"""Running a recipe as work for a backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.types import Progress


@dataclass(frozen=True)
class Finetuning:
    """A recipe file, the folder its models go to, which runs (None: all), the folder of the texts, the device."""

    recipe: str
    out: str
    only: tuple[str, ...] | None
    tasks: str
    device: str = "auto"


@dataclass(frozen=True)
class Made:
    """A base or model of the recipe that is complete, at `folder`."""

    name: str
    folder: str


def finetune(request: Finetuning) -> Iterator[Progress | Made]:
    """Yields progress in training steps, and each model when it is complete; closing it leaves nothing half-made."""
    from pathlib import Path

    from explorer.training import recipes, sweep

    recipe = recipes.load(request.recipe)
    folders = {r.name: Path(request.out) / r.folder for r in sweep.runs(recipe)}
    said: set[str] = set()
    for step in sweep.run(recipe, request.out, request.only, tasks=request.tasks, device=request.device):
        yield Progress(step.done, step.total, f"{step.name}: {step.message}")
        if step.name in folders and step.name not in said and folders[step.name].is_dir():
            said.add(step.name)
            yield Made(step.name, str(folders[step.name]))
