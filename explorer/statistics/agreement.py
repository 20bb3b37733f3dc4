"""How well clusters agree with groups: what was trained alike lies together, or it does not.

Clusters are labels (n,) with −1 for a model of no cluster; groups are names, one a model. Accuracy is the paper's:
clusters are mapped one-to-one to groups so that most models are right, and the rest is wrong. Where nothing is known
of a model's group it is to be left out before. How much of a figure is chance is for `nulls` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics._contingency import figures, matching


@dataclass(frozen=True, eq=False)
class Agreement:
    """Clusters against g groups of n models.

    confusion (g, c) counts models; its columns are `clusters`: those matched to the groups, in their order, then those
    that match none, then −1 (no cluster). `matched` is the cluster of each group, None where too few were found.
    """

    groups: tuple[str, ...]
    clusters: tuple[int, ...]
    confusion: np.ndarray
    matched: Mapping[str, int | None]
    accuracy: float
    f1: Mapping[str, float]
    ari: float
    nmi: float
    n: int

    def misplaced(self, labels: np.ndarray, groups: Sequence[str]) -> np.ndarray:
        """Whether each model lies in another cluster than its group's, bool (n,); mean = 1 − accuracy."""
        return np.array([label < 0 or self.matched[g] != label for label, g in zip(labels, groups, strict=True)])


@dataclass(frozen=True)
class Spread:
    """Mean distance of two different models of one group, and of two models of different groups."""

    within: float
    between: float


def ordered(groups: Sequence[str]) -> tuple[str, ...]:
    """The different groups: numbers by size, then words by letter."""
    return tuple(sorted(set(groups), key=lambda g: (0, float(g), g) if _is_number(g) else (1, 0.0, g)))


def table(labels: np.ndarray, groups: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...], np.ndarray]:
    """(g groups, c clusters, counts (g, c)), −1 last where there is any; InputError unless both are of the same n."""
    if len(labels) != len(groups) or not len(groups):
        raise InputError(f"{len(labels)} cluster labels but {len(groups)} groups: one of each is needed for every "
                         "model.")
    names = ordered(groups)
    clusters = tuple(sorted({int(v) for v in labels}, key=lambda v: (v < 0, v)))
    row, column = {g: i for i, g in enumerate(names)}, {c: i for i, c in enumerate(clusters)}
    counts = np.zeros((len(names), len(clusters)), dtype=np.int64)
    np.add.at(counts, ([row[g] for g in groups], [column[int(v)] for v in labels]), 1)
    return names, clusters, counts


def agreement(labels: np.ndarray, groups: Sequence[str]) -> Agreement:
    """Every figure of clusters against groups, n ≥ 1 models."""
    names, clusters, counts = table(labels, groups)
    noise = clusters[-1] < 0
    found = figures(counts[None], noise)
    matched = matching(counts[:, : len(clusters) - noise])
    first = [int(c) for c in matched if c >= 0]
    columns = first + [c for c in range(len(clusters)) if c not in first]
    return Agreement(names, tuple(clusters[c] for c in columns), counts[:, columns],
                     {g: clusters[c] if c >= 0 else None for g, c in zip(names, matched, strict=True)},
                     float(found.accuracy[0]), dict(zip(names, found.f1[0].tolist(), strict=True)),
                     float(found.ari[0]), float(found.nmi[0]), len(groups))


def silhouettes(distances: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Silhouette of each model (n,), from −1 to 1 (Rousseeuw 1987); None of fewer than two clusters.

    A model alone in its cluster has 0; models of no cluster (−1) have NaN and are no one's neighbours.
    """
    known = np.flatnonzero(np.asarray(labels) >= 0)
    numbers, codes = np.unique(np.asarray(labels)[known], return_inverse=True)
    if len(numbers) < 2:
        return None
    inside = distances if len(known) == len(distances) else distances[np.ix_(known, known)]
    found = np.full(len(distances), np.nan)
    found[known] = silhouettes_of(inside, codes[None])[0]
    return found


def silhouettes_of(distances: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Silhouettes (m, n) of m partitions at once, codes (m, n) from 0 to c − 1 of which each occurs in every one."""
    m, n = codes.shape
    members = (codes[:, :, None] == np.arange(codes.max() + 1)).astype(np.float64)
    sizes = members.sum(axis=1)
    sums = np.tensordot(distances, members, axes=(1, 1)).transpose(1, 0, 2)
    draw, row = np.arange(m)[:, None], np.arange(n)[None, :]
    own_size = sizes[draw, codes]
    own = sums[draw, row, codes] / np.maximum(own_size - 1, 1)
    others = sums / sizes[:, None, :]
    others[draw, row, codes] = np.inf
    nearest = others.min(axis=2)
    larger = np.maximum(own, nearest)
    return np.where((own_size > 1) & (larger > 0), (nearest - own) / np.where(larger > 0, larger, 1.0), 0.0)


def spread(distances: np.ndarray, groups: Sequence[str]) -> Spread:
    """Mean distances within and between groups; InputError unless there are pairs of both kinds."""
    codes = np.unique(list(groups), return_inverse=True)[1]
    members = np.eye(codes.max() + 1)[codes]
    sizes = members.sum(axis=0)
    pairs = float((sizes * (sizes - 1)).sum()), float(len(codes) ** 2 - (sizes**2).sum())
    if not all(pairs):
        raise InputError("spread within and between groups needs two groups, and two models in one of them.")
    within = float((members * (distances @ members)).sum())
    return Spread(within / pairs[0], (float(distances.sum()) - within) / pairs[1])


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text)).item()
    except ValueError:
        return False
