"""HDBSCAN of the exact distances (Campello, Moulavi and Sander 2013): it finds the number of clusters itself."""

from __future__ import annotations

import numpy as np

from explorer.clusters._geometry import check, distances, id_order, made
from explorer.errors import InputError
from explorer.types import ClusterMetric, Clusters, Gram


def hdbscan(gram: Gram, k: int | None = None, metric: ClusterMetric = "cosine", *, seed: int = 0,
            smallest: int = 3) -> Clusters:
    """Clusters of at least `smallest` of n ≥ 3 models; label −1 where a model belongs to none.

    InputError if k is given. There is nothing random in it: `seed` is accepted because every method takes one.
    """
    from sklearn.cluster import HDBSCAN

    check(gram, k, metric)
    if k is not None:
        raise InputError(f"hdbscan finds the number of clusters itself; leave k = {k} out, or use another method.")
    if isinstance(smallest, bool) or not 2 <= smallest <= len(gram.ids):
        raise InputError(f"smallest = {smallest!r}: a cluster has from 2 to {len(gram.ids)} models here.")
    order = id_order(gram)
    distance = distances(gram, metric)[np.ix_(order, order)]
    labels = HDBSCAN(min_cluster_size=smallest, metric="precomputed", copy=False).fit_predict(distance)
    return made(gram, labels, "hdbscan", metric)
