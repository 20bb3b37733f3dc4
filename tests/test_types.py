"""The algebra of Points, and the values of the Gram, layouts and identities."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError, RecipeError, UnknownNameError
from explorer.types import Gram, Group, Layout, Line, MapSpec, Point, Probe, digest

coefficients = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: float(f"{x:.9g}"))
recipes = st.dictionaries(st.sampled_from("abcdef"), coefficients, max_size=5)
GROUPS = (Group("0", "attention"), Group("0", "bias"), Group("1", "attention"))


@given(recipes, st.randoms())
def test_one_place_is_one_point_however_it_is_written(terms: dict[str, float], random: object) -> None:
    shuffled = list(terms.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    point = Point.of("base", terms)
    other = Point.of("base", dict(shuffled) | {"z": 0.0, "y": -0.0})
    assert point == other
    assert point.hash == other.hash
    assert hash(point) == hash(other)
    assert list(dict(point.terms)) == sorted(k for k, v in terms.items() if v)


@given(recipes)
def test_canonical_form_is_a_fixed_point_and_survives_json(terms: dict[str, float]) -> None:
    point = Point.of("base", terms)
    assert Point.of(point.base, dict(point.terms)) == point
    raw = json.loads(json.dumps(point.as_dict()))
    assert Point.of(raw["base"], raw["terms"]) == point


def test_what_a_person_types_and_what_a_grid_computes_are_one_point() -> None:
    assert Point.of("b", {"m": 0.1 + 0.2}).hash == Point.of("b", {"m": 0.3}).hash
    assert Point.of("b", {"m": 1}).hash == Point.of("b", {"m": 1.0}).hash
    assert Point.of("b", {"m": 0.3}).hash != Point.of("b", {"m": 0.3001}).hash
    assert Point.of("b", {"m": 0.3}).hash != Point.of("c", {"m": 0.3}).hash
    assert Point.of("b", {"m": 1.0}).hash != Point.of("b", {"n": 1.0}).hash


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, "1", [1], 10**400, -(10**400), 1 + 2j])
def test_a_coefficient_is_a_finite_number(value: object) -> None:
    with pytest.raises(RecipeError, match=r"'m'.*finite number"):
        Point.of("b", {"m": value})  # type: ignore[dict-item]


@given(recipes, recipes)
def test_the_ends_of_a_path_are_the_end_points(a: dict[str, float], b: dict[str, float]) -> None:
    zero, one = Point.of("base", a), Point.of("base", b)
    assert zero.moved(one, 0.0) == zero
    assert zero.moved(one, 1.0) == one
    assert Line(zero, one, (0.0, 1.0)).points == (zero, one)


@given(recipes, recipes, st.floats(-31, 32))
def test_moving_is_linear(a: dict[str, float], b: dict[str, float], alpha: float) -> None:
    zero, one, ids = Point.of("base", a), Point.of("base", b), list("abcdef")
    expected = zero.coefficients(ids) + alpha * (one.coefficients(ids) - zero.coefficients(ids))
    scale = 1 + np.abs(zero.coefficients(ids)) + np.abs(one.coefficients(ids))
    np.testing.assert_array_less(np.abs(zero.moved(one, alpha).coefficients(ids) - expected),
                                 1e-9 * scale * (1 + abs(alpha)))
    back = one.moved(zero, 1 - alpha).coefficients(ids)
    np.testing.assert_array_less(np.abs(zero.moved(one, alpha).coefficients(ids) - back),
                                 1e-9 * scale * (1 + abs(alpha)))


def test_terms_that_cancel_are_dropped() -> None:
    a, b = Point.of("b", {"m": 1.0, "n": 2.0}), Point.of("b", {"m": -1.0, "n": 2.0})
    assert a.moved(b, 0.5) == Point.of("b", {"n": 2.0})


def test_no_line_joins_two_bases() -> None:
    with pytest.raises(InputError, match="different bases"):
        Point.of("a").moved(Point.of("b"), 0.5)


def test_a_point_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(RecipeError, match="finite"):
        Point.of("b", {"m": 1e300}).moved(Point.of("b", {"m": -1e300}), 1e300)


def gram(n: int = 4, seed: int = 0) -> tuple[Gram, np.ndarray]:
    """A Gram with the vectors it was made of, (g, n, 7)."""
    vectors = np.random.default_rng(seed).standard_normal((len(GROUPS), n, 7))
    return Gram(tuple("abcdef"[:n]), GROUPS, vectors @ vectors.transpose(0, 2, 1)), vectors


@given(st.integers(1, 6), st.integers(0, 50), st.lists(coefficients, min_size=6, max_size=6))
def test_inner_products_of_any_point_follow_from_the_gram(n: int, seed: int, weights: list[float]) -> None:
    found, vectors = gram(n, seed)
    flat = vectors.transpose(1, 0, 2).reshape(n, -1)
    point = Point.of("b", dict(zip(found.ids, weights, strict=False)))
    p = point.coefficients(found.ids) @ flat
    row, square = found.inner(point)
    np.testing.assert_allclose(row, flat @ p, rtol=1e-7, atol=1e-7 * (1 + np.abs(p).max()))
    np.testing.assert_allclose(square, p @ p, rtol=1e-7, atol=1e-7)


def test_a_zero_task_vector_has_a_cosine() -> None:
    values = np.zeros((3, 2, 2))
    values[:, 0, 0] = 4.0
    cosines = Gram(("a", "b"), GROUPS, values).cosines
    np.testing.assert_array_equal(cosines, np.eye(2))


def test_selections_keep_what_was_asked_for() -> None:
    found, _ = gram()
    assert found.select().matrix.tolist() == found.matrix.tolist()
    assert found.select(layers=["0"], kinds=["bias"]).groups == (Group("0", "bias"),)
    assert found.subset(["c", "a"]).matrix[0, 1] == found.matrix[2, 0]
    for wrong, message in (({"layers": ["7"]}, "layer '7'"), ({"kinds": ["bais"]}, "Did you mean bias"),
                           ({"layers": ["1"], "kinds": ["bias"]}, "no parameters"), ({"layers": []}, "no parameters")):
        with pytest.raises(InputError, match=message):
            found.select(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="z"):
        found.subset(["a", "z"])
    with pytest.raises(ValueError, match="float64"):
        Gram(("a",), GROUPS, np.zeros((3, 1, 1), np.float32))


def test_a_layout_survives_json_and_is_known_by_names_and_shapes() -> None:
    layout = Layout.of([("a", (2, 3), GROUPS[0]), ("b", (), GROUPS[1]), ("c", (4,), GROUPS[2])])
    assert [t.offset for t in layout.tensors] == [0, 6, 7]
    assert layout.size == 11
    assert Layout.from_json(layout.as_json()) == layout
    assert layout.key != Layout.of([("a", (3, 2), GROUPS[0])]).key


def test_identities_depend_on_every_field() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    probes = [Probe(), Probe(train=5), Probe(test=5), Probe(length=5), Probe(l2=5), Probe(dtype="bf16")]
    assert len({p.key for p in probes}) == len(probes)
    specs = [MapSpec("b"), MapSpec("c"), MapSpec("b", "mds"), MapSpec("b", dims=3), MapSpec("b", metric="euclidean"),
             MapSpec("b", layers=("0",)), MapSpec("b", kinds=("bias",)), MapSpec("b", ids=("a",)), MapSpec("b", seed=1)]
    assert len({s.key for s in specs}) == len(specs)


def test_errors_survive_being_sent_to_another_process() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(UnknownNameError("task", "sst", ["sst2", "mnli"])))
    assert isinstance(error, UnknownNameError)
    assert str(error) == str(UnknownNameError("task", "sst", ["sst2", "mnli"]))
    assert "Did you mean sst2" in str(error)
