"""Every method in explorer/projections keeps the same promises; a new file there is tested without editing this."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from planted import gram_of, random_vectors, two_clusters

from explorer.errors import InputError
from explorer.registry import find, names, options

METHODS = names("explorer.projections")


BOTH = list(itertools.product(METHODS, ("cosine", "euclidean")))


@pytest.fixture(params=METHODS)
def method(request):
    return find("explorer.projections", request.param)


def test_the_folder_holds_the_four_methods():
    assert {"pca", "umap", "tsne", "mds"} <= set(METHODS)


@pytest.mark.parametrize(("name", "metric"), BOTH)
@pytest.mark.parametrize("dims", [2, 3])
def test_shape_ids_and_kind(name, metric, dims):
    gram = gram_of(random_vectors(14))
    made = find("explorer.projections", name)(gram, dims, metric, seed=1)
    assert made.coords.shape == (14, dims)
    assert made.coords.dtype == np.float64
    assert np.isfinite(made.coords).all()
    assert (made.ids, made.method, made.metric) == (gram.ids, name, metric)
    assert (made.explained is None) == (name != "pca")


def test_the_same_seed_gives_the_same_map(method):
    gram = gram_of(random_vectors(16))
    assert np.array_equal(method(gram, 2, seed=3).coords, method(gram, 2, seed=3).coords)


def test_a_permutation_of_the_checkpoints_permutes_the_map(method):
    gram = gram_of(random_vectors(15))
    order = np.random.default_rng(5).permutation(15)
    shuffled = gram.subset([gram.ids[i] for i in order])
    assert np.array_equal(method(shuffled, 2, seed=1).coords, method(gram, 2, seed=1).coords[order])


@pytest.mark.parametrize(("name", "metric"), BOTH)
def test_two_planted_clusters_end_apart(name, metric):
    coords = find("explorer.projections", name)(gram_of(two_clusters()), 2, metric, seed=0).coords
    first, second = coords[:12], coords[12:]
    gap = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    spread = max(np.linalg.norm(part - part.mean(axis=0), axis=1).mean() for part in (first, second))
    assert gap > 2 * spread


@pytest.mark.parametrize("n", [3, 4, 5])
def test_few_checkpoints_still_make_a_map(method, n):
    assert np.isfinite(method(gram_of(random_vectors(n)), 2, seed=0).coords).all()


def test_a_zero_task_vector_and_copies_are_drawn(method):
    vectors = random_vectors(9)
    vectors[4] = 0.0
    vectors[7] = vectors[2]
    assert np.isfinite(method(gram_of(vectors), 2, seed=0).coords).all()


@pytest.mark.parametrize("dims", [0, 1, 4, True, 2.5])
def test_other_dimensions_are_refused(method, dims):
    with pytest.raises(InputError, match="2 or 3 dimensions"):
        method(gram_of(random_vectors(6)), dims)


def test_too_few_checkpoints_are_refused(method):
    with pytest.raises(InputError, match="at least"):
        method(gram_of(random_vectors(1)), 2)


def test_an_unknown_metric_is_refused(method):
    with pytest.raises(InputError, match="cosine or euclidean"):
        method(gram_of(random_vectors(6)), 2, "manhattan")


def test_a_gram_that_is_not_finite_is_refused(method):
    vectors = random_vectors(6)
    vectors[1, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        method(gram_of(vectors), 2)


def test_every_method_takes_a_seed(method):
    assert "seed" in {option.name for option in options(method)}
