"""Models trained by a recipe: what its names mean in the workspace, what it would cost, and the sweep itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.backends import Job, Work
from explorer.errors import InputError, RecipeError, UnknownNameError
from explorer.paths.mixture import uniform
from explorer.training import files, plan
from explorer.training.bases import Known, Located
from explorer.training.recipes import GivenBase, ModelsRecipe, Recipe
from explorer.training.work import Finetuning, Made
from explorer.types import Base, Point, Task
from explorer.weights.hidden import whole_file
from explorer.workflows.acts import changes
from explorer.workflows.naming import folders, members, resolve
from explorer.workflows.naming import recipe as recipe_of
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

STARTS = ".starts.json"
"""Where a sweep's starts are kept: models that are imported meanwhile do not move a centroid."""


@changes("training models")
def finetune(ws: Workspace, recipe: Path, out: Path, only: Sequence[str] | None = None) -> Job:
    """Train a recipe's models into `out`, skipping those that are complete; results are Made(name, folder).

    One sweep is shared by all workers of the backend that evaluate. RecipeError or UnknownNameError at once for what
    the workspace has none of; the rest is checked before the first step.
    """
    request = _request(ws, recipe, out, only, keep=True)
    several = sum(worker.lane == "model" for worker in ws.backend.facts()) > 1
    return ws.backend.submit(Work(f"Training of {recipe.stem}", "explorer.training.work:finetune", request,
                                  lane="model" if several else "side"), lambda found: _keep(ws, found))


@changes("training models")
def estimate(ws: Workspace, recipe: Path, out: Path, only: Sequence[str] | None = None) -> Job:
    """Check everything a sweep would check and say what it would cost; its last result is a Cost."""
    request = _request(ws, recipe, out, only, keep=False)
    return ws.backend.submit(Work(f"Cost of {recipe.stem}", "explorer.training.work:estimate", request, lane="side"),
                             lambda found: _keep(ws, found))


def made(results: Sequence[Any]) -> list[str]:
    """Names of the models that a training job completed."""
    return [r.name for r in results if isinstance(r, Made)]


def _keep(ws: Workspace, found: Any) -> None:
    if isinstance(found, Task):
        ws.catalog.add_task(found)


def _request(ws: Workspace, file: Path, out: Path, only: Sequence[str] | None, *, keep: bool) -> Finetuning:
    recipe = files.load(file)
    names = None if only is None else tuple(only)
    return Finetuning(str(file), str(out), names, str(ws.folder / "tasks"), ws.device,
                      _known(ws, recipe, plan.chosen(recipe, names), out, keep=keep))


def _known(ws: Workspace, recipe: Recipe, wanted: Sequence[plan.Run], out: Path, *, keep: bool) -> Known:
    """What the recipe's names mean here."""
    bases = {b.name: found for b in recipe.bases if isinstance(b, GivenBase) and isinstance(b.source, str)
             and (found := _base(ws, b.source))}
    held = _held(out)
    starts: dict[str, Point] = {}
    for run in wanted:
        if isinstance(run.block, ModelsRecipe) and run.block.start != "base":
            if run.block.base not in bases:
                raise RecipeError(f"{run.name} starts from {run.block.start!r}, which is looked for among the models "
                                  f"of a workspace; {run.block.base!r} is no base of {ws.folder}. Import models of it, "
                                  "or choose another --workspace.")
            starts[run.name] = held.get(run.name) or _start(ws, bases[run.block.base], run.block.start,
                                                            str(run.dataset))
    if keep and starts and held.keys() != starts.keys():
        _hold(out, held | starts)
    checkpoints = {c.id: c for point in set(starts.values()) for c in members(ws, [point])}
    return Known({name: Located(ws.catalog.resolve(b.path), b.name, b.pooling, b) for name, b in bases.items()}, starts,
                 {name: recipe_of(ws, point) for name, point in starts.items()}, folders(ws, checkpoints.values()))


def _base(ws: Workspace, source: str) -> Base | None:
    """The workspace's base of this name, id or folder."""
    for base in ws.catalog.bases():
        if source in (base.name, base.id) or (
                Path(source).is_dir() and Path(source).resolve() == ws.catalog.resolve(base.path).resolve()):
            return base
    return None


def _start(ws: Workspace, base: Base, start: str, dataset: str) -> Point:
    """The Point that models of a data set start from."""
    if start == "centroid":
        others = [c.id for c in full_size(ws.catalog.checkpoints(base.id)) if c.dataset not in (None, dataset)]
        if not others:
            raise RecipeError(f"no model of {base.name!r} is trained on another data set than {dataset!r}: there is no "
                              "centroid to start from.")
        return Point.of(base.id, uniform(others))
    try:
        point = resolve(ws, start)
    except UnknownNameError as error:
        raise UnknownNameError("start", start, {"base", "centroid", *error.known}) from None
    if point.base != base.id:
        raise RecipeError(f"the start {start!r} is a Point of {ws.catalog.base(point.base).name!r}; the recipe's base "
                          f"is {base.name!r}. Choose a start of it, or 'base'.")
    return point


def _held(out: Path) -> dict[str, Point]:
    """The starts of a sweep that was begun before."""
    file = out / STARTS
    if not file.is_file():
        return {}
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return {name: Point.of(raw["base"], raw["terms"]) for name, raw in said.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} can't be read ({error}); delete it to choose the starts anew.") from error


def _hold(out: Path, starts: dict[str, Point]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with whole_file(out / STARTS) as making:
        making.write_text(json.dumps({name: point.as_dict() for name, point in starts.items()}), encoding="utf-8")
