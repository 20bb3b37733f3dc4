"""A path that is probed live, as it is shown: progress, the curve with its α slider, and what is missing.

Shared by the Map and the Path page. The curve is a fragment of its own, so that it fills in without the map being drawn
again; α is dragged in the browser, and comes here only when it has settled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.components.map_and_path import Knots, component_curve, heard
from explorer.errors import ForbiddenError
from explorer.figures.curves import Axis, Curve, loss_curve
from explorer.pages._jobs import TICK, active, bar, outcome
from explorer.pages._links import written
from explorer.pages._pressing import pressed
from explorer.pages._session import clear, dark, fail, has_texts, marks_of, plain
from explorer.pages._stage import remember, staged, turn
from explorer.pages._visitor import editors
from explorer.pages._walks import Walk, alphas, begin, first_alpha, go_on, job_of, placing, settled, values, whole

LINK = "probe"
Readings = Callable[[workflows.Workspace, Walk], None]


def panel(ws: workflows.Workspace, walk: Walk, *, height: int, key: str, readings: Readings | None = None,
          tasks: Sequence[str] = ()) -> None:
    """The curve with its slider and, above it, one line of progress; drawn again by itself while work runs.

    `readings` is drawn between them; `tasks` puts a choice of task beside the progress.
    """
    job = begin(ws, walk) if not staged() and st.session_state.get("auto", True) else job_of(walk)
    watching = active(job) or go_on(ws, walk) or placing(walk)

    @st.fragment(run_every=TICK if watching else None)
    def shown() -> None:
        with st.container(gap=None):
            # in boxes of their own, so that what they show never moves the curve to another place of the page
            with st.container(gap=None):
                progress(ws, walk, job_of(walk), key, tasks)
            with st.container():
                if readings is not None:
                    readings(ws, walk)
            draw(ws, walk, height, key)
        written()
        if watching and not active(job_of(walk)) and not go_on(ws, walk) and not placing(walk):
            st.rerun()  # what is beside the curve is drawn once more, and then nothing by itself

    shown()


def draw(ws: workflows.Workspace, walk: Walk, height: int, key: str) -> None:
    at, curves = alphas(walk), values(ws, walk)
    low, high = min(walk.line.alphas), max(walk.line.alphas)
    axis = Axis(at, low, high, walk.zero, walk.one, walk.far)
    unit = "Loss (nats)" if walk.quantity == "loss" else "Accuracy"
    title = f"{unit} on {walk.tasks[0].name}" if len(curves) == 1 else f"{unit} minus the base's"
    figure = loss_curve(axis, curves, quantity=walk.quantity, title=title, dark=dark(), height=height,
                        looks=marks_of(ws, walk.line.zero.base) if len(curves) > 1 else None,
                        show_base=bool(walk.line.zero.terms and walk.line.one.terms))
    remember("curve", figure)
    words = {"quantity": walk.quantity, "percent": walk.quantity == "accuracy", "unknown": "not measured yet",
             "full": "measured", "first": "first pass", "between": "between two measured points"}
    said = component_curve(
        figure.to_json(), knots(at, curves[0], walk.far), key=key, height=height, link=LINK,
        path=f"{walk.key}-{turn()}", alpha=first_alpha(walk),
        label=f"α on the path from {walk.zero} (0) to {walk.one} (1)",
        low=low, high=high, words=words, on_settled=lambda: settled(ws, walk, heard(key, "settled")),
        on_cleared=clear)
    if said.cleared:
        st.rerun()  # the selection is drawn outside of the fragment


def knots(at: Sequence[float], curve: Curve, far: bool) -> Knots:
    """The known part of a curve."""
    known = [(a, v) for a, v in zip(at, curve.values, strict=True) if v is not None]
    return Knots([a for a, _ in known], [v.value for _, v in known], [v.half for _, v in known],
                 [v.measured for _, v in known], far)


def progress(ws: workflows.Workspace, walk: Walk, job: Job | None, key: str,
             tasks: Sequence[str] = ()) -> None:
    """One line, always there: what runs, what is missing, or that everything is measured."""
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False, gap="small",
                      key=f"controls_{key}"):
        if tasks:
            chosen = st.selectbox("Task", tasks, key="map_task", label_visibility="collapsed", width=200)
            if chosen != walk.tasks[0].name:
                st.rerun()  # this is another path than the one that the fragment was made for
        status(ws, walk, job)
    if job is not None:
        for note in job.notes:
            st.warning(plain(note), icon=":material/info:")
        if job.state == "failed":
            outcome(job)


def status(ws: workflows.Workspace, walk: Walk, job: Job | None) -> None:
    if job is not None and active(job):
        bar(job, "path")
        return
    if absent := [t.name for t in walk.tasks if not has_texts(t)]:
        fetch(ws, absent)
        return
    missing = len({a.point for a in workflows.passes(ws, whole(walk), walk.tasks, walk.probe)})
    if not missing:
        st.caption(f"All {len(alphas(walk))} points are measured; scores are kept in the catalog.")
    elif pressed(f"Evaluate {missing} missing points", type="primary", key="run", of=walk.key,
                 icon=":material/play_arrow:"):
        st.session_state.pop("path_job", None)
        begin(ws, walk)
        st.rerun()


def fetch(ws: workflows.Workspace, lacking: Sequence[str], key: str = "fetch") -> None:
    """Texts are not here: says so and offers to fetch them. A page that says so twice gives each a key."""
    running: Job | None = st.session_state.get("fetch_job")
    if running is not None and active(running):
        bar(running, key)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if pressed("Fetch the texts", icon=":material/download:", type="primary", key=f"{key}-texts", of=tuple(lacking),
                   **editors()):
            try:
                st.session_state["fetch_job"] = workflows.fetch_datasets(ws, list(lacking))
            except ForbiddenError as error:
                fail(error)
            else:
                st.rerun()
        st.caption(f"The texts of {plain(', '.join(lacking))} are not on this machine: stored scores are shown, other "
                   "points can't be measured.")
