"""Mixing weights searched on a few labelled texts of a target, while they are searched and against the models alone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.evaluation.searching import Tried, starts
from explorer.figures.merges import search_trace, weight_bars
from explorer.pages import _measuring, _readings
from explorer.pages._charts import show_figure
from explorer.pages._exporting import offer
from explorer.pages._jobs import active, bar, outcome, redrawn
from explorer.pages._merge_views import keep
from explorer.pages._pressing import pressed
from explorer.pages._probing import fetch
from explorer.pages._readings import metric, tabled
from explorer.pages._session import changed, dark, fail, has_texts, material, me, names, plain
from explorer.statistics.readings import NORMAL
from explorer.types import Base, Checkpoint, Task
from explorer.workflows import searching
from explorer.workflows.searching import Row, Search

WORDS = {"base": "base", "centroid": "centroid", "best single model": "generalized_loss"}
"""The terms of what a search has to beat."""


def draw(ws: workflows.Workspace) -> None:
    if (found := material(ws, "A search of weights")) is None:
        return
    try:
        if (search := controls(ws, *found)) is None:
            st.info("Choose at least two models.", icon=":material/search:")
            return
        live(ws, search)
    except ExplorerError as error:
        fail(error)


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> Search | None:
    """The target, the few texts, the models."""
    state, by_name, by_id, known = st.session_state, {t.name: t for t in tasks}, {c.id: c for c in checkpoints}, names(
        checkpoints)
    own = {c.dataset for c in checkpoints}
    unseen = [t.name for t in tasks if t.name not in own and has_texts(t)]
    state.setdefault("search_target", (unseen or sorted(by_name))[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        target = by_name[st.selectbox("Target", sorted(by_name), key="search_target", persist_state="session",
                                      width=220, help="The data set of which a few labelled texts are used.")]
        if changed("search_target", target.name, "search_models"):
            state["search_models"] = [c.id for c in searching.candidates(checkpoints, target)]
        state["search_models"] = [i for i in state.get("search_models", []) if i in by_id]
        shots = st.number_input("Texts of each label", 2, 1000, 32, key="search_shots", persist_state="session",
                                width=150)
        budget = st.number_input("Evaluations", 10, 10_000, 100, 10, key="search_budget", persist_state="session",
                                 width=130)
        with st.popover("Advanced", icon=":material/tune:"):
            penalty = st.number_input("Penalty (nats for a weight of 1)", 0.0, 10.0, 0.05, 0.01,
                                      key="search_penalty", persist_state="session")
            bound = st.number_input("Weights within ±", 0.1, 10.0, 1.5, 0.1, key="search_bound",
                                    persist_state="session")
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="search_seed", persist_state="session",
                                   help="Draws the texts, and where the search begins again.")
    chosen = st.multiselect("Models", sorted(by_id, key=known.__getitem__), format_func=known.__getitem__,
                            key="search_models", persist_state="session", max_selections=searching.MOST)
    if len(chosen) < 2:
        return None
    return searching.plan(ws, [by_id[i] for i in chosen], target, shots=int(shots), budget=int(budget),
                          penalty=float(penalty), bound=float(bound), seed=int(seed))


def kept(search: Search) -> Job | None:
    """This session's job of this very search; others are kept too, so that one comes back to what was found."""
    jobs: dict[str, Job] = st.session_state.setdefault("search_jobs", {})
    return jobs.get(search.key)


def tries(job: Job | None) -> list[Tried]:
    return [] if job is None else [r for r in list(job.results) if isinstance(r, Tried)]


def live(ws: workflows.Workspace, search: Search) -> None:
    """Progress, trace and weights, drawn again by themselves while weights are searched."""

    def draw() -> None:
        job = kept(search)
        tried = tries(job)
        progress(ws, search, job)
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            figure = search_trace([t.objective for t in tried], len(starts(len(search.models))), dark=dark())
            show_figure(figure, key="search_trace", alt="Objective by evaluation.")
        with right:
            weights = searching.best(tried).weights if tried else [0.0] * len(search.models)
            show_figure(weight_bars([c.name for c in search.models], weights, dark=dark()), key="search_bars",
                        alt="The best weights so far.")
        st.caption(plain(searching.in_words(search)))

    redrawn(lambda: kept(search), draw)
    job = kept(search)
    if job is not None and not active(job) and tries(job):
        compared(ws, search, tries(job))


def progress(ws: workflows.Workspace, search: Search, job: Job | None) -> None:
    """One line: what runs, or the button."""
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False, gap="small"):
        if job is not None and active(job):
            bar(job, "search")
            return
        if not has_texts(search.task):
            fetch(ws, [search.task.name], "search")
        elif job is None or job.state != "done":
            if pressed(f"Search the weights of {len(search.models)} models", type="primary", key="search-go",
                       of=search.key, icon=":material/search:"):
                st.session_state["search_jobs"][search.key] = searching.begin(ws, search, owner=me(),
                                                                          replaces=f"search-{me()}")
                st.rerun()
        else:
            found = searching.best(tries(job))
            st.caption(f"{len(tries(job))} evaluations; the lowest objective is {numbers.loss(found.objective)}, "
                       f"{numbers.loss(found.loss)} of it the loss on the shots.")
    if job is not None and not active(job):
        outcome(job)


def compared(ws: workflows.Workspace, search: Search, tried: Sequence[Tried]) -> None:
    """What was found on the test texts, beside base, centroid and single models."""
    found = searching.best(tried)
    asks, title = searching.asks(search, found), f"What was found on {search.task.name}"

    def draw() -> None:
        rows = searching.outcome(ws, search, tried)
        readings(rows)
        table(rows)

    _measuring.live(ws, "search-end", asks, title, draw)
    left, right = st.columns(2, gap="large")
    with left:
        keep(ws, search.point(found), "search")
        offer(ws, search.point(found), "search")
    with right:
        st.caption("The same on the command line")
        st.code(command(search), language="sh", wrap_lines=True)


def readings(rows: Sequence[Row]) -> None:
    """The found Point's test loss against those it has to beat."""
    others = [r for r in rows if r.name in ("base", "centroid") or "best single" in r.name]
    columns = st.columns(1 + len(others))
    mine = rows[0].score
    metric("Found: test loss", None if mine is None else numbers.loss(mine.loss, NORMAL * mine.stderr),
           "not measured" if mine is None else f"accuracy {numbers.share(mine.accuracy)}", words=("generalized_loss",),
           about="± half the 95 % interval over the test texts.", where=columns[0])
    for column, row in zip(columns[1:], others, strict=True):
        low, high = row.difference.interval if row.difference else (np.nan, np.nan)
        name = "best single model" if "best single" in row.name else row.name
        metric(f"Minus the {name}'s", None if row.difference is None else numbers.difference(row.difference.value),
               "not measured" if row.difference is None else numbers.between(low, high, sign=True),
               words=(WORDS[name],), about="Test loss of what was found minus this one's, paired over the texts, with "
               "its 95 % interval. Below 0: the search was worth it. The best single model is the one with the lowest "
               "loss on the shots.", where=column)


def table(rows: Sequence[Row]) -> None:
    frame = pd.DataFrame([{"name": r.name, "few": r.few, "loss": r.score.loss if r.score else None,
                           "half": NORMAL * r.score.stderr if r.score else None,
                           "accuracy": r.score.accuracy if r.score else None, "n": r.score.n if r.score else None}
                          for r in rows])
    tabled(frame, {**dict.fromkeys(("few", "loss", "half"), _readings.loss), "accuracy": _readings.percent,
                   "n": _readings.count}, {
        "name": st.column_config.TextColumn("Point", width="medium"), "few": "Loss on the shots (nats)",
        "loss": "Test loss (nats)", "half": "± (95 %)", "accuracy": "Accuracy", "n": "Test texts"},
        height=min(420, 38 + 35 * len(rows)))


def command(search: Search) -> str:
    parts = ["search", "--target", search.task.name, "--models", ",".join(c.name for c in search.models), "--shots",
             str(search.shots), "--budget", str(search.budget), "--penalty", f"{search.penalty:g}", "--bound",
             f"{search.bound:g}", "--seed", str(search.seed), "--name", "NAME"]
    return shlex.join(["python", "-m", "explorer", *parts])
