"""The verb `soup`: a greedy soup on a task, which models it took and why it left the others."""

from __future__ import annotations

import argparse
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.numbers import fixed
from explorer.statistics.readings import Difference
from explorer.verbs.arguments import probe
from explorer.verbs.printing import Answer, changed, number, score_row, shown, table
from explorer.workflows import Workspace, souping
from explorer.workflows.naming import recipe
from explorer.workflows.souping import Found


def soup_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    if bool(args.models) == (args.of is not None):
        raise InputError("give the models, or --of DATASET for all of a data set.")
    task = ws.catalog.task(args.task)
    names = args.models or [c.name for c in souping.models_of(ws, workflows.main_base(ws), args.of)]
    if args.of is not None and not names:
        raise InputError(f"no model is trained on {args.of!r}.")
    if args.name is not None:
        workflows.check_name(ws, args.name)
    plan = souping.plan(ws, names, task, probe(args), args.by)
    souping.start(ws, plan).result()
    found = souping.found(ws, plan)
    assert found.walk.soup is not None  # all is measured
    if args.name is not None:
        workflows.keep(ws, args.name, found.walk.soup)
    return _value(ws, found, args.name), _text(found, args.name)


def _value(ws: Workspace, found: Found, name: str | None) -> dict[str, Any]:
    plan, soup = found.plan, found.walk.soup
    assert soup is not None
    return {"task": plan.task.name, "by": plan.by, "name": name, "point": soup.hash, "recipe": recipe(ws, soup),
            "taken": [plan.names[i] for i in found.walk.taken], "models": _rows(found),
            "validation": {"texts": min(plan.probe.test or plan.validation.n_test, plan.validation.n_test),
                           "which": "the last half of the test split", "digest": plan.validation.digest},
            "test": {outcome: score_row(score) | _minus(found.differences.get(outcome))
                     for outcome, score in found.outcomes.items()}}


def _minus(difference: Difference | None) -> dict[str, Any]:
    """A test loss minus the best single model's."""
    if difference is None:
        return {"minus_best": None}
    low, high = difference.interval
    return {"minus_best": {"value": number(difference.value), "low": number(low), "high": number(high),
                           "paired": difference.paired}}


def _rows(found: Found) -> list[dict[str, Any]]:
    """Every model in the order of its turn: alone, with it, taken or not, and why not."""
    rows = []
    for step in found.walk.steps:
        single, barrier = found.singles[step.model], found.walk.barriers.get(step.model)
        assert single is not None  # a walk begins when all have scores
        rows.append({"model": found.plan.names[step.model], "taken": step.taken, "loss": number(single.loss),
                     "accuracy": number(single.accuracy), "with_it": number(step.score.loss),
                     "with_it_accuracy": number(step.score.accuracy),
                     "change": step.change and number(step.change.value),
                     "change_stderr": step.change and number(step.change.stderr),
                     "barrier": barrier and number(barrier.value), "barrier_stderr": barrier and number(barrier.stderr),
                     "barrier_alpha": barrier and barrier.alpha})
    return rows


def _text(found: Found, name: str | None) -> str:
    plan = found.plan
    rows = [{"model": r["model"], "alone": shown(r["loss"]), "soup with it": shown(r["with_it"]),
             "change": "" if r["change"] is None else fixed(r["change"], 4, sign=True),
             "": "taken" if r["taken"] else "left out",
             "barrier": shown(r["barrier"])} for r in _rows(found)]
    ends = [{"on test texts": outcome, "loss": shown(s.loss), "± s.e.": shown(s.stderr),
             "accuracy": shown(s.accuracy, 3), "minus the best": _interval(found.differences.get(outcome)), "n": s.n}
            for outcome, s in found.outcomes.items()]
    count = min(plan.probe.test or plan.validation.n_test, plan.validation.n_test)
    return "\n".join([f"greedy soup on {plan.task.name}, chosen by {plan.by} on {count} validation texts (the last "
                      f"half of the test split), told on others: {len(found.walk.taken)} of {len(plan.points)} taken",
                      table(rows), table(ends), *([f"kept as {name}"] if name else [])])


def _interval(difference: Difference | None) -> str:
    if difference is None:
        return ""
    return changed(difference.value, *difference.interval)
