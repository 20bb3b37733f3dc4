"""Points written out as folders: models, task vectors, adapters, and vectors for TensorBoard's projector."""

from __future__ import annotations

import io
import json
import platform
import shlex
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from explorer import __version__, numbers
from explorer.backends import Job, Work
from explorer.errors import InputError
from explorer.evaluation.exporting import Headed
from explorer.evaluation.work import Scored
from explorer.merges._recipe import Recipe, is_merge
from explorer.projections._tensorboard import Vectors
from explorer.tasks.prepare import require_texts
from explorer.types import Base, Checkpoint, Point, Probe, Task
from explorer.weights.directions import is_generated
from explorer.weights.exporting import MARK, SHARD, Exporting, check_format, check_room, check_target
from explorer.weights.exporting_kinds import carries
from explorer.weights.model_card import Card, Input, Row
from explorer.workflows.acts import changes
from explorer.workflows.merging import gram_with_merges
from explorer.workflows.naming import describe, folders, members, recipe, resolve, spelled
from explorer.workflows.opening import Workspace

FOLDER = "exports"
"""Where in a workspace exports go that name no place of their own."""


@changes("exporting to the server")
def export(ws: Workspace, point: Point, out: Path, *, format: str = "hf", force: bool = False, task: Task | None = None,
           probe: Probe | None = None, rank: int | None = None, shard: int = SHARD, owner: str = "") -> Job:
    """Write a Point as a folder; the job's last result is an Exported.

    "hf": a model that transformers loads, with `task` the head of its generalized loss too; "task-vector": what an
    import reads; "lora": an adapter that PEFT loads, exact for sums of adapters, else of a `rank`; "projector": vectors
    of all the base's models and this Point. InputError if the folder is there, unless `force` replaces what an export
    made; and where the disk has no room.
    """
    form, out = check_format(format), place(ws, out, force)
    if form == "projector":
        return projector(ws, [point], out, force=force, owner=owner)
    _check_options(form, task, rank, shard)
    check_room(out, 4 * ws.catalog.base(point.base).layout.size)
    base, used, how = ws.catalog.base(point.base), members(ws, [point]), probe or Probe()
    if how.head != "probe":
        raise InputError(f"the head {how.head!r} is not fitted on a task; --task takes --head probe, the default.")
    meta = {"name": out.name, "base": base.name, "method": method_of(point), "recipe": recipe(ws, point),
            MARK: {"format": form, "version": __version__, "point": point.hash}}
    if task is not None:
        require_texts(task)
        meta |= {"labels": list(task.labels), "pooling": base.pooling, "head_task": task.name}
    request = Exporting(base, str(ws.catalog.resolve(base.path)), folders(ws, used), point, str(out), meta,
                        _card(ws, point, used, out.name, how, task), form, force=force, rank=rank, shard=shard)
    title = f"Export to {out.name}"
    if task is None:
        return ws.backend.submit(Work(title, "explorer.weights.exporting:export", request, lane="side"), owner=owner)

    def keep(made: object) -> None:
        if isinstance(made, Scored):
            ws.catalog.add_scores([(made.point, made.score)])

    headed = Headed(request, task, how, in_words(how), ws.device)
    return ws.backend.submit(Work(title, "explorer.evaluation.exporting:export", headed), keep, owner=owner)


@changes("exporting to the server")
def projector(ws: Workspace, points: Sequence[Point], out: Path, *, force: bool = False, base: Base | None = None,
              owner: str = "") -> Job:
    """Write all models of a base, the base and some Points of it as vectors for TensorBoard's projector.

    A Point with a merge or a random direction costs a pass over the models, which is waited for.
    """
    out = place(ws, out, force)
    if not points and base is None:
        raise InputError("give a Point, or the base whose models are meant.")
    chosen = base or ws.catalog.base(points[0].base)
    if any(p.base != chosen.id for p in points):
        raise InputError("the Points have different bases; a projector shows those of one base.")
    models = ws.catalog.checkpoints(chosen.id)
    known = {Point.of(chosen.id, {c.id: 1.0}) for c in models} | {Point.of(chosen.id)}
    shown = [Point.of(chosen.id, {c.id: 1.0}) for c in models]
    shown += [Point.of(chosen.id), *dict.fromkeys(p for p in points if p not in known)]
    gram = gram_with_merges(ws, [Point.of(chosen.id), *points])
    coefficients = np.stack([p.coefficients(gram.ids) for p in shown])
    rows = [_row(c) for c in models] + [{"kind": "base"}] + [{"kind": "point"}] * (len(shown) - len(models) - 1)
    names = [c.name for c in models] + [chosen.name] + [describe(ws, p) for p in shown[len(models) + 1:]]
    meta = {"base": chosen.name, MARK: {"format": "projector", "version": __version__}}
    request = Vectors(tuple(names), tuple(rows), coefficients @ gram.matrix @ coefficients.T, str(out), meta, force)
    work = Work(f"Export to {out.name}", "explorer.projections._tensorboard:write", request, lane="side")
    return ws.backend.submit(work, owner=owner)


def place(ws: Workspace, out: Path, force: bool = False) -> Path:
    """The folder itself, absolute; InputError where none can be made, or where a model of the workspace lies."""
    out = Path(out).expanduser().absolute()
    home = ws.folder / FOLDER
    if out.parent == home:
        home.mkdir(exist_ok=True)
    check_target(out, force)
    if out.exists():
        kept: list[Base | Checkpoint] = [*ws.catalog.bases(), *ws.catalog.checkpoints()]
        if holding := [m.name for m in kept if ws.catalog.resolve(m.path).resolve() == out.resolve()]:
            raise InputError(f"{out}: is the model {holding[0]!r} of this workspace, which would become another one; "
                             "name another folder.")
    return out


def command(ws: Workspace, point: Point, name: str, out: Path, *, format: str = "hf", task: Task | None = None,
            rank: int | None = None, force: bool = False) -> str:
    """The command that exports a Point in the same way; `name` is the Point's, if it is kept under one."""
    kept = name if ws.catalog.points().get(name) == point else describe(ws, point)
    try:
        known = resolve(ws, kept) == point
    except InputError:
        known = False
    said = kept if known else json.dumps(recipe(ws, point), ensure_ascii=False)
    options = [*(["--format", format] if format != "hf" else []), *(["--task", task.name] if task else []),
               *(["--rank", str(rank)] if rank else []), *(["--force"] if force else [])]
    return shlex.join(["python", "-m", "explorer", "export", said, str(out), *options])


def archive(folder: Path) -> bytes:
    """A folder's files as a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for file in sorted(folder.iterdir()):
            made.write(file, f"{folder.name}/{file.name}")
    return packed.getvalue()


def method_of(point: Point) -> str:
    """How a Point comes from its models: base, checkpoint, a merge's method, or linear."""
    if not point.terms:
        return "base"
    (term, coefficient), *others = point.terms
    if others or coefficient != 1 or (is_generated(term) and not is_merge(term)):
        return "linear"
    return Recipe.parse(term).method if is_merge(term) else "checkpoint"


def in_words(probe: Probe) -> str:
    """How a loss is measured, on one line."""
    def texts(count: int) -> str:
        return numbers.count(count) if count else "all"

    told = {"probe": f"linear head on at most {texts(probe.train)} train texts, ridge {probe.l2:g}",
            "end-to-end": "the models' own heads", "lm": "language-model loss a token"}[probe.head]
    return f"{told}; at most {texts(probe.test)} test texts of {probe.length} tokens, {probe.dtype}"


def _check_options(form: str, task: Task | None, rank: int | None, shard: int) -> None:
    if task is not None and form != "hf":
        raise InputError(f"--task {task.name}: a head belongs to a model; --format {form} has none.")
    if rank is not None and form != "lora":
        raise InputError(f"--rank {rank} is for --format lora, not for --format {form}.")
    if rank is not None and not 1 <= rank <= 4096:
        raise InputError(f"--rank {rank}: a number from 1 to 4096 is needed.")
    if shard < 1:
        raise InputError(f"--shard-size {shard}: at least one byte is needed.")


def _card(ws: Workspace, point: Point, used: Sequence[Checkpoint], title: str, probe: Probe,
          task: Task | None) -> Card:
    base = ws.catalog.base(point.base)
    inputs = (Input(base.name, base.id), *(Input(c.name, c.id, c.dataset, c.seed) for c in used))
    ways = dict.fromkeys((probe, Probe(), *(replace(Probe(), head=head) for head in ("end-to-end", "lm"))))
    rows = [Row(t.name, in_words(way), s) for way in ways for t in ws.catalog.tasks()
            for s in ws.catalog.scores([point], t, way) if s is not None]
    return Card(title, method_of(point), spelled(ws, point), recipe(ws, point), inputs, base.pooling, probe.length,
                tuple(rows), _versions(), task.name if task else None, task is not None and carries(base))


def _versions() -> dict[str, str]:
    found = {"weight-space-explorer": __version__, "python": platform.python_version()}
    for package in ("torch", "transformers", "safetensors"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _row(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"kind": "model", **{name: checkpoint.value(name) for name in Checkpoint.STANDARD}}
