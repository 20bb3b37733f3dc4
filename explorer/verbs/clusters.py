"""The verb `cluster`: clusters of models and how they agree with a column, with null and interval."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from explorer import workflows
from explorer.errors import InputError
from explorer.numbers import between
from explorer.statistics.agreement import Agreement
from explorer.types import Checkpoint
from explorer.verbs.arguments import kinds, names
from explorer.verbs.printing import Answer, number, shown, table
from explorer.workflows import Workspace
from explorer.workflows.clustering import Cell, Clustered, Count


def cluster_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    k, ids = _count(args.k), _only(ws, args.only, args.base)
    by = args.by.removeprefix("columns.")
    found = workflows.cluster(ws, args.base, by, args.method, args.metric, k, names(args.layers), kinds(args.kinds),
                              ids, seed=args.seed)
    value, text = _value(found), _text(found)
    if args.grid:
        cells = workflows.where(ws, args.base, by, args.method, args.metric, k, ids, seed=args.seed)
        value["where"] = [_cell(cell) for cell in cells]
        text += "\n\nby layer and kind\n" + table([_row(cell) for cell in cells])
    return value, text


def _count(text: str | None) -> Count:
    if text is None:
        return "groups"
    if text == "eigengap":
        return "eigengap"
    if not text.removeprefix("-").isdecimal():
        raise InputError(f"-k {text!r}: a whole number of clusters or 'eigengap' is needed.")
    return int(text)


def _only(ws: Workspace, given: Sequence[str] | None, base: str | None) -> list[str] | None:
    """Ids of the models that every COLUMN=VALUE[,VALUE…] holds for; None where nothing is asked."""
    if not given:
        return None
    chosen_base = None if base == "all" else (ws.catalog.base(base) if base else workflows.main_base(ws)).id
    chosen: list[Checkpoint] = ws.catalog.checkpoints(chosen_base)
    for condition in given:
        column, equals, values = condition.partition("=")
        allowed = set(names(values) or ())
        if not equals or not allowed:
            raise InputError(f"--only {condition!r}: write COLUMN=VALUE[,VALUE…].")
        column = column.strip().removeprefix("columns.")
        chosen = [c for c in chosen if str(c.value(column)) in allowed]
        if not chosen:
            raise InputError(f"--only {condition!r}: no checkpoint is left.")
    return [c.id for c in chosen]


def _value(found: Clustered) -> dict[str, Any]:
    agreed = _agreement(found)
    return {
        "by": found.by, "method": found.clusters.method, "metric": found.clusters.metric, "k": found.clusters.k,
        "labels": dict(zip(found.names, found.clusters.labels.tolist(), strict=True)),
        "groups": list(agreed.groups), "matched": dict(agreed.matched), "accuracy": agreed.accuracy,
        "f1": dict(agreed.f1), "ari": agreed.ari, "nmi": agreed.nmi, "silhouette": number(found.silhouette),
        "group_silhouette": number(found.group_silhouette),
        "spread": None if found.spread is None else asdict(found.spread),
        "confusion": agreed.confusion.tolist(), "clusters": list(agreed.clusters),
        "misplaced": list(found.misplaced), "null": asdict(found.nulls["accuracy"]),
        "nulls": {name: asdict(null) for name, null in found.nulls.items()},
        "interval": {name: list(pair) for name, pair in found.intervals.items()},
        "unit": found.unit, "n": agreed.n,
        "left_out": len(found.left_out) + len(found.alone), "alone": list(found.alone),
    }


def _text(found: Clustered) -> str:
    agreed = _agreement(found)
    figures = {"accuracy": agreed.accuracy, "ari": agreed.ari, "nmi": agreed.nmi,
               "f1": sum(agreed.f1.values()) / len(agreed.f1), "silhouette": found.silhouette,
               "group_silhouette": found.group_silhouette}
    rows = []
    for name, figure in figures.items():
        null, pair = found.nulls.get(name), found.intervals.get(name)
        rows.append({"": name.replace("_", " "), "value": shown(figure),
                     "95 % interval": between(*pair) if pair else "",
                     "chance": shown(null.mean if null else None), "its 95 %": shown(null.q95 if null else None),
                     "p": shown(null.p if null else None)})
    groups = [{"group": g, "models": int(row.sum()), "cluster": agreed.matched[g], "F1": shown(agreed.f1[g])}
              for g, row in zip(agreed.groups, agreed.confusion, strict=True)]
    out = len(found.left_out) + len(found.alone)
    left = f"; {out} left out" if out else ""
    wrong = f"\nmisplaced: {', '.join(found.misplaced)}" if found.misplaced else ""
    return (f"{found.clusters.k} clusters of {agreed.n} models by {found.by} "
            f"({found.clusters.method}, {found.clusters.metric}){left}\n{table(rows)}\n"
            f"(interval and chance draw {found.unit}s)\n\n{table(groups)}{wrong}")


def _agreement(found: Clustered) -> Agreement:
    if found.agreement is None:
        raise InputError("clusters of no groups have no agreement; give --by COLUMN.")
    return found.agreement


def _cell(cell: Cell) -> dict[str, Any]:
    null = cell.null
    return {"layer": cell.layer, "kind": cell.kind, "parameters": cell.parameters, "accuracy": cell.accuracy,
            "ari": cell.ari, "q95": null and null.q95, "p": null and null.p}


def _row(cell: Cell) -> dict[str, Any]:
    return {"layer": cell.layer or "all", "kind": cell.kind or "all", "parameters": cell.parameters,
            "accuracy": shown(cell.accuracy), "chance's 95 %": shown(cell.null.q95 if cell.null else None)}
