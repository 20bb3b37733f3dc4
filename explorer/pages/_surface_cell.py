"""The place of a surface that was clicked, as a Point: its weights, its loss, a name for it, the way to Mix."""

from __future__ import annotations

import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.components.map_and_path import heard
from explorer.errors import ExplorerError, NotFiniteError
from explorer.figures.surfaces import place_of
from explorer.numbers import MINUS, alpha, count, loss, share, weight
from explorer.pages._jobs import active
from explorer.pages._pressing import pressed
from explorer.pages._session import basket, changed, fail, has_texts, me, plain
from explorer.pages._stage import staged
from explorer.pages._visitor import editors
from explorer.paths.plane import Plane
from explorer.statistics.readings import NORMAL
from explorer.types import Point
from explorer.weights.directions import is_generated
from explorer.workflows.planes import Sheet
from explorer.workflows.probing import URGENT

PATIENCE = 2.5
"""Seconds a clicked place is waited for before the page goes on and its loss is shown as it comes."""
MOST = 12
"""Models of one mixture on the Mix page."""


def chosen(plane: Plane) -> tuple[float, float] | None:
    """The place chosen on this plane, if one was."""
    linked = st.session_state.get("place", [])
    if "surface_chosen" not in st.session_state and len(linked) == 2:
        st.session_state["surface_chosen"] = (plane, *linked)
    kept: tuple[Plane, float, float] | None = st.session_state.get("surface_chosen")
    place = kept[1:] if kept is not None and kept[0] == plane else None
    st.session_state["place"] = [] if place is None else list(place)
    return place


def measuring() -> bool:
    """Whether a chosen place is being measured."""
    return active(st.session_state.get("surface_cell_job"))


def pick(ws: workflows.Workspace, sheet: Sheet, chart: str) -> None:
    """A click on the figure (by its key) chooses the place under it, Escape none."""
    picked = heard(chart, "picked")
    if not isinstance(picked, dict):
        return
    if picked.get("ids"):
        choose(ws, sheet, *place_of(str(picked["ids"][0])))
    else:
        st.session_state["surface_chosen"] = None


def choose(ws: workflows.Workspace, sheet: Sheet, x: float, y: float) -> None:
    """Choose a place, and measure it ahead of everything else if its loss is not known."""
    st.session_state["surface_chosen"] = (sheet.plane, x, y)
    if staged() or not all(has_texts(t) for t in sheet.tasks):
        return
    try:
        job = workflows.measure(ws, sheet.asks([sheet.plane.point(x, y)]), owner=me(), priority=URGENT,
                                replaces=f"cell-{me()}", title=f"A place on a plane ({alpha(x)}, {alpha(y)})")
        st.session_state["surface_cell_job"] = job
        job.wait(PATIENCE)
    except ExplorerError as error:
        fail(error)


def cell(ws: workflows.Workspace, sheet: Sheet, names: tuple[str, str, str]) -> None:
    """What the chosen place is, and what can be done with it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="controls_cell"):
        place = chosen(sheet.plane)
        st.markdown("**No place chosen**" if place is None else f"**Point at ({alpha(place[0])}, {alpha(place[1])})**")
        _by_number(ws, sheet, place)
    if place is None:
        return
    point = sheet.plane.point(*place)
    weights = zip(names, sheet.plane.weights(*place), strict=True)
    terms = [f"{'+' if w >= 0 else MINUS} {weight(abs(w))}·[{name}]" for name, w in weights]
    st.caption(plain(" ".join(terms).lstrip("+ ")))
    _losses(ws, sheet, point)
    _keep(ws, point)


def _by_number(ws: workflows.Workspace, sheet: Sheet, place: tuple[float, float] | None) -> None:
    x, y = place or (0.0, 0.0)
    # of their own for each place, so that a click moves the numbers too
    keys = f"surface_x_{place}", f"surface_y_{place}"

    def choose_numbers() -> None:
        choose(ws, sheet, *(float(st.session_state[key]) for key in keys))

    with st.popover("By number", icon=":material/my_location:"), st.form("surface_place", border=False):
        st.number_input("x", value=x, format="%.6g", key=keys[0])
        st.number_input("y", value=y, format="%.6g", key=keys[1])
        st.form_submit_button("Choose", on_click=choose_numbers)


def _losses(ws: workflows.Workspace, sheet: Sheet, point: Point) -> None:
    job: Job | None = st.session_state.get("surface_cell_job")
    for task in sheet.tasks:
        (score,) = ws.catalog.scores([point], task, sheet.probe)
        if score is not None:
            st.markdown(f"Loss on {plain(task.name)}: **{loss(score.loss, NORMAL * score.stderr)}** (95 %), accuracy "
                        f"{share(score.accuracy)}, {count(score.n, 'text')}")
        elif active(job):
            st.markdown(f"Loss on {plain(task.name)}: being measured …")
        elif job is not None and isinstance(job.cause, NotFiniteError):
            st.markdown(f"No loss on {plain(task.name)}: {plain(str(job.cause))}")
        elif job is not None and job.state == "failed":
            fail(job.error or "It could not be measured.")
        else:
            st.markdown(f"Loss on {plain(task.name)}: not measured")


def _keep(ws: workflows.Workspace, point: Point) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.text_input("Keep it as", placeholder="A name …", key="surface_name", width=180)
        if pressed("Keep", icon=":material/bookmark_add:", key="surface_keep", of=point, **editors(
                help="A kept Point can be a corner here, be put on a path and be exported by its name.")):
            try:
                workflows.keep(ws, name, point)
                st.toast(f"Kept as {plain(name)}.", icon=":material/bookmark:")
                st.rerun()  # it can be a corner now
            except ExplorerError as error:
                fail(error)
        mixable = 0 < len(point.terms) <= MOST and not any(is_generated(k) for k, _ in point.terms)
        if pressed("Open in Mix", icon=":material/tune:", key="surface_mix", of=point, disabled=not mixable):
            changed("mix_from", basket(c.id for c in ws.catalog.checkpoints(point.base)), "mix_models")
            st.session_state["mix_models"] = [k for k, _ in point.terms]
            st.session_state["mix_next"] = ("free", [c for _, c in point.terms])
            st.switch_page("explorer/pages/mix.py")
