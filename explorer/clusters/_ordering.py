"""The order of a heat map's rows and the dendrogram beside them."""

from __future__ import annotations

import numpy as np

from explorer.clusters._geometry import check, distances, id_order
from explorer.clusters.hierarchical import Linkage, merges
from explorer.types import ClusterMetric, Gram

OPTIMAL = 400
"""Up to this many models neighbours are brought as close as the tree allows (Bar-Joseph et al. 2001)."""


def ordering(gram: Gram, metric: ClusterMetric = "cosine", linkage: Linkage = "ward") -> tuple[np.ndarray, np.ndarray]:
    """(order, merges) of n ≥ 3 models: rows of the Gram from top to bottom (n,), and the tree (n − 1, 4) over them.

    Leaves of the tree are rows of the Gram, in scipy's form, so that it can be drawn as a dendrogram. Both depend on
    the ids and not on the order in which the Gram holds them.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    check(gram, None, metric)
    rows = id_order(gram)
    distance = distances(gram, metric)[np.ix_(rows, rows)]
    tree = merges(distance, linkage)
    if len(rows) <= OPTIMAL:
        tree = hierarchy.optimal_leaf_ordering(tree, squareform(distance, checks=False))
    order = rows[hierarchy.leaves_list(tree)]
    tree = tree.copy()
    leaves = tree[:, :2] < len(rows)
    tree[:, :2][leaves] = rows[tree[:, :2][leaves].astype(np.int64)]
    return order, tree
