"""Disentanglement at one place: what two task vectors do to each other's texts, with its error."""

from __future__ import annotations

import numpy as np
import pytest
from planted_scores import score

from explorer.statistics.disentanglement import disturbance, xi


def test_it_is_the_map_at_that_place():
    rng = np.random.default_rng(1)
    grids = [rng.normal(size=(2, 2, 50)).astype(np.float32) for _ in range(2)]
    found = disturbance([score(g[1, 1], task=str(k)) for k, g in enumerate(grids)],
                        [score(grids[0][0, 1], task="0"), score(grids[1][1, 0], task="1")])
    assert found.value == pytest.approx(xi((0.0, 1.0), (0.0, 1.0), (grids[0], grids[1]))[1, 1], abs=1e-6)


def test_its_interval_holds_the_truth():
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        moved = [rng.normal(0.3, 1.0, 100) for _ in range(2)]
        found = disturbance([score(m, task=str(k)) for k, m in enumerate(moved)],
                            [score(np.zeros(100), task=str(k)) for k in range(2)])
        truth = 2 * np.abs(np.random.default_rng(3).normal(0.3, 1.0, 200_000)).mean()
        low, high = found.interval
        hits += low <= truth <= high
    assert 0.9 <= hits / 200 <= 0.99


def test_without_single_texts_it_is_not_known():
    assert disturbance([score([1.0], keep=False)], [score([1.0], keep=False)]) is None
