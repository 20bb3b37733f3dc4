"""Geometry of task vectors: their Gram, and the maps and clusters made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.errors import InputError, UnknownNameError
from explorer.types._identity import canonical_json, digest
from explorer.types.models import Group
from explorer.types.points import Point

if TYPE_CHECKING:
    from explorer.types.sketches import Sketch

Metric = Literal["cosine", "euclidean"]
ClusterMetric = Literal["cosine", "euclidean", "raw-euclidean", "signed"]


@dataclass(frozen=True, eq=False)
class Gram:
    """Inner products of task vectors per parameter group: values[g, i, j] = ⟨Δᵢ, Δⱼ⟩ over group g, float64.

    `sketch` says how they were estimated where they are not exact.
    """

    ids: tuple[str, ...]
    groups: tuple[Group, ...]
    values: np.ndarray
    sketch: Sketch | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        if self.values.shape != (len(self.groups), n, n) or self.values.dtype != np.float64:
            raise ValueError(f"values must be float64 of shape {(len(self.groups), n, n)}, got "
                             f"{self.values.dtype} of {self.values.shape}")

    @cached_property
    def matrix(self) -> np.ndarray:
        """Sum over the groups, shape (n, n)."""
        return self.values.sum(axis=0)

    @cached_property
    def norms(self) -> np.ndarray:
        """‖Δᵢ‖, shape (n,)."""
        return np.sqrt(np.maximum(np.diag(self.matrix), 0.0))

    @cached_property
    def cosines(self) -> np.ndarray:
        """Cosine similarity, shape (n, n); a zero task vector has cosine 0 with every other and 1 with itself."""
        safe = np.where(self.norms > 0, self.norms, 1.0)
        cosines = np.clip(self.matrix / np.outer(safe, safe), -1.0, 1.0)
        np.fill_diagonal(cosines, 1.0)
        return cosines

    def select(self, layers: Iterable[str] | None = None, kinds: Iterable[str] | None = None) -> Gram:
        """The groups of the given layers and kinds (None: all); UnknownNameError, InputError if none is left."""
        keep = chosen_groups(self.groups, layers, kinds)
        return Gram(self.ids, tuple(self.groups[i] for i in keep), self.values[keep], self.sketch)

    def subset(self, ids: Sequence[str]) -> Gram:
        """The Gram of some of the checkpoints, in the order given."""
        rows = self.places(ids)
        return Gram(tuple(ids), self.groups, self.values[np.ix_(range(len(self.groups)), rows, rows)], self.sketch)

    def places(self, ids: Sequence[str]) -> list[int]:
        """The rows of checkpoints; InputError where one has none."""
        place = {i: k for k, i in enumerate(self.ids)}
        if missing := [i for i in ids if i not in place]:
            raise InputError(f"no Gram row for {', '.join(missing[:5])}: run `gram` first.")
        return [place[i] for i in ids]

    @property
    def finite(self) -> bool:
        """Whether every inner product is a finite number."""
        return bool(np.isfinite(self.values).all())

    def inner(self, point: Point) -> tuple[np.ndarray, float]:
        """(⟨p, Δⱼ⟩ for all j, ‖p‖²) of a linear Point's task vector p = Σ cᵢ Δᵢ."""
        c = point.coefficients(self.ids)
        row = self.matrix @ c
        return row, float(c @ row)


def chosen_groups(groups: Sequence[Group], layers: Iterable[str] | None, kinds: Iterable[str] | None) -> list[int]:
    """The numbers of the groups of the given layers and kinds (None: all); UnknownNameError, InputError if none is."""
    layers, kinds = _chosen("layer", layers, (g.layer for g in groups)), _chosen(
        "kind", kinds, (g.kind for g in groups))
    keep = [i for i, g in enumerate(groups) if g.layer in layers and g.kind in kinds]
    if not keep:
        raise InputError(f"no parameters in layers {sorted(layers)} of kinds {sorted(kinds)}.")
    return keep


def _chosen(what: str, asked: Iterable[str] | None, known: Iterable[str]) -> set[str]:
    everything = set(known)
    if asked is None:
        return everything
    chosen = set(asked)
    for name in chosen - everything:
        raise UnknownNameError(what, name, everything)
    return chosen


@dataclass(frozen=True, eq=False)
class Projection:
    """Map coordinates of n checkpoints: coords (n, k). `explained` is the share of variance per axis (PCA only)."""

    ids: tuple[str, ...]
    coords: np.ndarray
    method: str
    metric: Metric
    explained: tuple[float, ...] | None = None


@dataclass(frozen=True)
class MapSpec:
    """What a map shows: every field is part of a stored projection's identity.

    `base` is a base's id; `layers` and `kinds` select parameter groups, `ids` checkpoints (None: all of the base).
    """

    base: str
    method: str = "pca"
    dims: int = 2
    metric: Metric = "cosine"
    layers: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    seed: int = 0

    @cached_property
    def key(self) -> str:
        return digest("map", canonical_json([self.base, self.method, self.dims, self.metric, self.layers, self.kinds,
                                             self.ids, self.seed]))


@dataclass(frozen=True, eq=False)
class Clusters:
    """A partition of n checkpoints: labels (n,), int64, 0 … k − 1 in the order of the clusters' first ids.

    Label −1 is noise, which belongs to no cluster (HDBSCAN only); `k` counts the clusters that have a member.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    method: str
    metric: ClusterMetric
    k: int
