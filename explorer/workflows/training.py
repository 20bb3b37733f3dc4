"""Models trained by a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.backends import Job, Work
from explorer.training.work import Finetuning, Made
from explorer.workflows.opening import Workspace


def finetune(ws: Workspace, recipe: Path, out: Path, only: Sequence[str] | None = None) -> Job:
    """Train a recipe's models into `out`, skipping those that are complete; results are Made(name, folder)."""
    request = Finetuning(str(recipe), str(out), None if only is None else tuple(only), str(ws.folder / "tasks"),
                         ws.device)
    return ws.backend.submit(Work(f"Training of {recipe.stem}", "explorer.training.work:finetune", request,
                                  lane="side"))


def made(results: Sequence[Any]) -> list[str]:
    """Names of the models that a training job completed."""
    return [r.name for r in results if isinstance(r, Made)]
