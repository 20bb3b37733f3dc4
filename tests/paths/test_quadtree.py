"""Adaptive surfaces: their order, their end, the error they reach and the error they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_surfaces import SMOOTH, SURFACES, compared, measured

from explorer.errors import InputError
from explorer.paths.quadtree import next_cells, surface


def bowl(row, column):
    return 1 + (row - 3) ** 2 / 50 + (column - 5) ** 2 / 90


@pytest.mark.parametrize("name", SURFACES)
def test_it_reaches_the_error_of_a_full_grid_with_two_fifths_of_its_evaluations(name):
    found = compared(SURFACES[name])
    assert found["evaluations"] <= 0.4
    assert found["error over the full grid's"] <= (0.7 if name in SMOOTH else 1.05)
    assert found["largest error over the full grid's"] <= (1.1 if name in SMOOTH else 1.05)


@pytest.mark.parametrize("name", SMOOTH)
def test_its_estimated_error_holds(name):
    assert compared(SURFACES[name])["share of places within the estimated error"] >= 0.85


def test_a_surface_that_bends_less_costs_less():
    costs = {name: len(measured(SURFACES[name])) for name in ("plane", "bowl", "cliff")}
    assert costs["plane"] == 81
    assert costs["plane"] < costs["bowl"] < costs["cliff"] <= 0.4 * 33 * 33


def test_coarse_first_then_where_it_bends():
    known = {}
    order = []
    while asked := next_cells(known, 4, most=10):
        assert len(asked) <= 10
        assert not known.keys() & set(asked)
        order += asked
        known.update({(i, j): float(j > 9) + 0.01 * bowl(i, j) for i, j in asked})
    assert set(order[:9]) == {(i, j) for i in (0, 8, 16) for j in (0, 8, 16)}
    assert set(order[:81]) == {(i, j) for i in range(0, 17, 2) for j in range(0, 17, 2)}
    further = order[81:]
    assert np.mean([7 <= j <= 12 for _, j in further]) > 0.7  # columns, not rows, hold the step
    assert next_cells(known, 4) == []


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(deadline=None, max_examples=25)
def test_measured_nodes_keep_their_losses(seed, depth):
    rng = np.random.default_rng(seed)
    side = 2**depth
    nodes = {(int(i), int(j)): float(rng.normal()) for i, j in rng.integers(0, side + 1, (20, 2))}
    drawn = surface(nodes, side + 1, depth)
    for (i, j), loss in nodes.items():
        assert drawn.values[i, j] == pytest.approx(loss, abs=1e-7)


def test_what_is_on_its_way_is_not_asked_for_again():
    first = next_cells({}, 5)
    assert len(first) == 9
    second = next_cells({}, 5, pending=first)
    assert second
    assert not set(first) & set(second)
    everything = {(i, j) for i in range(0, 33, 4) for j in range(0, 33, 4)}
    assert next_cells({}, 5, pending=everything) == []
    known = {n: bowl(*n) for n in everything}
    asked = next_cells(known, 5, tolerance=0)
    again = next_cells(known, 5, tolerance=0, pending=asked)
    assert not set(asked) & set(again)


def test_it_goes_on_from_any_state():
    known = {n: loss for k, (n, loss) in enumerate(measured(SURFACES["cliff"]).items()) if k % 3}
    asked = next_cells(known, 5)
    assert asked
    assert not known.keys() & set(asked)


def test_losses_that_are_not_finite_and_ceilings():
    known = {(i, j): math.inf if j > 24 else (math.nan if i > 30 else 1.0 + i / 32) for i in range(0, 33, 4)
             for j in range(0, 33, 4)}
    drawn = surface(known, 33)
    assert np.isfinite(drawn.values).all()
    assert drawn.values[16, 32] > 2
    assert next_cells(known)
    # above the ceiling all is level: nothing there is worth measuring
    steep = {(i, j): 1.0 if j <= 8 else 10.0 + j**2 for i in range(0, 33, 4) for j in range(0, 33, 4)}
    assert max(j for _, j in next_cells(steep, ceiling=2.0, most=20)) < 20
    assert surface(steep, 9, ceiling=2.0).values[0, -1] == pytest.approx(2)


def test_few_nodes():
    assert surface({(0, 0): 1.0, (0, 32): 3.0}, 3).values == pytest.approx(2)
    assert np.isinf(surface({(0, 0): 1.0, (0, 32): 3.0}, 3).errors).all()
    plane = surface({(0, 0): 1.0, (0, 32): 3.0, (32, 0): 2.0}, 3)
    assert plane.values == pytest.approx(np.array([[1, 2, 3], [1.5, 2.5, 3.5], [2, 3, 4]]))


@pytest.mark.parametrize(("options", "says"), [
    ({"depth": 1}, "depth"), ({"depth": 7}, "depth"), ({"tolerance": -1.0}, "tolerance"), ({"budget": 0.0}, "budget"),
    ({"tolerance": math.nan}, "tolerance"), ({"most": 4}, "at least 5")])
def test_limits_without_sense_are_refused(options, says):
    with pytest.raises(InputError, match=says):
        next_cells({}, **options)
    with pytest.raises(InputError, match="one loss"):
        surface({}, 5)
