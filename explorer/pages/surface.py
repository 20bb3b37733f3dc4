"""The loss on a plane through weight space: three models, principal components, random directions, two task vectors."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.pages._glossary import said
from explorer.pages._jobs import TICK
from explorer.pages._links import written
from explorer.pages._session import BASE_KEY, Place, basket, changed, choices, fail, material, workspace
from explorer.pages._surface_cell import cell, measuring
from explorer.pages._surface_drawing import View, beside, both, draw, drawing, readings
from explorer.pages._surface_filling import go_on, line, work_of
from explorer.types import Base, Checkpoint, Point, Probe, Task
from explorer.workflows.planes import MARGINS, TAKES, Kind, Sheet, corner_names, filled, make

KINDS: dict[Kind, str] = {"models": "Three models", "components": "Principal components",
                          "random": "Random directions", "coefficients": "Two task vectors"}
DEPTHS = {3: "9 × 9", 4: "17 × 17", 5: "33 × 33"}
RANGES = {0.0: "0 to 1", 0.5: "−0.5 to 1.5", 1.5: "−1.5 to 2.5"}
"""Of two coefficients: those whose lattice holds 0 and 1."""
CORNERS = ("surface_a", "surface_b", "surface_c")
LABELS: dict[Kind, tuple[str, ...]] = {"models": ("First corner", "Second corner", "Third corner"), "components": (),
                                       "random": ("Centre",), "coefficients": ("Task vector 1", "Task vector 2")}


def begin(checkpoints: Sequence[Checkpoint], known: Sequence[str]) -> None:
    """Sets the corners from the selection when it has three models, else once to two of one data set and another."""
    chosen = basket(known)
    if changed("surface_from", chosen[:3], CORNERS[0]) and len(chosen) >= 3:
        st.session_state.update(zip(CORNERS, chosen, strict=False))
    if any(st.session_state.get(box) not in known for box in CORNERS):
        st.session_state.update(zip(CORNERS, first_three(checkpoints), strict=False))


def first_three(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Two models of the first data set that has two, and one of another data set, of the same task if there is one."""
    groups: dict[str | None, list[Checkpoint]] = {}
    for c in sorted(checkpoints, key=lambda c: (-(c.train_size or 0), c.name)):
        groups.setdefault(c.dataset, []).append(c)
    pairs = [g for name, g in sorted(groups.items(), key=lambda item: str(item[0])) if len(g) > 1]
    pair = pairs[0][:2] if pairs else []
    others = sorted((c for c in checkpoints if c not in pair),
                    key=lambda c: (bool(pair) and c.dataset == pair[0].dataset,
                                   bool(pair) and c.task != pair[0].task, c.name))
    return [*(c.id for c in [*pair, *others]), BASE_KEY, BASE_KEY, BASE_KEY][:3]


def corners(kind: Kind, known: dict[str, Place], checkpoints: Sequence[Checkpoint]) -> list[Point]:
    """The select boxes of the corners that this kind of plane has."""
    begin(checkpoints, list(known))
    chosen = []
    # the second of two task vectors is the third corner: the first two are two seeds of one data set
    boxes = (CORNERS[0], CORNERS[2]) if kind == "coefficients" else CORNERS
    for box, text in zip(boxes, LABELS[kind], strict=False):
        key = st.selectbox(text, list(known), format_func=lambda k: known[k].name, key=box,
                           width=195, persist_state="session")
        chosen.append(known[key].point)
    return chosen


def choose_tasks(kind: Kind, chosen: Sequence[Point], checkpoints: Sequence[Checkpoint],
                 tasks: Sequence[Task]) -> tuple[Task, ...]:
    """One task, or one a task vector; to begin with those that the models were trained on."""
    by_name, datasets = {t.name: t for t in tasks}, {c.id: c.dataset for c in checkpoints}
    own = [next((str(datasets[k]) for k, _ in p.terms if datasets.get(k) in by_name), None) for p in chosen]
    labels = ("Task 1", "Task 2") if kind == "coefficients" else ("Task",)
    found = []
    for i, text in enumerate(labels):
        key = f"surface_task_{kind}_{i}" if kind == "coefficients" else "surface_task"
        mine = (own[i] if i < len(own) else None) or sorted(by_name)[0]
        # two task vectors bring their tasks with them; elsewhere the task stays when corners change
        if kind == "coefficients" and changed(key, chosen[i].hash, key):
            st.session_state[key] = mine
        st.session_state.setdefault(key, mine)
        if st.session_state[key] not in by_name:
            st.session_state[key] = mine
        found.append(by_name[st.selectbox(text, sorted(by_name), key=key, width=190, persist_state="session")])
    return tuple(found)


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task]) -> View:
    """The kind of plane and how it is drawn on the first row; what it goes through, the task and the rest below."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        picked = st.segmented_control("Plane", list(KINDS), format_func=KINDS.__getitem__, default="models",
                                      required=True, key="surface_kind", persist_state="session", help=said("plane"))
        kind: Kind = picked if picked in KINDS else "models"
        depth = st.segmented_control("Lattice", list(DEPTHS), format_func=DEPTHS.__getitem__, default=4, required=True,
                                     key="surface_depth", persist_state="session", help="Nodes of the finest lattice. "
                                     "Of 17 × 17 and 33 × 33 at most two fifths are measured, where the surface bends.")
        shape = st.segmented_control("Draw", ["Contours", "3-D"], default="Contours",
                                     required=True, key="surface_shape", persist_state="session")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", height=76, border=False,
                      key="controls_plane"):
        chosen = corners(kind, choices(ws, base), checkpoints)
        own = choose_tasks(kind, chosen, checkpoints, tasks)
        with st.popover("Advanced", icon=":material/tune:"):
            margin, seed = extent(kind)
            clip = st.toggle("Clip high losses", True, key="surface_clip", persist_state="session",
                             help="Losses above the base's by more than this have one colour, and are not refined.")
            above = st.number_input("Above the base's by (nats)", 0.05, 20.0, 1.0, 0.25, key="surface_above",
                                    persist_state="session", disabled=not clip)
            dots = st.toggle("Mark what is measured", True, key="surface_dots", persist_state="session")
            others = st.toggle("Show the other models", True, key="surface_models", persist_state="session")
    plane = make(ws, kind, chosen[:TAKES[kind]], base=base.id, seed=seed)
    sheet = Sheet(plane, own, Probe(), int(depth or 4), margin)
    return View(kind, sheet, corner_names(ws, kind, plane), shape == "3-D",
                above if clip and kind != "coefficients" else None, dots, others)


def extent(kind: Kind) -> tuple[float, int]:
    """How far the plane is looked at, and the seed of its random directions."""
    if kind == "coefficients":
        wide = st.segmented_control("Range of α₁ and α₂", list(RANGES), format_func=RANGES.__getitem__, default=0.5,
                                    required=True, key="surface_range", persist_state="session",
                                    help=said("task_arithmetic", "disentanglement"))
        return float(0.5 if wide is None else wide), 0
    key = f"surface_margin_{kind}"
    margin = st.number_input("Margin", 0.0, 3.0, MARGINS[kind], 0.05, key=key, persist_state="session",
                             help="How far beyond the corners (the models, or factors of ±1), as a share of the longer "
                             "side.")
    seed = st.number_input("Seed of the directions", 0, 10**6, 0, key="surface_seed", persist_state="session",
                           help=said("filter_normalisation")) if kind == "random" else 0
    return float(margin), int(seed)


def page(ws: workflows.Workspace, view: View) -> None:
    """Progress, the figure and its readings: a fragment of its own, which fills in while work runs."""
    work = work_of(view.sheet, f"{KINDS[view.kind]} on {', '.join(t.name for t in view.sheet.tasks)}")
    watching = go_on(ws, work, view.ceiling(filled(ws, view.sheet, work.filling.lost))) or measuring()

    @st.fragment(run_every=2 * TICK if watching else None)
    def shown() -> None:
        known = filled(ws, view.sheet, work.filling.lost)
        running, made = go_on(ws, work, view.ceiling(known)), drawing(ws, view, known)
        line(ws, work, known, running, view.ceiling(known))
        left, right = st.columns([1.7, 1], gap="large")
        with left:
            draw(ws, view, known, made)
        with right:
            if view.kind == "coefficients":
                both(view, known)
            readings(view, known)
            cell(ws, view.sheet, view.names)
            written()
            if view.kind == "models":
                beside()
        if watching != (running or measuring()):
            st.rerun()  # begins to draw by itself, or draws once more and then nothing by itself

    shown()


def show() -> None:
    ws = workspace()
    if (found := material(ws, "A surface")) is None:
        return
    try:
        page(ws, controls(ws, *found))
    except ExplorerError as error:
        fail(error)


show()
