"""A region that is looked at: its groups, what is known of their losses, and what is said of each Point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from explorer import workflows
from explorer.evaluation.work import Ask
from explorer.figures.strips import Strip
from explorer.numbers import weight
from explorer.pages._measuring import lost
from explorer.types import Point, Probe, Score
from explorer.workflows import regions
from explorer.workflows.regions import Groups, RegionScores

CHART = {"displayModeBar": False}
SHOWN = (("in_ex", "In ≤ Ex", ("inside", "outside"), "a model of In has a loss no higher than one of Ex"),
         ("in_prime_ex", "In′ ≤ Ex", ("in_prime", "outside"), "a Point of In′ has a loss no higher than one of Ex"),
         ("in_prime_in", "In′ ≤ In", ("in_prime", "inside"), "a Point of In′ has a loss no higher than one of In"))
"""The three comparisons: their key, their name, whose they are, and what they mean."""
WORDS = {"in_ex": ("in", "ex"), "in_prime_ex": ("in_prime", "ex"), "in_prime_in": ("in_prime", "in")}
"""The terms of each comparison."""
_KEPT = 60


@dataclass(frozen=True)
class View:
    """What is looked at: the groups and how their losses are measured."""

    groups: Groups
    probe: Probe
    names: Mapping[str, str]

    @property
    def asks(self) -> list[Ask]:
        return regions.asks(self.groups, self.probe)

    @property
    def title(self) -> str:
        return f"In, In′ and Ex of {self.groups.said} on {self.groups.task.name}"


def known(ws: workflows.Workspace, view: View) -> RegionScores:
    """What is measured; the same as before while nothing was added, because P_B takes a while to read off."""
    kept: dict[tuple[Groups, Probe], RegionScores] = st.session_state.setdefault("region_known", {})
    before = kept.get((view.groups, view.probe))
    if before is not None and not before.missing and before.base is not None:
        return before
    found = regions.known(ws, view.groups, view.probe, lost())
    if before is not None and told(before) == told(found):
        return before
    for old in list(kept)[:-_KEPT]:
        del kept[old]
    kept[view.groups, view.probe] = found
    return found


def told(found: RegionScores) -> tuple[object, ...]:
    """What changes when a score is added."""
    return found.missing, found.base is None, found.reasons


def loss(score: Score | None) -> float | None:
    return None if score is None else score.loss


def of_groups(view: View, found: RegionScores) -> list[Strip]:
    groups = view.groups
    parts = (("In", groups.inside, found.inside, "models"), ("In′", groups.in_prime, found.in_prime, "hull samples"),
             ("Ex", groups.outside, found.outside,
              "random directions" if groups.level == "general" else "other models"))
    return [Strip(name, [loss(s) for s in scores], said(view, members.points, members.names),
                  f"{len(scores)} {what}") for name, members, scores, what in parts]


def said(view: View, points: Sequence[Point], known: Sequence[str]) -> list[str]:
    """What the card of a Point says: a model's name, or the largest weights of a mixture."""
    return [name if len(p.terms) == 1 or not name.startswith("In′") else f"{name}: {weights(view, p)}"
            for p, name in zip(points, known, strict=True)]


def weights(view: View, point: Point) -> str:
    falling = sorted(point.terms, key=lambda term: -term[1])
    more = f" + {len(falling) - 4} more" if len(falling) > 4 else ""
    return " + ".join(f"{weight(c)} · {view.names.get(key, key)}" for key, c in falling[:4]) + more
