"""Mixtures of models: presets, the simplex, and weights under a place of the map."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from explorer.errors import InputError, RecipeError
from explorer.paths.mixture import PULL, addition, analogy, mixture, nearest, negation, to_simplex, uniform
from explorer.types import Point

shapes = st.tuples(st.integers(1, 40), st.integers(2, 3), st.integers(0, 10_000))


def map_of(shape):
    k, dims, seed = shape
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, dims)) * rng.lognormal(), rng.normal(size=dims), rng.normal(size=dims) * 2


def test_presets():
    assert uniform(["a", "b"]) == {"a": 0.5, "b": 0.5}
    assert negation("a") == {"a": -1.0}
    assert addition(["a", "b"], 0.4) == {"a": 0.4, "b": 0.4}
    assert analogy("a", "b", "c") == {"c": 1.0, "b": 1.0, "a": -1.0}
    assert mixture("base", analogy("a", "a", "c")) == Point.of("base", {"c": 1.0})
    assert mixture("base", uniform(["a"])) == Point.of("base", {"a": 1.0})
    with pytest.raises(RecipeError):
        mixture("base", {"a": math.nan})
    for empty in (uniform, addition):
        with pytest.raises(InputError):
            empty([])


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_the_simplex_is_reached_at_its_nearest_point(values):
    found = to_simplex(np.array(values))
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    # nearest: no vertex lies on the far side of the plane through the found weights (a variational inequality)
    away = np.array(values) - found
    assert (away - away @ found).max() <= 1e-9


@given(shapes)
def test_free_weights_put_the_mixture_on_the_target(shape):
    places, origin, target = map_of(shape)
    if len(places) < places.shape[1]:
        return
    weights = nearest(places, origin, target, simplex=False)
    arms = places - origin
    if np.linalg.cond(arms) > 1e3:
        return
    assert np.allclose(origin + weights @ arms, target, atol=1e-3 * np.abs(arms).max())
    # the change from even weights is the smallest: it lies in the span of the coordinates
    change = weights - 1 / len(places)
    fitted = arms @ np.linalg.lstsq(arms, change, rcond=None)[0]
    assert np.allclose(fitted, change, atol=1e-6 * (1 + np.abs(change).max()))


def test_where_the_target_can_not_be_reached_the_mixture_is_as_near_as_can_be():
    weights = nearest(np.array([[1.0, 0.0], [2.0, 0.0]]), np.zeros(2), np.array([3.0, 5.0]), simplex=False)
    assert weights @ [1, 2] == pytest.approx(3, abs=1e-6)
    assert np.allclose(nearest(np.zeros((2, 2)), np.zeros(2), np.ones(2), simplex=False), 0.5)


@given(shapes)
@settings(deadline=None)
def test_convex_weights_are_the_minimum_of_what_they_promise(shape):
    places, origin, target = map_of(shape)
    weights = nearest(places, origin, target, simplex=True)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    radius2 = np.square(places - places.mean(axis=0)).sum(axis=1).mean() or 1.0
    slope = places @ (places.T @ weights - target) / radius2 + PULL * (weights - 1 / len(places))
    # optimal on the simplex: the slope is lowest, and equal, where weights are positive
    assert (slope @ weights) - slope.min() <= 1e-8 * (1 + np.abs(slope).max())


@given(shapes, st.floats(0, 2 * math.pi))
@settings(deadline=None)
def test_convex_weights_are_continuous(shape, angle):
    places, origin, target = map_of(shape)
    scale = float(np.sqrt(np.square(places - places.mean(axis=0)).sum(axis=1).mean())) or 1.0
    moved = target.copy()
    moved[:2] += 1e-6 * scale * np.array([math.cos(angle), math.sin(angle)])
    both = [nearest(places, origin, at, simplex=True) for at in (target, moved)]
    assert np.abs(both[0] - both[1]).max() <= 1e-6 / math.sqrt(PULL)


def test_inside_the_hull_the_mixture_is_at_the_target_and_outside_on_the_hull():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    inside = nearest(square, np.zeros(2), np.array([0.3, 0.6]), simplex=True)
    assert np.allclose(inside @ square, [0.3, 0.6], atol=1e-3)
    outside = nearest(square, np.zeros(2), np.array([3.0, 0.6]), simplex=True)
    assert np.allclose(outside @ square, [1.0, 0.6], atol=1e-3)
    corner = nearest(square, np.zeros(2), np.array([3.0, 4.0]), simplex=True)
    assert np.allclose(corner, [0, 0, 0, 1], atol=1e-9)


def test_it_agrees_with_a_general_solver():
    places, origin, target = map_of((7, 2, 3))
    radius2 = np.square(places - places.mean(axis=0)).sum(axis=1).mean()

    def loss(w):
        return np.square(places.T @ w - target).sum() / radius2 + PULL * np.square(w - 1 / 7).sum()

    general = minimize(loss, np.full(7, 1 / 7), bounds=[(0, 1)] * 7, tol=1e-14,
                       constraints={"type": "eq", "fun": lambda w: w.sum() - 1})
    ours = nearest(places, origin, target, simplex=True)
    assert loss(ours) <= general.fun + 1e-9
    assert np.allclose(ours, general.x, atol=5e-3)


def test_it_is_fast_enough_for_a_drag():
    places, origin, _ = map_of((40, 3, 1))
    start = time.perf_counter()
    for seed in range(50):
        nearest(places, origin, np.random.default_rng(seed).normal(size=3) * 3, simplex=True)
    assert (time.perf_counter() - start) / 50 <= 0.02


@pytest.mark.parametrize(("places", "origin", "target"), [
    (np.zeros((0, 2)), np.zeros(2), np.zeros(2)), (np.zeros((3, 2)), np.zeros(3), np.zeros(2)),
    (np.zeros((3, 2)), np.zeros(2), np.array([0, np.nan]))])
def test_bad_places_are_refused(places, origin, target):
    for simplex in (True, False):
        with pytest.raises(InputError):
            nearest(places, origin, target, simplex)
