"""Running a recipe: a stream of progress that can be stopped between any two steps and taken up again.

A run's folder appears when the run is complete and is never touched again; a second pass skips it, after a check that
it was made with the same settings. Stopping leaves nothing half-written, and what a killed process was filling is
removed by the next pass.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import settings
from explorer.errors import RecipeError
from explorer.training import preflight
from explorer.training.bases import Known
from explorer.training.corpus import find_tasks
from explorer.training.plan import Run, chosen, lengths, runs
from explorer.training.recipes import BaseRecipe, ModelsRecipe, Recipe
from explorer.training.writing import new_folder, read_meta
from explorer.types import Progress as Said
from explorer.types import Task
from explorer.weights.hidden import clear_leftovers

if TYPE_CHECKING:
    from explorer.training.loop import Autocast

__all__ = ["Progress", "Run", "prepared", "run", "runs", "waiting_for"]

_POLL = 0.2
"""Seconds between two looks for a base that another worker makes."""


@dataclass(frozen=True)
class Progress:
    """Run `name` moved on; `done` of `total` training steps of all the chosen runs lie behind."""

    name: str
    done: int
    total: int
    message: str


def waiting_for(recipe: Recipe, out: Path, only: str | Sequence[str] | None) -> tuple[list[Run], list[Run]]:
    """(the chosen runs, those of them that are not there); RecipeError where a folder has other settings."""
    wanted = chosen(recipe, only)
    return wanted, [r for r in wanted if not _complete(out / r.folder, r)]


def prepared(recipe: Recipe, out: Path, wanted: Sequence[Run], waiting: Sequence[Run], tasks: Path,
             known: Known) -> Iterator[Progress | Task | list[Run]]:
    """Everything that can be checked is, and what can be fetched; last come the chosen runs with their steps.

    The errors of `preflight`, before the first training step.
    """
    names = _needed(recipe, waiting)
    for said in preflight.fetch(recipe, names, tasks):
        yield Progress(recipe.name, 0, 0, said.message) if isinstance(said, Said) else said
    texts = find_tasks(tasks, names)
    preflight.check(recipe, waiting, texts, out, known)
    here = {r.dataset for r in wanted if (tasks / f"{r.dataset}.parquet").is_file()}
    yield lengths(wanted, texts | find_tasks(tasks, [str(d) for d in here if d is not None and d not in texts]))


def run(recipe: Recipe, out: str | Path, only: str | Sequence[str] | None = None, *, tasks: str | Path | None = None,
        device: str = "auto", autocast: Autocast = "off", known: Known | None = None,
        mine: Collection[str] | None = None) -> Iterator[Progress | Task]:
    """Makes what is missing of a recipe under `out` (bases/NAME, models/NAME); yields as it goes.

    `only` names runs, or patterns such as "talk-*"; a base that they need is made too. `tasks` is the folder with the
    texts as Parquet (None: that of the workspace). Of several workers each makes the runs named `mine` and waits for
    bases that are others'. Before the first step, UnavailableError where texts are missing, UnknownNameError for a run
    that the recipe lacks, RecipeError where a folder was made with other settings; see `preflight` for the rest.
    """
    out, tasks = Path(out), settings.workspace() / "tasks" if tasks is None else Path(tasks)
    known = known or Known()
    wanted, waiting = waiting_for(recipe, out, only)
    if not waiting:
        yield Progress(recipe.name, 1, 1, f"all {len(wanted)} runs are there already")
        return
    for kind in ("bases", "models"):
        clear_leftovers(out / kind)
    for said in prepared(recipe, out, wanted, waiting, tasks, known):
        if isinstance(said, list):
            steps = {r.name: r.steps for r in said}
        else:
            yield said
    from explorer.training.making import make

    device = settings.device(device)
    ours = [replace(r, steps=max(1, steps[r.name])) for r in wanted if mine is None or r.name in mine]
    todo = [r for r in ours if r.name in {w.name for w in waiting}]
    texts = find_tasks(tasks, _needed(recipe, todo))
    total = max(1, sum(r.steps for r in ours))
    done = total - sum(r.steps for r in todo) if ours else 1
    if len(todo) < len(ours):
        yield Progress(recipe.name, done, total, f"{len(ours) - len(todo)} of {len(ours)} are there already")
    for r in todo:
        yield from _bases_of(recipe, r, out, done, total)
        with new_folder(out / r.folder) as folder:
            for share, message in make(recipe, r, folder, out, texts, known, device=device, autocast=autocast):
                yield Progress(r.name, done + int(share * r.steps), total, message)
        done += r.steps
        yield Progress(r.name, done, total, f"{r.folder} is complete")


def _bases_of(recipe: Recipe, r: Run, out: Path, done: int, total: int) -> Iterator[Progress]:
    """Waits until the base of a model is there, where another worker makes it."""
    made = [b.name for b in recipe.bases if isinstance(b, BaseRecipe)]
    if isinstance(r.block, ModelsRecipe) and r.block.base in made:
        while not (out / "bases" / r.block.base).is_dir():
            yield Progress(r.name, done, total, f"waiting for the base {r.block.base}")
            time.sleep(_POLL)


def _needed(recipe: Recipe, waiting: Sequence[Run]) -> list[str]:
    corpus = recipe.corpus if any(r.kind == "base" for r in waiting) else ()
    return list(dict.fromkeys([*corpus, *(r.dataset for r in waiting if r.dataset is not None)]))


def _complete(folder: Path, r: Run) -> bool:
    meta = read_meta(folder)
    if meta is not None and meta.get("settings") != r.settings:
        raise RecipeError(f"{folder} was made with other settings than the recipe's {r.name!r}; "
                          "choose another --out, or delete that folder to make it anew.")
    return meta is not None
