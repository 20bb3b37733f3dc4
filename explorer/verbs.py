"""The bodies of the command line's verbs: read arguments, call one workflow, print its answer as text or JSON."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer import registry, settings, workflows
from explorer.backends import Job
from explorer.catalog import bundle
from explorer.errors import InputError, UnknownNameError
from explorer.types import KINDS, MapSpec, Probe, Score
from explorer.workflows import Workspace

Answer = tuple[Any, str]  # what --json prints, what is printed without


def run(args: argparse.Namespace) -> int:
    """Run the verb of parsed arguments; returns the exit status."""
    if args.verb == "serve":
        return serve(args)
    name = args.verb + (f"_{args.action}" if hasattr(args, "action") else "")
    verb: Callable[[Workspace, argparse.Namespace], Answer] = globals()[f"{name}_verb"]
    ws = workflows.open_workspace(getattr(args, "workspace", None), device=getattr(args, "device", None))
    if not getattr(args, "quiet", False):
        ws.backend.watch = _show_progress
    try:
        value, text = verb(ws, args)
    finally:
        ws.close()
    print(json.dumps(value, ensure_ascii=False) if getattr(args, "json", False) else text)
    return 2 if isinstance(value, dict) and value.get("refused") else 0


def import_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    job = workflows.import_folders(ws, args.folders, args.base, Path(args.metadata) if args.metadata else None)
    found = workflows.outcomes(job.result())
    imported = [{"folder": o.folder, "name": o.name} for o in found if o.name]
    refused = [{"folder": o.folder, "error": o.error} for o in found if o.error]
    for o in refused:
        print(f"refused: {o['error']}", file=sys.stderr)
    text = "\n".join([*(f"imported {o['name']}" for o in imported),
                      f"{len(imported)} imported, {len(refused)} refused"])
    return {"imported": imported, "refused": refused}, text


def list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    bases = {b.id: b for b in ws.catalog.bases()}
    chosen = ws.catalog.checkpoints(ws.catalog.base(args.base).id if args.base else None)
    rows = [{"name": c.name, "id": c.id, "base": bases[c.base].name, "format": c.format, "dataset": c.dataset,
             "task": c.task, "domain": c.domain, "seed": c.seed, "train_size": c.train_size, "method": c.method,
             "path": str(ws.catalog.resolve(c.path)), **{f"columns.{k}": v for k, v in c.columns.items()}}
             for c in chosen]
    shown = [{k: r[k] for k in ("name", "base", "dataset", "task", "domain", "seed", "train_size")} for r in rows]
    return {"bases": [{"name": b.name, "id": b.id, "model_type": b.model_type, "parameters": b.layout.size}
                      for b in bases.values()], "checkpoints": rows}, _table(shown)


def gram_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    gram = workflows.gram(ws, args.base, _names(args.layers), _kinds(args.kinds))
    matrix = gram.cosines if args.cosine else gram.matrix
    names = _checkpoint_names(ws)
    ids = [names[i] for i in gram.ids]
    rows = [{"": name, **{other: f"{v:.4g}" for other, v in zip(ids, row, strict=True)}}
            for name, row in zip(ids, matrix, strict=True)]
    return {"ids": ids, "matrix": matrix.tolist(), "cosine": args.cosine}, _table(rows)


def map_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    methods = registry.names("explorer.projections")
    if args.method not in methods:
        raise UnknownNameError("projection method", args.method, methods)
    base = ws.catalog.base(args.base) if args.base else workflows.main_base(ws)
    spec = MapSpec(base.id, args.method, args.dims, args.metric, _names(args.layers), _kinds(args.kinds),
                   seed=args.seed)
    projection = workflows.projection(ws, spec)
    if projection is None:
        projection = workflows.project(ws, spec).result()[0]
    names = _checkpoint_names(ws)
    ids = [names[i] for i in projection.ids]
    rows = [{"name": i, **{f"axis {k + 1}": f"{v:.5g}" for k, v in enumerate(row)}}
            for i, row in zip(ids, projection.coords, strict=True)]
    explained = None if projection.explained is None else list(projection.explained)
    return {"ids": ids, "coords": projection.coords.tolist(), "explained": explained}, _table(rows)


def tasks_add_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    text = [c.strip() for c in args.text.split(",") if c.strip()]
    if (args.hub is None) == (args.train is None):
        raise InputError("tasks add needs either --train FILE or --hub ID.")
    if args.hub is not None:
        task = workflows.add_hub_task(ws, args.name, args.hub, args.config, text, args.label, args.family, args.domain)
    else:
        task = workflows.add_task(ws, args.name, Path(args.train), Path(args.test) if args.test else None, text,
                                  args.label, args.family, args.domain)
    value = {"name": task.name, "labels": list(task.labels), "n_train": task.n_train, "n_test": task.n_test}
    return value, f"{task.name}: {task.n_train} train, {task.n_test} test texts, labels {', '.join(task.labels)}"


def tasks_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    rows = [{"name": t.name, "family": t.family, "domain": t.domain, "labels": len(t.labels), "n_train": t.n_train,
             "n_test": t.n_test, "texts": "here" if Path(t.path).is_file() else "to be fetched"}
             for t in ws.catalog.tasks()]
    return {"tasks": rows}, _table(rows)


def datasets_fetch_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    tasks = workflows.fetch_datasets(ws, args.names or None).result()
    return {"fetched": [t.name for t in tasks]}, f"{len(tasks)} datasets are here"


def datasets_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    rows = [{"name": name, "family": family, "domain": domain, "here": here}
            for name, family, domain, here in workflows.available_datasets(ws)]
    return {"datasets": rows}, _table(rows)


def evaluate_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    point, task, probe = workflows.resolve(ws, args.point), ws.catalog.task(args.task), _probe(args)
    workflows.evaluate(ws, [point], task, probe).result()
    (score,) = ws.catalog.scores([point], task, probe)
    assert score is not None
    value = {"point": workflows.describe(ws, point), "task": task.name, **_score(score), "device": score.device,
             "seconds": score.seconds}
    return value, (f"{value['point']} on {task.name}: loss {score.loss:.4f} ± {score.stderr:.4f}, "
                   f"accuracy {score.accuracy:.3f}, n {score.n} ({score.device}, {score.seconds:.2f} s)")


def score_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    probe = _probe(args)
    tasks = ws.catalog.tasks() if args.task == "all" else [ws.catalog.task(t) for t in _names(args.task) or ()]
    for task in tasks:
        for job in workflows.score_checkpoints(ws, task, probe, args.own):
            job.result()
    names = _checkpoint_names(ws)
    rows = [{"checkpoint": names[i], "task": task.name, **_score(s)}
            for task in tasks for i, s in workflows.checkpoint_scores(ws, task, probe).items()]
    shown = [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in r.items()} for r in rows]
    return {"scores": rows}, _table(shown)


def path_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    one, zero = workflows.resolve(ws, args.a), workflows.resolve(ws, args.b)
    task, probe = ws.catalog.task(args.task), _probe(args)
    line = workflows.path(ws, zero, one, alphas(args.alphas))
    workflows.evaluate(ws, line.points, task, probe).result()
    scores = ws.catalog.scores(line.points, task, probe)
    rows = [{"alpha": a, **_score(s)} for a, s in zip(line.alphas, scores, strict=True) if s is not None]
    value = {"task": task.name, "zero": workflows.describe(ws, zero), "one": workflows.describe(ws, one),
             "points": rows}
    shown = [{"α": f"{r['alpha']:g}", "loss": f"{r['loss']:.4f}",
              "± s.e.": "" if r["stderr"] is None else f"{r['stderr']:.4f}",
              "accuracy": f"{r['accuracy']:.3f}", "n": r["n"]} for r in rows]
    return value, f"{task.name}: α = 0 is {value['zero']}, α = 1 is {value['one']}\n{_table(shown)}"


def finetune_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    made = workflows.made(workflows.finetune(ws, Path(args.recipe), Path(args.out), args.only).result())
    return {"out": args.out, "models": made}, f"{len(made)} models in {args.out}"


def pack_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    bundle.pack(ws.catalog.database, Path(args.out))
    return {"out": args.out, "tables": list(bundle.TABLES)}, f"wrote {', '.join(bundle.TABLES)} to {args.out}"


def serve(args: argparse.Namespace) -> int:
    """Replace this process by the app's server."""
    if workspace := getattr(args, "workspace", None):
        os.environ["EXPLORER_WORKSPACE"] = str(settings.workspace(workspace))
    os.environ["EXPLORER_DEVICE"] = args.device
    app = settings.ROOT / "app.py"
    os.chdir(settings.ROOT)  # where .streamlit/config.toml is looked for
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(app), "--server.address", args.host,  # noqa: S606
                              "--server.port", str(args.port)])


def alphas(text: str) -> list[float]:
    """α values from FROM:TO:COUNT or a,b,c; InputError for anything that is no finite number."""
    parts = text.split(":")
    if len(parts) == 3:
        first, last = _number(parts[0]), _number(parts[1])
        if not parts[2].strip().isdecimal() or not 2 <= int(parts[2]) <= 10_000:
            raise InputError(f"--alphas {text!r}: the count {parts[2]!r} must be a whole number from 2 to 10000.")
        count = int(parts[2])
        return [first + (last - first) * i / (count - 1) for i in range(count)]
    if len(parts) != 1:
        raise InputError(f"--alphas {text!r}: write FROM:TO:COUNT (0:1:11) or a list (0,0.5,1).")
    return [_number(part) for part in text.split(",")]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"α {text!r} is no number; write FROM:TO:COUNT (0:1:11) or a list (0,0.5,1).") from None
    if not math.isfinite(value):
        raise InputError(f"α {text!r} is not finite.")
    return value


def _probe(args: argparse.Namespace) -> Probe:
    given = {"train": args.train_texts, "test": args.test_texts, "length": args.length, "dtype": args.dtype}
    for name, value in given.items():
        if isinstance(value, int) and value < (4 if name == "length" else 0):
            option = f"--{name}" if name == "length" else f"--{name}-texts"
            raise InputError(f"{option} {value}: at least {4 if name == 'length' else 0} is needed.")
    return Probe(**{k: v for k, v in given.items() if v is not None})


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _kinds(text: str | None) -> tuple[str, ...] | None:
    kinds = _names(text)
    for kind in kinds or ():
        if kind not in KINDS:
            raise UnknownNameError("kind", kind, KINDS)
    return kinds


def _score(score: Score) -> dict[str, Any]:
    stderr = None if math.isnan(score.stderr) else score.stderr  # of one text there is none
    return {"loss": score.loss, "stderr": stderr, "accuracy": score.accuracy, "n": score.n}


def _checkpoint_names(ws: Workspace) -> dict[str, str]:
    return {c.id: c.name for c in ws.catalog.checkpoints()}


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows in aligned columns."""
    if not rows:
        return "(none)"
    head = list(rows[0])
    cells = [head] + [["" if r[k] is None else str(r[k]) for k in head] for r in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)


def _show_progress(job: Job) -> None:
    if sys.stderr.isatty():
        eta = f", {job.eta:.0f} s left" if job.eta is not None else ""
        print(f"\r\x1b[K[{job.done}/{job.total}] {job.message}{eta}", end="" if job.done < job.total else "\n",
              file=sys.stderr, flush=True)
