"""All regions of a level, or one region on several tasks: P_B of each with its interval, and their mean."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import numbers, workflows
from explorer.figures.shares import Comparison, shares
from explorer.pages._charts import show_figure
from explorer.pages._jobs import TICK
from explorer.pages._measuring import live
from explorer.pages._readings import metric, percent, tabled
from explorer.pages._region_view import SHOWN, WORDS, View, known
from explorer.pages._session import dark, plain
from explorer.statistics.paper import REGIONS, SHARES
from explorer.statistics.regions import Share
from explorer.workflows import regions
from explorer.workflows.regions import Mean, RegionScores


def overview(ws: workflows.Workspace, views: Sequence[View]) -> None:
    """Drawn again by itself while work runs; a region is there when it is complete."""
    asks = list(dict.fromkeys(ask for view in views for ask in view.asks))

    def draw() -> None:
        found = [known(ws, view) for view in views]
        left, right = st.columns([1.55, 1], gap="large")
        with left:
            chart(found)
        with right:
            readings(found)

    live(ws, "regions", asks, f"In, In′ and Ex on {len(views)} data sets", draw, tick=2 * TICK)


def chart(found: Sequence[RegionScores]) -> None:
    level = found[0].groups.level
    compared = [Comparison(f"P_B({name})", [share_of(scores, key) for scores in found], theirs)
                for (key, name, _, _), theirs in zip(SHOWN, SHARES[level], strict=True)]
    figure = shares([scores.groups.task.name for scores in found], compared, dark=dark())
    show_figure(figure, key="region_shares", alt="P_B of each region with 95 % intervals.")


def readings(found: Sequence[RegionScores]) -> None:
    """Means over those that are complete, and the paper's."""
    level = found[0].groups.level
    done = [scores for scores in found if scores.region is not None and not scores.missing]
    mean: Mean | None = regions.average(done) if done else None
    for column, (key, name, _, meaning), theirs in zip(st.columns(3), SHOWN, SHARES[level], strict=True):
        share: Share | None = getattr(mean.region, key) if mean else None
        with column:
            metric(f"P_B({name})", None if share is None else numbers.share(share.value),
                   "not yet" if share is None else numbers.share_between(share.low, share.high),
                   words=("p_b", *WORDS[key]), about=f"How often {meaning}; the mean over what is measured, below it "
                   "its 95 % interval.")
            st.caption(f"mean of {len(done)}  \npaper {numbers.share(theirs)}")
    claim, groups = REGIONS[level], found[0].groups
    st.info(plain(f"The paper ({claim.id}, {claim.where}), on RoBERTa-base: {claim.text}."),
            icon=":material/menu_book:")
    whose = ("the region of each data set, measured on it" if level == "dataset"
             else f"one region ({groups.said}), measured on each data set")
    st.caption(plain(f"{len(done)} of {len(found)} are measured: {whose}; {len(groups.in_prime.points)} hull samples "
                     f"each (seed {groups.seed}). The mean's interval draws data sets anew, and is never narrower than "
                     "what follows from the single ones."))
    rows = [{"data set": s.groups.task.name, "in": len(s.inside), "ex": len(s.outside),
             **{key: one.value for key, *_ in SHOWN if (one := share_of(s, key)) is not None}} for s in done]
    if not rows:
        return
    tabled(rows, {key: percent for key, *_ in SHOWN}, {
        "data set": "Data set", "in": "In", "ex": "Ex", **{key: f"P_B({name})" for key, name, *_ in SHOWN}},
        height=min(420, 38 + 35 * len(rows)))


def share_of(scores: RegionScores, key: str) -> Share | None:
    share: Share | None = getattr(scores.region, key, None)
    return share
