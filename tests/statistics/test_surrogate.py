"""The Gaussian process over weight space: against scikit-learn, against refits, and on planted losses."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_scores import score

from explorer.errors import InputError
from explorer.statistics import surrogate as module
from explorer.statistics._kernels import Covariance, covariance_of
from explorer.statistics.compact import compact
from explorer.statistics.surrogate import fit, propose
from explorer.types import Gram, Group, Point, Score

IDS = tuple(f"m{i}" for i in range(10))
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(10, 30)) * RNG.uniform(0.5, 2, size=(10, 1))
GRAM = Gram(IDS, (Group("0", "bias"),), (VECTORS @ VECTORS.T)[None])
TEXTS = RNG.exponential(0.3, size=200)


def point(weights):
    return Point.of("base", dict(zip(IDS, map(float, weights), strict=True)))


def planted_loss(place):
    return 0.3 + 0.02 * float(np.square(np.array(place.coefficients(IDS)) @ VECTORS - VECTORS[0]).sum())


def planted(place, seed=0):
    noise = np.random.default_rng(seed).normal(size=200) * 0.05
    return score(np.maximum(TEXTS + planted_loss(place) + noise, 1e-3), point=place)


POINTS = [Point.of("base", {i: 1.0}) for i in IDS] + [point(RNG.dirichlet(np.ones(10))) for _ in range(30)] + [
    point(RNG.normal(size=10) * 0.4) for _ in range(20)]
SCORES = [planted(p, seed) for seed, p in enumerate(POINTS)]
FITTED = fit(GRAM, POINTS, SCORES)


def test_it_predicts_a_planted_loss_within_its_interval():
    hull = [point(RNG.dirichlet(np.ones(10))) for _ in range(40)]
    fresh = hull + [point(RNG.normal(size=10) * 0.4) for _ in range(40)]
    truth = np.array([planted(p, 1000 + i).loss for i, p in enumerate(fresh)])
    found = FITTED.predict(GRAM, fresh)
    assert found.loss.shape == found.low.shape == found.high.shape == (80,)
    assert np.corrcoef(np.log(found.loss), np.log(truth))[0, 1] >= 0.9
    assert 0.8 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 1.0
    assert np.all((found.low < found.loss) & (found.loss < found.high))


def test_it_is_what_the_explicit_vectors_predict():
    """The same process written out on the task vectors themselves, with scikit-learn's Matérn."""
    from sklearn.gaussian_process.kernels import Matern

    fresh = [point(RNG.normal(size=10)) for _ in range(5)]
    places = np.array([p.coefficients(IDS) for p in (*POINTS, *fresh)]) @ VECTORS / FITTED.median
    norms, c = np.linalg.norm(places, axis=1), FITTED.covariance
    slopes = np.minimum(norms, module.FURTHEST)
    whole = c.amplitude * Matern(c.length, nu=2.5)(np.c_[places, norms]) + c.trend * np.outer(slopes, slopes)
    inverse = np.linalg.inv(whole[:60, :60] + np.diag(c.share * FITTED.noise + 1e-8))
    mean = whole[60:, :60] @ inverse @ FITTED.target
    prior = np.diag(whole)[60:] + c.share * FITTED.noise.mean()
    variance = prior - np.einsum("mi,ij,mj->m", whole[60:, :60], inverse, whole[60:, :60])
    variance *= 1 + (FITTED.doubt - 1) * np.sqrt(variance / prior)
    found = FITTED.predict(GRAM, fresh)
    assert np.allclose(np.log(found.loss), FITTED.mean + FITTED.scale * mean, atol=1e-6)
    assert np.allclose(np.log(found.high / found.loss), module.QUANTILE * FITTED.scale * np.sqrt(variance), rtol=1e-5)


def test_leaving_one_out_in_closed_form_is_leaving_one_out():
    closed = FITTED.leave_one_out()
    for out in (0, 17, 45):
        rest = [i for i in range(60) if i != out]
        inverse = np.linalg.inv(FITTED.matrix[np.ix_(rest, rest)])
        row = FITTED.matrix[out, rest]
        mean = row @ inverse @ FITTED.target[rest]
        deviation = np.sqrt(FITTED.matrix[out, out] - row @ inverse @ row)
        assert np.log(closed.loss[out]) == pytest.approx(FITTED.mean + FITTED.scale * mean, abs=1e-8)
        prior = FITTED._prior(module.trend_norms(FITTED.squares[[out]], FITTED.median))[0]
        deviation *= np.sqrt(1 + (FITTED.doubt - 1) * deviation / np.sqrt(prior))
        half = module.QUANTILE * FITTED.scale * deviation
        assert np.log(closed.high[out] / closed.loss[out]) == pytest.approx(half, rel=1e-4)
    found = FITTED.calibration()
    assert (found.n, found.rank > 0.8) == (60, True)
    assert 0.8 <= found.inside <= 1.0
    assert 0.85 <= found.apart <= 1.0


def test_leaving_neighbours_out_in_closed_form_is_leaving_them_out():
    pairs = [p.moved(Point("base"), 0.05) for p in POINTS[:20]]
    both = fit(GRAM, [*POINTS[:20], *pairs], [planted(p, i) for i, p in enumerate([*POINTS[:20], *pairs])])
    mean, variance = both._without_neighbours()
    places = both.coefficients @ VECTORS / both.median
    features = np.c_[places, np.linalg.norm(places, axis=1)]
    for out in (0, 7, 33):
        near = np.linalg.norm(features - features[out], axis=1) < module.NEAR
        assert near.sum() >= 2
        rest = np.flatnonzero(~near)
        inverse, row = np.linalg.inv(both.matrix[np.ix_(rest, rest)]), both.matrix[out, rest]
        assert mean[out] == pytest.approx(row @ inverse @ both.target[rest], abs=1e-6)
        assert variance[out] == pytest.approx(both.matrix[out, out] - row @ inverse @ row, rel=1e-5)


def test_doubt_widens_intervals_where_little_is_known_and_nowhere_else():
    """Clusters of like models are smooth inside and differ by chance: from inside, a process is sure of the others."""
    rng = np.random.default_rng(3)
    levels = {Point.of("base", {i: float(a)}): 0.3 + (0.5 if k % 2 else 0.0)
              for k, i in enumerate(IDS) for a in rng.normal(1, 0.03, size=4)}
    made = fit(GRAM, list(levels), [score(TEXTS + level, point=p) for p, level in levels.items()])
    doubtful, sure = replace(made, doubt=9.0), replace(made, doubt=1.0)
    new, known = [Point.of("base", {"m0": 0.5, "m1": 0.5})], [next(iter(levels))]
    widths = [[np.log(p.high / p.low)[0] for p in (s.predict(GRAM, new), s.predict(GRAM, known))]
              for s in (doubtful, sure)]
    assert widths[0][0] > 1.4 * widths[1][0]
    assert widths[0][1] < 1.3 * widths[1][1]
    assert made.calibration().apart >= 0.89 or made.doubt == 25.0


def test_whole_standard_errors_would_be_too_much():
    """The texts are common to all scores, so that a score's error hardly tells of its difference from the others."""
    common = [Score(s.point, s.task, s.probe, s.loss, s.stderr, s.accuracy, s.n, s.device, s.seconds) for s in SCORES]
    assert np.all(FITTED.noise < fit(GRAM, POINTS, common).noise)


def test_features_have_the_distances_of_the_task_vectors():
    inner = np.array([p.coefficients(IDS) for p in POINTS]) @ VECTORS
    gram = inner @ inner.T
    features = module._features(gram, 2.0)
    expected = module._distances(gram, np.diag(gram), np.diag(gram), 2.0)
    found = np.square(features[:, None] - features[None]).sum(axis=2)
    assert np.allclose(found, expected, atol=1e-9 * expected.max())


@given(st.floats(0.01, 100), st.floats(0.05, 50))
@settings(deadline=None)
def test_the_kernel_is_scikit_learns(amplitude, length):
    from sklearn.gaussian_process.kernels import Matern

    squares = np.linspace(0, 9, 20)[None]
    expected = amplitude * Matern(length, nu=2.5)(np.zeros((1, 1)), np.sqrt(squares).T)
    found = covariance_of(Covariance(amplitude, length, 0.5, 0.1), squares, np.array([2.0]), np.full(20, 3.0))
    assert np.allclose(found, expected + 3.0, rtol=1e-9)


def test_a_gram_that_has_grown_changes_nothing():
    more = np.r_[VECTORS, RNG.normal(size=(1, 30))]
    order = RNG.permutation(11)
    grown = Gram(tuple([*IDS, "new"][i] for i in order), GRAM.groups, (more @ more.T)[np.ix_(order, order)][None])
    fresh = [point(RNG.normal(size=10)) for _ in range(3)]
    assert np.allclose(FITTED.predict(grown, fresh).loss, FITTED.predict(GRAM, fresh).loss, rtol=1e-9)
    FITTED.predict(grown, [Point.of("base", {"new": 1.0})])


def test_far_away_little_is_known_and_a_measured_point_is_its_loss():
    far = FITTED.predict(GRAM, [point(np.full(10, 1e4))])
    assert np.isfinite(far.high).all()
    assert far.high[0] / far.low[0] > (FITTED.leave_one_out().high / FITTED.leave_one_out().low).max()
    at = FITTED.predict(GRAM, POINTS)
    assert np.allclose(at.loss, [s.loss for s in SCORES], rtol=0.05)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_compact_form_predicts_the_same(seed):
    rng = np.random.default_rng(seed)
    ids = list(rng.permutation(IDS)[: rng.integers(1, 8)])
    weights = rng.normal(size=(6, len(ids))) * rng.lognormal()
    exact = FITTED.predict(GRAM, [Point.of("base", dict(zip(ids, map(float, w), strict=True))) for w in weights])
    for dtype, tolerance in ((np.float64, 1e-6), (np.float32, 1e-3)):
        found = compact(FITTED, GRAM, ids, dtype).predict(weights)
        for name in ("loss", "low", "high"):
            assert np.allclose(np.log(getattr(found, name)), np.log(getattr(exact, name)), atol=tolerance)


def test_the_compact_form_refuses_models_without_gram_row():
    with pytest.raises(InputError, match="Gram"):
        compact(FITTED, GRAM, ["m0", "stranger"])


def test_proposals():
    candidates = [POINTS[0], point(np.eye(10)[0] * 0.9), point(np.full(10, 50.0)), point(np.eye(10)[3] * 0.9)]
    lowest, unknown = propose(FITTED, GRAM, candidates, "lowest"), propose(FITTED, GRAM, candidates, "least known")
    assert unknown.index == 2
    assert lowest.index in (1, 2)
    found = FITTED.predict(GRAM, [candidates[lowest.index]])
    assert [lowest.loss, lowest.low, lowest.high] == pytest.approx([found.loss[0], found.low[0], found.high[0]])
    with pytest.raises(InputError, match="already"):
        propose(FITTED, GRAM, POINTS, "lowest")


def test_a_prediction_is_quick_and_the_same_every_time():
    again = fit(GRAM, POINTS, SCORES)
    assert again.covariance == FITTED.covariance
    single = [point(np.full(10, 0.1))]
    FITTED.predict(GRAM, single)
    best = min(_seconds(lambda: FITTED.predict(GRAM, single)) for _ in range(5))
    assert best <= 0.010


def _seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def test_overflows_are_left_out_and_counted():
    broken = score([np.inf] * 200, point=Point.of("base", {"m0": 9.0}))
    found = fit(GRAM, [*POINTS, Point.of("base", {"m0": 9.0})], [*SCORES, broken])
    assert found.left_out == 1
    assert found.calibration().n == 60


def test_a_loss_that_is_the_same_everywhere_is_predicted():
    same = [score(TEXTS + 0.3, point=p) for p in POINTS[:10]]
    found = fit(GRAM, POINTS[:10], same)
    assert found.predict(GRAM, POINTS[20:22]).loss == pytest.approx(same[0].loss)
    assert found.calibration().rank == 0.0


@pytest.mark.parametrize(("points", "scores", "word"), [
    (POINTS[:7], SCORES[:7], "at least 8"),
    ([*POINTS[:8], Point("other")], SCORES[:9], "different bases"),
    (POINTS[:9], [*SCORES[:8], score(TEXTS, task="other")], "several tasks"),
    (POINTS[:9], [*SCORES[:8], score(TEXTS, probe="other")], "several ways"),
    ([*POINTS[:8], Point.of("base", {"stranger": 1.0})], SCORES[:9], "outside the selection")])
def test_what_can_not_be_fitted_is_refused(points, scores, word):
    with pytest.raises(InputError, match=word):
        fit(GRAM, points, scores)


def test_where_nothing_is_near_a_prediction_returns_to_the_base():
    small = [Point("base"), *(Point.of("base", {"m0": a}) for a in np.linspace(0.1, 1, 9))]
    scores = [score(TEXTS + 1.0, point=small[0]), *(score(TEXTS + 0.2, point=p) for p in small[1:])]
    found = fit(GRAM, small, scores)
    assert found.mean == pytest.approx(np.log(scores[0].loss))
    away = found.predict(GRAM, [Point.of("base", {"m5": 1.0})])
    assert away.low[0] < scores[0].loss < away.high[0]


def test_points_of_another_base_are_not_predicted():
    with pytest.raises(InputError, match="another base"):
        FITTED.predict(GRAM, [Point("other")])
