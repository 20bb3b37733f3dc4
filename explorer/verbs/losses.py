"""Verbs that measure single Points: one Point, a mixture of models, every checkpoint."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from explorer import workflows
from explorer.errors import InputError, RecipeError
from explorer.evaluation.work import Ask
from explorer.numbers import count, duration, loss, share
from explorer.paths import mixture
from explorer.statistics.readings import NORMAL, mean_over_tasks
from explorer.types import Score
from explorer.verbs.arguments import probe, task_list, tasks
from explorer.verbs.printing import Answer, checkpoint_names, number, score_row, shown, table
from explorer.workflows import Workspace
from explorer.workflows.naming import recipe

# name → (how many models it takes, least and most, and the weights it makes of their names)
PRESETS: dict[str, tuple[int, int, Callable[..., dict[str, float]]]] = {
    "centroid": (1, 10_000, lambda *names: mixture.uniform(names)),
    "negation": (1, 1, lambda a: mixture.negation(a)),
    "addition": (1, 10_000, lambda *names: mixture.addition(names)),
    "analogy": (3, 3, lambda a, b, c: mixture.analogy(a, b, c)),
}


def evaluate_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    point, task, how = workflows.resolve(ws, args.point), ws.catalog.task(args.task), probe(args)
    workflows.evaluate(ws, [point], task, how).result()
    (score,) = ws.catalog.scores([point], task, how)
    assert score is not None
    value = {"point": workflows.describe(ws, point), "task": task.name, **_measured(score)}
    return value, f"{value['point']} on {_told(task.name, score)}"


def mix_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    point = workflows.mix(ws, _weights(args))
    chosen, how = tasks(ws, args), probe(args)
    if args.name is not None:
        workflows.check_name(ws, args.name)
    workflows.measure(ws, [Ask(point, task, how) for task in chosen]).result()
    if args.name is not None:
        workflows.keep(ws, args.name, point)
    scores = {task.name: ws.catalog.scores([point], task, how)[0] for task in chosen}
    known = {name: score for name, score in scores.items() if score is not None}
    rows = [{"task": name, **_measured(score)} for name, score in known.items()]
    value: dict[str, Any] = {"point": workflows.describe(ws, point), "recipe": recipe(ws, point), **rows[0]}
    text = [f"{value['point']} on {_told(name, score)}" for name, score in known.items()]
    if args.tasks is not None and (mean := mean_over_tasks(scores)) is not None:
        value |= {"tasks": rows, "mean": {"loss": number(mean.value), "stderr": number(mean.stderr)}}
        text.append(f"mean over {len(rows)} tasks: loss {loss(mean.value, NORMAL * mean.stderr)} (95 %)")
    return value, "\n".join(text)


def score_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    how, chosen = probe(args), task_list(ws, args.task)
    for task in chosen:
        for job in workflows.score_checkpoints(ws, task, how, args.own):
            job.result()
    names = checkpoint_names(ws)
    rows = [{"checkpoint": names[i], "task": task.name, **score_row(s)}
            for task in chosen for i, s in workflows.checkpoint_scores(ws, task, how).items()]
    cells = [{k: shown(v) if isinstance(v, float) else v for k, v in r.items()} for r in rows]
    return {"scores": rows}, table(cells)


def _weights(args: argparse.Namespace) -> Mapping[str, float]:
    """The weights by name: an object in JSON, or a preset over names."""
    given: list[str] = args.weights
    if args.preset is not None:
        least, most, make = PRESETS[args.preset]
        if not least <= len(given) <= most:
            wanted = f"{least}" if least == most else f"at least {least}"
            raise InputError(f"--preset {args.preset} takes {wanted} model{'s' * (wanted != '1')}, not {len(given)}.")
        return make(*given)
    if len(given) != 1 or not given[0].lstrip().startswith("{"):
        raise RecipeError('mix takes weights in JSON, as in \'{"A": 0.5, "B": 0.5}\', or --preset and names.')
    try:
        weights = json.loads(given[0], parse_constant=lambda c: c)
    except (ValueError, RecursionError) as e:
        raise RecipeError(f"the weights are no JSON: {e}.") from e
    assert isinstance(weights, dict)  # it begins with a brace
    return weights


def _measured(score: Score) -> dict[str, Any]:
    return {**score_row(score), "device": score.device, "seconds": score.seconds}


def _told(task: str, score: Score) -> str:
    return (f"{task}: loss {loss(score.loss, NORMAL * score.stderr)} (95 %), accuracy "
            f"{share(score.accuracy)}, {count(score.n, 'text')} ({score.device}, {duration(score.seconds)})")
