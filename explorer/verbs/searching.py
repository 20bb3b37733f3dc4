"""The verb `search`: mixing weights found on a few labelled texts of a target, and what they are worth on its test."""

from __future__ import annotations

import argparse
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.evaluation.searching import Tried
from explorer.numbers import weight
from explorer.types import Probe
from explorer.verbs.arguments import names, task_list
from explorer.verbs.printing import Answer, changed, score_row, shown, table
from explorer.workflows import Workspace, lines, searching
from explorer.workflows.naming import recipe


def search_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    tasks = task_list(ws, args.target)
    if len(tasks) != 1:
        raise InputError("--target takes one data set.")
    base = workflows.main_base(ws) if args.base is None else ws.catalog.base(args.base)
    chosen = names(args.models)
    models = ([ws.catalog.checkpoint(name) for name in chosen] if chosen else
              searching.candidates(ws.catalog.checkpoints(base.id), tasks[0]))
    search = searching.plan(ws, models, tasks[0], shots=args.shots, budget=args.budget, penalty=args.penalty,
                            bound=args.bound, seed=args.seed,
                            probe=Probe(train=args.train_texts, test=args.test_texts))
    if args.name is not None:
        workflows.check_name(ws, args.name)
    tried = [r for r in searching.begin(ws, search).result() if isinstance(r, Tried)]
    found = searching.best(tried)
    unmeasured = lines.attempt(ws, searching.asks(search, found), "What was found, beside the models")
    rows = searching.outcome(ws, search, tried)
    if args.name is not None:
        workflows.keep(ws, args.name, search.point(found))
    weights = {c.name: w for c, w in zip(search.models, found.weights, strict=True)}
    value: dict[str, Any] = {
        "target": tasks[0].name, "shots": search.shots, "budget": search.budget, "penalty": search.penalty,
        "bound": search.bound, "seed": search.seed, "weights": weights, "objective": found.objective,
        "loss_on_shots": found.loss, "point": search.point(found).hash, "name": args.name,
        "recipe": recipe(ws, search.point(found)), "trace": [t.objective for t in tried],
        "rows": [{"name": r.name, "loss_on_shots": r.few, **score_row(r.score),
                  "found_minus": None if r.difference is None else
                  {"value": r.difference.value, "low": r.difference.interval[0], "high": r.difference.interval[1]}}
                 for r in rows],
        "unmeasured": sorted(set(unmeasured.values()))}
    return value, _text(value)


def _text(value: dict[str, Any]) -> str:
    rows = [{"": r["name"], "loss": shown(r.get("loss")), "±": shown(r.get("stderr")),
             "accuracy": shown(r.get("accuracy"), 3), "on the shots": shown(r["loss_on_shots"]),
             "found minus it": "" if r["found_minus"] is None else
             changed(**r["found_minus"])} for r in value["rows"]]
    found = ", ".join(f"{weight(w)}·{name}" for name, w in value["weights"].items() if abs(w) >= 5e-4)
    kept = [f"kept as {value['name']}"] if value["name"] else []
    return "\n".join([f"{value['target']}, {value['shots']} texts of each label, {value['budget']} evaluations: "
                      f"{found or 'the base'}", *kept, table(rows)])
