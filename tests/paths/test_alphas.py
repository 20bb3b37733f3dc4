"""The α of a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.paths.alphas import RANGES, coarse_first, grid


@given(st.integers(1, 300))
def test_coarse_first_names_every_point_once(count):
    order = coarse_first(count)
    assert sorted(order) == list(range(count))
    assert order[:2] == ([0, count - 1] if count > 1 else [0])


@given(st.floats(-40, 0), st.floats(0.1, 40), st.integers(2, 50))
def test_a_grid_rises_from_end_to_end(low, high, points):
    alphas = grid(low, high, points)
    assert list(alphas) == sorted(set(alphas))
    assert alphas[0] == pytest.approx(low)
    assert alphas[-1] == pytest.approx(high)
    assert 0.0 in alphas


def test_named_ranges_hold_both_ends_and_far_is_the_papers():
    assert all({0.0, 1.0} <= set(alphas) for alphas in RANGES.values() if alphas)
    assert (min(RANGES["Far"]), max(RANGES["Far"])) == (-31.0, 32.0)
    assert len([a for a in RANGES["Far"] if a >= 1]) == len([a for a in RANGES["Far"] if a <= 0]) == 10


@pytest.mark.parametrize(("low", "high", "points"), [(1, 1, 5), (2, 1, 5), (0, float("inf"), 5), (0, 1, 1)])
def test_ranges_without_length_are_refused(low, high, points):
    with pytest.raises(InputError):
        grid(low, high, points)
