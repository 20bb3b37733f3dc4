"""Where should training start? Models trained from the base, a centroid and other Points, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.figures.starts import Column, Gains, by_start, over_targets
from explorer.numbers import about
from explorer.pages import _measuring, _readings
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._jobs import active, bar, outcome, redrawn
from explorer.pages._pressing import pressed
from explorer.pages._probing import fetch
from explorer.pages._readings import metric, tabled
from explorer.pages._session import dark, fail, has_texts, material, me, plain, workspace
from explorer.pages._start_controls import controls
from explorer.pages._visitor import editors
from explorer.statistics.averages import Average
from explorer.statistics.paper import LEDGER, STARTS_TABLES
from explorer.statistics.starts import REFERENCE, Agreement
from explorer.types import Probe
from explorer.workflows import starting
from explorer.workflows.claims.starts import FEW
from explorer.workflows.starting import Plan, Table

STEP = 0.06
"""Seconds that a step takes where nothing was trained yet."""
PREDICTED = {"loss": "low loss", "distance": "nearness to the centroid"}


def job_of(plan: Plan) -> Job | None:
    """The job for this plan, if this session began one; one for another plan is left to run, and seen on Jobs."""
    kept: tuple[Plan, Job] | None = st.session_state.get("start_job")
    return kept[1] if kept is not None and kept[0] == plan else None


def train(ws: workflows.Workspace, plan: Plan) -> None:
    try:
        st.session_state["start_job"] = (plan, starting.train(ws, plan, owner=me()))
    except ExplorerError as error:
        fail(error)
    else:
        st.rerun()


def progress(ws: workflows.Workspace, plan: Plan, found: Table) -> None:
    """One line: what runs, the button for what is missing, or how many runs there are."""
    job = job_of(plan)
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False, gap="small",
                      key="controls_start_line"):
        if job is not None and active(job):
            bar(job, "start")
            return
        away = [t.task.name for t in plan.targets if not has_texts(t.task)]
        if not found.missing:
            st.caption(f"All {len(found.runs)} runs are made; they are kept in the catalog.")
        elif away:
            fetch(ws, away, "start")
        elif pressed(f"Train {found.missing} runs ({about(seconds(plan, found))})", type="primary", key="start-train",
                     of=plan, icon=":material/model_training:", **editors()):
            train(ws, plan)
    if job is not None:
        outcome(job)
        for note in job.notes:
            st.warning(plain(note), icon=":material/info:")


def seconds(plan: Plan, found: Table) -> float:
    """How long the missing runs take, at the pace of those that are there."""
    paces = [r.seconds for _, _, r in found.runs]
    return found.missing * (float(np.median(paces)) if paces else 2 + STEP * plan.tuning.steps)


def live(ws: workflows.Workspace, plan: Plan) -> None:
    """Figure and readings, drawn again by themselves while models are trained."""

    def draw() -> None:
        found = starting.table(ws, plan)
        progress(ws, plan, found)
        left, right = st.columns([1.55, 1], gap="large")
        with left:
            chart(plan, found)
        with right:
            readings(plan, found)
            beside(plan)
            provenance(plan, found)

    redrawn(lambda: job_of(plan), draw)


def names(plan: Plan) -> list[str]:
    """Every start of a plan, in the order of first mention."""
    return list(dict.fromkeys(s.name for t in plan.targets for s in t.starts))


def chart(plan: Plan, found: Table) -> None:
    known = {(c.target, c.start): c for c in found.cells}
    if len(plan.targets) == 1:
        target = plan.targets[0]
        columns = [Column(s.name, {r.seed: r.accuracy for _, start, r in found.runs if start == s.name},
                          known[target.task.name, s.name].accuracy if (target.task.name, s.name) in known else None,
                          s.why) for s in target.starts]
        figure, alt = by_start(columns, dark=dark(), title=f"Accuracy on {target.task.name}"), "Accuracy by start."
    else:
        targets = [t.task.name for t in plan.targets]
        gains = [Gains(name, [known[t, name].difference if (t, name) in known else None for t in targets])
                 for name in names(plan) if name != REFERENCE]
        figure, alt = over_targets(targets, gains, dark=dark()), "Differences of accuracy to the base, by target."
    show_figure(figure, key=f"start_chart_{len(plan.targets) > 1}", alt=alt)
    offer_figure(figure, "starts")


def readings(plan: Plan, found: Table) -> None:
    """Mean difference of one start to the base, and on how many targets it wins."""
    others = [n for n in names(plan) if n != REFERENCE]
    if not others:
        st.caption("Choose a start to compare with the base.")
        return
    name = others[0] if len(others) == 1 else st.selectbox("Compared with the base", others, key="start_compared")
    tally = next((t for t in found.tallies if t.start == name), None)
    single = next((c.difference for c in found.cells if c.start == name), None) if len(plan.targets) == 1 else None
    shown = single or (tally.difference if tally else None)
    left, right = st.columns(2)
    over = "seeds" if len(plan.targets) == 1 else "data sets"
    metric("Difference", None if shown is None else numbers.points(shown.value),
           "not yet" if shown is None else f"{_interval(shown)}, {shown.n} {over}", words=("centroid", "bitfit"),
           about="Accuracy from this start minus the base's: seed by seed, then the mean. Below it Student's 95 % "
           f"interval over {over}.", where=left)
    metric("Wins, ties, losses", None if tally is None else f"{tally.wins} · {tally.ties} · {tally.losses}",
           "not yet" if tally is None else f"of {tally.difference.n}",
           about="Data sets, by the mean over seeds. A tie: less than 0.05 points apart.", where=right)


def _interval(found: Average) -> str:
    if not np.isfinite(found.low):
        return "one value"
    return numbers.between(100 * found.low, 100 * found.high, sign=True)


def beside(plan: Plan) -> None:
    """The paper's table for this size, and what is doubtful about it."""
    size = plan.sizes[0]
    claim = "C14" if size is not None and size <= FEW else "C13"
    known, theirs = LEDGER[claim], STARTS_TABLES[claim]
    tally = (f"; {theirs.wins} wins, {theirs.ties} ties, {theirs.losses} loss" if theirs.wins is not None else "")
    centroid, base = (numbers.share(accuracy / 100, 2) for accuracy in (theirs.centroid, theirs.base))
    st.info(plain(f"The paper ({claim}, {known.where}), RoBERTa-base with BitFit: centroid {centroid}, base {base}, "
                  f"{numbers.points(theirs.difference / 100)} on {theirs.targets} data sets{tally}. Doubtful: "
                  f"{known.conflict}."), icon=":material/menu_book:")


def provenance(plan: Plan, found: Table) -> None:
    how = plan.tuning
    size = plan.sizes[0]
    texts = f"the first {numbers.count(size)}" if size else "all"
    tested = sorted({r.n for _, _, r in found.runs})
    measured = f" Accuracy on {_span(tested)} test texts." if tested else ""
    early = f", stopped early with patience {how.patience}" if how.patience else ""
    st.caption(plain(f"{how.method}, {how.steps} steps of {how.batch} of {texts} train texts{early}, rate "
                     f"{numbers.figures(how.lr)} for every start; {len(plan.seeds)} seeds, each with one head, text "
                     f"order and dropout for all starts.{measured}"))


def _span(values: Sequence[int]) -> str:
    first, last = numbers.count(values[0]), numbers.count(values[-1])
    return first if first == last else f"{first} to {last}"


def below(ws: workflows.Workspace, plan: Plan) -> None:
    """Numbers to take away, which Points the starts are, and what could have been known without training."""
    tabs = st.tabs(("Table", "Predicted", "Starts"), key="start_tabs", on_change="rerun")
    for tab, shown in zip(tabs, (table, predictions, which), strict=True):
        if tab.open:
            with tab:
                shown(ws, plan)


def table(ws: workflows.Workspace, plan: Plan) -> None:
    found = starting.table(ws, plan)
    if not found.cells:
        st.caption("No run is made yet.")
        return
    rows = [{"target": c.target, "start": c.start, "accuracy": c.accuracy.value, "seeds": c.accuracy.n,
             **{key: _finite(c.difference, key) for key in ("value", "low", "high")}} for c in found.cells]
    frame = pd.DataFrame(rows)
    tabled(frame, {"accuracy": _readings.percent, **dict.fromkeys(("value", "low", "high"), _readings.points)}, {
        "target": "Target", "start": "Start", "seeds": "Seeds", "accuracy": "Accuracy",
        "value": "Minus the base's (points)", "low": "95 % from", "high": "to"},
        height=min(420, 38 + 35 * len(rows)))
    st.download_button("Download as CSV", lambda: frame.to_csv(index=False), "start-points.csv", "text/csv",
                       on_click="ignore", icon=":material/download:")


def _finite(found: Average | None, key: str) -> float | None:
    value: float = getattr(found, key, math.nan)
    return value if math.isfinite(value) else None


def predictions(ws: workflows.Workspace, plan: Plan) -> None:
    """Which start was to be expected to be good, from its loss and its place alone."""

    def draw() -> None:
        rows, found = starting.predicted(ws, plan, Probe()), starting.table(ws, plan)
        agreements = starting.ranking(rows, found.cells, plan.sizes[0])
        for column, (by, a) in zip(st.columns(2), agreements.items(), strict=True):
            metric(f"Rank correlation with {PREDICTED[by]}",
                   None if a.across is None else numbers.coefficient(a.across), _within(a),
                   words=("rank_correlation",), about="Large: over all targets and starts, what is predicted to be "
                   "gained over the base against what training gave. Below: the starts of one target, mean over "
                   "targets.", where=column)
        known = {(c.target, c.start): c.accuracy.value for c in found.cells}
        tabled([{"target": r.target, "start": r.start, "loss": r.loss, "distance": r.distance,
                 "accuracy": known.get((r.target, r.start))} for r in rows],
               {"loss": _readings.loss, "distance": _readings.distance, "accuracy": _readings.percent},
               {"target": "Target", "start": "Start", "loss": "Loss before (nats)", "distance": "From the centroid",
                "accuracy": "Accuracy after"})

    _measuring.live(ws, "starts", starting.asks(plan, Probe()), "Losses of the start points", draw)


def _within(found: Agreement) -> str:
    if found.mean is None:
        return "three starts of a target are needed" if not found.pairs else f"over {found.pairs} pairs"
    return f"{numbers.coefficient(found.mean.value)} within {numbers.count(found.mean.n, 'target')}"


def which(ws: workflows.Workspace, plan: Plan) -> None:
    st.dataframe(pd.DataFrame([{"target": t.task.name, "start": s.name, "why": s.why, "point": s.point.hash[:12]}
                               for t in plan.targets for s in t.starts]), hide_index=True, column_config={
        "target": "Target", "start": "Start", "why": st.column_config.TextColumn("Which it is", width="large"),
        "point": "Point"})


def show() -> None:
    ws = workspace()
    if (found := material(ws, "Training from a start point")) is None:
        return
    try:
        if (plan := controls(ws, *found)) is None:
            st.info("Choose a target: a data set to train on.", icon=":material/flag:")
            return
        for said in [said for target in plan.targets for said in target.absent]:
            st.caption(plain(f"No start: {said}"))
        live(ws, plan)
        below(ws, plan)
    except ExplorerError as error:
        fail(error)


show()
