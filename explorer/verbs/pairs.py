"""The verb `barrier`: barriers of all pairs of Points on a task, what cosines say of them, and basins."""

from __future__ import annotations

import argparse
from itertools import combinations
from typing import Any

import numpy as np

from explorer import workflows
from explorer.numbers import alpha, coefficient, half_width, p_value
from explorer.statistics.barriers import Correlation
from explorer.statistics.readings import NORMAL
from explorer.verbs.arguments import alphas, probe
from explorer.verbs.printing import Answer, number, shown, table
from explorer.workflows import Workspace, pairs
from explorer.workflows.pairs import PairBarriers


def barrier_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    task, how, at = ws.catalog.task(args.task), probe(args), alphas(args.alphas)
    pairs.check_limit(args.basin)
    points = [workflows.resolve(ws, name) for name in args.points]
    found = pairs.barriers(ws, points, task, how, at, args.above)
    return _value(found, args.basin, how.head), _text(found, args.basin)


def _value(found: PairBarriers, limit: float, head: str) -> dict[str, Any]:
    related = found.correlation
    return {
        "task": found.task.name, "head": head, "above": found.above, "models": list(found.names),
        "alphas": list(found.alphas),
        "losses": [None if s is None else number(s.loss) for s in found.losses],
        "barriers": _rows(found.barriers.values), "stderrs": _rows(found.barriers.stderrs),
        "cosines": None if found.cosines is None else _rows(found.cosines),
        "correlation": _correlation(related) if isinstance(related, Correlation) else None,
        "reason": related if isinstance(related, str) else None,
        "limit": limit, "basins": found.basins(limit), "order": found.order, "pairs": _pairs(found),
    }


def _correlation(found: Correlation) -> dict[str, Any]:
    return {"rank": found.rank, "p": found.p, "stderr": number(found.stderr), "pairs": found.pairs,
            "models": found.models, "exact": found.exact}


def _rows(values: np.ndarray) -> list[list[float | None]]:
    """A matrix as JSON has it: null where it is not known, or infinite."""
    return [[number(float(v)) for v in row] for row in values]


def _pairs(found: PairBarriers) -> list[dict[str, Any]]:
    """Every pair, α = 1 at a and 0 at b as in `path A B`; a reason where the model overflows between them."""
    rows = []
    for i, j in combinations(range(len(found.names)), 2):
        pair = found.barriers.ids[i], found.barriers.ids[j]
        reading = found.barriers.readings.get(pair)
        low, high = reading.interval if reading else (None, None)
        cosine = None if found.cosines is None else number(float(found.cosines[i, j]))
        rows.append({"a": found.names[i], "b": found.names[j], "barrier": reading and number(reading.value),
                     "stderr": reading and number(reading.stderr), "low": number(low), "high": number(high),
                     "alpha": reading and reading.alpha, "cosine": cosine,
                     **({"reason": found.lost[pair]} if pair in found.lost else {})})
    return rows


def _text(found: PairBarriers, limit: float) -> str:
    rows = [{"α = 1": r["a"], "α = 0": r["b"], "barrier": "∞" if "reason" in r else shown(r["barrier"]),
             "± s.e.": shown(r["stderr"]), "at α": "" if r["alpha"] is None else alpha(r["alpha"]),
             "cosine": shown(r["cosine"], 3)} for r in _pairs(found)]
    related = found.correlation
    if isinstance(related, Correlation):
        how = "every permutation of models" if related.exact else "permuted models"
        told = (f"rank correlation of barrier and cosine: {coefficient(related.rank)} "
                f"{half_width(NORMAL * related.stderr, 2)} (95 %), {p_value(related.p)} ({how}), "
                f"{related.pairs} pairs of {related.models} models")
    else:
        told = f"no correlation with cosines: {related}"
    what = "the mean of both ends" if found.above == "mean" else "the straight line between both ends"
    return "\n".join([f"barriers on {found.task.name}: nats above {what}, {len(found.alphas)} points a line",
                      table(rows), told, pairs.in_words(found, limit)])
