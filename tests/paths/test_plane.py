"""Planes: corners, round trips, projections, rows and columns, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from planted_models import gram_of, some_point, vector, vectors

from explorer.errors import InputError
from explorer.paths.plane import coefficient_plane, principal, project, random_plane, through
from explorer.types import Point

DELTAS = vectors(9)
GRAM = gram_of(DELTAS)
A, B, C = (Point.of("base", {i: 1.0}) for i in GRAM.ids[:3])


def at(point):
    return vector(point, GRAM, DELTAS)


def test_corners_are_exactly_on_it():
    plane = through(GRAM, A, B, C)
    assert [plane.point(*xy) for xy in plane.coordinates] == [A, B, C]
    sides = [np.linalg.norm(plane.coordinates[i] - plane.coordinates[j]) for i, j in [(0, 1), (0, 2), (1, 2)]]
    truth = [np.linalg.norm(at(p) - at(q)) for p, q in [(A, B), (A, C), (B, C)]]
    assert sides == pytest.approx(truth, abs=1e-8)


@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(-50, 50))
@settings(deadline=None, max_examples=60)
def test_a_place_on_it_comes_back(seed, x, y):
    rng = np.random.default_rng(seed)
    corners = [some_point(rng, GRAM) for _ in range(3)]
    plane = through(GRAM, *corners)
    assert sum(plane.weights(x, y)) == pytest.approx(1)
    assert [plane.point(*xy) for xy in plane.coordinates] == corners
    found = project(plane, GRAM, [plane.point(x, y)])
    assert found.coords[0] == pytest.approx([x, y], abs=1e-7)
    assert found.apart[0] == pytest.approx(0, abs=1e-6)
    # orthonormal: a step on the plane is as long in weight space
    step = at(plane.point(x + 3, y - 4)) - at(plane.point(x, y))
    assert np.linalg.norm(step) == pytest.approx(5, abs=1e-7)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_projections_equal_those_of_explicit_vectors(seed):
    rng = np.random.default_rng(seed)
    deltas = vectors(7, d=40, seed=seed) * rng.lognormal()
    gram = gram_of(deltas)
    corners = [Point.of("base", {i: 1.0}) for i in gram.ids[:2]] + [some_point(rng, gram)]
    start, *ends = (vector(p, gram, deltas) for p in corners)
    frame = np.linalg.qr(np.stack([e - start for e in ends], axis=1))[0]
    frame *= np.sign(np.diag(frame.T @ np.stack([e - start for e in ends], axis=1)))
    plane = through(gram, *corners)
    found = project(plane, gram)
    inside = (deltas - start) @ frame
    apart = np.linalg.norm(deltas - start - inside @ frame.T, axis=1)
    size = np.abs(deltas).max()
    assert found.coords == pytest.approx(inside, abs=1e-8 * max(size, 1) * 10)
    assert found.apart == pytest.approx(apart, abs=1e-8 * max(size, 1) * 10)
    assert found.apart[:2] == pytest.approx(0, abs=1e-8 * max(size, 1) * 10)


def test_rows_are_y_and_columns_x():
    centre, slope = DELTAS[4] * 0.3, DELTAS[5]

    def loss(theta):
        return float(np.square(theta - centre).sum() + slope @ theta)

    plane = through(GRAM, A, B, C)
    xs, ys = plane.axes(5)
    assert (len(xs), len(ys)) == (5, 5)
    assert xs[0] < 0 < plane.b < xs[-1]
    u = (at(B) - at(A)) / plane.b
    v = at(C) - at(A) - plane.c * u
    v /= np.linalg.norm(v)
    grid = plane.grid(xs[:4], ys)
    assert (len(grid), len(grid[0])) == (5, 4)
    for i, y in enumerate(ys):
        for j, x in enumerate(xs[:4]):
            assert loss(at(grid[i][j])) == pytest.approx(loss(at(A) + x * u + y * v), rel=1e-9)
    # known values: a paraboloid around the first corner rises with the squared distance, row by row
    squares = [[np.square(at(p) - at(A)).sum() for p in row] for row in plane.grid((0.0, 1.0, 2.0), (0.0, 10.0))]
    assert np.array(squares) == pytest.approx(np.array([[0, 1, 4], [100, 101, 104]]), abs=1e-6)


def test_principal_components_equal_those_of_the_vectors():
    plane = principal(GRAM, "base")
    centred = DELTAS - DELTAS.mean(axis=0)
    _, values, axes = np.linalg.svd(centred, full_matrices=False)
    found = project(plane, GRAM)
    for k in range(2):
        truth = centred @ axes[k]
        sign = np.sign(truth @ found.coords[:, k])
        assert found.coords[:, k] == pytest.approx(sign * truth, abs=1e-8)
        assert plane.within[k] == pytest.approx((found.coords[:, k].min(), found.coords[:, k].max()), abs=1e-8)
    shares = np.square(values) / np.square(values).sum()
    assert plane.explained == pytest.approx(shares[:2])
    assert at(plane.point(0, 0)) == pytest.approx(DELTAS.mean(axis=0))
    rest = centred - centred @ axes[:2].T @ axes[:2]
    assert found.apart == pytest.approx(np.linalg.norm(rest, axis=1), abs=1e-8)
    with pytest.raises(InputError, match="at least 3"):
        principal(GRAM, "base", GRAM.ids[:2])
    line = gram_of(np.outer([0.0, 1.0, 3.0], DELTAS[0]))
    with pytest.raises(InputError, match="one line"):
        principal(line, "base")


def test_coefficients_of_two_task_vectors():
    plane = coefficient_plane("base", A, B)
    assert plane.point(0.25, -2.0) == Point.of("base", {GRAM.ids[0]: 0.25, GRAM.ids[1]: -2.0})
    assert plane.point(1.0, 0.0) == A
    assert plane.grid((0.0, 1.0), (0.0, 2.0))[1][0] == Point.of("base", {GRAM.ids[1]: 2.0})
    assert plane.point(0.0, 0.0) == Point.of("base")
    with pytest.raises(InputError, match="coefficients"):
        project(plane, GRAM)
    for bad in (A, Point.of("base")):
        with pytest.raises(InputError, match="two different"):
            coefficient_plane("base", A, bad)


def test_random_planes_have_two_generated_directions():
    plane = random_plane(A, seed=3)
    assert plane.point(0, 0) == A
    assert dict(plane.point(0.5, -0.25).terms) == {GRAM.ids[0]: 1.0, "random:filter:6": 0.5, "random:filter:7": -0.25}
    assert plane.axes(3, 0.0) == ((-1.0, 0.0, 1.0),) * 2
    assert plane.axes(13, 0.25)[0].count(0.0) == 1
    assert random_plane(plane.corners[1], 3).point(1.0, 0.0).coefficients([GRAM.ids[0], "random:filter:6"])[1] == 2.0


@given(st.floats(-3, 3))
@settings(deadline=None)
def test_collinear_corners_are_refused_with_the_reason(alpha):
    assume(min(abs(alpha), abs(alpha - 1)) > 1e-3)
    with pytest.raises(InputError, match="on one line"):
        through(GRAM, A, B, A.moved(B, alpha))


@pytest.mark.parametrize(("corners", "says"), [
    ((A, A, B), "first and second"), ((A, B, A), "first and third"), ((A, B, B), "second and third"),
    ((A, A, A), "same place"), ((A, B, Point.of("other", dict(C.terms))), "different bases"),
    ((A, B, Point.of("base", {"alien": 1.0})), "alien")])
def test_corners_that_span_no_plane_are_refused(corners, says):
    with pytest.raises(InputError, match=says):
        through(GRAM, *corners)


def test_places_that_are_no_numbers_are_refused():
    plane = through(GRAM, A, B, C)
    with pytest.raises(InputError, match="finite"):
        plane.point(float("nan"), 0.0)
    with pytest.raises(InputError, match="at least 2"):
        plane.axes(1)
