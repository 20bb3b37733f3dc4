"""The path between two models: its loss on a task, measured live, and where it runs on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.figures.curves import Quantity, loss_curve
from explorer.figures.maps import Facts, Overlay, scatter
from explorer.pages._jobs import TICK, active, bar, outcome
from explorer.pages._session import (
    ENDS,
    basket,
    chosen_base,
    dark,
    fail,
    has_texts,
    names,
    nothing_yet,
    plain,
    workspace,
)
from explorer.paths.alphas import RANGES, coarse_first, grid
from explorer.statistics.readings import Reading, barrier, minimum
from explorer.types import Base, Checkpoint, Line, MapSpec, Point, Probe, Score, Task

HEIGHT = 390
BASE, BASE_NAME = "", "base"
"""The key and name of the base in the select boxes, where checkpoints have their ids."""


@dataclass(frozen=True)
class Walk:
    """A path on a task, with the names of its ends."""

    path: Line
    task: Task
    zero: str
    one: str
    quantity: Quantity

    @property
    def key(self) -> str:
        return "-".join((self.path.zero.hash, self.path.one.hash, self.task.digest, str(hash(self.path.alphas))))


def ends_from_basket(ids: Sequence[str]) -> None:
    """Sets the end boxes once, from what the map asked for or from the selection, before they are drawn."""
    if asked := st.session_state.pop(ENDS, None):
        for box, point in zip(("zero", "one"), asked, strict=True):
            st.session_state[box] = point.terms[0][0] if point.terms else BASE
    elif "one" not in st.session_state:
        chosen = basket(ids)
        st.session_state["zero"] = chosen[0] if len(chosen) > 1 else BASE
        st.session_state["one"] = chosen[-1] if chosen else ids[0]
    for box in ("zero", "one"):
        if st.session_state.get(box) not in (BASE, *ids):
            st.session_state[box] = BASE if box == "zero" else ids[0]


def _swap() -> None:
    st.session_state["zero"], st.session_state["one"] = st.session_state["one"], st.session_state["zero"]


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> Walk:
    """Two ends and a task on the first row, the range of α on the second."""
    known = names(checkpoints) | {BASE: BASE_NAME}
    ends_from_basket([c.id for c in checkpoints])
    options = [BASE, *sorted((c.id for c in checkpoints), key=lambda key: known[key])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        zero = st.selectbox("From (α = 0)", options, format_func=known.__getitem__, key="zero", width=195,
                            persist_state="session")
        st.button("Swap", icon=":material/swap_horiz:", on_click=_swap)
        one = st.selectbox("To (α = 1)", options, format_func=known.__getitem__, key="one", width=195,
                           persist_state="session")
        by_name = {t.name: t for t in tasks}
        task = st.selectbox("Task", sorted(by_name), index=_default_task(checkpoints, zero, one, by_name), key="task",
                            persist_state="session", width=175)
        quantity = st.segmented_control("Show", ["loss", "accuracy"], format_func=str.capitalize, default="loss",
                                        required=True, key="quantity", persist_state="session")
    path_alphas = alphas()
    path = workflows.path(ws, _point(base, zero), _point(base, one), path_alphas)
    return Walk(path, by_name[str(task)], known[zero], known[one], "accuracy" if quantity == "accuracy" else "loss")


def alphas() -> tuple[float, ...]:
    """The second row: a named range of α or one of the user's own; whether missing points start by themselves."""
    # The row keeps its height, so that the fields of an own range push nothing down.
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", height=70, border=False):
        name = st.segmented_control("Range of α", list(RANGES), default=next(iter(RANGES)), required=True, key="range",
                                    persist_state="session", help="Outside 0 to 1 the path is extrapolated. "
                                    "Far takes the logarithmic steps of the paper, from −31 to 32.")
        low, high, points = -1.0, 2.0, 13
        if (fixed := RANGES[str(name)]) is None:
            low = st.number_input("From α", value=low, step=0.5, key="low", width=120, persist_state="session")
            high = st.number_input("To α", value=high, step=0.5, key="high", width=120, persist_state="session")
            points = st.number_input("Points", 2, 201, points, key="points", width=120, persist_state="session")
        st.toggle("Evaluate by itself", value=True, key="auto", persist_state="session",
                  help="Points that have no score yet are evaluated as soon as a path is chosen.")
    return fixed if fixed is not None else grid(low, high, points)


def _default_task(checkpoints: Sequence[Checkpoint], zero: str, one: str, tasks: dict[str, Task]) -> int:
    """The dataset of an end, if it is a task here: the first question one asks of a path."""
    datasets = {c.id: c.dataset for c in checkpoints}
    for key in (one, zero):
        if (dataset := datasets.get(key)) in tasks:
            return sorted(tasks).index(str(dataset))
    return 0


def _point(base: Base, key: str) -> Point:
    return Point.of(base.id) if key == BASE else Point.of(base.id, {key: 1.0})


def evaluation(ws: workflows.Workspace, walk: Walk, missing: Sequence[Point]) -> Job | None:
    """The job of this path if there is one; started here when points are missing and it may start by itself."""
    jobs: dict[str, Job] = st.session_state.setdefault("path_jobs", {})
    for key in [key for key, job in jobs.items() if key != walk.key and active(job)]:
        # Forgotten, not only cancelled: back on that path, what is missing starts again by itself.
        jobs.pop(key).cancel()
    if walk.key not in jobs and missing and has_texts(walk.task) and st.session_state["auto"]:
        jobs[walk.key] = workflows.evaluate(ws, missing, walk.task)
    return jobs.get(walk.key)


def wanted(walk: Walk) -> list[Point]:
    """The points to score: the base and the ends first, then the path from coarse to fine."""
    found = [Point.of(walk.path.zero.base), walk.path.zero, walk.path.one]
    points = walk.path.points
    return list(dict.fromkeys([*found, *(points[i] for i in coarse_first(len(points)))]))


def live(ws: workflows.Workspace, walk: Walk) -> None:
    """Curve and map side by side, the table below; the curve is drawn again by itself only while work runs."""
    job = evaluation(ws, walk, _missing(ws, walk))
    watching = active(job) or active(st.session_state.get("fetch_job"))

    @st.fragment(run_every=TICK if watching else None)
    def measured() -> None:
        progress(ws, walk, job)
        scores = ws.catalog.scores(walk.path.points, walk.task, Probe())
        readings(walk, scores)
        curve(ws, walk, scores)
        if watching and not active(job) and not active(st.session_state.get("fetch_job")):
            st.rerun()

    left, right = st.columns([1.55, 1], gap="large")
    with left:
        measured()
    with right:
        chart(ws, walk)
    table(walk, ws.catalog.scores(walk.path.points, walk.task, Probe()))


def curve(ws: workflows.Workspace, walk: Walk, scores: Sequence[Score | None]) -> None:
    base = ws.catalog.scores([Point.of(walk.path.zero.base)], walk.task, Probe())[0]
    figure = loss_curve(walk.path.alphas, scores, zero=walk.zero, one=walk.one, task=walk.task.name, base=base,
                        show_base=bool(walk.path.zero.terms and walk.path.one.terms), quantity=walk.quantity,
                        dark=dark(), height=HEIGHT)
    st.plotly_chart(figure, theme=None, key="curve", config={"displayModeBar": False},
                    alt="Loss along the path; the table below holds the same numbers.")


def _missing(ws: workflows.Workspace, walk: Walk) -> list[Point]:
    points = wanted(walk)
    return [p for p, s in zip(points, ws.catalog.scores(points, walk.task, Probe()), strict=True) if s is None]


def progress(ws: workflows.Workspace, walk: Walk, job: Job | None) -> None:
    """One line, always there: what runs, what is missing, or that everything is measured."""
    with st.container(height=52, border=False):
        fetching: Job | None = st.session_state.get("fetch_job")
        for running in (job, fetching):
            if running is not None and active(running):
                bar(running, "path")
                return
        missing = _missing(ws, walk)
        if not missing:
            st.caption(f"All {len(walk.path.alphas)} points are measured; scores are kept in the catalog.")
        elif not has_texts(walk.task):
            fetch(ws, walk, len(missing))
        else:
            start(ws, walk, missing)
    for ended in (job, fetching):
        if ended is not None and ended.state == "failed":
            outcome(ended)


def start(ws: workflows.Workspace, walk: Walk, missing: Sequence[Point]) -> None:
    if st.button(f"Evaluate {len(missing)} missing points", type="primary", icon=":material/play_arrow:", key="run"):
        st.session_state["path_jobs"][walk.key] = workflows.evaluate(ws, missing, walk.task)
        st.rerun()


def fetch(ws: workflows.Workspace, walk: Walk, missing: int) -> None:
    """The texts are not here: says so and offers to fetch them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Fetch the texts", icon=":material/download:", type="primary"):
            st.session_state["fetch_job"] = workflows.fetch_datasets(ws, [walk.task.name])
            st.rerun()
        st.caption(f"The texts of {plain(walk.task.name)} are not on this machine: stored scores are shown, "
                   f"{missing} points can't be measured.")


def readings(walk: Walk, scores: Sequence[Score | None]) -> None:
    """Ends, minimum and barrier with their standard errors; a dash where they can't be known yet."""
    at = dict(zip(walk.path.alphas, scores, strict=True))
    ends = [None if s is None else Reading(s.loss, s.stderr, a) for a, s in ((0.0, at.get(0.0)), (1.0, at.get(1.0)))]
    shown = (("Loss at α = 0", ends[0], "The model at the start of the path."),
             ("Loss at α = 1", ends[1], "The model at its end."),
             ("Minimum", minimum(walk.path.alphas, scores), "The lowest loss of the points measured."),
             ("Barrier", barrier(walk.path.alphas, scores),
              "Highest loss between the ends minus the mean of both ends; near 0 means one connected region."))
    for column, (name, reading, meaning) in zip(st.columns(4), shown, strict=True):
        with column:
            st.metric(name, "–" if reading is None else f"{reading.value:.3f}", help=meaning, delta_color="off",
                      delta="not yet" if reading is None else f"± {reading.stderr:.3f} at α = {reading.alpha:.3g}",
                      delta_arrow="off")


def chart(ws: workflows.Workspace, walk: Walk) -> None:
    """The path on a Euclidean PCA map, where a line in weight space is a line."""
    spec = MapSpec(walk.path.zero.base, "pca", 2, "euclidean")
    try:
        found = workflows.projection(ws, spec)
        if found is None:
            return
        # A far extrapolation would shrink the checkpoints to one dot: the map shows the path up to one step beyond.
        near = [p for a, p in zip(walk.path.alphas, walk.path.points, strict=True) if -1 <= a <= 2]
        places = workflows.place(ws, spec, [Point.of(spec.base), walk.path.zero, walk.path.one, *near])
    except ExplorerError as error:
        fail(error)
        return
    overlay = Overlay(base=places[0], path=places[3:], ends=places[1:3], end_names=(walk.zero, walk.one))
    figure = scatter(found, ws.catalog.checkpoints(spec.base), "dataset", facts=Facts(), overlay=overlay, dark=dark(),
                     height=HEIGHT + 96, legend=False)
    st.plotly_chart(figure, theme=None, key="path_map", config={"displayModeBar": False, "scrollZoom": True},
                    alt="Map with the path drawn on it.")


def table(walk: Walk, scores: Sequence[Score | None]) -> None:
    """The points as numbers, to read and to take away."""
    frame = pd.DataFrame(
        [{"alpha": a, "loss": s.loss if s else None, "stderr": s.stderr if s else None,
          "accuracy": s.accuracy if s else None, "n": s.n if s else None, "device": s.device if s else None}
         for a, s in zip(walk.path.alphas, scores, strict=True)])
    with st.expander("Points as a table", icon=":material/table_rows:"):
        st.dataframe(frame, hide_index=True, height=320, column_config={
            "alpha": st.column_config.NumberColumn("α", format="%.4g"),
            "loss": st.column_config.NumberColumn("Loss (nats)", format="%.4f"),
            "stderr": st.column_config.NumberColumn("Standard error", format="%.4f"),
            "accuracy": st.column_config.NumberColumn("Accuracy", format="percent"),
            "n": st.column_config.NumberColumn("Texts"), "device": st.column_config.TextColumn("Device")})
        st.download_button("Download as CSV", frame.to_csv(index=False), "path.csv", "text/csv", on_click="ignore",
                           icon=":material/download:")


def show() -> None:
    ws = workspace()
    base = chosen_base(ws)
    checkpoints, tasks = ws.catalog.checkpoints(base.id) if base else [], ws.catalog.tasks()
    if base is None or not checkpoints or not tasks:
        what = "tasks" if checkpoints else "checkpoints"
        nothing_yet(f"A path needs {what}, and there are none yet. Add some on the Catalog page.")
        return
    try:
        live(ws, controls(ws, base, checkpoints, tasks))
    except ExplorerError as error:
        fail(error)


show()
