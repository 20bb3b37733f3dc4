"""Barrier matrices, their correlation with cosines, order and basins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_scores import score
from scipy.stats import spearmanr

from explorer.errors import InputError
from explorer.statistics.barriers import basins, correlation, matrix, order
from explorer.statistics.disentanglement import xi
from explorer.statistics.readings import barrier

ALPHAS = (0.0, 0.5, 1.0)


def line(top, seed=0):
    rng = np.random.default_rng(seed)
    return ALPHAS, [score(level + 0.01 * rng.random(30)) for level in (0.5, top, 0.7)]


def symmetric(n, seed):
    values = np.random.default_rng(seed).random((n, n))
    values = values + values.T
    np.fill_diagonal(values, 0)
    return values


def test_the_matrix_holds_the_readings():
    lines = {("a", "b"): line(1.0), ("c", "a"): line(0.6, 1), ("b", "c"): (ALPHAS, [None, score([1.0, 2.0]), None])}
    found = matrix(["a", "b", "c"], lines)
    truth = barrier(*lines["a", "b"])
    assert found.values[0, 1] == found.values[1, 0] == truth.value
    assert found.stderrs[1, 0] == truth.stderr
    assert found.values[0, 2] >= 0
    assert np.isnan(found.values[1, 2])
    assert not np.diag(found.values).any()
    assert found.pairs.tolist() == [[0, 1], [0, 2]]
    end, middle = score([0.5, 0.6]), score([math.nan, 1.0])
    overflow = matrix(["a", "b"], {("a", "b"): (ALPHAS, [end, middle, end])})
    assert overflow.values[0, 1] == math.inf
    for bad in ({("a", "x"): line(1.0)}, {("a", "a"): line(1.0)}, {("a", "b"): line(1.0), ("b", "a"): line(1.0)}):
        with pytest.raises(InputError, match="one of a pair"):
            matrix(["a", "b"], bad)


@given(st.integers(4, 12), st.integers(0, 1000), st.booleans())
@settings(deadline=None, max_examples=30)
def test_the_rank_is_spearmans(n, seed, gaps):
    a, b = symmetric(n, seed), symmetric(n, seed + 1)
    if gaps:
        a[0, 1] = a[1, 0] = np.nan
    i, j = np.triu_indices(n, 1)
    known = ~np.isnan(a[i, j])
    found = correlation(a, b, permuted=99)
    assert found.rank == pytest.approx(spearmanr(a[i, j][known], b[i, j][known]).statistic)
    assert found.pairs == known.sum()
    assert 0 < found.p <= 1
    assert found.exact == (n <= 7)


def test_permuting_models_tells_a_relation_from_chance():
    rng = np.random.default_rng(0)
    truth = symmetric(12, 1)
    noise = symmetric(12, 2) * 0.1
    found = correlation(-truth + noise, truth, permuted=999)
    assert found.rank < -0.9
    assert found.p == pytest.approx(0.001)
    assert 0 < found.stderr < 0.1
    exact = correlation(-truth[:6, :6], truth[:6, :6])
    assert exact.exact
    assert exact.rank == pytest.approx(-1)
    assert exact.p <= 10 / 720
    # under the null p is even, though pairs share models: two matrices of points on a line are independent here
    ps = []
    for _ in range(60):
        x, y = rng.normal(size=(2, 9))
        ps.append(correlation(np.abs(x[:, None] - x), np.abs(y[:, None] - y), permuted=99).p)
    assert np.mean(np.array(ps) <= 0.1) <= 0.25
    assert 0.3 < np.mean(ps) < 0.7


def test_matrices_that_can_not_be_compared():
    values = symmetric(5, 0)
    for a, b in [(values[:3, :3], values[:3, :3]), (values, values[:4, :4]), (np.full((5, 5), np.nan), values),
                 (values, np.full((5, 5), np.nan))]:
        with pytest.raises(InputError, match="need"):
            correlation(a, b)


def test_order_and_basins_find_planted_basins():
    rng = np.random.default_rng(0)
    basin = rng.permutation(np.repeat([0, 1, 2], 5))
    values = np.where(basin[:, None] == basin, 0.01, 1.0) + 0.005 * symmetric(15, 3)
    np.fill_diagonal(values, 0)
    ordered = basin[order(values)]
    assert (np.diff(ordered) != 0).sum() == 2
    found = basins(values, 0.1)
    assert found[0] == 0
    assert len(set(zip(found, basin, strict=True))) == 3
    values[0, 1] = values[1, 0] = np.nan
    values[0, 2] = values[2, 0] = np.inf
    assert sorted(order(values)) == list(range(15))
    assert basins(values, 5.0)[:3] == [0, 0, 0]
    assert order(values[:2, :2]) == [0, 1]
    with pytest.raises(InputError, match="limit"):
        basins(values, -1.0)


def test_disentanglement_is_zero_where_tasks_do_not_meet():
    first, second = (-1.0, 0.0, 1.0), (0.0, 0.5)
    x, y = np.meshgrid(first, second)
    apart = xi(first, second, (x**2, 3 * y))
    assert apart.shape == (2, 3)
    assert not apart.any()
    # each task is disturbed by the other's vector: by |y| on the first, by 2|x| on the second
    mixed = xi(first, second, (x + y, y - 2 * x))
    assert mixed == pytest.approx(np.abs(y) + 2 * np.abs(x))
    # single examples whose changes cancel in the mean
    single = np.stack([x + y, x - y], axis=2)
    assert xi(first, second, (single, np.zeros((2, 3, 2)))) == pytest.approx(np.abs(y))
    with pytest.raises(InputError, match="value 0"):
        xi((1.0, 2.0, 3.0), second, (x, y))
    with pytest.raises(InputError, match="2 rows"):
        xi(first, second, (x.T, y))
