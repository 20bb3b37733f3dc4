"""Is a model inside? As a tab: its predicted data set and task, the nearest regions, and how right that mostly is."""

from __future__ import annotations

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError, InputError
from explorer.figures.locating import nearest
from explorer.numbers import coefficient, distance, share, share_between, weight
from explorer.pages._charts import show_figure
from explorer.pages._glossary import said
from explorer.pages._readings import metric, say_estimated
from explorer.pages._session import BASE_KEY, choices, dark, fail, plain
from explorer.statistics.averages import proportion
from explorer.types import Base, Checkpoint, Point, Probe, Task
from explorer.workflows import places
from explorer.workflows.places import Located

BARS = 8
COLUMNS = {"dataset": "Data set", "task": "Task"}


def tab(ws: workflows.Workspace, base: Base, members: list[Checkpoint], task: Task, probe: Probe,
        region_name: str) -> None:
    """A model or a kept Point, placed among the regions of its base; at first one outside of `members`."""
    known = {key: place for key, place in choices(ws, base).items() if key != BASE_KEY}
    inside = {c.id for c in members}
    if st.session_state.get("locate_point") not in known:
        st.session_state["locate_point"] = next((key for key in known if key not in inside), next(iter(known)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        key = st.selectbox("Point", list(known), format_func=lambda k: known[k].name, key="locate_point",
                           persist_state="session", width=320, help="A model, or a Point kept under a name on the Mix "
                           "page. It is judged as if it were new: a model is left out of its own region.\n\n"
                           + said("region"))
        groups = ws.catalog.gram(base.id).groups
        with st.popover("Advanced", icon=":material/tune:"):
            layers = st.multiselect("Layers", list(dict.fromkeys(g.layer for g in groups)), key="locate_layers",
                                    placeholder="All layers", persist_state="session")
            kinds = st.multiselect("Kinds of parameters", list(dict.fromkeys(g.kind for g in groups)),
                                   key="locate_kinds", placeholder="All kinds", persist_state="session")
    against(ws, known[key].point, known[key].name, members, region_name)
    for column, (by, name) in zip(st.columns(len(COLUMNS), gap="large"), COLUMNS.items(), strict=True):
        with column:
            try:
                show(places.locate(ws, known[key].point, by, layers or None, kinds or None), name, by)
            except InputError as error:
                st.info(plain(f"{name}: {error}"), icon=":material/info:")
            except ExplorerError as error:
                fail(error)
    say_estimated(ws, base.id)


def against(ws: workflows.Workspace, point: Point, name: str, members: list[Checkpoint], region_name: str) -> None:
    """One line on the region that the page is about."""
    try:
        found = places.apart(ws, point, members)
    except ExplorerError as error:
        st.caption(plain(f"{name} and the hull of {region_name}: {error}"))
        return
    said = "inside" if found.inside else "outside" if found.outside else "as near as its models are to each other"
    st.markdown(f"**{plain(name)}** and the region of **{plain(region_name)}**: {said}. Distance to its hull "
                f"{distance(found.distance)} (its models: {distance(found.own_distances[0])} to "
                f"{distance(found.own_distances[1])}), cosine with its centroid {coefficient(found.cosine)} (its "
                f"models: {coefficient(found.own_cosines[0])} to {coefficient(found.own_cosines[1])}, each "
                "against the others).")


def show(found: Located, name: str, by: str) -> None:
    """What one column says of the Point."""
    where = found.location
    flag = "out of region" if where.outside else "inside its hull" if found.inside else "within its region"
    own = f" · in fact {found.own}" if found.own is not None else ""
    metric(f"Predicted {name.lower()}", where.predicted, f"{share(where.confidence, 0)} sure · {flag}{own}",
           words=("centroid", "cosine", "hull"), about="The region whose centroid has the highest cosine with the task "
           "vector. Out of region: farther from its hull than each of its models is from the others' hull, or pointing "
           "less its way than any model its own.")
    st.markdown(plain(places.in_words(found)))
    rows = sorted(found.rows, key=lambda row: row[2])[:BARS]
    if all(row[0] != where.predicted for row in rows):
        rows[-1] = next(row for row in found.rows if row[0] == where.predicted)
    show_figure(nearest(rows, where.predicted, dark=dark(), height=70 + 26 * min(BARS, len(rows))), key=f"locate_{by}",
                alt=f"Distances to the nearest regions by {name.lower()}, with their probabilities.")
    right = proportion(round(found.accuracy * found.models), found.models)
    left = f" Left out, of one model each: {', '.join(found.left_out)}." if found.left_out else ""
    near = ", ".join(f"{weight(w)} {model}" for model, w in list(found.hull.weights.items())[:3])
    more = " …" if len(found.hull.weights) > 3 else "."
    st.caption(plain(f"Of {found.models} models, each located without itself, {share(right.value, 0)} are told right "
                     f"({share_between(right.low, right.high)}, 95 %); their mean confidence is "
                     f"{share(found.expected, 0)}. "
                     f"Bars: the {len(rows)} nearest of {len(found.rows)} regions. Nearest place in "
                     f"{where.predicted}: {near}{more}{left}"))
