"""Do models trained alike lie together? Clusters of task vectors against any column, beside chance and the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from explorer import numbers, registry, workflows
from explorer.backends import Job
from explorer.errors import ExplorerError
from explorer.figures.colouring import label
from explorer.figures.heat import confusion, layer_grid, similarity_map
from explorer.pages._charts import show_figure
from explorer.pages._downloads import offer_figure
from explorer.pages._glossary import said
from explorer.pages._jobs import active, outcome, watch
from explorer.pages._pressing import pressed, stopped
from explorer.pages._readings import metric, say_estimated, tabled
from explorer.pages._session import BASKET, chosen_base, dark, fail, marks_of, nothing_yet, plain, workspace
from explorer.pages._stage import tall
from explorer.statistics.paper import CLUSTERS, RAW
from explorer.types import Base, Checkpoint, ClusterMetric
from explorer.workflows.clustering import Cell, Clustered, Count, columns, distances, ordering

METHODS = {"spectral": "Spectral", "kmeans": "k-means", "hierarchical": "Hierarchical", "hdbscan": "HDBSCAN"}
METRICS: dict[ClusterMetric, str] = {"cosine": "Cosine", "euclidean": "Euclidean", "raw-euclidean": "Raw weights",
                                     "signed": "Signed agreement"}
FIGURES = (("accuracy", "Accuracy", "accuracy_of_clusters"), ("ari", "ARI", "ari"),
           ("nmi", "NMI", "nmi"), ("group_silhouette", "Silhouette", "silhouette"))
"""The figures: their key, their name, and their term."""
HEIGHT = 600
ONLY = "cluster_only"
"""Ids of the models that take part, if not all do."""


@dataclass(frozen=True)
class Choice:
    """What the controls say."""

    base: str
    by: str
    method: str
    metric: ClusterMetric
    k: Count
    layers: tuple[str, ...] | None
    kinds: tuple[str, ...] | None
    only: tuple[str, ...] | None = None


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint]) -> Choice:
    """One row: what is compared with what, and how."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls"):
        several = len(ws.catalog.bases()) > 1
        which = st.selectbox("Base", [base.id, *(["all"] if several else [])], key="cluster_base", width=150,
                             format_func=lambda b: "all bases" if b == "all" else base.name, persist_state="session")
        known = columns(ws.catalog.checkpoints() if which == "all" else checkpoints)
        st.session_state.setdefault("cluster_by", "dataset" if "dataset" in known else known[-1])
        asked = st.session_state["cluster_by"]
        # a claim of the ledger may ask for a column that is made of two
        by = st.selectbox("Compare with", [*known, *([asked] if asked not in known and "|" in asked else [])],
                          format_func=lambda c: label(c).replace("|", ", but "), key="cluster_by", width=170,
                          persist_state="session")
        methods = registry.names("explorer.clusters")
        method = st.selectbox("Method", sorted(methods, key=lambda m: list(METHODS).index(m) if m in METHODS else 9),
                              format_func=lambda m: METHODS.get(m, m), key="cluster_method", width=150,
                              persist_state="session", help=said("spectral"))
        metric = st.selectbox("Distance", list(METRICS), format_func=METRICS.__getitem__, key="cluster_metric",
                              width=150, persist_state="session", help="Of task vectors; the paper's negative control "
                              "is distances of raw weights, which for one base are the Euclidean ones. Signed "
                              "agreement: parameters that two models move the same way, less those on which they part."
                              "\n\n" + said("task_vector", "cosine"))
        k = count()
        with st.popover("Advanced", icon=":material/tune:"):
            groups = ws.catalog.gram(base.id).groups
            layers = st.multiselect("Layers", list(dict.fromkeys(g.layer for g in groups)), key="cluster_layers",
                                    placeholder="All layers", persist_state="session")
            kinds = st.multiselect("Kinds of parameters", list(dict.fromkeys(g.kind for g in groups)),
                                   key="cluster_kinds", placeholder="All kinds", persist_state="session")
        only = some_models(ws, which)
    return Choice(which, by, method, metric, k, tuple(sorted(layers)) or None, tuple(sorted(kinds)) or None, only)


def some_models(ws: workflows.Workspace, which: str) -> tuple[str, ...] | None:
    """The models that take part where a claim, or the selection, has said so; None for all of the base."""
    known = {c.id for c in ws.catalog.checkpoints(None if which == "all" else which)}
    chosen = tuple(i for i in st.session_state.get(ONLY, ()) if i in known)
    if chosen:
        st.button(f"Only {len(chosen)} models", icon=":material/close:", on_click=st.session_state.pop, args=(ONLY,),
                  help="A part of the models was chosen. Click to let all of them take part.")
    return chosen or None


def count() -> Count:
    """How many clusters are looked for."""
    kind = st.segmented_control("Clusters", ["groups", "eigengap", "number"], default="groups", required=True,
                                key="cluster_count", persist_state="session", help="As many as there are groups, by "
                                "the largest eigengap, or a number.",
                                format_func={"groups": "As groups", "eigengap": "Eigengap", "number": "k"}.__getitem__)
    if kind == "number":
        return int(st.number_input("k", 2, 400, 4, key="cluster_k", width=100, persist_state="session"))
    return "eigengap" if kind == "eigengap" else "groups"


@st.cache_data(show_spinner="Clustering …", max_entries=64)
def clustered(_ws: workflows.Workspace, choice: Choice, models: int) -> Clustered:
    """Kept by the choice and the number of models, which only grows."""
    return workflows.cluster(_ws, choice.base, choice.by, choice.method, choice.metric, choice.k, choice.layers,
                             choice.kinds, choice.only)


@st.cache_data(show_spinner="Clustering by layer and kind …", max_entries=32)
def located(_ws: workflows.Workspace, choice: Choice, models: int) -> tuple[Cell, ...]:
    return workflows.where(_ws, choice.base, choice.by, choice.method, choice.metric, choice.k, choice.only)


def figures(found: Clustered) -> None:
    """The figures with 95 % intervals and what chance would give."""
    assert found.agreement is not None  # a column was chosen
    known = {"accuracy": found.agreement.accuracy, "ari": found.agreement.ari, "nmi": found.agreement.nmi,
             "group_silhouette": found.group_silhouette}
    for column, (key, name, word) in zip(st.columns(len(FIGURES)), FIGURES, strict=True):
        value, null, interval = known[key], found.nulls.get(key), found.intervals.get(key)
        write = numbers.share if key == "accuracy" else numbers.coefficient
        between = "" if interval is None else f"95 % interval {write(interval[0])} to {write(interval[1])}. "
        metric(name, None if value is None else write(value),
               "no chance level" if null is None else f"chance < {write(null.q95)}", words=(word,),
               about=f"{between}Chance: 95 of 100 shufflings of the labels stay below"
               + ("" if null is None else f" ({numbers.p_value(null.p)})") + ".", where=column)
    unit = "whole data sets" if found.unit == "dataset" else "single models"
    low, high = found.intervals.get("accuracy", (float("nan"), float("nan")))
    st.caption(f"{found.agreement.n} models, {len(found.agreement.groups)} groups, {found.clusters.k} clusters. "
               f"Accuracy from {numbers.share_between(low, high)} (95 %); null and interval draw {unit}.")


def beside(choice: Choice) -> None:
    """The paper's figure for the same question."""
    claim = RAW if choice.metric == "raw-euclidean" else CLUSTERS.get(choice.by)
    if claim is None:
        return
    doubt = f" Doubtful there: {claim.conflict}." if claim.conflict else ""
    st.info(plain(f"The paper ({claim.id}, {claim.where}), on RoBERTa-base: {claim.text}: {claim.figure}.{doubt}"),
            icon=":material/menu_book:")


def misplaced(found: Clustered) -> None:
    """Models outside their group's cluster, by name; and those that took no part."""
    if found.misplaced:
        some = ", ".join(found.misplaced[:12]) + (" …" if len(found.misplaced) > 12 else "")
        st.markdown(f"**Misplaced ({len(found.misplaced)})**: {plain(some)}")
    else:
        st.markdown("**No model is misplaced.**")
    for names, why in ((found.left_out, "without a value"), (found.alone, "alone in their group")):
        if names:
            st.caption(f"Left out, {why}: {len(names)} ({plain(', '.join(names[:6]))}{' …' if len(names) > 6 else ''})")


def highlight(found: Clustered) -> None:
    """A cluster chosen here is the selection on the map."""
    known = sorted({int(v) for v in found.clusters.labels if v >= 0})
    sizes = {v: int((found.clusters.labels == v).sum()) for v in known}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="controls_cluster"):
        chosen = st.selectbox("Cluster", known, key="cluster_shown", width=220,
                              format_func=lambda v: f"Cluster {v + 1} · {numbers.count(sizes[v], 'model')}")
        ids = [i for i, v in zip(found.clusters.ids, found.clusters.labels, strict=True) if v == chosen]
        if pressed("Show on the map", key="cluster_to_map", of=ids, icon=":material/scatter_plot:",
                   disabled=chosen is None):
            st.session_state[BASKET] = ids
            st.switch_page("explorer/pages/map.py")


def by_group(found: Clustered) -> None:
    assert found.agreement is not None
    rows = [{"group": g, "models": int(row.sum()), "f1": found.agreement.f1[g],
             "chance": n.q95 if (n := found.nulls.get(f"f1:{g}")) else None}
            for g, row in zip(found.agreement.groups, found.agreement.confusion, strict=True)]
    tabled(rows, {"f1": numbers.coefficient, "chance": numbers.coefficient}, {
        "group": "Group", "models": "Models", "f1": st.column_config.Column("F1", help=said("f1")),
        "chance": st.column_config.Column("Chance below", help=said("chance"))},
        height=min(420, 38 + 35 * len(rows)))


def heat(ws: workflows.Workspace, choice: Choice, found: Clustered) -> None:
    """The matrix in the order of the tree."""
    source = workflows.sign_gram if choice.metric == "signed" else workflows.gram
    gram = source(ws, choice.base, choice.layers, choice.kinds).subset(found.clusters.ids)
    if len(gram.ids) < 3:
        return
    order, merges = ordering(gram, choice.metric)
    likenesses = {"cosine": "cosine", "signed": "signed agreement"}
    alike = choice.metric in likenesses
    values = gram.cosines if alike else distances(gram, choice.metric)
    title = likenesses.get(choice.metric, "distance")
    figure = similarity_map(values, found.names, found.groups, order, merges, title=title,
                            looks=marks_of(ws, choice.base, choice.by), dark=dark(), height=tall(HEIGHT))
    show_figure(figure, key="cluster_heat", alt="Similarities of all models in the order of the dendrogram.")
    offer_figure(figure, "clusters")


def grid(ws: workflows.Workspace, choice: Choice, models: int) -> None:
    """Accuracy by layer and kind."""
    cells = located(ws, choice, models)
    layers = list(dict.fromkeys(c.layer for c in cells))
    kinds = list(dict.fromkeys(c.kind for c in cells))
    values, chance = np.full((len(layers), len(kinds)), np.nan), np.full((len(layers), len(kinds)), np.nan)
    for c in cells:
        row, column = layers.index(c.layer), kinds.index(c.kind)
        if c.accuracy is not None and c.null is not None:
            values[row, column], chance[row, column] = c.accuracy, c.null.q95
    figure = layer_grid([x or "all layers" for x in layers], [x or "all kinds" for x in kinds], values, chance,
                        dark=dark(), height=110 + 38 * len(layers))
    show_figure(figure, key="cluster_grid", alt="Accuracy of clustering by layer and kind of parameters.")


def signing(ws: workflows.Workspace, base: str) -> Job | None:
    """The pass over all task vectors' signs, while it runs; it is begun when they are first asked for."""
    job: Job | None = st.session_state.get("signs_job")
    if job is None or not active(job):
        if job is not None and job.state in ("failed", "cancelled"):
            outcome(job)
            st.session_state.pop("signs_job")
            stopped()
        job = st.session_state["signs_job"] = workflows.signs(ws, base)
    return job


def page(ws: workflows.Workspace, choice: Choice) -> None:
    if choice.metric == "signed" and (job := signing(ws, choice.base)) is not None:
        watch(job, "signs")
        return
    models = len(ws.catalog.checkpoints())
    found = clustered(ws, choice, models)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        heat(ws, choice, found)
    with right:
        figures(found)
        beside(choice)
        if choice.base != "all":
            say_estimated(ws, choice.base)
        misplaced(found)
        highlight(found)
        tabs = st.tabs(["By group", "Confusion", "By layer and kind"])
        with tabs[0]:
            by_group(found)
        with tabs[1]:
            assert found.agreement is not None
            show_figure(confusion(found.agreement, dark=dark()), key="cluster_confusion",
                        alt="Models by group and cluster.")
        with tabs[2]:
            if st.toggle("Cluster by every layer and kind", key="cluster_where", persist_state="session"):
                grid(ws, choice, models)
            else:
                st.caption("Where in the network do the groups live? One clustering for each layer and kind.")


def show() -> None:
    ws = workspace()
    base = chosen_base(ws)
    checkpoints = ws.catalog.checkpoints(base.id) if base else []
    if base is None or not checkpoints:
        nothing_yet("Clusters need checkpoints, and there are none yet. Import some on the Catalog page.")
        return
    try:
        page(ws, controls(ws, base, checkpoints))
    except ExplorerError as error:
        fail(error)


show()
