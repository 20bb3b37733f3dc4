"""The α of a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.paths.alphas import RANGES, alpha_at, coarse_first, far, free, grid, interpolation, parse, position


@given(st.integers(1, 300))
def test_coarse_first_names_every_point_once(count):
    order = coarse_first(count)
    assert sorted(order) == list(range(count))
    assert order[:2] == ([0, count - 1] if count > 1 else [0])


@given(st.floats(-40, 0), st.floats(0.1, 40), st.integers(2, 50))
def test_a_grid_rises_from_end_to_end(low, high, points):
    for alphas in (grid(low, high, points), free(low, high, points)):
        assert list(alphas) == sorted(set(alphas))
        assert alphas[0] == pytest.approx(low)
        assert alphas[-1] == pytest.approx(high)
        assert 0.0 in alphas


def test_named_ranges_hold_both_ends_and_far_is_the_papers():
    assert all({0.0, 1.0} <= set(alphas) for alphas in RANGES.values() if alphas)
    assert (min(far()), max(far())) == (-31.0, 32.0)
    assert len([a for a in far() if a >= 1]) == len([a for a in far() if a <= 0]) == 10


def test_interpolation_is_even():
    assert interpolation(5) == (0.0, 0.25, 0.5, 0.75, 1.0)


@given(st.floats(-64, 64), st.booleans())
def test_an_alpha_is_drawn_where_it_can_be_read_off(alpha, far):
    assert alpha_at(position(alpha, far), far) == pytest.approx(alpha, abs=1e-12)
    assert position(-alpha, far) == -position(alpha, far)


def test_a_far_range_is_even_where_it_is_drawn():
    places = [position(a, True) for a in free(0, 31, 6)]
    assert places == pytest.approx([0, 1, 2, 3, 4, 5])
    assert free(-1, 2, 4) == grid(-1, 2, 4)


@pytest.mark.parametrize(("low", "high", "points"), [(1, 1, 5), (2, 1, 5), (0, float("inf"), 5), (0, 1, 1)])
def test_ranges_without_length_are_refused(low, high, points):
    for made in (grid, free):
        with pytest.raises(InputError):
            made(low, high, points)


def test_a_range_is_read_from_text():
    assert parse("-1:2:31") == grid(-1, 2, 31)


@pytest.mark.parametrize("text", ["", "1", "0:1", "0:1:x", "0:1:1", "1:0:5", "0:nan:5", "0:1:5:6", "0:1:999999"])
def test_text_that_is_no_range_is_refused(text):
    with pytest.raises(InputError):
        parse(text)
