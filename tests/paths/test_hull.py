"""Hull samples: convex weights, their concentration, and faces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_models import gram_of, vector, vectors

from explorer.errors import InputError
from explorer.paths.hull import distances_from, hull_points, samples
from explorer.paths.mixture import mixture, uniform
from explorer.types import Point

IDS = [f"m{i:02d}" for i in range(8)]


@given(st.integers(2, 30), st.sampled_from([0.01, 0.1, 1.0, 30.0, 1000.0]), st.integers(0, 2**31), st.data())
@settings(deadline=None, max_examples=50)
def test_weights_are_convex(n, concentration, seed, data):
    dimension = data.draw(st.none() | st.integers(0, n - 1))
    ids = [f"m{i:02d}" for i in range(n)]
    for weights in samples(ids, 5, concentration, seed, dimension):
        assert min(weights.values()) >= 0
        assert math.fsum(weights.values()) == pytest.approx(1, abs=1e-12)
        assert len(weights) == (n if dimension is None else dimension + 1)
        assert set(weights) <= set(ids)


def test_more_samples_keep_the_first_and_order_does_not_matter():
    few = samples(IDS, 5, 0.5, seed=3)
    assert samples(IDS[::-1], 50, 0.5, seed=3)[:5] == few
    assert samples(IDS, 5, 0.5, seed=4) != few


def test_concentration_goes_from_the_corners_to_the_centroid():
    spread = [np.mean([np.square(np.array(list(w.values())) - 1 / 8).sum() for w in samples(IDS, 100, c)])
              for c in (0.01, 1.0, 100.0)]
    assert spread[0] > 0.7
    assert spread[1] == pytest.approx((1 - 1 / 8) / (8 + 1), rel=0.2)  # the variance of a uniform Dirichlet
    assert spread[2] < 0.01


def test_corners_are_the_models():
    for weights in samples(IDS, 20, dimension=0):
        assert list(weights.values()) == [1.0]
    assert {p.terms[0][0] for p in hull_points("base", IDS, 100, dimension=0)} == set(IDS)


def test_distances_equal_those_of_explicit_vectors():
    deltas = vectors(8)
    gram = gram_of(deltas)
    centre = mixture("base", uniform(gram.ids))
    points = hull_points("base", gram.ids, 20, seed=1)
    truth = [np.linalg.norm(vector(p, gram, deltas) - deltas.mean(axis=0)) for p in points]
    assert distances_from(gram, points, centre) == pytest.approx(truth, abs=1e-8)
    assert distances_from(gram, [centre, Point.of("base")], centre)[0] == 0


@pytest.mark.parametrize(("ids", "count", "concentration", "dimension", "says"), [
    (IDS[:1], 5, 1.0, None, "at least 2"), (IDS, 4, 1.0, None, "5 to 500"), (IDS, 501, 1.0, None, "5 to 500"),
    (IDS, 5, 0.0, None, "concentration"), (IDS, 5, math.nan, None, "concentration"), (IDS, 5, 1.0, 8, "0 to 7"),
    (IDS, 5, 1.0, -1, "0 to 7")])
def test_bad_input_is_refused(ids, count, concentration, dimension, says):
    with pytest.raises(InputError, match=says):
        samples(ids, count, concentration, 0, dimension)
