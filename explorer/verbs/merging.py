"""The verb that merges: from mergekit's configuration or from a method and models, to a folder or a named Point."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from explorer import documents, workflows
from explorer.errors import InputError, RecipeError
from explorer.merges._recipe import PREFIX, method
from explorer.types import Point
from explorer.verbs.arguments import names
from explorer.verbs.printing import Answer, checkpoint_names
from explorer.weights.exporting import check_target
from explorer.workflows import Workspace, fishers
from explorer.workflows.mergekit import Reading, read_mergekit, to_mergekit
from explorer.workflows.merging import merge_point
from explorer.workflows.naming import recipe


def merge_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    if args.to_mergekit is not None:
        return _written(ws, args)
    point, name, out, said = _by_method(ws, args) if args.method else _by_file(ws, args)
    if name is None and out is None:
        raise InputError("give OUT, the folder to be written, or --name, under which the merge is kept as a Point.")
    if name is not None:
        workflows.check_name(ws, name)
    if out is not None:
        check_target(out.expanduser().absolute())
        (made,) = workflows.export(ws, point, out).result()
        said["out"] = made.folder
    if name is not None:
        workflows.keep(ws, name, point)
    value = {"point": point.hash, "name": name, "recipe": recipe(ws, point), **said}
    return value, "\n".join([f"{workflows.describe(ws, point)} ({said['method']} of {len(said['models'])} models)",
                             *([f"is kept as {name}"] if name else []), *([f"is in {said['out']}"] if out else [])])


def _written(ws: Workspace, args: argparse.Namespace) -> Answer:
    """A Point as mergekit's YAML."""
    if args.paths or args.method:
        raise InputError("--to-mergekit POINT prints a configuration; give neither CONFIG, OUT nor --method with it.")
    text = to_mergekit(ws, workflows.resolve(ws, args.to_mergekit))
    return {"yaml": text}, text.rstrip()


def _by_file(ws: Workspace, args: argparse.Namespace) -> tuple[Point, str | None, Path | None, dict[str, Any]]:
    """(Point, name, folder, what is told of it) of CONFIG [OUT]."""
    if not 1 <= len(args.paths) <= 2:
        raise InputError("merge takes CONFIG.yml and OUT, or --method M --models A,B,C and OUT.")
    if given := [key for key in ("models", "weights", *args.options) if getattr(args, key) is not None]:
        raise InputError(f"--{_flag(given[0])} goes with --method; in a configuration it stands in the file.")
    found = read_mergekit(ws, Path(args.paths[0]))
    if len(found) > 1:
        raise InputError(f"{args.paths[0]} has {len(found)} configurations; merge takes one a file.")
    for note in found[0].notes:
        print(f"note: {note}", file=sys.stderr)
    out = Path(args.paths[1]) if len(args.paths) == 2 else None
    name = args.name or (found[0].name if out is None else None)
    return found[0].point, name, out, _told(ws, found[0]) | {"notes": list(found[0].notes)}


def _by_method(ws: Workspace, args: argparse.Namespace) -> tuple[Point, str | None, Path | None, dict[str, Any]]:
    """The same of --method."""
    chosen = names(args.models or "") or ()
    if len(args.paths) > 1 or not chosen:
        raise InputError("merge --method M takes --models A,B,C and at most OUT.")
    if len(set(chosen)) < len(chosen):
        raise RecipeError("--models names a model twice.")
    weights = [1.0] * len(chosen) if args.weights is None else _setting("--weights", f"[{args.weights}]")
    if len(weights) != len(chosen):
        raise InputError(f"--weights has {len(weights)} weights for {len(chosen)} models.")
    if method(args.method).models.informed:
        fishers.inform(ws, fishers.informed(ws, [ws.catalog.checkpoint(c) for c in chosen])).result()
    options = {_name(key): _setting(f"--{_flag(key)}", getattr(args, key)) for key in args.options
               if getattr(args, key) is not None}
    point = merge_point(ws, args.method, dict(zip(chosen, weights, strict=True)), options)
    told = {"method": args.method, "models": dict(zip(chosen, weights, strict=True)), "options": options, "out": None}
    return point, args.name, Path(args.paths[0]) if args.paths else None, told


def _told(ws: Workspace, reading: Reading) -> dict[str, Any]:
    """Method, models and options of a configuration, with names for ids."""
    merge = json.loads(reading.recipe.renamed(checkpoint_names(ws)).removeprefix(PREFIX))
    return {"method": merge["method"], "models": merge["models"], "options": merge["options"], "out": None}


def _setting(flag: str, text: str) -> Any:
    """A value, list or list of cases, as YAML has it."""
    try:
        return _numbers(next(iter(documents.read_yaml(text)), None))
    except InputError as e:
        raise RecipeError(f"{flag} {text!r} is no value, [list] or [{{filter: …, value: …}}].") from e


def _numbers(value: Any) -> Any:
    """Numbers that YAML takes for text (-.5, 1e-5) as numbers, wherever they stand."""
    if isinstance(value, dict):
        return {key: _numbers(v) if key == "value" else v for key, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _flag(key: str) -> str:
    return key.replace("_option", "").replace("_", "-")


def _name(key: str) -> str:
    return key.removesuffix("_option")
