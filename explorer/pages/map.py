"""The map of fine-tuned models: colour, projection and selection; the way to a path between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import streamlit as st

from explorer import registry, workflows
from explorer.components.map_and_path import component_map, heard
from explorer.errors import ExplorerError, ForbiddenError
from explorer.evaluation.work import Ask
from explorer.figures.colouring import label
from explorer.numbers import count, share
from explorer.pages._adding import adding
from explorer.pages._downloads import offer_view
from explorer.pages._glossary import said
from explorer.pages._hints import hints
from explorer.pages._jobs import active, outcome, watch
from explorer.pages._map_drawing import HEIGHT, OWN, columns_of, drawn, first_method, overlay_of
from explorer.pages._pressing import pressed
from explorer.pages._probing import LINK, panel
from explorer.pages._readings import estimated
from explorer.pages._session import (
    ENDS,
    await_ahead,
    basket,
    changed,
    chosen_base,
    clear,
    dark,
    fail,
    has_texts,
    kept_points,
    map_ids,
    me,
    names,
    nothing_yet,
    plain,
    select,
    thaw,
    workspace,
)
from explorer.pages._stage import remember, staged, tall
from explorer.pages._walks import Walk, alphas, trail_of, warmed
from explorer.paths.alphas import grid
from explorer.types import Base, Checkpoint, Gram, MapSpec, Point, Probe, Projection

METHODS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE", "mds": "MDS"}
CURVE = 350
"""Pixels of the map's height that a path's curve takes when there is one."""


@dataclass(frozen=True)
class Choice:
    """What the controls say."""

    spec: MapSpec
    colour: str
    task: str


def controls(ws: workflows.Workspace, base: Base, gram: Gram, checkpoints: Sequence[Checkpoint]) -> Choice:
    """One row of controls over the map, what is rarely needed behind "More"."""
    columns, further = columns_of(ws, base, checkpoints)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        colour = st.selectbox("Colour by", [*columns, "accuracy", "loss", "norm", *further], format_func=label,
                              key="colour", persist_state="session", width=160)
        task = st.selectbox("Scores on", [OWN, *sorted(t.name for t in ws.catalog.tasks())], key="scores_on",
                            persist_state="session", width=180,
                            help="Where accuracy and loss in colours and hover cards are measured.")
        st.session_state.setdefault("method", first_method(ws, base))
        method = st.selectbox("Projection", _methods(), format_func=lambda m: METHODS.get(m, m), key="method",
                              persist_state="session", width=120, help=said("projection"))
        dims = st.segmented_control("Dimensions", [2, 3], format_func=lambda d: f"{d}-D", default=2, required=True,
                                    key="dims", persist_state="session")
        metric = st.segmented_control("Metric", ["cosine", "euclidean"], default="cosine", required=True, key="metric",
                                      persist_state="session", format_func=str.capitalize,
                                      help="Cosine compares directions of task vectors, Euclidean the vectors.\n\n"
                                      + said("task_vector", "cosine"))
        layers, kinds = more(ws, base, gram)
        thaw(ws, base)
    spec = MapSpec(base.id, method or "pca", dims or 2, "euclidean" if metric == "euclidean" else "cosine", layers,
                   kinds, map_ids(ws, base))
    return Choice(spec, colour, task)


def _methods() -> list[str]:
    known = registry.names("explorer.projections")
    return [*(m for m in METHODS if m in known), *(m for m in known if m not in METHODS)]


def more(ws: workflows.Workspace, base: Base, gram: Gram) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The popover of advanced choices: base, layers and kinds of parameters (None: all)."""
    with st.popover("Advanced", icon=":material/tune:"):
        bases = {b.id: b.name for b in ws.catalog.bases()}
        order = list(bases)
        st.selectbox("Base", order, index=order.index(base.id), format_func=lambda b: bases[b], key="base",
                     persist_state="session", on_change=clear, help=said("base"))
        layers = list(dict.fromkeys(g.layer for g in gram.groups))
        kinds = list(dict.fromkeys(g.kind for g in gram.groups))
        picked = st.multiselect("Layers", layers, key="layers", placeholder="All layers", persist_state="session")
        sorts = st.multiselect("Kinds of parameters", kinds, key="kinds", placeholder="All kinds",
                               persist_state="session")
        st.caption("The map shows the parameters of these layers and kinds alone.")
    return tuple(sorted(picked)) or None, tuple(sorted(sorts)) or None


def coordinates(ws: workflows.Workspace, spec: MapSpec) -> Projection | None:
    """The projection if it is there; otherwise its job is started and watched, and there is nothing to draw yet."""
    if (found := workflows.projection(ws, spec)) is not None:
        return found
    jobs = st.session_state.setdefault("map_jobs", {})
    if spec.key not in jobs and staged():
        st.info("This map is not computed yet. Open it once before it is presented.", icon=":material/hourglass_empty:")
        return None
    if spec.key not in jobs:
        jobs[spec.key] = workflows.project(ws, spec)
    job = jobs[spec.key]
    if active(job):
        watch(job, "map")
        st.caption("This map is computed once and then kept; everything else can be used meanwhile.")
        return None
    outcome(job)
    if pressed("Compute this map", key="compute_map", of=spec.key, type="primary", icon=":material/play_arrow:"):
        del jobs[spec.key]
        st.rerun()
    return None


def chart(ws: workflows.Workspace, choice: Choice, gram: Gram, checkpoints: Sequence[Checkpoint],
          projection: Projection, walk: Walk | None) -> None:
    """The map itself, with the path on it where there is one; clicks and lassos go into the selection."""
    trail = None if walk is None else trail_of(ws, choice.spec, walk)
    height = tall(HEIGHT) - (0 if walk is None else CURVE)
    overlay = replace(overlay_of(ws, choice.spec, kept_points(ws, ws.catalog.base(choice.spec.base))),
                      path=None if trail is None else trail.places, approximate=choice.spec.method != "pca")
    figure = drawn(ws, choice.spec, projection, checkpoints, choice.colour, choice.task, overlay=overlay,
                   selected=basket(gram.ids), dark=dark(), height=height)
    remember("map", figure.figure)
    component_map(figure.text, key="map", height=height, link=LINK, trail=trail,
                  label="Map of checkpoints; pick them by name in the list beside it.",
                  on_picked=_picked)


def _picked() -> None:
    picked = heard("map", "picked")
    if isinstance(picked, dict):
        select([str(key) for key in picked.get("ids", [])], str(picked.get("how", "toggle")))


def walk_of(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], ids: Sequence[str]) -> Walk | None:
    """The path between two selected models on the data set of the first, if that is a task here."""
    chosen, by_id = basket(ids), {c.id: c for c in checkpoints}
    tasks = {t.name: t for t in ws.catalog.tasks()}
    if len(chosen) != 2 or not tasks:
        return None
    zero, one = (by_id[key] for key in chosen)
    own = [c.dataset for c in (zero, one) if c.dataset in tasks]
    if changed("map_pair", chosen, "map_task"):
        st.session_state["map_task"] = own[0] if own else sorted(tasks)[0]
    line = workflows.path(ws, Point.of(base.id, {zero.id: 1.0}), Point.of(base.id, {one.id: 1.0}), grid(0, 1, 11))
    return Walk(line, zero.name, one.name, (tasks[st.session_state["map_task"]],), Probe())


def prepare(ws: workflows.Workspace, base: Base, checkpoint: Checkpoint) -> None:
    """A path from this model is likely next: its data set's texts are read and the base is measured on some of them."""
    for task in ws.catalog.tasks():
        if task.name == checkpoint.dataset and has_texts(task):
            ask = Ask(Point.of(base.id), task, Probe().first())
            with suppress(ForbiddenError):  # nobody has asked for it
                workflows.measure(ws, [ask], title=f"The texts of {task.name}", owner=me(), replaces=f"ready-{me()}")


def selection(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], ids: Sequence[str]) -> None:
    """The basket: what is selected, and what can be done with it."""
    known, chosen = names(checkpoints), basket(ids)
    if chosen and not staged():
        warmed(base.id)
        if len(chosen) == 1:
            prepare(ws, base, next(c for c in checkpoints if c.id == chosen[0]))
    with st.container(key="controls_column"):
        st.subheader("Selection" + (f" · {len(chosen)}" if chosen else ""))
    adding(ids, chosen, known)
    with st.container(height=220, border=False, gap="xsmall"):
        if not chosen:
            st.caption("Click a dot to pick it, shift-click for more, or draw a lasso around many. Two dots make "
                       "a path.")
        for key in chosen[:40]:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.button("", icon=":material/close:", key=f"drop-{key}", type="tertiary", on_click=select,
                          args=([key],), help=f"Remove {plain(known[key])}")
                st.text(known[key])
        if len(chosen) > 40:
            st.caption(f"and {len(chosen) - 40} more")
    origin = Point.of(base.id)
    ends = [Point.of(base.id, {key: 1.0}) for key in chosen]
    if pressed("Path between two", key="path_between", of=chosen, type="primary", icon=":material/timeline:",
               width="stretch", disabled=len(chosen) != 2, help="Extrapolation, several tasks, readings and numbers."):
        go_to_path(ends[0], ends[1])
    if pressed("Path from the base", key="path_from_base", of=chosen, icon=":material/north_east:", width="stretch",
               disabled=len(chosen) != 1):
        go_to_path(origin, ends[0])
    st.button("Clear", icon=":material/clear_all:", width="stretch", on_click=clear, disabled=not chosen)


def go_to_path(zero: Point, one: Point) -> None:
    st.session_state[ENDS] = (zero, one)
    st.switch_page("explorer/pages/path.py")


def provenance(base: Base, projection: Projection | None, spec: MapSpec, gram: Gram) -> None:
    """One line: n, d, the share of variance shown, and where the numbers come from."""
    facts = [count(len(gram.ids), "checkpoint"), f"{count(base.layout.size)} parameters each",
             f"base {plain(base.name)}"]
    if projection is not None and projection.explained:
        facts.append(f"{share(sum(projection.explained))} of the variance shown")
    part = "all shared parameters" if spec.layers is None and spec.kinds is None else "the chosen parameters"
    facts.append(f"from inner products of task vectors over {part}")
    if exactness := estimated(gram.sketch):
        facts.append(exactness)
    if spec.method == "umap":
        facts.append("a path is placed by UMAP's transform, approximately")
    st.caption(" · ".join(facts))


def show() -> None:
    head = st.container()
    left, right = st.columns([3.6, 1], gap="medium")
    # Never emptied: an element that keeps its place keeps its zoom and its tool from run to run.
    with left:
        place = st.container(height=tall(HEIGHT) + 4, border=False, gap=None)
    with head:
        ws = workspace()
        await_ahead()
        base = chosen_base(ws)
        checkpoints = ws.catalog.checkpoints(base.id) if base else []
        if base is None or not checkpoints:
            nothing_yet("No checkpoints yet. Import some on the Catalog page.")
            return
        whole = ws.catalog.gram(base.id)
        if (held := map_ids(ws, base)) is not None:
            checkpoints, whole = [c for c in checkpoints if c.id in set(held)], whole.subset(held)
        choice = controls(ws, base, whole, checkpoints)
        if not staged():
            hints()
    try:
        gram = whole.select(choice.spec.layers, choice.spec.kinds)
        with place:
            projection = coordinates(ws, choice.spec)
            walk = None if projection is None else walk_of(ws, base, checkpoints, whole.ids)
            if projection is not None:
                chart(ws, choice, gram, checkpoints, projection, walk)
            if walk is not None:
                panel(ws, walk, height=CURVE - 46, key="map_curve", tasks=[t.name for t in ws.catalog.tasks()])
        with left:
            provenance(base, projection, choice.spec, gram)
            offer_view(None if walk is None else alphas(walk))
    except ExplorerError as error:
        with left:
            fail(error)
    with right:
        selection(ws, base, checkpoints, whole.ids)


show()
