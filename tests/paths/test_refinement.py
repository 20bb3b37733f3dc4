"""Where a curve is measured next: against planted curves, and against an even grid of as many points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.paths.alphas import is_far, position
from explorer.paths.refinement import FACTOR, next_alpha, order

CURVES = {
    "narrow bump": lambda a: 0.5 + 2 * np.exp(-(((a - 0.37) / 0.03) ** 2)),
    "bowl": lambda a: np.cosh(6 * (a - 0.4)),
    "step": lambda a: 0.5 + 1 / (1 + np.exp(-(a - 0.613) / 0.01)),
}


def refined(curve, points, low=0.0, high=1.0, stderr=0.0):
    alphas: list[float] = []
    while len(alphas) < points:
        following = next_alpha(alphas, [float(curve(a)) for a in alphas], [stderr] * len(alphas), low, high)
        if following is None:
            break
        assert low <= following <= high
        assert following not in alphas
        alphas.append(following)
    return np.sort(alphas)


def largest_error(curve, alphas, low, high):
    fine = np.linspace(low, high, 20_001)
    return np.abs(np.interp(fine, alphas, curve(alphas)) - curve(fine)).max()


@pytest.mark.parametrize(("name", "points", "ratio"), [
    ("narrow bump", 15, 0.6), ("narrow bump", 21, 0.2), ("narrow bump", 41, 0.2), ("bowl", 15, 0.8), ("bowl", 21, 0.9),
    ("bowl", 41, 0.9), ("step", 15, 0.6), ("step", 21, 0.3), ("step", 41, 0.1)])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.5, 1.5)])
def test_it_beats_an_even_grid_of_as_many_points(name, points, ratio, low, high):
    curve = CURVES[name]
    ours = largest_error(curve, refined(curve, points, low, high), low, high)
    assert ours <= ratio * largest_error(curve, np.linspace(low, high, points), low, high)


def test_where_it_bends_alike_everywhere_the_grid_is_even():
    alphas = refined(lambda a: (a - 0.4) ** 2, 17)
    assert np.allclose(alphas, np.linspace(0, 1, 17))


def test_it_stops_when_the_texts_are_the_larger_error():
    curve, stderr = CURVES["bowl"], 0.05
    alphas = refined(curve, 500, stderr=stderr)
    assert len(alphas) < 60
    assert largest_error(curve, alphas, 0, 1) <= 2 * FACTOR * stderr
    assert len(refined(curve, 500, stderr=1e9)) == 9


def test_a_true_step_does_not_draw_points_for_ever():
    assert len(refined(lambda a: np.where(a < 0.3137, 0.0, 1.0), 500)) < 150


def test_ends_come_first_and_points_on_their_way_are_not_asked_for_again():
    assert next_alpha([], [], [], -1, 2) == 0.0
    assert next_alpha([], [], [], -1, 2, taken=[0.0]) == 1.0
    assert next_alpha([], [], [], -1, 2, taken=[0.0, 1.0]) == -1
    assert next_alpha([], [], [], -1, 2, taken=[0.0, 1.0, -1, 2]) is None
    asked: list[float] = []
    for _ in range(7):
        asked.append(next_alpha([0.0, 1.0], [1.0, 1.0], [0.0, 0.0], 0, 1, taken=asked))
    assert sorted(asked) == pytest.approx([i / 8 for i in range(1, 8)])


def test_a_far_range_is_refined_where_it_is_drawn():
    assert is_far((0.0, 31.0))
    alphas = [0.0, 31.0, 1.0]
    following = next_alpha(alphas, [1.0, 9.0, 1.0], [0.0] * 3, 0, 31, far=True)
    assert position(following, True) == pytest.approx(3.0)


@pytest.mark.parametrize("overflow", [float("nan"), float("inf")])
def test_an_overflow_is_a_cliff(overflow):
    alphas = [i / 8 for i in range(9)]
    losses = [1.0] * 8 + [overflow]
    assert 0.75 < next_alpha(alphas, losses, [0.01] * 8 + [float("nan")], 0, 1) < 1


@given(st.lists(st.floats(-31, 32).map(lambda a: round(a, 3)), unique=True, max_size=40), st.data())
def test_the_second_pass_names_every_point_once_and_the_ends_first(alphas, data):
    stderrs = data.draw(st.lists(st.floats(0, 1), min_size=len(alphas), max_size=len(alphas)))
    done = data.draw(st.sets(st.sampled_from(range(len(alphas))))) if alphas else set()
    found = order(alphas, stderrs, done=done, far=True)
    assert sorted([*found, *done]) == list(range(len(alphas)))
    if {0.0, 1.0} <= set(alphas) and not done:
        assert {alphas[i] for i in found[:2]} == {0.0, 1.0}


def test_the_second_pass_spreads_and_prefers_large_errors():
    alphas = [0, 0.25, 0.5, 0.75, 1]
    assert order(alphas, [0.1] * 5)[:3] == [0, 4, 2]
    assert order(alphas, [0.1, 0.1, 0.1, 0.9, 0.1])[2] == 3
