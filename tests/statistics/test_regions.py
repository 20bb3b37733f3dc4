"""P_B against all pairs counted by hand, its intervals' coverage, and regions of planted scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_scores import score

from explorer.errors import InputError
from explorer.statistics.regions import Share, mean_share, probability, region, share

losses = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5, 2.0, math.inf, math.nan]), min_size=1, max_size=8)


@given(losses, losses)
def test_it_is_the_share_of_all_pairs_with_ties_in_full(a, b):
    def level(x):
        return x if math.isfinite(x) else math.inf

    counted = [level(x) <= level(y) for x in a for y in b]
    assert probability(a, b) == pytest.approx(np.mean(counted))


@given(losses, losses, st.integers(0, 100))
@settings(deadline=None, max_examples=40)
def test_the_interval_holds_the_value_and_order_does_not_matter(a, b, seed):
    found = share(a, b, draws=200, seed=seed)
    assert 0 <= found.low <= found.value <= found.high <= 1
    if found.method == "exact":
        assert share(a[::-1], b[::-1]).interval == pytest.approx(found.interval)


@pytest.mark.parametrize(("first", "second", "shift"), [(5, 5, 0.0), (10, 30, 0.0), (5, 5, 1.0), (8, 40, 2.0)])
def test_the_interval_holds_the_truth(first, second, shift):
    rng = np.random.default_rng(first + second)
    truth = 0.5 * (1 + math.erf(shift / 2))  # of two normal groups of variance 1
    held = [low - 1e-9 <= truth <= high + 1e-9 for low, high in
            (share(rng.normal(size=first) - shift, rng.normal(size=second), draws=200).interval for _ in range(200))]
    assert np.mean(held) >= 0.91


@given(st.integers(2, 40), st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_a_group_and_itself_are_even(n, seed):
    group = np.random.default_rng(seed).normal(size=n)
    found = share(group, group, draws=300)
    assert found.value == pytest.approx(0.5 + 0.5 / n)  # each model ties with itself
    assert found.low <= 0.5 <= found.high


def test_small_groups_are_counted_exactly():
    a, b = [1.0, 3.0], [2.0, 4.0]
    found = share(a, b, seed=1)
    assert found.method == "exact"
    assert found == share(a, b, seed=2)
    assert share(np.arange(12.0), np.arange(12.0)).method == "bootstrap"
    # where all pairs agree there is doubt still, and less of it with more models
    widths = [share([0.1] * n, [0.2] * n).low for n in (2, 5, 20, 80)]
    assert widths == sorted(widths)
    assert widths[1] == pytest.approx(0.643, abs=1e-3)
    assert widths[3] > 0.97


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(0)
    labels = [f"d{i // 6}" for i in range(24)]
    a = np.repeat(rng.normal(size=4), 6) + 0.05 * rng.normal(size=24)
    b = np.repeat(rng.normal(size=4), 6) + 0.05 * rng.normal(size=24)
    alone, together = share(a, b), share(a, b, clusters=(labels, labels))
    assert together.method == "exact"
    assert together.value == alone.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    with pytest.raises(InputError, match="labels"):
        share(a, b, clusters=(labels[:3], None))


def test_texts_are_drawn_anew_for_both_groups_alike():
    rng = np.random.default_rng(1)
    texts = rng.exponential(size=300)  # what all models share says nothing of their order
    a = texts + 0.3 + 0.01 * rng.normal(size=(12, 300))
    b = texts + 0.5 + 0.01 * rng.normal(size=(14, 300))
    found = share(a.mean(axis=1), b.mean(axis=1), examples=(a, b), draws=300)
    assert found.method == "texts"
    assert found.value == 1
    noisy = rng.exponential(size=(12, 300)), rng.exponential(size=(14, 300))
    means = [x.mean(axis=1) for x in noisy]
    wider, fixed = share(*means, examples=noisy, draws=400), share(*means, draws=400)
    assert wider.high - wider.low >= 0.95 * (fixed.high - fixed.low)
    with pytest.raises(InputError, match="single losses"):
        share(means[0], means[1], examples=(noisy[0][:2], noisy[1]))


def test_a_region_of_planted_scores():
    rng = np.random.default_rng(2)

    def group(level, n, **options):
        return [score(level + 0.05 * k / n + 0.3 * rng.random(50), **options) for k in range(n)]

    found = region(group(0.5, 6), group(0.3, 20), group(0.9, 15), draws=200)
    assert found.in_ex.value == found.in_prime_ex.value == found.in_prime_in.value == 1
    assert found.in_ex.n == (6, 15)
    assert found.in_prime_in.n == (20, 6)
    assert found.in_ex.method == "texts"
    plain = region(group(0.5, 6), group(0.3, 20), group(0.9, 15, keep=False), draws=200)
    assert plain.in_ex.method == "bootstrap"
    with pytest.raises(InputError, match="several tasks"):
        region(group(0.5, 6), group(0.3, 5), group(0.9, 3, task="other"))
    with pytest.raises(InputError, match="at least one"):
        region(group(0.5, 6), [], group(0.9, 3))


def test_a_model_without_a_loss_keeps_the_texts_of_the_others():
    rng = np.random.default_rng(0)
    inside = [score(x) for x in rng.normal(0.4, 0.1, (3, 40))]
    outside = [score(x) for x in rng.normal(0.6, 0.1, (3, 40))]
    lost = score([math.inf], keep=False)
    found = region(inside, inside, [*outside, lost])
    assert found.in_ex.method == "texts"
    assert found.in_ex.value == 1.0
    assert region([*inside, lost], inside, outside).in_ex.value == pytest.approx(9 / 12)


@pytest.mark.parametrize("together", [False, True])
def test_the_mean_of_shares_holds_the_truth(together):
    rng = np.random.default_rng(5)
    held = []
    for seed in range(60):
        losses = rng.normal(size=(6, 20)) if not together else np.tile(rng.normal(size=20), (6, 1))
        found = mean_share([share(x[:5], x[5:], draws=200, seed=seed) for x in losses], together=together)
        assert found.low <= found.value <= found.high
        assert found.n == (30, 90)
        held.append(found.low <= 0.5 <= found.high)
    assert np.mean(held) >= 0.93


def test_a_mean_of_certain_shares_is_not_certain():
    one = Share(1.0, 0.8, 1.0, (4, 76), "exact")
    apart, together = mean_share([one] * 16), mean_share([one] * 16, together=True)
    assert apart.interval == pytest.approx((0.95, 1.0))  # 0.2 / √16 below
    assert together.interval == pytest.approx((0.8, 1.0))
    assert mean_share([one]) is one
    with pytest.raises(InputError):
        mean_share([])
