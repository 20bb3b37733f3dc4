"""Running a recipe: a stream of progress that can be stopped between any two steps and taken up again.

A run's folder appears when the run is complete and is never touched again; a second pass skips it, after a check that
it was made with the same settings. Stopping leaves nothing half-written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import settings
from explorer.errors import RecipeError
from explorer.training.corpus import find_tasks
from explorer.training.plan import Run, chosen, runs
from explorer.training.recipes import Recipe
from explorer.training.writing import new_folder, read_meta

if TYPE_CHECKING:
    from explorer.training.loop import Autocast

__all__ = ["Progress", "Run", "run", "runs"]


@dataclass(frozen=True)
class Progress:
    """Run `name` moved on; `done` of `total` training steps of all the chosen runs lie behind."""

    name: str
    done: int
    total: int
    message: str


def run(recipe: Recipe, out: str | Path, only: str | Sequence[str] | None = None, *, tasks: str | Path | None = None,
        device: str = "auto", autocast: Autocast = "off") -> Iterator[Progress]:
    """Makes what is missing of a recipe under `out` (bases/NAME, models/NAME); yields as it goes.

    `only` names runs, or patterns such as "talk-*"; a base that they need is made too. `tasks` is the folder with the
    texts as Parquet (None: that of the workspace). Before the first step, UnavailableError where texts are missing,
    UnknownNameError for a run that the recipe lacks, RecipeError where a folder was made with other settings.
    """
    out, tasks = Path(out), settings.workspace() / "tasks" if tasks is None else Path(tasks)
    wanted = chosen(recipe, only)
    waiting = [r for r in wanted if not _complete(out / r.folder, r)]
    texts = find_tasks(tasks, _needed(recipe, waiting))
    if not waiting:
        yield Progress(recipe.name, 1, 1, f"all {len(wanted)} runs are there already")
        return
    from explorer.training.making import make

    device = settings.device(device)
    total = sum(r.steps for r in wanted)
    done = total - sum(r.steps for r in waiting)
    if done:
        yield Progress(recipe.name, done, total, f"{len(wanted) - len(waiting)} of {len(wanted)} are there already")
    for r in waiting:
        with new_folder(out / r.folder) as folder:
            for share, message in make(recipe, r, folder, out, texts, device=device, autocast=autocast):
                yield Progress(r.name, done + int(share * r.steps), total, message)
        done += r.steps
        yield Progress(r.name, done, total, f"{r.folder} is complete")


def _needed(recipe: Recipe, waiting: Sequence[Run]) -> list[str]:
    corpus = recipe.corpus if any(r.kind == "base" for r in waiting) else ()
    return list(dict.fromkeys([*corpus, *(r.dataset for r in waiting if r.dataset is not None)]))


def _complete(folder: Path, r: Run) -> bool:
    meta = read_meta(folder)
    if meta is not None and meta.get("settings") != r.settings:
        raise RecipeError(f"{folder} was made with other settings than the recipe's {r.name!r}; "
                          "choose another --out, or delete that folder to make it anew.")
    return meta is not None
