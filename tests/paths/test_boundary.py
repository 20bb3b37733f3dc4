"""The boundary along a line: planted crossings are found, whatever the loss does beyond them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.paths.boundary import Boundary, next_boundary_alpha, threshold

ENDS = {"one": 1.0, "zero": 0.0}


def search(loss, side, level, limit=None, tolerance=0.01, known=None):
    known = dict(known or {})
    for _ in range(80):
        step = next_boundary_alpha(known, side, level, limit, tolerance)
        if isinstance(step, Boundary):
            return step, known
        assert step not in known
        known[step] = loss(step)
    raise AssertionError("the search does not end")


@given(st.sampled_from(["one", "zero"]), st.floats(0.001, 30.9), st.sampled_from([0.001, 0.01, 0.1]),
       st.sampled_from(["line", "plateau", "nan", "inf", "step"]))
def test_a_planted_crossing_is_found_within_the_tolerance(side, distance, tolerance, shape):
    def loss(alpha):
        away = abs(alpha - ENDS[side])
        if shape == "line":
            return 0.5 + 0.1 * away / distance
        if shape == "plateau":
            return 0.5 + 0.1 * max(0.0, 1 + (away - distance))
        return 0.5 if away <= distance else {"nan": math.nan, "inf": math.inf, "step": 9.0}[shape]

    found, known = search(loss, side, 0.6, tolerance=tolerance)
    room = tolerance * max(1.0, distance)
    assert found.reached
    assert abs(abs(found.alpha - ENDS[side]) - distance) <= room * (1 + 1e-6)
    assert abs(found.outside - found.inside) <= room * (1 + 1e-6)
    assert known[found.inside] <= 0.6
    assert found.loss == known[found.inside]
    assert not known[found.outside] <= 0.6
    assert len(known) <= 8 + math.log2(2 / tolerance) + 2


@pytest.mark.parametrize(("side", "limit"), [("one", None), ("zero", None), ("one", 3.3), ("zero", -0.1)])
def test_a_loss_that_stays_low_reaches_the_limit(side, limit):
    found, known = search(lambda a: 0.4, side, 0.5, limit)
    assert not found.reached
    assert found.alpha == (limit or {"one": 32.0, "zero": -31.0}[side])
    assert found.outside is None
    assert len(known) <= 9


def test_an_end_above_the_threshold_has_no_boundary_and_says_why():
    found, known = search(lambda a: 0.7, "one", 0.6)
    assert found.alpha is None
    assert "above the threshold" in found.reason
    assert list(known) == [1.0]


def test_a_narrow_excursion_close_to_the_end_is_met():
    found, _ = search(lambda a: 9.0 if 1.2 < a < 1.3 else 0.5, "one", 0.6)
    assert found.alpha == pytest.approx(1.2, abs=0.01)


def test_what_was_measured_before_is_used():
    found, known = search(lambda a: a, "one", 1.5, known={0.0: 0.0, 1.0: 1.0, 1.499: 1.499, 1.501: 1.501})
    assert (found.inside, found.outside) == (1.499, 1.501)
    assert len(known) == 5  # and 1.25, the first step


@given(st.dictionaries(st.floats(-31, 32).map(lambda a: round(a, 2)), st.floats(0, 1), max_size=15))
def test_it_ends_whatever_was_measured_before(known):
    for side in ENDS:
        found, all_known = search(lambda a: 0.4, side, 0.5, known=known)
        assert found.alpha is None or all_known[found.alpha] <= 0.5


def test_useless_questions_are_refused():
    for excess in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError):
            threshold(0.5, excess)
    assert threshold(0.5, 0.1) == pytest.approx(0.6)
    for side, limit, tolerance in [("one", 0.5, 0.01), ("zero", 1.0, 0.01), ("one", 32, 0.0), ("one", math.inf, 0.01)]:
        with pytest.raises(InputError):
            next_boundary_alpha({}, side, 0.5, limit, tolerance)
    with pytest.raises(InputError):
        next_boundary_alpha({}, "left", 0.5)
