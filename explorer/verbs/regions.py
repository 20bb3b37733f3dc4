"""The verb `region`: losses of In, In′ and Ex on a task, and P_B between them beside the paper's."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from explorer import numbers
from explorer.statistics.paper import REGIONS, SHARES
from explorer.statistics.regions import Region
from explorer.types import Point, Score
from explorer.verbs.arguments import probe, task_list
from explorer.verbs.printing import Answer, checkpoint_names, score_row, shown, table
from explorer.workflows import Workspace, regions
from explorer.workflows.regions import Level, Members, RegionScores

PAIRS = {"in_ex": "P_B(In ≤ Ex)", "in_prime_ex": "P_B(In′ ≤ Ex)", "in_prime_in": "P_B(In′ ≤ In)"}


def region_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    how = probe(args)
    ids = {c.id for c in regions.full_size(ws.catalog.checkpoints())} if args.full_size else None
    chosen = [regions.groups(ws, task, args.level, args.trait, base=args.base, samples=args.samples,
                             concentration=args.concentration, seed=args.seed, leave_out=args.leave_target_out,
                             random=args.random, ids=ids) for task in task_list(ws, args.task)]
    for groups in chosen:
        regions.asks(groups, how)  # says what can't be measured before anything is
    found = [regions.measured(ws, groups, how) for groups in chosen]
    names = checkpoint_names(ws)
    base = ws.catalog.base(chosen[0].base).name
    values = [_value(scores, names, base) for scores in found]
    text = [_text(scores, base) for scores in found]
    if len(found) == 1:
        return values[0], text[0]
    mean = regions.average(found)
    whole = {"level": args.level, "base": base, "tasks": values, "mean": _shares(mean.region), "over": list(mean.over),
             "paper": _paper(args.level)}
    return whole, "\n\n".join([*text, f"mean over {len(found)} tasks\n{_beside(mean.region, args.level)}"])


def _value(scores: RegionScores, names: dict[str, str], base: str) -> dict[str, Any]:
    groups = scores.groups
    inside = _rows(groups.inside, scores.inside, scores)
    in_prime = [{"weights": _weights(point, names), **row} for point, row in
                zip(groups.in_prime.points, _rows(groups.in_prime, scores.in_prime, scores), strict=True)]
    assert scores.region is not None  # all is measured
    return {"level": groups.level, "trait": groups.trait or None, "task": groups.task.name, "base": base,
            "in": inside, "in_prime": in_prime, "ex": _rows(groups.outside, scores.outside, scores),
            **_shares(scores.region),
            "n": {"in": len(scores.inside), "in_prime": len(scores.in_prime), "ex": len(scores.outside)},
            "limited": groups.limited, "base_score": None if scores.base is None else score_row(scores.base),
            "paper": _paper(groups.level)}


def _shares(region: Region) -> dict[str, Any]:
    found = {pair.name: getattr(region, pair.name) for pair in fields(region)}
    return {"p_b": {name: share.value for name, share in found.items()},
            "intervals": {name: list(share.interval) for name, share in found.items()},
            "method": {name: share.method for name, share in found.items()}}


def _paper(level: Level) -> dict[str, Any]:
    claim = REGIONS[level]
    return {**dict(zip(PAIRS, SHARES[level], strict=True)), "claim": claim.id, "text": claim.text,
            "where": claim.where}


def _rows(members: Members, scores: Sequence[Score | None], of: RegionScores) -> list[dict[str, Any]]:
    return [{"name": name, **score_row(score),
             **({"reason": of.reasons[point.hash]} if point.hash in of.reasons else {})}
            for point, name, score in zip(members.points, members.names, scores, strict=True)]


def _weights(point: Point, names: dict[str, str]) -> dict[str, float]:
    return {names.get(key, key): weight for key, weight in point.terms}


def _text(scores: RegionScores, base: str) -> str:
    groups = scores.groups
    rows = []
    for name, side in (("In", scores.inside), ("In′", scores.in_prime), ("Ex", scores.outside)):
        losses = [s.loss for s in side if s is not None and math.isfinite(s.loss)]
        rows.append({"": name, "n": len(side), "mean loss": shown(sum(losses) / len(losses) if losses else None),
                     "min": shown(min(losses, default=None)), "max": shown(max(losses, default=None)),
                     "overflow": len(side) - len(losses) or None})
    if not any(row["overflow"] for row in rows):
        rows = [{k: v for k, v in row.items() if k != "overflow"} for row in rows]
    level = "" if scores.base is None else f"; the base's loss is {shown(scores.base.loss)}"
    limited = f"; {groups.limited} of In trained on fewer texts" if groups.limited else ""
    assert scores.region is not None  # all is measured
    return (f"{groups.said} of {base} on {groups.task.name}{level}{limited}\n{table(rows)}\n\n"
            f"{_beside(scores.region, groups.level)}")


def _beside(region: Region, level: Level) -> str:
    """P_B with intervals, the paper's beside them."""
    rows = []
    for (key, name), theirs in zip(PAIRS.items(), SHARES[level], strict=True):
        share = getattr(region, key)
        rows.append({"": name, "ours": numbers.share(share.value),
                     "95 % interval": numbers.share_between(share.low, share.high),
                     f"paper ({REGIONS[level].id})": numbers.share(theirs)})
    return table(rows)
