"""Distances to hulls against explicit vectors, and regions of planted models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.statistics.locating import hull_distance, regions
from explorer.types import Gram, Group, Point


def gram_of(deltas):
    return Gram(tuple(f"m{i:03d}" for i in range(len(deltas))), (Group("0", "other"),), (deltas @ deltas.T)[None])


def one(gram, k):
    return Point.of("base", {gram.ids[k]: 1.0})


def planted(regions_=4, each=6, d=300, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.normal(size=(regions_, d)), each, axis=0)
    gram = gram_of(centres + spread * rng.normal(size=centres.shape))
    return gram, {i: f"r{k // each}" for k, i in enumerate(gram.ids)}


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 10_000), st.floats(0.02, 20))
@settings(deadline=None, max_examples=80)
def test_hull_samples_are_inside(k, d, seed, concentration):
    rng = np.random.default_rng(seed)
    deltas = rng.normal(size=(k, d)) * rng.lognormal()
    gram = gram_of(deltas)
    weights = rng.dirichlet(np.full(k, concentration))
    weights = weights if np.isfinite(weights).all() else np.full(k, 1 / k)
    point = Point.of("base", dict(zip(gram.ids, map(float, weights), strict=True)))
    found = hull_distance(gram, gram.ids, point)
    assert found.distance <= 1e-7 * gram.norms.max()
    assert sum(found.weights.values()) == pytest.approx(1)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 10_000), st.booleans())
@settings(deadline=None, max_examples=80)
def test_outside_it_is_the_distance_of_explicit_vectors_and_the_least(k, d, seed, twins):
    rng = np.random.default_rng(seed)
    deltas = rng.normal(size=(k + 1, d))
    if twins:  # dependent and repeated models
        deltas[: k // 2] = deltas[k - k // 2 : k]
    gram = gram_of(deltas)
    found = hull_distance(gram, gram.ids[:k], one(gram, k))
    weights = np.array([found.weights.get(i, 0.0) for i in gram.ids[:k]])
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    gap = weights @ deltas[:k] - deltas[k]
    assert found.distance == pytest.approx(np.linalg.norm(gap), abs=1e-7)
    # nearest: no model lies beyond the plane through the nearest place (a variational inequality)
    assert (deltas[:k] @ gap).min() >= (weights @ deltas[:k]) @ gap - 1e-9 * (1 + np.square(deltas).sum(axis=1).max())


@given(st.integers(2, 20), st.integers(0, 10_000), st.floats(1e-3, 10))
@settings(deadline=None, max_examples=50)
def test_it_equals_the_planted_distance(k, seed, away):
    rng = np.random.default_rng(seed)
    frame = np.linalg.qr(rng.normal(size=(60, 40)))[0].T
    deltas = rng.normal(size=(k, 20)) @ frame[:20]
    foot = rng.dirichlet(np.ones(k)) @ deltas
    gram = gram_of(np.vstack([deltas, foot + away * frame[30]]))
    found = hull_distance(gram, gram.ids[:k], one(gram, k))
    assert found.distance == pytest.approx(away, abs=1e-8 + 1e-12 / away)


def test_recipes_are_placed_too():
    deltas = np.eye(3) * [[1.0], [2.0], [1.0]]
    gram = gram_of(deltas)
    assert hull_distance(gram, gram.ids[:2], Point.of("base", {gram.ids[2]: 2.0})).distance == pytest.approx(
        np.sqrt(4 + 4 / 5))
    assert hull_distance(gram, gram.ids[:2], Point.of("base")).distance == pytest.approx(np.sqrt(4 / 5))
    assert hull_distance(gram, gram.ids[:1], Point.of("base", {gram.ids[0]: 3.0})).weights == {gram.ids[0]: 1.0}
    for ids, says in [([], "at least one"), (["alien"], "alien")]:
        with pytest.raises(InputError, match=says):
            hull_distance(gram, ids, Point.of("base"))


def test_planted_regions_are_found_again():
    gram, labels = planted()
    found = regions(gram, labels)
    assert found.accuracy == 1
    assert found.expected > 0.9
    assert found.models == 24
    for k in (0, 7, 23):
        where = found.locate(gram, one(gram, k))
        assert where.predicted == labels[gram.ids[k]]
        assert not where.outside
        assert where.tail > 0
        assert sum(p for _, p in where.probabilities) == pytest.approx(1)
        assert where.confidence == max(p for _, p in where.probabilities)
        assert [d for _, d in where.distances] == sorted(d for _, d in where.distances)
    middle = found.locate(gram, Point.of("base", dict.fromkeys(gram.ids[:6], 1 / 6)))
    assert middle.predicted == "r0"
    assert middle.distances[0] == ("r0", pytest.approx(0, abs=1e-7))
    assert middle.tail == 1
    far = found.locate(gram, Point.of("base", {gram.ids[0]: 5.0}))
    assert far.outside
    assert far.tail == pytest.approx(1 / 7)


def test_leaving_one_out_is_what_locating_a_member_does():
    gram, labels = planted(spread=2.5, seed=3)
    found = regions(gram, labels)
    for name, members in found.members.items():
        for model, own in zip(members, found.own[name], strict=True):
            where = found.locate(gram, Point.of("base", {model: 1.0}))
            assert dict(where.distances)[name] == pytest.approx(own, abs=1e-7)
    right = [found.locate(gram, Point.of("base", {m: 1.0})).predicted == labels[m] for m in gram.ids]
    assert np.mean(right) == pytest.approx(found.accuracy)


def test_directions_tell_short_task_vectors_too():
    gram, labels = planted(seed=6)
    lengths = np.random.default_rng(0).lognormal(sigma=1.5, size=len(gram.ids))
    uneven = Gram(gram.ids, gram.groups, gram.values * np.outer(lengths, lengths))
    assert regions(uneven, labels).accuracy == 1
    for scale in (0.1, 1.0, 7.0):
        assert regions(uneven, labels).locate(uneven, Point.of("base", {gram.ids[8]: scale})).predicted == "r1"
    assert regions(uneven, labels).locate(uneven, Point.of("base")).confidence < 0.9


def test_confidence_is_what_it_says_where_regions_are_mixed():
    gram, labels = planted(regions_=3, each=30, d=40, spread=3.0, seed=5)
    found = regions(gram, labels)
    assert 0.4 < found.accuracy < 0.98
    assert found.expected == pytest.approx(found.accuracy, abs=0.1)
    rng = np.random.default_rng(0)
    shuffled = regions(gram, dict(zip(gram.ids, rng.permutation(list(labels.values())), strict=True)))
    assert shuffled.expected < 0.55


def test_regions_that_can_not_be_calibrated():
    gram, labels = planted()
    alone = regions(gram, {**labels, gram.ids[0]: "alone"})
    assert alone.left_out == ("alone",)
    assert "alone" not in alone.members
    with pytest.raises(InputError, match="at least two"):
        regions(gram, dict.fromkeys(gram.ids, "all"))
    with pytest.raises(InputError, match="alien"):
        regions(gram, {**labels, "alien": "r0"})
    with pytest.raises(InputError, match="Gram row"):
        regions(gram, labels).locate(gram.subset(gram.ids[:5]), Point.of("base"))
