"""The verb `plane`: the loss on a whole grid over a plane, its corners, models near it, and a file of its points."""

from __future__ import annotations

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.numbers import alpha, share
from explorer.types import Score
from explorer.verbs.arguments import probe
from explorer.verbs.printing import Answer, checkpoint_names, number, score_row, shown, table
from explorer.workflows import Workspace, planes
from explorer.workflows.planes import MARGINS, TAKES, Grid, Kind

ENDINGS = (".json", ".csv", ".parquet")


def plane_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    kind = _kind(args)
    planes.check_grid(args.grid)
    out = None if args.out is None else check_out(Path(args.out))
    how, task = probe(args), ws.catalog.task(args.task)
    points = [workflows.resolve(ws, text) for text in args.corners]
    base = None if args.base is None else ws.catalog.base(args.base).id
    plane = planes.make(ws, kind, points, base=base, seed=args.seed or 0)
    xs, ys = plane.axes(args.grid, MARGINS[kind] if args.margin is None else args.margin)
    grid = planes.grid_losses(ws, plane, xs, ys, task, how)
    value = _value(ws, kind, grid, planes.models_on(ws, plane, task, how))
    if out is not None:
        write(out, rows(ws, grid))
        value["out"] = str(out)
    return value, _text(value)


def _kind(args: argparse.Namespace) -> Kind:
    """The kind of plane asked for; InputError for two kinds, another number of Points, or an option of another kind."""
    flags: dict[str, Kind] = {"random": "random", "coefficients": "coefficients", "principal": "components"}
    given = [name for name in flags if getattr(args, name)]
    if len(given) > 1:
        raise InputError(f"{' and '.join(f'--{name}' for name in given)} exclude each other; give one of them.")
    kind = flags[given[0]] if given else "models"
    if len(args.corners) != TAKES[kind]:
        what = f"--{given[0]}" if given else "plane"
        raise InputError(f"{what} takes {TAKES[kind] or 'no'} Point{'s' * (TAKES[kind] != 1)}, "
                         f"not {len(args.corners)}.")
    for option, of in (("seed", "random"), ("base", "components")):
        if getattr(args, option) is not None and kind != of:
            raise InputError(f"--{option} is for {'--random' if of == 'random' else '--principal'} alone.")
    return kind


def _value(ws: Workspace, kind: Kind, grid: Grid, models: list[planes.Placed]) -> dict[str, Any]:
    names = planes.corner_names(ws, kind, grid.plane)
    corners = [{"name": name, "x": float(x), "y": float(y), "loss": _loss(s), "stderr": _stderr(s)}
               for name, (x, y), s in zip(names, grid.plane.coordinates, grid.corners, strict=True)]
    return {"task": grid.task.name, "corners": corners, "units": grid.plane.units,
            "explained": None if grid.plane.explained is None else list(grid.plane.explained),
            "xs": list(grid.xs), "ys": list(grid.ys),
            "losses": [[_loss(s) for s in row] for row in grid.scores],
            "stderrs": [[_stderr(s) for s in row] for row in grid.scores],
            "reasons": {f"{i},{j}": told for (i, j), told in grid.reasons.items()},
            "models": [{"name": m.name, "x": m.x, "y": m.y, "distance": m.distance, "loss": _loss(m.score)}
                       for m in models]}


def _loss(score: Score | None) -> float | None:
    return None if score is None else number(score.loss)


def _stderr(score: Score | None) -> float | None:
    return None if score is None else number(score.stderr)


def _text(value: dict[str, Any]) -> str:
    """Corners, the grid with the highest y on top, as it is drawn, and what has no loss."""
    told = [f"{value['task']}: a plane of {len(value['xs'])} × {len(value['ys'])} points"
            + ("" if value["explained"] is None else
               f", {share(sum(value['explained']))} of the models' variance along its axes"),
            table([{"corner": c["name"], "x": alpha(c["x"]), "y": alpha(c["y"]), "loss": shown(c["loss"]),
                    "± s.e.": shown(c["stderr"])} for c in value["corners"]])]
    rows = [{"y \\ x": alpha(y), **{alpha(x): shown(loss, 3) or "–" for x, loss in zip(value["xs"], losses,
                                                                                          strict=True)}}
            for y, losses in zip(value["ys"], value["losses"], strict=True)]
    told.append(table(rows[::-1]))
    if value["reasons"]:
        told.append(f"{len(value['reasons'])} points have no loss: {next(iter(value['reasons'].values()))}")
    if "out" in value:
        told.append(f"the points are in {value['out']}")
    return "\n".join(told)


# ------------------------------------------------------------------ a file of points


def check_out(file: Path) -> Path:
    """Where points can be written; InputError where they can't, before anything is measured for them."""
    file = file.expanduser().absolute()
    if file.suffix.lower() not in ENDINGS:
        raise InputError(f"{file.name}: points are written as {', '.join(ENDINGS)}; the name must end so.")
    if file.is_dir():
        raise InputError(f"{file}: a folder; name a file.")
    if not file.parent.is_dir():
        raise InputError(f"{file.parent}: no such folder; make it first.")
    if not os.access(file.parent, os.W_OK):
        raise InputError(f"{file.parent}: nothing can be written there.")
    return file


def rows(ws: Workspace, grid: Grid) -> list[dict[str, Any]]:
    """One row a point of the grid: place, score, the corners' weights and the recipe, which `evaluate` takes."""
    points, names = grid.plane.grid(grid.xs, grid.ys), checkpoint_names(ws)
    base = ws.catalog.base(grid.plane.corners[0].base).name
    return [{"row": i, "column": j, "x": x, "y": y, **score_row(grid.scores[i][j]),
             "weights": list(grid.plane.weights(x, y)),
             "recipe": {"base": base, "terms": {names.get(k, k): c for k, c in points[i][j].terms}},
             "reason": grid.reasons.get((i, j))}
            for i, y in enumerate(grid.ys) for j, x in enumerate(grid.xs)]


def write(file: Path, points: list[dict[str, Any]]) -> None:
    """As JSON, CSV or Parquet by the file's ending, under another name until it is whole.

    In tables weights and recipes are JSON.
    """
    import pandas as pd

    flat = [{k: json.dumps(v, ensure_ascii=False) if isinstance(v, (list, dict)) else v for k, v in row.items()}
            for row in points]
    made = file.with_name(f".{uuid.uuid4().hex}{file.suffix}")
    try:
        if file.suffix.lower() == ".json":
            made.write_text(json.dumps(points, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        elif file.suffix.lower() == ".csv":
            pd.DataFrame(flat).to_csv(made, index=False)
        else:
            pd.DataFrame(flat).to_parquet(made, index=False)
        made.replace(file)
    finally:
        made.unlink(missing_ok=True)
