"""What is read off losses, with intervals that hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_scores import score

from explorer.statistics.readings import barrier, ends, gain, mean_over_tasks, minimum, normalised, paired

RNG = np.random.default_rng(0)
TEXTS = RNG.exponential(size=400)


def at(level, noise=0.01, **options):
    return score(TEXTS + level + RNG.normal(size=400) * noise, **options)


def test_a_difference_over_the_same_texts_is_far_surer_than_its_parts():
    a, b = at(0.2), at(0.0)
    found = paired(a, b)
    assert found.paired
    assert found.value == pytest.approx(a.loss - b.loss)
    assert found.stderr == pytest.approx((a.losses.astype(float) - b.losses).std(ddof=1) / 20)
    assert found.stderr < 0.1 * a.stderr
    assert found.interval == pytest.approx((found.value - 1.96 * found.stderr, found.value + 1.96 * found.stderr))
    assert found.value == pytest.approx(0.2, abs=5 * found.stderr)


@pytest.mark.parametrize("other", [at(0.0, keep=False), score(TEXTS[:100]), at(0.0, probe="another")])
def test_without_the_same_texts_it_is_unpaired_and_says_so(other):
    one = at(0.2)
    found = paired(one, other)
    assert not found.paired
    assert found.stderr == pytest.approx(math.hypot(one.stderr, other.stderr))


def test_the_interval_of_a_difference_holds_the_truth_nineteen_times_in_twenty():
    inside = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        texts = rng.exponential(size=100)
        low, high = paired(score(texts + 0.1 + rng.normal(size=100) * 0.2), score(texts)).interval
        inside += low <= 0.1 <= high
    assert 0.91 <= inside / 400 <= 0.98


def test_tasks_are_not_mixed_up():
    with pytest.raises(ValueError, match="different tasks"):
        paired(at(0.0, task="a"), at(0.0, task="b"))


def test_a_curve_is_read():
    alphas, scores = [0.0, 0.5, 0.75, 1.0], [at(0.0), at(1.0), None, at(0.2)]
    over = barrier(alphas, scores)
    assert over.value == pytest.approx(0.9, abs=0.01)
    assert (over.alpha, over.paired) == (0.5, True)
    assert minimum(alphas, scores).alpha == 0.0
    assert ends(alphas, scores) == (scores[0], scores[3])
    assert gain(alphas, scores).value == 0
    inner = gain(alphas, [at(0.5), at(0.1), None, at(0.3)])
    assert inner.value == pytest.approx(-0.2, abs=0.01)
    assert inner.interval[1] < 0
    assert barrier(alphas, [None, *scores[1:]]) is ends(alphas, [None, *scores[1:]]) is None
    assert minimum([], []) is None


def test_a_barrier_is_never_negative_and_an_overflow_is_no_minimum():
    assert barrier([0, 0.5, 1], [at(1.0), at(0.0), at(1.0)]).value >= 0
    broken = score([math.nan, math.nan])
    assert minimum([0, 1], [broken, at(0.3)]).alpha == 1
    assert minimum([0], [broken]) is None
    cliff = barrier([0, 0.5, 1], [at(0.1), score([math.inf] * 400), at(0.1)])
    assert (cliff.value, cliff.alpha) == (math.inf, 0.5)


def test_a_mean_over_tasks_takes_the_texts_as_independent():
    scores = {t: at(level, task=t) for t, level in (("a", 0.1), ("b", 0.3))}
    bases = {t: at(0.5, task=t) for t in scores}
    plain, relative = mean_over_tasks(scores), mean_over_tasks(scores, bases)
    assert plain.value == pytest.approx(np.mean([s.loss for s in scores.values()]))
    assert plain.stderr == pytest.approx(math.hypot(*(s.stderr for s in scores.values())) / 2)
    assert relative.value == pytest.approx(-0.3, abs=0.01)
    assert relative.stderr < 0.1 * plain.stderr
    assert relative.paired
    assert normalised(scores["a"], bases["a"]).value == pytest.approx(-0.4, abs=0.01)
    assert mean_over_tasks({"a": scores["a"], "b": None}) is None
    assert mean_over_tasks(scores, {"a": bases["a"]}) is None
    assert mean_over_tasks({}) is None
