"""What is below a merge: its place among the models, other methods on the same models, and what can be taken away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError, RecipeError
from explorer.figures.maps import Facts, Overlay, scatter
from explorer.figures.merges import Series, retained
from explorer.pages import _exporting as exporting
from explorer.pages import _measuring, _readings
from explorer.pages._charts import show_figure
from explorer.pages._jobs import active, outcome, watch
from explorer.pages._merge_controls import label
from explorer.pages._pressing import submitted
from explorer.pages._readings import metric, tabled
from explorer.pages._session import dark, fail, me, plain
from explorer.pages._visitor import editors
from explorer.statistics.retention import Interval
from explorer.types import MapSpec, Point
from explorer.workflows import merging, retaining
from explorer.workflows.mergekit import to_mergekit
from explorer.workflows.retaining import Bench

HEIGHT = 460


def place(ws: workflows.Workspace, bench: Bench, point: Point) -> None:
    """The merge on the Euclidean PCA map, exactly, with its distances and cosines to the models."""
    points = [point, bench.centroid]
    kept: tuple[Point, Job | None] | None = st.session_state.get("merge_place")
    if kept is None or kept[0] != point:
        kept = st.session_state["merge_place"] = (point, merging.place_job(ws, points, owner=me()))
    if (job := kept[1]) is not None and active(job):
        watch(job, "merge-place")
        return
    if job is not None and job.state != "done":
        outcome(job)
        st.session_state.pop("merge_place")
        return
    spec = MapSpec(bench.base.id, "pca", 2, "euclidean")
    left, right = st.columns([1.4, 1], gap="large")
    with left:
        found = workflows.projection(ws, spec)
        assert found is not None  # PCA is computed at once
        origin, at, mean = merging.place_merges(ws, spec, [bench.origin, point, bench.centroid])
        ids = [c.id for c in bench.models]
        near = np.stack([origin, at, *(found.coords[found.ids.index(i)] for i in ids)])
        figure = scatter(found, ws.catalog.checkpoints(bench.base.id), "dataset", facts=Facts(), dark=dark(),
                         overlay=Overlay(base=origin, path=np.stack([mean, at]), ends=np.stack([mean, at]),
                                         end_names=("" if point == bench.centroid else "plain mean", "merge")),
                         height=HEIGHT, legend=False, selected=ids, around=near)
        show_figure(figure, key="merge_map", alt="The merge among the models.")
    with right:
        geometry(ws, bench, point)


def geometry(ws: workflows.Workspace, bench: Bench, point: Point) -> None:
    """Length of the merge's task vector, distances and cosines."""
    gram = merging.gram_with_merges(ws, [point, bench.centroid])
    row, square = gram.inner(point)
    norms = dict(zip(gram.ids, gram.norms, strict=True))
    inner = dict(zip(gram.ids, row, strict=True))
    length, mean = float(np.sqrt(max(square, 0.0))), float(np.mean([norms[c.id] for c in bench.models]))
    rows = [{"model": c.name, "distance": float(np.sqrt(max(square + norms[c.id] ** 2 - 2 * inner[c.id], 0.0))),
             "cosine": inner[c.id] / (length * norms[c.id]) if length and norms[c.id] else np.nan,
             "length": norms[c.id]} for c in bench.models]
    left, right = st.columns(2)
    metric("Length of the merge", numbers.distance(length),
           f"{numbers.share(length / mean, 0)} of the models' mean" if mean else "", words=("norm",), where=left)
    apart = dict(bench.centroid.terms)
    cross = float(sum(c * inner[i] for i, c in apart.items()))
    other = gram.inner(bench.centroid)[1]
    metric("From the plain mean", numbers.distance(np.sqrt(max(square + other - 2 * cross, 0.0))), "distance",
           words=("centroid",), about="How far the merge lies from the mean of the models.", where=right)
    tabled(rows, {"distance": _readings.distance, "cosine": _readings.coefficient, "length": _readings.distance},
           {"model": "Model", "distance": "Distance", "cosine": "Cosine", "length": "Its length"},
           height=min(320, 38 + 35 * len(rows)))
    st.caption("Exact: inner products from one pass over the weights. On the map, the two components that vary most.")


def compare(ws: workflows.Workspace, bench: Bench) -> None:
    """Every method with its usual options on the same models."""
    points, refused = retaining.by_method(ws, bench)
    asks, title = bench.asks(points.values()), f"{len(points)} methods of merging"
    if not bench.tasks:
        return

    def draw() -> None:
        names = list(points)
        standings = dict(zip(names, retaining.kept(ws, bench, list(points.values())).board.standings, strict=True))
        ranked = sorted(names, key=lambda n: -m.value if (m := standings[n].mean) else np.inf)
        if any(s.mean for s in standings.values()):
            figure = retained([label(n) for n in ranked], [
                Series("mean over the tasks", [standings[n].mean for n in ranked]),
                Series("worst task", [standings[n].worst for n in ranked])], dark=dark())
            show_figure(figure, key="merge_methods", alt="Retention by method.")
        frame = pd.DataFrame([{"method": label(n), "options": ", ".join(
            f"{k} {numbers.figures(v)}" for k, v in merging.USUAL.get(n, {}).items()),
            "mean": _value(standings[n].mean), "worst": _value(standings[n].worst),
            **{task: _value(share) for task, share in standings[n].by_task.items()}} for n in ranked])
        shares = {"mean": "Mean retention", "worst": "Worst", **{t.name: t.name for t in bench.tasks}}
        tabled(frame, dict.fromkeys(shares, _readings.whole_percent),
               {"method": "Method", "options": "Options", **shares})
        st.caption("Equal weights, and the options that the methods' papers use; others are at mergekit's defaults.")

    _measuring.live(ws, "merge-compare", asks, title, draw)
    for name, why in refused.items():
        st.caption(plain(f"Not compared: {label(name)}: {why}"))


def _value(share: Interval | None) -> float | None:
    return None if share is None else share.value


def take_away(ws: workflows.Workspace, command: Callable[[str], str], point: Point) -> None:
    """A name for the merge, the command that makes it, mergekit's configuration, a model folder."""
    left, right = st.columns(2, gap="large")
    with left:
        keep(ws, point, "merge")
        st.caption("The same on the command line")
        st.code(command("NAME"), language="sh", wrap_lines=True)
        exporting.offer(ws, point, "merge")
    with right:
        st.caption("As mergekit's configuration")
        try:
            text = to_mergekit(ws, point)
            st.code(text, language="yaml", wrap_lines=True, height=280)
            st.download_button("Download", lambda: text, "merge.yml", "text/yaml", on_click="ignore",
                               icon=":material/download:", key="merge-yaml")
        except RecipeError as error:
            st.info(plain(str(error)), icon=":material/info:")


def keep(ws: workflows.Workspace, point: Point, key: str) -> None:
    """A form that keeps a Point under a name."""
    with st.form(f"{key}-keep", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Keep it as", placeholder="A name …", key=f"{key}-name", width=320)
        if given := submitted("Keep", key=f"{key}-keep-go", fields=[f"{key}-name"], of=point,
                              icon=":material/bookmark_add:", **editors(
                help="A kept Point can be measured, put on a path, trained from and exported by its name.")):
            try:
                (name,) = given
                workflows.keep(ws, name, point)
                st.toast(f"Kept as {plain(name)}.", icon=":material/bookmark:")
            except ExplorerError as error:
                fail(error)
