"""Clusters of a workspace's models and how they agree with what is known of the models.

Covers which models take part, their groups, the figures with null and interval, and the grid over layers and kinds.
How clusters are found is for `clusters`, what figures mean for `statistics` to say. It computes in the calling process:
of 5,000 models for seconds, of 300 within one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from explorer import registry
from explorer.clusters._geometry import check_metric, distances
from explorer.clusters._ordering import ordering
from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.statistics.agreement import Agreement, Spread, agreement, silhouettes, spread
from explorer.statistics.nulls import (
    Null,
    bootstrap_intervals,
    permutation_nulls,
    silhouette_interval,
    silhouette_null,
)
from explorer.types import Checkpoint, ClusterMetric, Clusters, Gram, Group
from explorer.workflows.mapping import gram, sign_gram
from explorer.workflows.opening import Workspace

__all__ = ["Cell", "Clustered", "Count", "cluster", "columns", "distances", "ordering", "where"]

Count = int | Literal["groups", "eigengap"]
"""How many clusters: a number, as many as there are groups, or by the eigengap. HDBSCAN finds its own number."""

_METHODS = "explorer.clusters"
_FREE = ("hdbscan",)


@dataclass(frozen=True, eq=False)
class Clustered:
    """Clusters of n models, and their agreement with the groups of column `by` (None: no groups, no agreement).

    `nulls` and `intervals` are by figure: accuracy, ari, nmi, f1, f1:GROUP, group_silhouette; of `silhouette`, which is
    that of the clusters, there is only an interval. `misplaced` names the models outside their group's cluster;
    `left_out` those without a value and `alone` those whose value nobody shares, neither of which took part. `unit` is
    what null and interval draw: whole data sets where each has one value and some value several data sets, as tasks do.
    """

    clusters: Clusters
    names: tuple[str, ...]
    by: str | None
    groups: tuple[str, ...] = ()
    agreement: Agreement | None = None
    nulls: Mapping[str, Null] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    silhouette: float | None = None
    group_silhouette: float | None = None
    spread: Spread | None = None
    misplaced: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    unit: Literal["model", "dataset"] = "model"


@dataclass(frozen=True)
class Cell:
    """Clustering by one layer's parameters of one kind (None: all layers, all kinds), with the accuracy's null.

    `accuracy`, `ari` and `null` are None where no model moved any of them.
    """

    layer: str | None
    kind: str | None
    parameters: int
    accuracy: float | None = None
    ari: float | None = None
    null: Null | None = None


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Models that take part, in the Gram's order, with their groups, and those that do not."""

    gram: Gram
    checkpoints: tuple[Checkpoint, ...]
    groups: tuple[str, ...]
    left_out: tuple[str, ...]
    alone: tuple[str, ...]


def cluster(ws: Workspace, base: str | None = None, by: str | None = "dataset", method: str = "spectral",
            metric: ClusterMetric = "cosine", k: Count = "groups", layers: Sequence[str] | None = None,
            kinds: Sequence[str] | None = None, ids: Sequence[str] | None = None, *, seed: int = 0) -> Clustered:
    """Cluster a base's models (None: the main base; "all": of every base) and compare with the groups of a column.

    `by` "task|domain=twitter" groups by task, but puts the models of domain twitter into a group of their own (the
    paper's C3). `ids` selects checkpoints. InputError if fewer than two groups have two models, if k does not fit, or
    if the bases' layouts differ; UnknownNameError for a column nobody has; UnavailableError for a metric that can't be
    had.
    """
    chosen = _chosen(ws, base, by, method, metric, ids, layers, kinds)
    found = _labelled(chosen, by, method, metric, k, seed)
    names = tuple(c.name for c in chosen.checkpoints)
    apart = distances(chosen.gram, metric)
    own = silhouettes(apart, found.labels)
    silhouette = None if own is None else float(np.nanmean(own))
    if by is None:
        return Clustered(found, names, by, silhouette=silhouette)
    groups = chosen.groups
    agreed = agreement(found.labels, groups)
    units = _units(chosen)
    nulls = permutation_nulls(found.labels, groups, units=units, seed=seed)
    intervals = bootstrap_intervals(found.labels, groups, units=units, seed=seed)
    if own is not None:
        intervals["silhouette"] = silhouette_interval(own, groups, units=units, seed=seed)
    of_groups = silhouettes(apart, np.unique(groups, return_inverse=True)[1])
    assert of_groups is not None  # two groups at least, see _grouped
    intervals["group_silhouette"] = silhouette_interval(of_groups, groups, units=units, seed=seed)
    if (chance := silhouette_null(apart, groups, units=units, seed=seed)) is not None:
        nulls["group_silhouette"] = chance
    wrong = agreed.misplaced(found.labels, groups)
    return Clustered(found, names, by, groups, agreed, nulls, intervals, silhouette, float(of_groups.mean()),
                     spread(apart, groups), tuple(n for n, w in zip(names, wrong, strict=True) if w),
                     chosen.left_out, chosen.alone, "model" if units is None else "dataset")


def where(ws: Workspace, base: str | None = None, by: str = "dataset", method: str = "spectral",
          metric: ClusterMetric = "cosine", k: Count = "groups", ids: Sequence[str] | None = None, *,
          seed: int = 0) -> tuple[Cell, ...]:
    """How well models cluster by single layers and kinds: where in the network the groups live. Errors of `cluster`.

    A Cell for everything, for each kind, for each layer, and for each layer's kinds, in the layout's order.
    """
    chosen = _chosen(ws, base, by, method, metric, ids)
    layout = ws.catalog.base(chosen.checkpoints[0].base).layout
    layers, kinds = (tuple(dict.fromkeys(getattr(g, what) for g in chosen.gram.groups)) for what in ("layer", "kind"))
    places = [(None, None), *((None, kind) for kind in kinds), *((layer, None) for layer in layers),
              *((g.layer, g.kind) for g in chosen.gram.groups)]
    cells: list[Cell] = []
    known: dict[tuple[Group, ...], Cell] = {}  # a layer of one kind is the same parameters as that kind in it
    for layer, kind in places:
        part = chosen.gram.select(None if layer is None else [layer], None if kind is None else [kind])
        if part.groups not in known:
            size = sum(t.size for t in layout.tensors if t.group in part.groups)
            known[part.groups] = _cell(replace(chosen, gram=part), by, method, metric, k, seed, size)
        cells.append(replace(known[part.groups], layer=layer, kind=kind))
    return tuple(cells)


def _cell(chosen: _Chosen, by: str, method: str, metric: ClusterMetric, k: Count, seed: int, size: int) -> Cell:
    if not chosen.gram.norms.any():
        return Cell(None, None, size)
    labels = _labelled(chosen, by, method, metric, k, seed).labels
    agreed = agreement(labels, chosen.groups)
    nulls = permutation_nulls(labels, chosen.groups, units=_units(chosen), seed=seed)
    return Cell(None, None, size, agreed.accuracy, agreed.ari, nulls["accuracy"])


def columns(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """What models can be grouped by: "base", and every column that one of them has a value of."""
    further = sorted({column for c in checkpoints for column in c.columns})
    return ("base", *(c for c in (*Checkpoint.STANDARD, *further) if any(m.value(c) is not None for m in checkpoints)))


def _units(chosen: _Chosen) -> tuple[str, ...] | None:
    """The data set of each model, where data sets are what groups are made of; None where single models are."""
    datasets = [c.dataset for c in chosen.checkpoints]
    known = tuple(d for d in datasets if d is not None)
    pairs = set(zip(datasets, chosen.groups, strict=True))
    nested = len(known) == len(datasets) and len(pairs) == len(set(known)) > len(set(chosen.groups))
    return known if nested else None


def _labelled(chosen: _Chosen, by: str | None, method: str, metric: ClusterMetric, k: Count, seed: int) -> Clusters:
    """Clusters of the chosen models, with k as a number or None as the method wants it."""
    if isinstance(k, str) and k not in ("groups", "eigengap"):
        raise InputError(f"k = {k!r}: a number of clusters, groups or eigengap is needed.")
    if k == "groups" and by is not None and method not in _FREE:
        k = len(set(chosen.groups))
    made: Clusters = registry.find(_METHODS, method)(chosen.gram, None if isinstance(k, str) else k, metric, seed=seed)
    return made


def _chosen(ws: Workspace, base: str | None, by: str | None, method: str, metric: str,
            ids: Sequence[str] | None, layers: Sequence[str] | None = None,
            kinds: Sequence[str] | None = None) -> _Chosen:
    check_metric(metric)
    registry.find(_METHODS, method)
    whole = (sign_gram if metric == "signed" else gram)(ws, base, layers, kinds)
    known = {c.id: c for c in ws.catalog.checkpoints()}
    asked = whole.ids if ids is None else tuple(ids)
    if alien := set(asked) - set(whole.ids):
        raise InputError(f"{_some(known[i].name if i in known else i for i in sorted(alien))}: no checkpoint of the "
                         "base that is clustered; choose its base, or 'all' for every base.")
    if not asked:
        raise InputError("there are no checkpoints to cluster: import some, or select more.")
    models = [known[i] for i in asked]
    if metric == "raw-euclidean" and len({m.base for m in models}) > 1:
        raise UnavailableError("distances of whole weights across bases need the bases' weights, and a workspace keeps "
                               "inner products of task vectors: choose one base, or cosine or euclidean.")
    if by is None:
        return _Chosen(_part(whole, asked), tuple(models), (), (), ())
    values, alone = _grouped(ws, models, by)
    kept = [m for m in models if m.id in values and m.name not in alone]
    left_out = tuple(m.name for m in models if m.id not in values)
    return _Chosen(_part(whole, [m.id for m in kept]), tuple(kept), tuple(values[m.id] for m in kept), left_out, alone)


def _grouped(ws: Workspace, models: Sequence[Checkpoint], by: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """(the group of each model by id, where it has one; names of models alone in theirs)."""
    column, apart, condition = by.removeprefix("columns.").partition("|")
    other, _, value = condition.partition("=")
    for name in [column, *([other] if apart else [])]:
        if name not in (known := columns(models)):
            raise UnknownNameError("column", name, known)
    bases = {b.id: b.name for b in ws.catalog.bases()}
    raw = {m.id: bases[m.base] if column == "base" else m.value(column) for m in models}
    values = {m.id: value if apart and str(m.value(other)) == value else str(v)
              for m in models if (v := raw[m.id]) is not None}
    sizes = Counter(values.values())
    groups = [g for g, size in sizes.items() if size > 1]
    if len(groups) < 2:
        said = f"only {groups[0]!r} has" if groups else "no value has"
        hint = " ('--base all' mixes the bases)" if by == "base" else ""
        raise InputError(f"{by} makes no groups to compare with: {said} two models or more, and two such values are "
                         f"needed. {len(models)} models have {len(sizes)} values{hint}.")
    return values, tuple(m.name for m in models if sizes.get(values.get(m.id, ""), 0) == 1)


def _part(whole: Gram, ids: Sequence[str]) -> Gram:
    """The Gram of some models; not copied where it is that already, since of thousands it is large."""
    return whole if tuple(ids) == whole.ids else whole.subset(ids)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
