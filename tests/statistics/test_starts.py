"""Paired differences, tallies by target, and how predicted rankings agree with trained ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from explorer.errors import InputError
from explorer.statistics.starts import TIE, Outcome, agreement, cells, rank_correlation, tallies


def outcomes(values: dict[tuple[str, str], list[float]], size: int | None = None) -> list[Outcome]:
    return [Outcome(target, size, start, seed, v) for (target, start), row in values.items()
            for seed, v in enumerate(row)]


def test_differences_are_taken_seed_by_seed():
    found = {(c.target, c.start): c for c in cells(outcomes({("a", "base"): [0.1, 0.5, 0.9],
                                                             ("a", "centroid"): [0.2, 0.6, 1.0]}))}
    assert found["a", "base"].difference is None
    difference = found["a", "centroid"].difference
    assert difference is not None
    assert (difference.value, difference.n) == (pytest.approx(0.1), 3)
    assert difference.high - difference.low < 1e-9 < found["a", "centroid"].accuracy.high
    one = cells([Outcome("a", None, "base", 0, 0.5), Outcome("a", None, "centroid", 1, 0.6)])
    assert one[1].difference is None  # no seed has both
    assert math.isinf(one[1].accuracy.low)


def test_targets_are_won_by_the_mean_over_seeds():
    found = tallies(cells(outcomes({
        ("a", "base"): [0.5, 0.5], ("a", "centroid"): [0.4, 0.8],            # + 0.1
        ("b", "base"): [0.5, 0.5], ("b", "centroid"): [0.5, 0.5 + TIE],      # a tie
        ("c", "base"): [0.5, 0.5], ("c", "centroid"): [0.5, 0.4],            # − 0.05
        ("d", "base"): [0.5, 0.5]})))
    assert len(found) == 1
    assert (found[0].wins, found[0].ties, found[0].losses, found[0].difference.n) == (1, 1, 1, 3)
    assert found[0].difference.value == pytest.approx((0.1 + TIE / 2 - 0.05) / 3)
    assert found[0].difference.low < 0 < found[0].difference.high


def test_sizes_are_told_apart():
    both = [*outcomes({("a", "base"): [0.5], ("a", "x"): [0.6]}, 100), *outcomes({("a", "base"): [0.7], ("a", "x"):
                                                                                   [0.6]})]
    assert {t.size: (t.wins, t.losses) for t in tallies(cells(both))} == {100: (1, 0), None: (0, 1)}


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-3, 3, width=16)), min_size=3, max_size=20))
def test_rank_correlation_is_scipy_s(pairs: list[tuple[int, float]]):
    a, b = ([p[i] for p in pairs] for i in (0, 1))
    found = rank_correlation(a, b)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(float(spearmanr(a, b).statistic), abs=1e-9)


def test_rank_correlation_refuses_and_is_silent():
    assert rank_correlation([1, 2], [1, 2]) is None
    with pytest.raises(InputError):
        rank_correlation([1, 2, 3], [1, 2])


def test_agreement_within_targets_and_across_them():
    starts = ("base", "x", "y", "z")
    predicted = {(t, s): float(i) for t in "ab" for i, s in enumerate(starts)}
    gained = {("a", s): i / 10 for i, s in enumerate(starts)} | {("b", s): -i / 10 for i, s in enumerate(starts)}
    found = agreement(predicted, gained)
    assert found.single == {"a": pytest.approx(1), "b": pytest.approx(-1)}
    assert found.mean is not None
    assert found.mean.value == pytest.approx(0)
    assert found.pairs == 6
    assert found.across == pytest.approx(0, abs=0.1)
    shifted = {k: v + (100 if k[0] == "a" else 0) for k, v in predicted.items()}
    assert agreement(shifted, gained).across == pytest.approx(found.across)  # gains over the reference, not levels
    two = agreement({k: v for k, v in predicted.items() if k[1] in ("base", "x")}, gained)
    assert (two.mean, two.across, two.pairs) == (None, None, 2)
    assert agreement({("a", "base"): math.inf, ("a", "x"): 1.0}, gained).pairs == 0
    assert np.isfinite(found.mean.value)
