"""What clusters are made of against explicit task vectors and against scikit-learn and scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from planted_zoo import gram_of, zoo
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.metrics import adjusted_rand_score

from explorer.clusters import _eigengap
from explorer.clusters._geometry import distances, likeness
from explorer.clusters._ordering import OPTIMAL, ordering
from explorer.clusters.hierarchical import hierarchical
from explorer.clusters.kmeans import kmeans
from explorer.clusters.spectral import spectral


def test_distances_equal_those_of_explicit_vectors():
    planted = zoo()
    unit = planted.vectors / np.linalg.norm(planted.vectors, axis=1, keepdims=True)
    assert np.allclose(distances(planted.gram, "euclidean"), squareform(pdist(planted.vectors)), rtol=0, atol=1e-8)
    assert np.allclose(distances(planted.gram, "cosine"), squareform(pdist(unit)), rtol=0, atol=1e-8)


def test_the_base_cancels_in_distances_of_whole_weights():
    planted = zoo()
    base = np.random.default_rng(0).normal(size=planted.vectors.shape[1]) * 5
    assert np.allclose(distances(planted.gram, "raw-euclidean"), squareform(pdist(planted.vectors + base)),
                       rtol=0, atol=1e-8)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("noise", [1.2, 3.5])
def test_spectral_agrees_with_scikit_learn(metric, noise):
    planted = zoo(noise=noise, d=20_000, seed=5)  # at 3.5 a cosine is about .15 within a data set, .07 within a task
    theirs = SpectralClustering(12, affinity="precomputed", random_state=0).fit_predict(likeness(planted.gram, metric))
    assert adjusted_rand_score(theirs, spectral(planted.gram, 12, metric).labels) == 1.0


def test_a_model_like_no_other_is_a_cluster_of_its_own():
    vectors = zoo(tasks=1, datasets=2).vectors.copy()
    vectors[4] = 0.0
    labels = spectral(gram_of(vectors), 3).labels
    assert (labels == labels[4]).sum() == 1


def test_lanczos_finds_what_the_whole_spectrum_holds(monkeypatch):
    weights = likeness(zoo(noise=1.2).gram, "cosine")
    whole, vectors, _ = _eigengap.largest(weights, 12, 0)
    monkeypatch.setattr(_eigengap, "DENSE", 10)
    some, found, _ = _eigengap.largest(weights, 12, 0)
    assert np.allclose(some, whole, atol=1e-6)
    assert np.allclose(np.linalg.svd(vectors.T @ found, compute_uv=False), 1, atol=1e-4)


def test_kmeans_is_that_of_explicit_vectors():
    planted = zoo(noise=0.7, seed=6)
    theirs = KMeans(12, n_init=20, random_state=0).fit_predict(planted.vectors)
    assert adjusted_rand_score(theirs, kmeans(planted.gram, 12, "euclidean", starts=20).labels) == 1.0


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
def test_hierarchical_is_scipys_on_explicit_vectors(linkage):
    planted = zoo(seed=7)
    theirs = hierarchy.fcluster(hierarchy.linkage(planted.vectors, linkage), 9, "maxclust")
    assert adjusted_rand_score(theirs, hierarchical(planted.gram, 9, "euclidean", linkage=linkage).labels) == 1.0


@pytest.mark.parametrize("limit", [OPTIMAL, 10])
def test_the_heat_maps_order_keeps_clusters_together(limit, monkeypatch):
    monkeypatch.setattr("explorer.clusters._ordering.OPTIMAL", limit)
    planted = zoo(noise=0.5)
    order, tree = ordering(planted.gram)
    assert sorted(order) == list(range(72))
    for groups in (planted.datasets, planted.tasks):
        runs = 1 + sum(groups[a] != groups[b] for a, b in itertools.pairwise(order))
        assert runs == len(set(groups))
    assert tree.shape == (71, 4)
    assert np.array_equal(hierarchy.leaves_list(tree), order)


def test_the_order_does_not_depend_on_the_grams():
    gram = zoo().gram
    shuffled = gram.subset([gram.ids[i] for i in np.random.default_rng(1).permutation(72)])
    assert [gram.ids[i] for i in ordering(gram)[0]] == [shuffled.ids[i] for i in ordering(shuffled)[0]]


def test_equal_heights_still_give_k_clusters():
    found = hierarchical(gram_of(np.eye(8)), 3)
    assert len(set(found.labels.tolist())) == 3
