"""Claim C12: random directions from a centroid leave its region, walking towards the origin does not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

from explorer.errors import InputError
from explorer.evaluation.work import Ask
from explorer.numbers import share_told
from explorer.statistics import averages
from explorer.statistics.crossings import Crossing
from explorer.types import Base, Figure, Finding, Probe
from explorer.workflows import leaving
from explorer.workflows.claims.question import Question, average, by_turns
from explorer.workflows.claims.regions import measurable
from explorer.workflows.leaving import Kind
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

REGIONS = 6
"""Data sets whose regions are left at most, one of each task first."""
FEWEST = 3
_NAMES: Mapping[Kind, str] = {"random": "random directions", "base": "towards the base", "zero": "towards no weights"}


def outward(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C12: a region is left where the loss passes that of its highest model; it is looked for up to 5 spreads."""
    models = full_size(ws.catalog.checkpoints(base.id))
    of = {t: [c for c in models if c.dataset == t.name] for t in measurable(ws, base)}
    chosen = by_turns([t for t, some in of.items() if len(some) >= FEWEST], REGIONS)
    if not chosen:
        raise InputError(f"no data set with texts has {FEWEST} models or more.")
    walks = {t: leaving.walks(ws, of[t]) for t in chosen}
    asks = [ask for t, walk in walks.items() for ask in leaving.asks(walk, t, probe)]

    def conclude(reasons: Mapping[Ask, str]) -> Finding:
        lost = {ask.point.hash: reason for ask, reason in reasons.items()}
        found = [leaving.known(ws, walk, t, probe, lost).leaves for t, walk in walks.items()]
        radii = {kind: [leaves[kind].radius for leaves in found if kind in leaves] for kind in leaving.KINDS}
        left = {kind: averages.proportion(sum(map(math.isfinite, some)), len(some))
                for kind, some in radii.items() if some}
        figures = [average(f"regions left: {_NAMES[kind]}", share, "regions") for kind, share in left.items()]
        figures += [_radius(kind, [leaves[kind] for leaves in found if kind in leaves]) for kind in left
                    if left[kind].value > 0]
        origins = [left[kind].value for kind in ("base", "zero") if kind in left]
        agrees = left["random"].value > 0.5 and bool(origins) and max(origins) < 0.5
        told = ", ".join(f"{_NAMES[kind]} {share_told(share.value)}" for kind, share in left.items())
        first = chosen[0]
        return Finding("C12", "agrees" if agrees else "differs", f"Regions that are left within 5 spreads: {told}.",
                       tuple(figures), f"{len(walks)} regions: {', '.join(t.name for t in walks)}", "region",
                       {"region_level": "dataset", "region_trait_dataset": first.name, "region_task": first.name,
                        "region_full": True, "region_tabs": "Walks"})

    return Question("C12", tuple(dict.fromkeys(asks)), conclude)


def _radius(kind: Kind, found: list[Crossing]) -> Figure:
    """The median radius at which regions are left, of those that are, between the least and the largest."""
    radii = sorted(c.radius for c in found if math.isfinite(c.radius))
    return Figure(f"radius at leaving, in spreads: {_NAMES[kind]} (range)", median(radii), radii[0], radii[-1],
                  len(radii), "regions left", "factor")
