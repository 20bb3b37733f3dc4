"""Are models of a region as good as those that span it, and better than others? In, In′ and Ex on a task."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import numbers, workflows
from explorer.errors import ExplorerError
from explorer.figures.strips import strips
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._leaving import tab as leaving
from explorer.pages._locating import tab as locating
from explorer.pages._measuring import live
from explorer.pages._pressing import pressed
from explorer.pages._readings import metric
from explorer.pages._region_controls import controls
from explorer.pages._region_overview import overview
from explorer.pages._region_tabs import dimension, distance, table
from explorer.pages._region_view import SHOWN, WORDS, View, known, loss, of_groups
from explorer.pages._session import BASKET, dark, fail, material, plain, workspace
from explorer.pages._stage import tall
from explorer.statistics.paper import REGIONS, SHARES
from explorer.statistics.regions import Share
from explorer.types import Base, Checkpoint
from explorer.workflows.regions import Level, RegionScores

HEIGHT = 450
TABS = ("Dimension", "Distance", "Walks", "Locate", "Points")


def draw(ws: workflows.Workspace, view: View) -> None:
    """Strips and readings of what is known."""
    found = known(ws, view)
    left, right = st.columns([1.55, 1], gap="large")
    with left:
        chart(view, found)
    with right:
        readings(found)
        beside(view.groups.level)
        provenance(view, found)


def chart(view: View, found: RegionScores) -> None:
    figure = strips(of_groups(view, found), base=loss(found.base), dark=dark(), height=tall(HEIGHT),
                    title=f"Loss on {view.groups.task.name} (nats)")
    show_figure(figure, key="region_strips",
                alt="Losses of In, In′ and Ex as strips of dots, with their means and the base's loss.")
    offer_figure(figure, "region")


def readings(found: RegionScores) -> None:
    """The three P_B with intervals, and the paper's below each."""
    level = found.groups.level
    for column, (key, name, sides, meaning), theirs in zip(st.columns(3), SHOWN, SHARES[level], strict=True):
        share: Share | None = getattr(found.region, key, None)
        with column:
            metric(f"P_B({name})", None if share is None else numbers.share(share.value),
                   "not yet" if share is None else numbers.share_between(share.low, share.high),
                   words=("p_b", *WORDS[key]),
                   about=f"How often {meaning}, over all pairs; below it the 95 % interval.")
            first, second = (len(getattr(found, side)) for side in sides)
            st.caption(f"paper {numbers.share(theirs)}  \n{first} × {second} pairs")


def beside(level: Level) -> None:
    claim = REGIONS[level]
    st.info(plain(f"The paper ({claim.id}, {claim.where}), on RoBERTa-base: {claim.text}."),
            icon=":material/menu_book:")


def provenance(view: View, found: RegionScores) -> None:
    """Where the numbers come from."""
    groups, probe = view.groups, view.probe
    limited = f", {groups.limited} of them trained on fewer texts," if groups.limited else ""
    others = (f"{len(found.outside)} random directions from the base" if groups.level == "general"
              else f"{len(found.outside)} models of {len(set(groups.outside.datasets or ['']))} other "
              f"{'data sets' if groups.level == 'dataset' else 'data sets of other tasks'}")
    inside = f"All {len(found.inside)} models" if groups.level == "general" else f"{len(found.inside)} {groups.said}"
    drawn = "models" if groups.inside.datasets is None else "models by data set"
    if found.region is not None and found.region.in_ex.method == "texts":
        drawn += " and texts"
    few = " Few models: the intervals are wide." if len(found.inside) < 6 else ""
    st.caption(plain(f"{inside}{limited} against {others}; {len(found.in_prime)} hull samples "
                     f"(seed {groups.seed}). Loss with a refitted head: {probe.train} train, {probe.test} test texts. "
                     f"Intervals draw {drawn} anew; that of In′ speaks of further draws from this hull.{few}"))
    if found.reasons:
        st.caption(plain(f"{len(found.reasons)} Points have no finite loss and count as above all others: "
                         f"{next(iter(found.reasons.values()))}"))
    ids = [p.terms[0][0] for p in groups.inside.points]
    if pressed("Show In on the map", key="region_to_map", of=ids, icon=":material/scatter_plot:"):
        st.session_state[BASKET] = ids
        st.switch_page("explorer/pages/map.py")


def below(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], view: View) -> None:
    """Further views of the same region, each computed when it is opened."""
    task, groups = view.groups.task, view.groups
    inside = {p.terms[0][0] for p in groups.inside.points}
    members = [c for c in checkpoints if c.id in inside]
    tabs = (lambda: dimension(ws, view), lambda: distance(ws, view),
            lambda: leaving(ws, base, members, task, view.probe, groups.said),
            lambda: locating(ws, base, members, task, view.probe, groups.said), lambda: table(ws, view))
    for tab, shown in zip(st.tabs(TABS, key="region_tabs", on_change="rerun"), tabs, strict=True):
        if tab.open:
            with tab:
                shown()


def show() -> None:
    ws = workspace()
    found = material(ws, "A region")
    if found is None:
        return
    base, checkpoints, tasks = found
    try:
        views = controls(ws, base, checkpoints, tasks)
        if len(views) > 1:
            overview(ws, views)
        else:
            live(ws, "region", views[0].asks, views[0].title, lambda: draw(ws, views[0]))
            below(ws, base, checkpoints, views[0])
    except ExplorerError as error:
        fail(error)


show()
