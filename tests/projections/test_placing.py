"""Points in a map: PCA against scikit-learn's transform of explicit vectors, UMAP on its own dots, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import gram_of, random_vectors, two_clusters
from sklearn.decomposition import PCA

from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.projections._placing import place
from explorer.projections.pca import pca
from explorer.projections.umap import umap
from explorer.types import Point


def own_points(ids):
    return [Point.of("base", {key: 1.0}) for key in ids]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), metric=st.sampled_from(["cosine", "euclidean"]), dims=st.sampled_from([2, 3]),
       coefficients=st.lists(st.floats(-32, 32).filter(lambda c: abs(c) > 1e-3), min_size=8, max_size=8))
def test_pca_places_what_scikit_learn_transforms(seed, metric, dims, coefficients):
    vectors = random_vectors(8, 30, seed)
    gram = gram_of(vectors)
    target = np.array(coefficients) @ vectors
    shown = vectors
    if metric == "cosine":
        shown, target = vectors / np.linalg.norm(vectors, axis=1, keepdims=True), target / np.linalg.norm(target)
    reference = PCA(dims, svd_solver="full").fit(shown)
    expected = reference.transform(target[None])[0]
    point = Point.of("base", dict(zip(gram.ids, coefficients, strict=True)))
    signs = np.sign((reference.transform(shown) * pca(gram, dims, metric).coords).sum(axis=0))
    np.testing.assert_allclose(place(gram, [point], "pca", dims, metric)[0] * signs, expected,
                               atol=1e-8 * max(1.0, float(np.abs(target).max())))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(("method", "make"), [("pca", pca), ("umap", umap)])
def test_checkpoints_land_on_their_dots(method, make, metric):
    gram = gram_of(two_clusters(8))
    gram = gram.subset(gram.ids[::-1])
    np.testing.assert_allclose(place(gram, own_points(gram.ids), method, 2, metric), make(gram, 2, metric).coords,
                               atol=1e-8)


def test_a_line_in_weight_space_is_a_line_in_a_euclidean_map():
    gram = gram_of(random_vectors(9))
    a, b = own_points(gram.ids[:2])
    ends = place(gram, [a, b], "pca", 2, "euclidean")
    middle = place(gram, [a.moved(b, 0.25)], "pca", 2, "euclidean")[0]
    np.testing.assert_allclose(middle, 0.75 * ends[0] + 0.25 * ends[1], atol=1e-9)


def test_the_base_and_what_cancels_out_lie_at_the_origin():
    vectors = random_vectors(7)
    vectors[6] = vectors[5]
    gram = gram_of(vectors)
    cancelled = Point.of("base", {gram.ids[5]: 1.0, gram.ids[6]: -1.0})
    base, other = place(gram, [Point.of("base"), cancelled], "pca", 2, "cosine")
    np.testing.assert_allclose(base, other, atol=1e-9)


def test_umap_places_a_mean_of_one_cluster_within_it():
    gram = gram_of(two_clusters(12))
    middle = place(gram, [Point.of("base", dict.fromkeys(gram.ids[:12], 1 / 12))], "umap", 2, "cosine")[0]
    coords = umap(gram, 2, "cosine").coords
    to_own, to_other = (np.linalg.norm(coords[part].mean(axis=0) - middle) for part in (slice(0, 12), slice(12, 24)))
    assert to_own < to_other


@pytest.mark.parametrize("method", ["tsne", "mds"])
def test_methods_without_a_transform_say_so(method):
    with pytest.raises(UnavailableError, match="use pca"):
        place(gram_of(random_vectors(5)), [Point.of("base")], method)


def test_unknown_method_and_unknown_checkpoint_are_refused():
    gram = gram_of(random_vectors(5))
    with pytest.raises(UnknownNameError, match="pca"):
        place(gram, [Point.of("base")], "pcaa")
    with pytest.raises(InputError, match="outside"):
        place(gram, [Point.of("base", {"nobody": 1.0})], "pca")


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_no_points_give_no_rows(method):
    assert place(gram_of(random_vectors(5)), [], method, 3).shape == (0, 3)
