"""Walks out of a region, as a tab: in random directions, to the base and to all-zero weights (the paper's C12)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from explorer import numbers, workflows
from explorer.errors import ExplorerError
from explorer.figures.leaving import Way, ways_out
from explorer.pages._charts import show_figure
from explorer.pages._glossary import said
from explorer.pages._measuring import live, lost
from explorer.pages._readings import tabled
from explorer.pages._session import dark, fail, plain
from explorer.statistics.crossings import Crossing
from explorer.statistics.paper import OUTWARD
from explorer.statistics.readings import NORMAL
from explorer.types import Base, Checkpoint, Probe, Task
from explorer.workflows import leaving
from explorer.workflows.leaving import Kind, Walked, Walks

NAMES: dict[Kind, str] = {"random": "random directions", "base": "towards the base", "zero": "towards zero weights"}
ARRIVES: dict[Kind, str] = {"random": "", "base": "the base", "zero": "all weights zero"}
FAR = (5.0, 10.0, 20.0)


def tab(ws: workflows.Workspace, base: Base, members: list[Checkpoint], task: Task, probe: Probe,
        region_name: str) -> None:
    """The walks from the centroid of `members`, measured on a click and drawn as they come."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        seeds = st.number_input("Random directions", 1, leaving.MOST_SEEDS, 3, key="leaving_seeds", width=150,
                                persist_state="session")
        far = st.segmented_control("As far as", FAR, default=5.0, required=True, key="leaving_far",
                                   persist_state="session", format_func=lambda r: f"{numbers.figures(r)} spreads",
                                   help=said("spread"))
    try:
        found = walks(ws, members, int(seeds), reach(float(far or 5.0)))
    except ExplorerError as error:
        fail(error)
        return
    asks = leaving.asks(found, task, probe)
    live(ws, "leaving", asks, f"Walks from the centroid of {region_name} on {task.name}",
         lambda: draw(ws, found, task, probe), on_click=True)


def reach(far: float) -> tuple[float, ...]:
    """The radii as far as that: those of the paper's question, and further ones outside of them."""
    return (*leaving.RADII, *(r for r in (7.5, 10.0, 15.0, 20.0) if r <= far))


def walks(ws: workflows.Workspace, members: Sequence[Checkpoint], seeds: int, radii: tuple[float, ...]) -> Walks:
    with st.spinner("Reading the length of the centroid's weights …"):
        return leaving.walks(ws, members, seeds, radii)


def draw(ws: workflows.Workspace, found: Walks, task: Task, probe: Probe) -> None:
    walked = leaving.known(ws, found, task, probe, lost())
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        models = [s.loss for s in walked.models if s is not None]
        figure = ways_out([way(walked, kind) for kind in leaving.KINDS], found.directions[0].radii,
                          (min(models), max(models)) if walked.highest else None,
                          base=None if walked.base is None else walked.base.loss,
                          title=f"Loss on {task.name} (nats)", dark=dark())
        show_figure(figure, key="leaving_walks",
                    alt="Loss against the distance from the centroid, in spreads of the models.")
    with right:
        readings(walked)
        doubt = f" Doubtful there: {OUTWARD.conflict}." if OUTWARD.conflict else ""
        st.info(plain(f"The paper ({OUTWARD.id}, {OUTWARD.where}), on RoBERTa-base: {OUTWARD.text}: {OUTWARD.figure}."
                      f"{doubt}"), icon=":material/menu_book:")
        spreads = [numbers.distance(length / found.spread) for length in (found.length, found.norm)]
        st.caption(f"{len(found.points)} models; their spread is {numbers.distance(found.spread)} in weight distance, "
                   f"the centroid lies {spreads[0]} spreads from the base and {spreads[1]} from all-zero weights. "
                   "Random directions have Xavier's spread over tensors. Bars: 95 % of the difference from the "
                   "centroid's loss over the same texts.")


def way(walked: Walked, kind: Kind) -> Way:
    """A kind's walks as they are drawn."""
    mean = walked.mean(kind)
    mine = [(d, line) for d, line in zip(walked.walks.directions, walked.scores, strict=True) if d.kind == kind]
    singles = [[(r, s.loss) for r, s in zip(d.radii, line, strict=True) if s is not None] for d, line in mine]
    found, end = walked.leaves.get(kind), mine[0][0].radii[-1] if mine else math.nan
    whole = bool(mean) and mean[-1][0] == end
    arrives = whole and kind != "random" and end < walked.walks.directions[0].radii[-1]
    return Way(NAMES[kind], [r for r, _ in mean], [v.value for _, v in mean], [v.half for _, v in mean],
               singles if len(mine) > 1 else (), found.radius if found and math.isfinite(found.radius) else None,
               ARRIVES[kind] if arrives else "")


def readings(walked: Walked) -> None:
    """Where each kind of walk leaves the region, in spreads."""
    rows = []
    for kind in leaving.KINDS:
        mine = [d for d in walked.walks.directions if d.kind == kind]
        if not mine:
            continue
        end = mine[0].radii[-1]
        found = walked.leaves.get(kind)
        count = f" ({len(mine)})" if kind == "random" else ""
        rows.append({"walk": NAMES[kind].capitalize() + count, "leaves": "not yet" if found is None
                     else edge(found.radius, end), "between": "" if found is None else between(found, end)})
    st.markdown("**Leaves the region** (spreads from the centroid)", help="Where the loss first exceeds that of the "
                "region's highest model, on straight lines between measured radii; of random directions their mean "
                "loss. The 95 % interval draws the test texts, and of several walks the walks.")
    tabled(rows, {}, {"walk": "Walk", "leaves": "Leaves at", "between": "95 %"})
    if walked.highest is not None:
        names = walked.walks.names
        name = names[walked.models.index(walked.highest)]
        st.caption(f"Highest model: {plain(name)}, loss "
                   f"{numbers.loss(walked.highest.loss, NORMAL * walked.highest.stderr)}.")


def edge(radius: float, end: float) -> str:
    return numbers.fixed(radius, 2) if math.isfinite(radius) else f"not up to {numbers.figures(end)}"


def between(found: Crossing, end: float) -> str:
    if math.isnan(found.low):
        return ""
    low, high = (numbers.fixed(r, 2) if math.isfinite(r) else f"> {numbers.figures(end)}"
                 for r in (found.low, found.high))
    return low if low == high else f"{low} to {high}"
