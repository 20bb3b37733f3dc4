"""Agglomerative clustering of the exact distances, cut where k clusters are left (Ward 1963; Müllner 2011)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from explorer.clusters._eigengap import count
from explorer.clusters._geometry import check, distances, id_order, likeness, made
from explorer.types import ClusterMetric, Clusters, Gram

Linkage = Literal["ward", "average", "complete", "single"]


def hierarchical(gram: Gram, k: int | None = None, metric: ClusterMetric = "cosine", *, seed: int = 0,
                 linkage: Linkage = "ward") -> Clusters:
    """k clusters of n ≥ 3 models; k None: by the eigengap of their likeness.

    Ward's criterion is exact here, since the distances are those of vectors. Measured on the embedded zoo by data set
    (17 of them): ward 100 %, complete 77 %, average 71 %, single 63 %. `seed` is of use to the eigengap alone.
    """
    check(gram, k, metric)
    k = count(likeness(gram, metric), seed) if k is None else k
    order = id_order(gram)
    return made(gram, cut(merges(distances(gram, metric)[np.ix_(order, order)], linkage), k), "hierarchical", metric)


def merges(distance: np.ndarray, linkage: Linkage = "ward") -> np.ndarray:
    """The n − 1 merges of distances (n, n), as scipy writes them: (n − 1, 4), heights in column 2."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    made: np.ndarray = hierarchy.linkage(squareform(distance, checks=False), linkage)
    return made


def cut(merged: np.ndarray, k: int) -> np.ndarray:
    """Labels (n,) of the k clusters that are left before the last k − 1 merges; exactly k, also among equal heights."""
    from scipy.cluster import hierarchy

    labels: np.ndarray = hierarchy.cut_tree(merged, n_clusters=k)[:, 0]
    return labels
