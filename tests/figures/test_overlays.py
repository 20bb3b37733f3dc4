"""Lines of training runs and kept Points on a map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.figures.maps import Overlay, scatter
from explorer.figures.overlays import KEPT, RUNS, trajectories
from explorer.types import Checkpoint, Projection


def checkpoint(i, **columns):
    return Checkpoint(id=f"c{i}", name=f"model {i}", base="b", path="p", format="weights", columns=columns)


@given(st.permutations(list(range(6))), st.integers(1, 5))
def test_a_line_joins_a_run_in_the_order_of_its_steps(order, runs):
    models = [checkpoint(i, run=f"r{i % runs}", step=i) for i in order]
    found = trajectories(models)
    joined = [[models[row].columns["step"] for row in rows] for rows in found]
    assert all(steps == sorted(steps) for steps in joined)
    assert sorted(map(tuple, joined)) == sorted(tuple(range(r, 6, runs)) for r in range(runs) if r + runs < 6)


@pytest.mark.parametrize("columns", [{}, {"run": "a"}, {"run": "a", "step": "ten"}, {"run": 3, "step": 1},
                                     {"run": "a", "step": True}])
def test_models_without_run_and_step_are_joined_by_nothing(columns):
    assert trajectories([checkpoint(i, **columns) for i in range(3)]) == []


@pytest.mark.parametrize("k", [2, 3])
def test_runs_begin_at_the_base_and_lie_under_the_dots_and_kept_points_above(k):
    models = [checkpoint(0, run="a", step=10), checkpoint(1, run="a", step=20), checkpoint(2, run="b", step=5)]
    coords = np.arange(3 * k, dtype=float).reshape(3, k)
    projection = Projection(tuple(c.id for c in models), coords, "pca", "cosine")
    drawn = scatter(projection, models, overlay=Overlay(base=np.full(k, -1.0), kept={"<b>mine</b>": np.full(k, 9.0)}))
    names = [t.name for t in drawn.data]
    line, kept = drawn.data[names.index(RUNS)], drawn.data[names.index(KEPT)]
    assert names.index(RUNS) == 0
    assert list(line.x) == [-1.0, coords[0, 0], coords[1, 0]]
    assert list(kept.x) == [9.0]
    assert "<b>mine" not in kept.hovertext[0]
    assert kept.customdata is None  # no model: it can't be picked
    assert RUNS not in [t.name for t in scatter(projection, models[2:], overlay=Overlay()).data]
