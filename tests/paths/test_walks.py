"""Walks, norm-matched random models, and their place among the models."""

from __future__ import annotations

import numpy as np
import pytest
from planted_models import LAYOUT, vectors

from explorer.errors import InputError
from explorer.paths.hull import distances_from
from explorer.paths.mixture import mixture, uniform
from explorer.paths.walks import outward, random_models, towards_base, towards_zero, with_directions
from explorer.types import Gram, Point
from explorer.weights.directions import Slices, parse

CUTS = [(t.offset, t.offset + t.size) for t in LAYOUT.tensors]


def models(n=6):
    """(Gram of the layout's groups, task vectors) that leave the embeddings alone."""
    deltas = vectors(n, LAYOUT.size, seed=4) * 0.1
    deltas[:, : LAYOUT.tensors[0].size] = 0
    values = np.stack([deltas[:, a:b] @ deltas[:, a:b].T for a, b in CUTS])
    return Gram(tuple(f"m{i}" for i in range(n)), LAYOUT.groups, values), deltas


def made(point, gram, deltas):
    """The explicit task vector of a Point with generated terms."""
    known = dict(zip(gram.ids, deltas, strict=True))
    total = np.zeros(LAYOUT.size)
    for term, coefficient in point.terms:
        if term in known:
            total += coefficient * known[term]
        else:
            slices = Slices(parse(term), LAYOUT)
            total += coefficient * np.concatenate([slices.slice(t, 0, t.size) for t in LAYOUT.tensors])
    return total


def test_random_models_are_as_long_as_the_models_are():
    gram, deltas = models()
    whole = random_models(gram, "base", 3)
    assert len({p.hash for p in whole}) == 3
    assert whole == random_models(gram, "base", 5)[:3]
    for point in whole:
        assert np.linalg.norm(made(point, gram, deltas)) == pytest.approx(np.linalg.norm(deltas, axis=1).mean())
    grouped = made(random_models(gram, "base", 1, by="groups")[0], gram, deltas)
    for a, b in CUTS:
        assert np.linalg.norm(grouped[a:b]) == pytest.approx(np.linalg.norm(deltas[:, a:b], axis=1).mean())
    with pytest.raises(InputError):
        random_models(gram, "base", 0)


def test_walks_are_as_far_as_they_say():
    gram, deltas = models()
    centre = mixture("base", uniform(gram.ids))
    start = made(centre, gram, deltas)
    for radius, point in zip([0.0, 0.5, 2.0], outward(centre, [0.0, 0.5, 2.0], seed=9), strict=True):
        assert np.linalg.norm(made(point, gram, deltas) - start) == pytest.approx(radius, abs=1e-9)
    length = float(np.linalg.norm(start))
    halfway, there, past = towards_base(gram, centre, [length / 2, length, 2 * length])
    assert made(halfway, gram, deltas) == pytest.approx(start / 2)
    assert np.abs(made(there, gram, deltas)).max() < 1e-9
    assert made(past, gram, deltas) == pytest.approx(-start)
    with pytest.raises(InputError, match="already"):
        towards_base(gram, Point.of("base"), [1.0])
    with pytest.raises(InputError, match="radius"):
        outward(centre, [-1.0])


def test_the_walk_towards_zero_shrinks_all_weights():
    rng = np.random.default_rng(0)
    theta, delta = rng.normal(size=20), rng.normal(size=20)
    centre = Point.of("base", {"a": 0.5})
    norm = float(np.linalg.norm(theta + 0.5 * delta))
    for radius, point in zip([0.0, 1.0, norm], towards_zero(centre, [0.0, 1.0, norm], norm), strict=True):
        terms = dict(point.terms)
        at = theta + terms.get("a", 0.0) * delta - terms.get("zero", 0.0) * theta
        assert at == pytest.approx((1 - radius / norm) * (theta + 0.5 * delta), abs=1e-9)
    with pytest.raises(InputError, match="norm"):
        towards_zero(centre, [1.0], 0.0)


def test_random_points_have_a_place_among_the_models():
    gram, deltas = models()
    centre = mixture("base", uniform(gram.ids))
    points = [*random_models(gram, "base", 2), *random_models(gram, "base", 2, by="groups"),
              *outward(centre, [1.0, 3.0], seed=5)]
    wider = with_directions(gram, points, LAYOUT)
    assert wider.ids[: len(gram.ids)] == gram.ids
    assert np.array_equal(wider.values[:, : len(gram.ids), : len(gram.ids)], gram.values)
    found = distances_from(wider, points, centre)
    truth = [np.linalg.norm(made(p, gram, deltas) - made(centre, gram, deltas)) for p in points]
    # models and directions are taken as orthogonal
    assert found == pytest.approx(truth, rel=5 / np.sqrt(LAYOUT.size))
    assert np.linalg.eigvalsh(wider.matrix).min() > -1e-9
    own, explicit = wider.matrix[-1, -1], made(Point.of("base", {wider.ids[-1]: 1.0}), gram, deltas)
    assert own == pytest.approx(explicit @ explicit)
    with pytest.raises(InputError, match="without reading weights"):
        with_directions(gram, [Point.of("base", {"zero": 1.0})], LAYOUT)
