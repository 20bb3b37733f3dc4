"""The verb `compare`: two models side by side."""

from __future__ import annotations

import argparse
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.numbers import alpha, between, distance, loss
from explorer.types import Point, Task
from explorer.verbs.printing import Answer, number, shown, table
from explorer.workflows import Workspace, comparing


def compare_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    if args.tensors < 0:
        raise InputError(f"--tensors {args.tensors}: a number of tensors, 0 for none, is needed.")
    a, b = workflows.resolve(ws, args.a), workflows.resolve(ws, args.b)
    named = {"a": workflows.describe(ws, a), "b": workflows.describe(ws, b)}
    found = comparing.geometry(ws, a, b)
    facts = comparing.facts(comparing.checkpoint_of(ws, a), comparing.checkpoint_of(ws, b))
    groups = [{"group": str(g), "a": float(n[0]), "b": float(n[1]), "cosine": number(float(c)), "distance": float(d)}
              for g, n, c, d in zip(found.groups, found.norms, found.cosines, found.distances, strict=True)]
    whole = found.whole
    value: dict[str, Any] = {
        **named, "metadata": [{"column": c, "a": x, "b": y} for c, x, y in facts],
        "norms": {"a": float(whole.norms[0, 0]), "b": float(whole.norms[0, 1])},
        "cosine": number(float(whole.cosines[0])), "distance": float(whole.distances[0]), "groups": groups,
        "scores": [_scores(s) for s in comparing.scores(ws, a, b)], "barrier": _barrier(ws, a, b, _task(ws, args, a))}
    if args.tensors:
        changed = comparing.changed(_done(ws, a, b))[: args.tensors]
        value["tensors"] = [{"name": c.name, "shape": list(c.shape), "difference": c.difference, "a": c.a, "b": c.b,
                             "relative": number(c.relative)} for c in changed]
    return value, _text(value)


def _done(ws: Workspace, a: Point, b: Point) -> Any:
    job = comparing.tensors(ws, a, b)
    job.result()
    return job


def _task(ws: Workspace, args: argparse.Namespace, a: Point) -> Task | None:
    if args.task is not None:
        return ws.catalog.task(args.task)
    trained = comparing.checkpoint_of(ws, a)
    return next((t for t in ws.catalog.tasks() if trained is not None and t.name == trained.dataset), None)


def _barrier(ws: Workspace, a: Point, b: Point, task: Task | None) -> dict[str, Any] | None:
    """From stored scores alone: `barrier` measures."""
    reading = None if task is None else comparing.barrier(ws, a, b, task)
    if task is None or reading is None:
        return None
    low, high = reading.interval
    return {"task": task.name, "value": number(reading.value), "low": number(low), "high": number(high),
            "alpha": reading.alpha}


def _scores(on: comparing.OnTask) -> dict[str, Any]:
    gap = on.difference
    low, high = gap.interval if gap else (None, None)
    return {"task": on.task.name, "a": None if on.a is None else number(on.a.loss),
            "b": None if on.b is None else number(on.b.loss), "difference": gap and number(gap.value),
            "low": number(low), "high": number(high), "paired": gap and gap.paired}


def _text(value: dict[str, Any]) -> str:
    a, b = value["a"], value["b"]
    told = [f"{a} and {b}: cosine {shown(value['cosine'])}, distance {distance(value['distance'])}, norms "
            f"{distance(value['norms']['a'])} and {distance(value['norms']['b'])}",
            table([{"": r["column"], a: r["a"], b: r["b"]} for r in value["metadata"]]),
            table([{"group": r["group"], f"‖Δ‖ {a}": shown(r["a"]), f"‖Δ‖ {b}": shown(r["b"]),
                    "cosine": shown(r["cosine"], 3)} for r in value["groups"]]),
            table([{"task": r["task"], a: shown(r["a"]), b: shown(r["b"]), "difference": shown(r["difference"]),
                    "95 %": "" if r["low"] is None else between(r["low"], r["high"], sign=True)}
                   for r in value["scores"]])]
    if "tensors" in value:
        told.append(table([{"tensor": r["name"], "difference": shown(r["difference"]), f"‖Δ‖ {a}": shown(r["a"]),
                            f"‖Δ‖ {b}": shown(r["b"])} for r in value["tensors"]]))
    if (barrier := value["barrier"]) is not None:
        told.append(f"barrier on {barrier['task']}: {loss(barrier['value'])} at α = {alpha(barrier['alpha'])} (95 % "
                    f"interval {between(barrier['low'], barrier['high'])})")
    return "\n\n".join(told)
