"""What a child of the crash loop does, and says in its ledger once it is done; and the same made in peace."""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODELS = 6
MAYBE = "there or not"
"""What is said of a model that is about to come or go: a kill may be before that or after."""
ROUNDS = 3
"""Rounds of the smaller writes until a workspace is full and a new one is begun."""
RECIPE = """
name: crash
bases: [{{name: tiny, from: {base}}}]
models:
  - {{base: tiny, datasets: [toy], seeds: [{seed}], steps: 2, lr: 1.0e-3, length: 12}}
"""


def work(place: Path, zoo: Path, rng: random.Random, say: Callable[..., None]) -> None:
    """Everything that a workspace is to hold, in a drawn order; what is there already is left."""
    from explorer import workflows

    ws = workflows.open_workspace(place / "ws")
    known = {c.name for c in ws.catalog.checkpoints()}
    if missing := [f"m{i}" for i in range(MODELS) if f"m{i}" not in known]:
        for name in rng.sample(missing, 2) if len(missing) > 2 else missing:
            say("model", name, MAYBE)
            workflows.import_folders(ws, [str(zoo / name)], str(zoo / "base")).result()
            say("model", name, ws.catalog.checkpoint(name).id)
    if not ws.catalog.tasks():
        _task(ws, zoo, "toy", say)
    steps = [(step, i) for step in (_task, _score, _point, _view, _story, _signs, _export, _train, _remove)
             for i in range(ROUNDS)]
    rng.shuffle(steps)
    for step, i in steps:
        name = f"{step.__name__[1:]}-{i}"
        if step is _task:
            if name not in {t.name for t in ws.catalog.tasks()}:
                _task(ws, zoo, name, say)
        else:
            step(ws, place, name, say)
    ws.close()
    say("closed", "workspace", "")


def _task(ws: Any, zoo: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    say("task", name, workflows.add_task(ws, name, zoo / "toy.csv", None, ["text"], "y").digest)


def _mixture(ws: Any, name: str) -> Any:
    from explorer import workflows

    number = int(name.rpartition("-")[2])
    chosen = sorted(c.name for c in ws.catalog.checkpoints())[:2]
    return workflows.resolve(ws, json.dumps({"terms": dict.fromkeys(chosen, 0.25 + number / 8)}))


def _score(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows
    from explorer.types import Probe

    point, probe = _mixture(ws, name), Probe(train=12, test=12)
    workflows.evaluate(ws, [point], ws.catalog.task("toy"), probe).result()
    found = ws.catalog.scores([point], ws.catalog.task("toy"), probe)[0]
    say("score", json.dumps(point.as_dict()), found.loss)


def _point(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    if name not in ws.catalog.point_names():  # those hidden while a model is gone too
        point = _mixture(ws, name)
        workflows.keep(ws, name, point)
        say("point", name, point.hash)


def _view(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer.workflows import stories

    saved = stories.save_view(ws, "map", {"dims": 3, "of": name}, name, "note", "<svg/>")
    say("view", saved.name, saved.title)


def _story(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer.types import Step
    from explorer.workflows import stories

    begun = stories.begin_story(ws, name, tuple(Step(v.name, "say") for v in stories.saved_views(ws)[:3]))
    say("story", begun.name, [begun.title, len(begun.steps)])
    stories.change_story(ws, stories.Story(begun.name, f"{name} again", begun.steps, begun.made))
    say("story", begun.name, [f"{name} again", len(begun.steps)])


def _signs(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    if (job := workflows.signs(ws)) is not None:
        job.result()
        say("signs", "all", len(ws.catalog.gram(signs=True).ids))


def _export(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    form = ("hf", "task-vector", "hf")[int(name[-1])]
    if not (place / name).exists():
        workflows.export(ws, _mixture(ws, name), place / name, format=form).result()
        say("export", name, contents(place / name))


def _train(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    from explorer import workflows

    out, recipe = place / "trained", place / f"{name}.yaml"
    recipe.write_text(RECIPE.format(base=ws.catalog.resolve(ws.catalog.bases()[0].path), seed=int(name[-1])))
    for made in workflows.finetune(ws, recipe, out).result():
        if type(made).__name__ == "Made":
            say("trained", made.folder, contents(Path(made.folder)))


def _remove(ws: Any, place: Path, name: str, say: Callable[..., None]) -> None:
    """A model that nothing is kept of, and back: the child after this one imports what is missing."""
    from explorer import workflows

    chosen = sorted(c.name for c in ws.catalog.checkpoints())
    if len(chosen) > 3:
        gone = ws.catalog.checkpoint(chosen[2 + int(name[-1]) % (len(chosen) - 2)])
        say("model", gone.name, MAYBE)
        workflows.remove(ws, [gone.name], force=True)
        say("model", gone.name, None)


def contents(folder: Path) -> str:
    """A hash of all files of a folder, with their names."""
    h = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        h.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return h.hexdigest()


def made_in_peace(root: Path) -> dict[str, Any]:
    """The models, and their inner products computed at once and undisturbed."""
    sys.path.insert(0, str(Path(__file__).parent))
    from tiny_models import bert_base, sibling, toy_table

    from explorer import workflows

    base = bert_base(root / "base")
    for i in range(MODELS):
        sibling(base, root / f"m{i}", seed=i, group=i // 3)
    toy_table(root / "toy.csv")
    ws = workflows.open_workspace(root / "peace")
    workflows.import_folders(ws, [str(root / f"m{i}") for i in range(MODELS)], str(base)).result()
    gram = ws.catalog.gram()
    said = {"names": [ws.catalog.checkpoint(i).name for i in gram.ids], "gram": gram.values.tolist()}
    ws.close()
    return said
