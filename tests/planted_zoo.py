"""A planted zoo for the tests of clusters: task directions, data set directions within them, noise; with its Gram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.types import Gram, Group

ATTENTION, NORM = Group("0", "attention"), Group("1", "norm")


@dataclass(frozen=True, eq=False)
class Zoo:
    """Task vectors (n, d) with their Gram, and the data set and the task of each."""

    vectors: np.ndarray
    gram: Gram
    datasets: tuple[str, ...]
    tasks: tuple[str, ...]


def gram_of(vectors: np.ndarray, ids: tuple[str, ...] | None = None) -> Gram:
    """Gram of explicit vectors (n, d) in two groups of half the values each."""
    half = vectors.shape[1] // 2
    ids = ids or tuple(f"{i:05d}" for i in range(len(vectors)))
    return Gram(ids, (ATTENTION, NORM), np.stack([p @ p.T for p in (vectors[:, :half], vectors[:, half:])]))


def zoo(tasks: int = 3, datasets: int = 4, each: int = 6, d: int = 400, task: float = 1.0, dataset: float = 1.0,
        noise: float = 1.0, seed: int = 0) -> Zoo:
    """`tasks` × `datasets` × `each` models in an order that says nothing; the three numbers are expected lengths."""
    rng = np.random.default_rng(seed)
    asked = np.repeat(np.arange(tasks), datasets * each)
    trained = np.repeat(np.arange(tasks * datasets), each)
    scale = 1 / np.sqrt(d)
    vectors = (task * rng.normal(size=(tasks, d))[asked] + dataset * rng.normal(size=(tasks * datasets, d))[trained]
               + noise * rng.normal(size=(len(asked), d))) * scale
    order = rng.permutation(len(asked))
    return Zoo(vectors[order], gram_of(vectors[order]), tuple(f"d{i}" for i in trained[order]),
               tuple(f"t{i}" for i in asked[order]))
