"""The verb `locate`: the regions nearest to a Point, and whether it lies outside of them."""

from __future__ import annotations

import argparse
from typing import Any

from explorer import workflows
from explorer.numbers import distance, share, weight
from explorer.verbs.arguments import kinds, names
from explorer.verbs.printing import Answer, table
from explorer.workflows import Workspace, places
from explorer.workflows.places import Located

SHOWN = 8
"""Regions that the text names; --json has all."""


def locate_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    found = places.locate(ws, workflows.resolve(ws, args.point), args.by, names(args.layers), kinds(args.kinds))
    return _value(found), _text(found)


def _value(found: Located) -> dict[str, Any]:
    where = found.location
    return {
        "point": found.name, "by": found.by, "own": found.own, "predicted": where.predicted,
        "confidence": where.confidence, "outside": where.outside, "far": where.far, "astray": where.astray,
        "tail": where.tail, "cosine": where.cosine,
        "regions": [{"name": name, "probability": chance, "distance": apart} for name, chance, apart in found.rows],
        "hull": {"region": where.predicted, "distance": found.hull.distance, "weights": dict(found.hull.weights)},
        "accuracy": found.accuracy, "expected": found.expected, "models": found.models,
        "left_out": list(found.left_out), "unknown": found.unknown,
    }


def _text(found: Located) -> str:
    rows = [{found.by: name, "models": found.sizes[name], "probability": share(chance), "distance": distance(apart)}
            for name, chance, apart in found.rows[:SHOWN]]
    more = f"\n… {len(found.rows) - SHOWN} more with --json" if len(found.rows) > SHOWN else ""
    inside = ", ".join(f"{weight(w)} {name}" for name, w in found.hull.weights.items())
    left = f"; left out, of one model each: {', '.join(found.left_out)}" if found.left_out else ""
    return (f"{places.in_words(found)}\n{table(rows)}{more}\n(distance in weight space to the hull of a region's "
            f"models)\nnearest place in {found.location.predicted}, {distance(found.hull.distance)} away: {inside}\n"
            f"Of {found.models} models, each located without itself, {share(found.accuracy, 0)} are told right; "
            f"{share(found.expected, 0)} was the mean confidence{left}.")
