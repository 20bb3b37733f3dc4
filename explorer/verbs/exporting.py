"""The verb `export`: a Point as a model folder, a task vector, an adapter, or vectors for TensorBoard's projector."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.types import Probe
from explorer.verbs.arguments import probe
from explorer.verbs.printing import Answer
from explorer.weights.exporting import Exported
from explorer.workflows import Workspace
from explorer.workflows.exporting import projector
from explorer.workflows.naming import recipe

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def export_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    if args.point == "all":
        if args.format != "projector":
            raise InputError(f"'all' models are for --format projector; --format {args.format} writes one Point.")
        job = projector(ws, [], Path(args.out), force=args.force, base=workflows.main_base(ws))
        value: dict[str, Any] = {"point": "all", "recipe": None}
    else:
        point, how = workflows.resolve(ws, args.point), probe(args)
        if args.task is None and how != Probe():
            raise InputError("how the head is fitted is said, but not on which task; give --task T.")
        task = None if args.task is None else ws.catalog.task(args.task)
        job = workflows.export(ws, point, Path(args.out), format=args.format, force=args.force, task=task, probe=how,
                               rank=args.rank, shard=size(args.shard_size))
        value = {"point": workflows.describe(ws, point), "recipe": recipe(ws, point)}
    (made,) = [r for r in job.result() if isinstance(r, Exported)]
    value |= {"folder": made.folder, "format": args.format, "notes": list(made.notes)}
    return value, "\n".join([f"{value['point']} is in {made.folder}", *made.notes])


def size(text: str) -> int:
    """Bytes of 5GB, 500MB, 1e6 …; InputError for anything else."""
    if not (found := _SIZE.fullmatch(text.strip())):
        raise InputError(f"--shard-size {text!r}: a size such as 5GB or 500MB is needed.")
    return int(float(found[1]) * _UNITS[found[2].upper()])
