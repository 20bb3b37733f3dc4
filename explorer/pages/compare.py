"""Two models side by side: where in the network they moved, how alike, their scores, and the barrier between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.figures.colouring import label
from explorer.figures.compare import by_group
from explorer.pages import _readings
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._glossary import said
from explorer.pages._jobs import active, outcome, watch
from explorer.pages._measuring import live
from explorer.pages._pressing import pressed
from explorer.pages._readings import metric, of_reading, say_estimated, tabled
from explorer.pages._session import ENDS, Place, basket, choices, dark, fail, has_texts, material, me, plain, workspace
from explorer.pages._stage import staged
from explorer.paths.alphas import interpolation
from explorer.statistics.readings import NORMAL
from explorer.types import Base, Checkpoint, Point, Probe, Task
from explorer.workflows import comparing, pairs

SHOWN = 25
"""Tensors in the table."""
QUIET = ("settings", "texts", "run_seed")
"""Columns that say nothing to readers."""


def controls(known: dict[str, Place], checkpoints: Sequence[Checkpoint],
             tasks: Sequence[Task]) -> tuple[str, str, Task]:
    """Both models, and the task that the barrier is measured on."""
    by_name, options = {t.name: t for t in tasks}, [key for key in known if known[key].point.terms]
    largest = sorted(checkpoints, key=lambda c: (c.dataset or "", -(c.train_size or 0), c.name))
    usual = [*basket(options), *(c.id for c in largest)]
    for box, first in (("compare_a", usual[0]), ("compare_b", next((i for i in usual[1:] if i != usual[0]), usual[0]))):
        if st.session_state.get(box) not in options:
            st.session_state[box] = first
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        a = str(st.selectbox("A", options, format_func=lambda k: known[k].name, key="compare_a", width=260,
                             persist_state="session"))
        st.button("Swap", icon=":material/swap_horiz:", on_click=_swap)
        b = str(st.selectbox("B", options, format_func=lambda k: known[k].name, key="compare_b", width=260,
                             persist_state="session"))
        if st.session_state.get("compare_task") not in by_name:
            own = [known[k].dataset for k in (a, b) if known[k].dataset in by_name]
            st.session_state["compare_task"] = own[0] if own else sorted(by_name)[0]
        task = st.selectbox("Barrier on", sorted(by_name), key="compare_task", width=200, persist_state="session",
                            help=said("barrier"))
    return a, b, by_name[task]


def _swap() -> None:
    state = st.session_state
    state["compare_a"], state["compare_b"] = state["compare_b"], state["compare_a"]


def readings(ws: workflows.Workspace, found: comparing.Geometry, ends: tuple[Point, Point], names: tuple[str, str],
            task: Task) -> None:
    """Cosine, distance and lengths; the barrier below, measured on a click."""
    whole = found.whole
    cosine, distance = float(whole.cosines[0]), float(whole.distances[0])
    shown = (("Cosine", None if math.isnan(cosine) else numbers.coefficient(cosine, 3), "Of the two task vectors.",
              "cosine"),
             ("Distance", numbers.distance(distance), "‖Δ_A − Δ_B‖, the length of the line between the two models.",
              "task_vector"),
             ("‖Δ‖ of A", numbers.distance(whole.norms[0, 0]), f"Of {plain(names[0])}.", "norm"),
             ("‖Δ‖ of B", numbers.distance(whole.norms[0, 1]), f"Of {plain(names[1])}.", "norm"))
    for row in (shown[:2], shown[2:]):
        for column, (name, value, meaning, word) in zip(st.columns(2), row, strict=True):
            metric(name, value, words=(word,), about=meaning, where=column)
    asks = pairs.asks(list(ends), task, Probe(), interpolation(comparing.POINTS))

    def barrier() -> None:
        reading = comparing.barrier(ws, *ends, task)
        metric(f"Barrier on {plain(task.name)}", *of_reading(reading), words=("barrier",),
               about="± half the 95 % interval over the test texts.")

    live(ws, "compare", asks, f"{names[0]} to {names[1]} on {task.name}", barrier, on_click=True,
         done=f"{comparing.POINTS} points of the line are measured.")
    plain_models = all(len(p.terms) == 1 and p.terms[0][1] == 1.0 for p in ends)
    if pressed("Open the path", icon=":material/timeline:", disabled=not plain_models, key="controls_path",
               of=(tuple(ends), task.name)):
        st.session_state[ENDS] = (ends[1], ends[0])
        st.session_state["tasks"] = [task.name]
        st.switch_page("explorer/pages/path.py")


def chart(found: comparing.Geometry, names: tuple[str, str]) -> None:
    moved = found.norms.max(axis=1) > 0
    figure = by_group([str(g).replace("/", " · ") for g, m in zip(found.groups, moved, strict=True) if m],
                      found.norms[moved], found.cosines[moved], names, dark=dark())
    show_figure(figure, key="compare_groups",
                alt="Lengths of both task vectors and their cosine, by layer and kind of parameter.")
    still = int((~moved).sum())
    st.caption("By layer and kind of parameter, from inner products of the task vectors."
               + (f" {still} groups that neither has moved are left out." if still else ""))
    offer_figure(figure, "compare")


def scores(ws: workflows.Workspace, ends: tuple[Point, Point], names: tuple[str, str], tasks: Sequence[Task]) -> None:
    """Losses on all tasks, their difference with its interval, and accuracies."""
    rows = []
    for on in comparing.scores(ws, *ends, tasks):
        gap = on.difference
        if on.a is not None or on.b is not None:
            rows.append({"task": on.task.name, "a": on.a and on.a.loss, "b": on.b and on.b.loss,
                         "difference": gap and gap.value, "half": gap and NORMAL * gap.stderr,
                         "lower": "" if gap is None else _lower(gap.interval),
                         "accuracy_a": on.a and on.a.accuracy, "accuracy_b": on.b and on.b.accuracy})
    if rows:
        tabled(rows, {"a": _readings.loss, "b": _readings.loss, "difference": _readings.change,
                      "half": _readings.loss, "accuracy_a": _readings.percent, "accuracy_b": _readings.percent}, {
            "task": "Task", "a": "Loss of A (nats)", "b": "Loss of B (nats)", "difference": "A − B (nats)",
            "half": "± (95 %)", "lower": "Lower", "accuracy_a": "Accuracy of A", "accuracy_b": "Accuracy of B"},
            height=min(38 * len(rows) + 40, 520))
        st.caption(f"A is {plain(names[0])}, B is {plain(names[1])}. Differences are paired over the test texts; "
                   "“Lower” names the model of lower loss where the interval leaves out 0. With many tasks one in "
                   "twenty does so by chance.")
    probe, missing = Probe(), [t for t in tasks if has_texts(t) and None in ws.catalog.scores(list(ends), t, Probe())]
    if not missing:
        return
    if pressed(f"Measure both on {len(missing)} more tasks", key="controls_scores", of=tuple(ends),
               icon=":material/play_arrow:"):
        from explorer.evaluation.work import Ask

        st.session_state["compare_scoring"] = workflows.measure(
            ws, [Ask(p, t, probe) for t in missing for p in ends], title=f"{names[0]} and {names[1]} on all tasks",
            owner=me(), replaces=f"compare-scores-{me()}")
    job: Job | None = st.session_state.get("compare_scoring")
    if job is not None and active(job):
        watch(job, "compare_scores")
    elif job is not None:
        outcome(job)


def _lower(interval: tuple[float, float]) -> str:
    low, high = interval
    return "B" if low > 0 else "A" if high < 0 else "–"


def metadata(ws: workflows.Workspace, ends: tuple[Point, Point]) -> None:
    rows = [{"column": label(c), "a": _text(x), "b": _text(y), "same": "" if x == y else "differs"} for c, x, y in
            comparing.facts(*(comparing.checkpoint_of(ws, p) for p in ends)) if c not in QUIET]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(38 * len(rows) + 40, 520), column_config={
        "column": "", "a": "A", "b": "B", "same": ""})


def _text(value: object) -> str:
    if isinstance(value, float):
        return numbers.figures(value, 4)
    return "" if value is None else str(value)


def tensors(ws: workflows.Workspace, ends: tuple[Point, Point]) -> None:
    """The parameters in which they differ most; reading the weights is asked for."""
    kept: tuple[tuple[str, str], Job] | None = st.session_state.get("compare_tensors")
    job = kept[1] if kept is not None and kept[0] == (ends[0].hash, ends[1].hash) else None
    if job is None:
        st.caption("Single parameters are not in the inner products: both models' weights are read once.")
        if not staged() and pressed("Find the tensors that differ most", icon=":material/search:", type="primary",
                                    key="controls_tensors", of=tuple(ends)):
            st.session_state["compare_tensors"] = ((ends[0].hash, ends[1].hash), comparing.tensors(ws, *ends,
                                                                                                   owner=me()))
            st.rerun()
        return
    if active(job):
        watch(job, "compare_tensors")
        return
    outcome(job)
    rows = [{"name": c.name, "shape": " × ".join(map(str, c.shape)), "difference": c.difference, "a": c.a, "b": c.b,
             "relative": c.relative if math.isfinite(c.relative) else None} for c in comparing.changed(job)]
    if rows:
        tabled(rows[:SHOWN], {**dict.fromkeys(("difference", "a", "b"), _readings.distance),
                              "relative": _readings.percent}, {
            "name": "Parameter", "shape": "Shape", "difference": "‖θ_A − θ_B‖", "a": "‖Δ_A‖", "b": "‖Δ_B‖",
            "relative": "of ‖θ_base‖"}, height=min(38 * len(rows) + 40, 520))
        st.caption(f"The first {min(SHOWN, len(rows))} of {len(rows)} parameters, by ‖θ_A − θ_B‖.")


def page(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> None:
    known = choices(ws, base)
    a, b, task = controls(known, checkpoints, tasks)
    if a == b:
        st.info("Choose two different models.", icon=":material/compare_arrows:")
        return
    ends, names = (known[a].point, known[b].point), (known[a].name, known[b].name)
    left, right = st.columns([2.1, 1], gap="large")
    try:
        found = comparing.geometry(ws, *ends)
    except ExplorerError as error:
        fail(error)
        return
    with left:
        chart(found, names)
        say_estimated(ws, ends[0].base)
    with right:
        readings(ws, found, ends, names, task)
    first, second, third = st.tabs(["Scores", "Metadata", "Tensors"])
    with first:
        scores(ws, ends, names, tasks)
    with second:
        metadata(ws, ends)
    with third:
        tensors(ws, ends)


def show() -> None:
    ws = workspace()
    if (found := material(ws, "A comparison")) is None:
        return
    if len(found[1]) < 2:
        st.info("A comparison needs two models; this base has one.", icon=":material/compare_arrows:")
        return
    try:
        page(ws, *found)
    except ExplorerError as error:
        fail(error)


show()
