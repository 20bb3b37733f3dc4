"""The path between two models: its loss on a task, measured live, and where it runs on the map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.components.map_and_path import component_map
from explorer.errors import ExplorerError
from explorer.figures.maps import Facts, Overlay, scatter
from explorer.pages import _readings
from explorer.pages._downloads import offer_view
from explorer.pages._glossary import said
from explorer.pages._probing import LINK, panel
from explorer.pages._readings import metric, of_reading, tabled
from explorer.pages._session import ENDS, basket, dark, fail, map_ids, material, names, plain, thaw, workspace
from explorer.pages._stage import remember, tall
from explorer.pages._walks import Walk, alphas, boundaries, trail_of, whole
from explorer.paths.alphas import RANGES, grid
from explorer.statistics.readings import Reading, barrier, minimum
from explorer.types import Base, Checkpoint, Head, MapSpec, Point, Probe, Task

HEIGHT, SPARE = 390, 150
HEADS: dict[Head, str] = {"probe": "Refitted head", "end-to-end": "End-to-end", "lm": "Language model"}
HEAD_WORDS: dict[Head, str] = {"probe": "generalized_loss", "end-to-end": "end_to_end", "lm": "lm_loss"}
BASE, BASE_NAME = "", "base"
"""The key and name of the base in the select boxes, where checkpoints have their ids."""


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
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        zero = st.selectbox("From (α = 0)", options, format_func=known.__getitem__, key="zero", width=195,
                            persist_state="session", help=said("alpha"))
        st.button("Swap", icon=":material/swap_horiz:", on_click=_swap)
        one = st.selectbox("To (α = 1)", options, format_func=known.__getitem__, key="one", width=195,
                           persist_state="session", help=said("alpha"))
        by_name = {t.name: t for t in tasks}
        st.session_state.setdefault("tasks", [_default_task(checkpoints, zero, one, by_name)])
        names_of = st.multiselect("Tasks", sorted(by_name), key="tasks", persist_state="session", width=250,
                                  max_selections=8, help="With several, each loss is shown minus the base's, with "
                                  "their mean.")
        quantity = st.segmented_control("Show", ["loss", "accuracy"], format_func=str.capitalize, default="loss",
                                        required=True, key="quantity", persist_state="session")
        thaw(ws, base)
    line = workflows.path(ws, _point(base, zero), _point(base, one), choose_alphas())
    chosen = tuple(by_name[name] for name in names_of)
    probe = Probe(head=st.session_state.get("head", "probe"))
    return Walk(line, known[zero], known[one], chosen, probe, "accuracy" if quantity == "accuracy" else "loss")


def choose_alphas() -> tuple[float, ...]:
    """The second row: a named range of α or one of the user's own; whether missing points start by themselves."""
    # The row keeps its height, so that the fields of an own range push nothing down.
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", height=76, border=False,
                      key="controls_range"):
        name = st.segmented_control("Range of α", list(RANGES), default=next(iter(RANGES)), required=True, key="range",
                                    persist_state="session", help="Far takes the logarithmic steps of the "
                                    "paper, from −31 to 32.\n\n" + said("interpolation", "extrapolation"))
        low, high, points = -1.0, 2.0, 13
        if (fixed := RANGES[str(name)]) is None:
            low = st.number_input("From α", value=low, step=0.5, key="low", width=120, persist_state="session")
            high = st.number_input("To α", value=high, step=0.5, key="high", width=120, persist_state="session")
            points = st.number_input("Points", 2, 201, points, key="points", width=120, persist_state="session")
        st.toggle("Evaluate by itself", value=True, key="auto", persist_state="session",
                  help="Points that have no score yet are evaluated as soon as a path is chosen, and further ones "
                  "where the curve is least certain.")
        with st.popover("Advanced", icon=":material/tune:"):
            st.selectbox("Measure", list(HEADS), format_func=HEADS.__getitem__, key="head", persist_state="session",
                         help="End-to-end needs both ends trained on the task's labels.\n\n"
                         + said("generalized_loss", "end_to_end", "lm_loss"))
            st.toggle("Find the boundary", key="find_boundary", persist_state="session",
                      help="Goes outwards from both ends, to 32 and −31, and bisects where the loss first exceeds its "
                      "end's by more than the excess.\n\n" + said("boundary"))
            st.number_input("Excess (nats)", 0.01, 5.0, 0.1, 0.05, key="excess", persist_state="session",
                            help=said("excess"))
    return fixed if fixed is not None else grid(low, high, points)


def _default_task(checkpoints: Sequence[Checkpoint], zero: str, one: str, tasks: dict[str, Task]) -> str:
    """The dataset of an end, if it is a task here: the first question one asks of a path."""
    datasets = {c.id: c.dataset for c in checkpoints}
    for key in (one, zero):
        if (dataset := datasets.get(key)) in tasks:
            return str(dataset)
    return sorted(tasks)[0]


def _point(base: Base, key: str) -> Point:
    return Point.of(base.id) if key == BASE else Point.of(base.id, {key: 1.0})


def live(ws: workflows.Workspace, walk: Walk) -> None:
    """Curve and map side by side, readings and the table below."""
    left, right = st.columns([1.55, 1], gap="large")
    with left:
        panel(ws, walk, height=tall(HEIGHT, SPARE), key="curve", readings=readings)
    with right:
        chart(ws, walk)
        offer_view(alphas(walk))
    table(ws, walk)
    st.caption(" · ".join(plain(line) for line in workflows.device_lines(ws)))


def readings(ws: workflows.Workspace, walk: Walk) -> None:
    """Ends, minimum and barrier with 95 % intervals; a dash where they can't be known yet."""
    line = whole(walk)
    scores = ws.catalog.scores(line.points, walk.tasks[0], walk.probe)
    at = dict(zip(line.alphas, scores, strict=True))
    ends = [None if s is None else Reading(s.loss, s.stderr, a) for a, s in ((0.0, at.get(0.0)), (1.0, at.get(1.0)))]
    shown = (("Loss at α = 0", ends[0], "The model at the start of the path.", HEAD_WORDS[walk.probe.head]),
             ("Loss at α = 1", ends[1], "The model at its end.", HEAD_WORDS[walk.probe.head]),
             ("Minimum", minimum(line.alphas, scores), "The lowest loss of the points measured.", "alpha"),
             ("Barrier", barrier(line.alphas, scores), "", "barrier"))
    for column, (name, reading, meaning, word) in zip(st.columns(4), shown, strict=True):
        metric(name, *of_reading(reading), words=(word,), about=f"{meaning} On {plain(walk.tasks[0].name)}, ± half the "
               "95 % interval.".lstrip(), where=column)
    if len(walk.tasks) > 1:
        st.caption(f"These four are of {plain(walk.tasks[0].name)}, the first task.")
    borders(ws, walk)


def borders(ws: workflows.Workspace, walk: Walk) -> None:
    """One line on the boundary of either side, where it is looked for."""
    lines = []
    for side, found in zip(("below 0", "above 1"), boundaries(ws, walk), strict=False):
        if isinstance(found, float):
            lines.append(f"{side} looking, next at α = {numbers.alpha(found)} …")
        elif found.alpha is None:
            lines.append(f"{side} {plain(found.reason)}")
        elif not found.reached:
            lines.append(f"{side} none up to α = {numbers.alpha(found.alpha)}, the loss stays under "
                         f"{numbers.loss(found.threshold)}")
        else:
            lines.append(f"{side} **α = {numbers.alpha(found.alpha)}**, beyond which the loss exceeds "
                         f"{numbers.loss(found.threshold)}")
    if lines:
        st.caption("Boundary: " + "; ".join(lines))


def chart(ws: workflows.Workspace, walk: Walk) -> None:
    """The path on a Euclidean PCA map, where a line in weight space is a line."""
    base_id = walk.line.zero.base
    spec = MapSpec(base_id, "pca", st.session_state.get("path_dims") or 2, "euclidean",
                   ids=map_ids(ws, ws.catalog.base(base_id)))
    try:
        found = workflows.projection(ws, spec)
        if found is None:
            return
        trail = trail_of(ws, spec, walk)
        base, zero, one = workflows.place(ws, spec, [Point.of(spec.base), walk.line.zero, walk.line.one])
    except ExplorerError as error:
        fail(error)
        return
    overlay = Overlay(base=base, path=None if trail is None else trail.places, ends=np.stack([zero, one]),
                      end_names=(walk.zero, walk.one))
    figure = scatter(found, ws.catalog.checkpoints(spec.base), "dataset", facts=Facts(), overlay=overlay, dark=dark(),
                     height=tall(HEIGHT, SPARE) + 96, legend=False)
    remember("map", figure)
    component_map(figure.to_json(), key="path_map", height=tall(HEIGHT, SPARE) + 96, link=LINK,
                  trail=trail, selectable=False,
                  label="Map with the path drawn on it.")
    st.segmented_control("Dimensions", [2, 3], format_func=lambda d: f"{d}-D", default=2, required=True,
                         key="path_dims", persist_state="session", label_visibility="collapsed")


def table(ws: workflows.Workspace, walk: Walk) -> None:
    """The points as numbers, to read and to take away."""
    line = whole(walk)
    rows = []
    for task in walk.tasks:
        for alpha, s in zip(line.alphas, ws.catalog.scores(line.points, task, walk.probe), strict=True):
            rows.append({"task": task.name, "alpha": alpha, "loss": s.loss if s else None,
                         "stderr": s.stderr if s else None, "accuracy": s.accuracy if s else None,
                         "n": s.n if s else None, "device": s.device if s else None})
    frame = pd.DataFrame(rows)
    with st.expander("Points as a table", icon=":material/table_rows:"):
        tabled(frame, {"alpha": _readings.alpha, "loss": _readings.loss, "stderr": _readings.loss,
                       "accuracy": _readings.percent, "n": _readings.count}, {
            "task": "Task", "alpha": "α", "loss": "Loss (nats)", "stderr": "Standard error", "accuracy": "Accuracy",
            "n": "Texts", "device": "Device"}, height=320)
        st.download_button("Download as CSV", lambda: frame.to_csv(index=False), "path.csv", "text/csv",
                           on_click="ignore", icon=":material/download:")


def show() -> None:
    ws = workspace()
    if (found := material(ws, "A path")) is None:
        return
    try:
        walk = controls(ws, *found)
        if walk.tasks:
            live(ws, walk)
        else:
            st.info("Choose a task to measure the path on.", icon=":material/labs:")
    except ExplorerError as error:
        fail(error)


show()
