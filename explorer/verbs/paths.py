"""The verb `path`: the loss along a line, on one task or several, what is read off it, and the boundary."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from explorer import numbers, workflows
from explorer.errors import InputError
from explorer.paths import alphas as ranges
from explorer.statistics.readings import NORMAL, Reading
from explorer.types import Probe
from explorer.verbs.arguments import alphas, probe, tasks
from explorer.verbs.printing import Answer, number, score_row, shown, table
from explorer.workflows import Workspace, lines
from explorer.workflows.lines import Found, Measured

DEFAULT = "0:1:11"


def path_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    one, zero = workflows.resolve(ws, args.a), workflows.resolve(ws, args.b)
    chosen, how = tasks(ws, args), probe(args)
    if args.boundary is not None:
        lines.check_search(args.boundary, args.tolerance)
    line = workflows.path(ws, zero, one, _alphas(args))
    if args.refine:
        line = lines.refined(ws, line, chosen, how, args.refine)
    several = args.tasks is not None
    found = lines.measured(ws, line, chosen, how, base=several and how.head != "end-to-end")
    searches = [[lines.boundary(ws, zero, one, task, how, args.boundary, side, tolerance=args.tolerance)
                 for side in lines.SIDES] if args.boundary is not None else [] for task in chosen]
    rows = [_on_task(m, searched) for m, searched in zip(found, searches, strict=True)]
    ends = {"zero": workflows.describe(ws, zero), "one": workflows.describe(ws, one)}
    value: dict[str, Any] = {"task": chosen[0].name, **ends, **rows[0], "head": how.head}
    text = [_text(m, searched, ends["zero"], ends["one"], how)
            for m, searched in zip(found, searches, strict=True)]
    if several:
        value |= {"tasks": rows, "mean": _means(found)}
        text.append("mean over the tasks\n" + table([{"α": numbers.alpha(r["alpha"]), "loss": shown(r["loss"]),
                                                      "± s.e.": shown(r["stderr"])} for r in value["mean"]]))
    return value, "\n\n".join(text)


def _alphas(args: argparse.Namespace) -> Sequence[float]:
    given = [name for name in ("alphas", "range", "extrapolate") if getattr(args, name) not in (None, False)]
    if len(given) > 1:
        raise InputError(f"{' and '.join(f'--{name}' for name in given)} exclude each other; give one of them.")
    if args.range is not None:
        return ranges.parse(args.range)
    return ranges.far() if args.extrapolate else alphas(DEFAULT if args.alphas is None else args.alphas)


def _on_task(found: Measured, searched: Sequence[Found]) -> dict[str, Any]:
    """One task's part of the answer; of a single task, all of it."""
    value: dict[str, Any] = {"task": found.task.name, "points": _points(found)}
    if found.base is not None:
        value["base"] = score_row(found.base)
    value["readings"] = {"barrier": _reading(found.barrier), "minimum": _reading(found.minimum)}
    if searched:
        value["boundary"] = [_boundary(f) for f in searched]
        value["boundary_points"] = [row for f in searched for row in _points(f.measured)]
    return value


def _points(found: Measured) -> list[dict[str, Any]]:
    return [{"alpha": a, **score_row(s), **({"reason": found.reasons[a]} if a in found.reasons else {})}
            for a, s in zip(found.alphas, found.scores, strict=True)]


def _reading(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    low, high = reading.interval
    return {"value": number(reading.value), "stderr": number(reading.stderr), "low": number(low),
            "high": number(high), "alpha": reading.alpha, "paired": reading.paired}


def _boundary(found: Found) -> dict[str, Any]:
    b = found.boundary
    return {"side": b.side, "alpha": b.alpha, "inside": b.inside, "outside": b.outside,
            "threshold": number(b.threshold), "excess": found.excess, "reached": b.reached, "loss": number(b.loss),
            "stderr": number(b.stderr), "reason": b.reason or None}


def _means(found: Sequence[Measured]) -> list[dict[str, Any]]:
    return [{"alpha": a, "loss": None if m is None else number(m.value),
             "stderr": None if m is None else number(m.stderr)}
            for a, m in zip(found[0].alphas, lines.mean(found), strict=True)]


def _text(found: Measured, searched: Sequence[Found], zero: str, one: str, how: Probe) -> str:
    rows = [{"α": numbers.alpha(r["alpha"]), "loss": shown(r["loss"]), "± s.e.": shown(r["stderr"]),
             "accuracy": shown(r["accuracy"], 3), "n": r["n"], "": r.get("reason")} for r in _points(found)]
    told = [f"{found.task.name}: α = 0 is {zero}, α = 1 is {one}", table(rows)]
    if how.head != "probe":
        told[0] += f" (head: {how.head})"
    if found.base is not None:
        told.append(f"base: loss {numbers.loss(found.base.loss, NORMAL * found.base.stderr)} (95 %)")
    for name, reading in (("barrier", found.barrier), ("minimum", found.minimum)):
        if reading is not None:
            low, high = reading.interval
            told.append(f"{name}: {numbers.loss(reading.value, NORMAL * reading.stderr)} at α = "
                        f"{numbers.alpha(reading.alpha)} (95 % interval {numbers.between(low, high)}"
                        f"{'' if reading.paired else ', unpaired'})")
    return "\n".join([*told, *(_boundary_text(f) for f in searched)])


def _boundary_text(found: Found) -> str:
    b = found.boundary
    where = (f"boundary beyond α = {int(b.side == 'one')}, loss above {numbers.loss(b.threshold)} (its end's + "
             f"{numbers.figures(found.excess)})")
    if b.alpha is None:
        return f"{where}: {b.reason}"
    if not b.reached:
        return f"{where}: not met up to α = {numbers.alpha(b.alpha)}, loss {numbers.loss(b.loss)} there"
    inside, outside = numbers.alpha(b.inside), numbers.alpha(b.outside)
    return f"{where}: between α = {inside}, loss {numbers.loss(b.loss)}, and α = {outside}"
