"""The verb `start-points`: accuracies of models trained from several starts, and which were predicted to be good."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from typing import Any

from explorer.errors import InputError
from explorer.numbers import figures, fixed
from explorer.statistics.averages import Average
from explorer.statistics.paper import LEDGER, STARTS_TABLES
from explorer.statistics.starts import REFERENCE, Agreement
from explorer.types import Probe, Tuning
from explorer.verbs.arguments import names, task_list
from explorer.verbs.printing import Answer, number, shown
from explorer.verbs.printing import table as columns
from explorer.workflows import Workspace, lines, starting
from explorer.workflows.starting import Plan, Predicted, Table

FULL = "full"


def start_points_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    plan = _plan(ws, args)
    if not args.stored:
        starting.train(ws, plan).result()
        lines.attempt(ws, starting.asks(plan, Probe()), "Losses of the start points")
    found = starting.table(ws, plan)
    if args.stored and not found.runs:
        raise InputError("none of these runs is stored; leave --stored out to make them.")
    return _value(ws, plan, found), _text(ws, plan, found)


def _plan(ws: Workspace, args: argparse.Namespace) -> Plan:
    rate = starting.RATES.get(args.method, Tuning.lr) if args.lr is None else args.lr
    tuning = Tuning(args.method, args.steps, rate, args.batch, args.length, patience=args.patience)
    return starting.plan(ws, task_list(ws, args.target), names(args.starts) or (), tuning, _sizes(args.sizes),
                         _seeds(args.seeds), base=args.base, region=args.region, samples=args.samples)


def _sizes(text: str) -> list[int | None]:
    return [None if part == FULL else _whole("--sizes", part, f"numbers of train texts, or {FULL!r}")
            for part in names(text) or ()]


def _seeds(text: str) -> list[int]:
    """A list of seeds, or how many."""
    given = [_whole("--seeds", part, "how many, or a list a,b,c") for part in names(text) or ()]
    if len(given) == 1 and "," not in text:
        if not 1 <= given[0] <= 1000:
            raise InputError(f"--seeds {given[0]}: 1 to 1000 can be made.")
        return list(range(given[0]))
    return given


def _whole(option: str, text: str, allowed: str) -> int:
    if not text.isdecimal():
        raise InputError(f"{option} {text!r}: write {allowed}.")
    return int(text)


def _size(size: int | None) -> int | str:
    return FULL if size is None else size


def _value(ws: Workspace, plan: Plan, found: Table) -> dict[str, Any]:
    rows = [{"target": target, "start": start, "size": _size(r.size), "seed": r.seed, "accuracy": r.accuracy,
             "loss": number(r.loss), "stderr": number(r.stderr), "n": r.n, "steps": r.steps, "seconds": r.seconds}
            for target, start, r in found.runs]
    table = [{"target": c.target, "size": _size(c.size), "start": c.start, "mean": c.accuracy.value,
              "low": number(c.accuracy.low), "high": number(c.accuracy.high), "seeds": c.accuracy.n,
              "difference": None if c.difference is None else _interval(c.difference)} for c in found.cells]
    summary: dict[str, dict[str, Any]] = {str(_size(size)): {} for size in plan.sizes}
    for t in found.tallies:
        summary[str(_size(t.size))][t.start] = {
            "difference": t.difference.value, "low": number(t.difference.low), "high": number(t.difference.high),
            "targets": t.difference.n, "wins": t.wins, "ties": t.ties, "losses": t.losses}
    rows_of = starting.predicted(ws, plan, Probe())
    return {"base": plan.base.name, "tuning": asdict(plan.tuning), "starts": _starts(plan),
            "absent": [said for target in plan.targets for said in target.absent], "missing": found.missing,
            "rows": rows, "table": table, "summary": summary, "paper": _paper(),
            "ranking": {str(_size(size)): {by: _agreement(a) for by, a in
                                           starting.ranking(rows_of, found.cells, size).items()}
                        for size in plan.sizes}, "predicted": [_predicted(row) for row in rows_of]}


def _starts(plan: Plan) -> list[dict[str, Any]]:
    return [{"target": target.task.name, "start": s.name, "why": s.why, "point": s.point.hash}
            for target in plan.targets for s in target.starts]


def _paper() -> dict[str, Any]:
    return {claim: {**asdict(figures), "where": LEDGER[claim].where, "conflict": LEDGER[claim].conflict}
            for claim, figures in STARTS_TABLES.items()}


def _interval(found: Average) -> dict[str, Any]:
    return {"value": found.value, "low": number(found.low), "high": number(found.high)}


def _agreement(found: Agreement) -> dict[str, Any]:
    return {"mean": None if found.mean is None else _interval(found.mean), "targets": len(found.single),
            "across": found.across, "pairs": found.pairs, "single": dict(found.single)}


def _predicted(row: Predicted) -> dict[str, Any]:
    return {"target": row.target, "start": row.start, "loss": number(row.loss), "distance": number(row.distance)}


def _text(ws: Workspace, plan: Plan, found: Table) -> str:
    how = plan.tuning
    head = (f"{how.method}, {how.steps} steps of {how.batch} texts, rate {figures(how.lr)}; accuracy over "
            f"{len(plan.seeds)} seeds, differences to the base in points, 95 % intervals")
    rows = [{"target": c.target, "size": _size(c.size), "start": c.start, "accuracy": _percent(c.accuracy, 1),
             f"to {REFERENCE}": "" if c.difference is None else _percent(c.difference, 2, sign=True)}
            for c in found.cells]
    tallies = [{"start": t.start, "size": _size(t.size), "difference": _percent(t.difference, 2, sign=True),
                "wins": t.wins, "ties": t.ties, "losses": t.losses} for t in found.tallies]
    paper = [f"paper, {LEDGER[claim].where} ({claim}): {LEDGER[claim].figure}; doubtful: {LEDGER[claim].conflict}"
             for claim in STARTS_TABLES]
    rows_of, told = starting.predicted(ws, plan, Probe()), []
    for size in plan.sizes:
        for by, a in starting.ranking(rows_of, found.cells, size).items():
            said = [f"{shown(a.mean.value, 2)} within {len(a.single)} targets" if a.mean else "",
                    f"{shown(a.across, 2)} across {a.pairs} pairs" if a.across is not None else ""]
            if any(said):
                told.append(f"rank correlation of accuracy at size {_size(size)} with low {by}: "
                            + ", ".join(s for s in said if s))
    absent = [said for target in plan.targets for said in target.absent]
    left = [f"{found.missing} runs are not made yet"] if found.missing else []
    return "\n\n".join(part for part in (head, columns(rows), columns(tallies) if tallies else "",
                                         "\n".join([*paper, *told, *absent, *left])) if part)


def _percent(found: Average, digits: int, *, sign: bool = False) -> str:
    value = fixed(100 * found.value, digits, sign=sign)
    if not math.isfinite(found.low):
        return value
    return f"{value} [{100 * found.low:.{digits}f}, {100 * found.high:.{digits}f}]"
