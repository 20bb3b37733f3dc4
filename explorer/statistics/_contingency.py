"""Figures of many contingency tables at once: counts (m, g, c) of models by group and by cluster, m tables together.

With `noise` the last column holds the models that belong to no cluster: it is matched to no group, so that they count
as wrong, and is one more cluster for the adjusted Rand index and the mutual information.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Figures:
    """Of m tables with g groups: accuracy, ari, nmi (m,); f1 (m, g), 0 for a group without a cluster."""

    accuracy: np.ndarray
    ari: np.ndarray
    nmi: np.ndarray
    f1: np.ndarray

    def by_name(self) -> dict[str, np.ndarray]:
        """The figures of a whole table, (m,) each; "f1" is the mean over the groups."""
        return {"accuracy": self.accuracy, "ari": self.ari, "nmi": self.nmi, "f1": self.f1.mean(axis=1)}


def matching(counts: np.ndarray) -> np.ndarray:
    """The cluster of each group (g,) by the one-to-one matching with most models in it (Kuhn 1955); −1: none."""
    from scipy.optimize import linear_sum_assignment

    found = np.full(counts.shape[0], -1)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    found[rows] = columns
    return found


def figures(counts: np.ndarray, noise: bool = False, match: np.ndarray | None = None) -> Figures:
    """Every figure of m tables of n ≥ 1 models, counts (m, g, c); `match` is a matching (g,) to keep for all."""
    clusters = counts.shape[2] - int(noise)
    sizes, taken = counts.sum(axis=2), counts.sum(axis=1)
    right, matched_size = np.zeros(sizes.shape), np.zeros(sizes.shape)
    for i, table in enumerate(counts):
        cluster = matching(table[:, :clusters]) if match is None else match
        has = cluster >= 0
        right[i, has] = table[has, cluster[has]]
        matched_size[i, has] = taken[i, cluster[has]]
    total = sizes.sum(axis=1)
    f1 = 2 * right / np.maximum(sizes + matched_size, 1)
    return Figures(right.sum(axis=1) / total, _ari(counts), _nmi(counts), f1)


def _ari(counts: np.ndarray) -> np.ndarray:
    """Adjusted Rand index (Hubert and Arabie 1985); 1 where groups and clusters are both trivial alike."""
    n = counts.sum(axis=(1, 2)).astype(np.float64)
    together = (counts.astype(np.float64) ** 2).sum(axis=(1, 2)) - n
    by_group = (counts.sum(axis=2).astype(np.float64) ** 2).sum(axis=1) - n
    by_cluster = (counts.sum(axis=1).astype(np.float64) ** 2).sum(axis=1) - n
    expected = by_group * by_cluster / np.maximum(n * (n - 1), 1)
    span = (by_group + by_cluster) / 2 - expected
    return np.where(span > 0, (together - expected) / np.where(span > 0, span, 1.0), 1.0)


def _nmi(counts: np.ndarray) -> np.ndarray:
    """Mutual information over the mean of the two entropies; 1 where both are trivial, 0 where one is."""
    n = counts.sum(axis=(1, 2))[:, None]
    groups, clusters = _entropy(counts.sum(axis=2) / n), _entropy(counts.sum(axis=1) / n)
    joint = _entropy(counts.reshape(len(counts), -1) / n)
    mean = (groups + clusters) / 2
    return np.where(mean > 0, np.maximum(groups + clusters - joint, 0.0) / np.where(mean > 0, mean, 1.0), 1.0)


def _entropy(shares: np.ndarray) -> np.ndarray:
    """Σ −p ln p of the rows of shares (m, c), in nats."""
    return -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1)
