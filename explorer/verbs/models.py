"""Verbs on models: importing and listing them, their Gram, their maps, named Points, packing a workspace."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from explorer import registry, workflows
from explorer.catalog import bundle
from explorer.errors import UnknownNameError
from explorer.numbers import figures
from explorer.types import Gram, MapSpec
from explorer.verbs.arguments import kinds, names
from explorer.verbs.printing import Answer, checkpoint_names, table
from explorer.workflows import Workspace
from explorer.workflows.naming import recipe, spelled


def import_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    job = workflows.import_folders(ws, args.folders, args.base, Path(args.metadata) if args.metadata else None)
    found = workflows.outcomes(job.result())
    imported = [{"folder": o.folder, "name": o.name} for o in found if o.name and not o.relocated]
    relocated = [{"folder": o.folder, "name": o.name} for o in found if o.relocated]
    refused = [{"folder": o.folder, "error": o.error} for o in found if o.error]
    for o in refused:
        print(f"refused: {o['error']}", file=sys.stderr)
    again = f"{len(relocated)} found again, " if relocated else ""
    text = "\n".join([*(f"found again: {o['name']}, now at {o['folder']}" for o in relocated),
                      *(f"imported {o['name']}" for o in imported),
                      f"{len(imported)} imported, {again}{len(refused)} refused"])
    return {"imported": imported, "relocated": relocated, "refused": refused}, text


def list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    bases = {b.id: b for b in ws.catalog.bases()}
    chosen = ws.catalog.checkpoints(ws.catalog.base(args.base).id if args.base else None)
    changed = workflows.stale(ws)
    rows = [{"name": c.name, "id": c.id, "stale": c.id in changed, "base": bases[c.base].name, "format": c.format,
             "dataset": c.dataset, "task": c.task, "domain": c.domain, "seed": c.seed, "train_size": c.train_size,
             "method": c.method, "path": str(ws.catalog.resolve(c.path)),
             **{f"columns.{k}": v for k, v in c.columns.items()}} for c in chosen]
    shown = [{k: r[k] for k in ("name", "base", "dataset", "task", "domain", "seed", "train_size")}
             | ({"stale": "stale" if r["stale"] else ""} if changed else {}) for r in rows]
    return {"bases": [{"name": b.name, "id": b.id, "stale": b.id in changed, "model_type": b.model_type,
                       "parameters": b.layout.size}
                      for b in bases.values()], "checkpoints": rows}, table(shown)


def gram_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    gram = workflows.gram(ws, args.base, names(args.layers), kinds(args.kinds))
    matrix = gram.cosines if args.cosine else gram.matrix
    known = checkpoint_names(ws)
    ids = [known[i] for i in gram.ids]
    rows = [{"": name, **{other: figures(v, 4) for other, v in zip(ids, row, strict=True)}}
            for name, row in zip(ids, matrix, strict=True)]
    return {"ids": ids, "matrix": matrix.tolist(), "cosine": args.cosine, **sketch_of(gram)}, table(rows)


def map_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    methods = registry.names("explorer.projections")
    if args.method not in methods:
        raise UnknownNameError("projection method", args.method, methods)
    base = ws.catalog.base(args.base) if args.base else workflows.main_base(ws)
    spec = MapSpec(base.id, args.method, args.dims, args.metric, names(args.layers), kinds(args.kinds),
                   seed=args.seed)
    projection = workflows.projection(ws, spec)
    if projection is None:
        projection = workflows.project(ws, spec).result()[0]
    known = checkpoint_names(ws)
    ids = [known[i] for i in projection.ids]
    rows = [{"name": i, **{f"axis {k + 1}": figures(v, 5) for k, v in enumerate(row)}}
            for i, row in zip(ids, projection.coords, strict=True)]
    explained = None if projection.explained is None else list(projection.explained)
    return {"ids": ids, "coords": projection.coords.tolist(), "explained": explained,
            **sketch_of(workflows.gram(ws, base.id))}, table(rows)


def sketch_of(gram: Gram) -> dict[str, Any]:
    """How inner products were estimated, where they were."""
    return {} if gram.sketch is None else {"sketch": gram.sketch.as_dict()}


def points_list_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    kept = ws.catalog.points()
    return ({"points": [{"name": name, "recipe": recipe(ws, point)} for name, point in kept.items()]},
            table([{"name": name, "recipe": spelled(ws, point)} for name, point in kept.items()]))


def pack_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    bundle.pack(ws.catalog.database, Path(args.out))
    return {"out": args.out, "tables": list(bundle.TABLES)}, f"wrote {', '.join(bundle.TABLES)} to {args.out}"
