"""Every method in explorer/clusters keeps the same promises; a new file there is tested without editing this."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_zoo import gram_of, zoo
from sklearn.metrics import adjusted_rand_score

from explorer.clusters._geometry import METRICS
from explorer.errors import InputError, UnknownNameError
from explorer.registry import find, names, options
from explorer.types import Clusters

METHODS = names("explorer.clusters")
FREE = ("hdbscan",)
"""Methods that find k themselves and take none."""


def run(name: str, gram, k=None, metric="cosine", **more) -> Clusters:
    return find("explorer.clusters", name)(gram, None if name in FREE else k, metric, **more)


def test_the_folder_holds_the_four_methods():
    assert {"spectral", "kmeans", "hierarchical", "hdbscan"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_a_seed(name):
    assert "seed" in {option.name for option in options(find("explorer.clusters", name))}


@pytest.mark.parametrize(("name", "metric"), itertools.product(METHODS, METRICS))
def test_the_planted_data_sets_are_found(name, metric):
    planted = zoo(seed=1, d=600, noise=0.5)
    found = run(name, planted.gram, 12, metric, seed=0)
    assert found.labels.shape == (72,)
    assert found.labels.dtype == np.int64
    assert (found.ids, found.method, found.metric, found.k) == (planted.gram.ids, name, metric, 12)
    assert adjusted_rand_score(planted.datasets, found.labels) == 1.0


@pytest.mark.parametrize("name", [m for m in METHODS if m not in FREE])
def test_the_planted_tasks_are_found(name):
    planted = zoo(seed=2, d=600, noise=0.5)
    assert adjusted_rand_score(planted.tasks, run(name, planted.gram, 3, seed=0).labels) == 1.0


@pytest.mark.parametrize("name", METHODS)
def test_the_number_of_clusters_is_found_where_none_is_given(name):
    planted = zoo(tasks=1, datasets=5, task=0.0, noise=0.5, seed=3)
    found = run(name, planted.gram)
    assert found.k == 5
    assert adjusted_rand_score(planted.datasets, found.labels) == 1.0


@pytest.mark.parametrize("name", METHODS)
def test_clusters_are_numbered_by_their_first_ids(name):
    found = run(name, zoo(seed=4).gram, 12)
    seen = [v for v in dict.fromkeys(found.labels.tolist()) if v >= 0]
    assert seen == list(range(found.k))


@pytest.mark.parametrize("name", METHODS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=8, deadline=None)
def test_a_permutation_of_the_checkpoints_permutes_the_labels(name, seed):
    gram = zoo(each=3, noise=1.5, seed=seed).gram  # noisy, so that the partition is no matter of course
    order = np.random.default_rng(seed).permutation(len(gram.ids))
    shuffled = gram.subset([gram.ids[i] for i in order])
    assert np.array_equal(run(name, shuffled, 7, seed=1).labels, run(name, gram, 7, seed=1).labels[order])


@pytest.mark.parametrize(("name", "metric"), itertools.product(METHODS, METRICS))
def test_copies_and_a_zero_task_vector_are_clustered(name, metric):
    vectors = zoo(tasks=1, datasets=2, each=5).vectors.copy()
    vectors[3] = 0.0
    vectors[5:] = vectors[4]
    found = run(name, gram_of(vectors), 4, metric)
    assert found.labels.shape == (10,)
    assert len(set(found.labels[4:].tolist())) == 1


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n", [3, 4, 5])
def test_few_checkpoints_are_clustered(name, n):
    vectors = np.random.default_rng(n).normal(size=(n, 30))
    assert run(name, gram_of(vectors), 2).labels.shape == (n,)
    assert run(name, gram_of(vectors), n).labels.shape == (n,)
    assert run(name, gram_of(vectors)).labels.shape == (n,)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("k", [0, 1, 73, True, 2.5])
def test_other_numbers_of_clusters_are_refused(name, k):
    with pytest.raises(InputError, match="from 2 to the number of checkpoints, which is 72"):
        find("explorer.clusters", name)(zoo().gram, k)


@pytest.mark.parametrize("name", METHODS)
def test_other_bad_input_is_refused(name):
    gram = zoo().gram
    with pytest.raises(UnknownNameError, match="unknown metric 'manhattan'"):
        run(name, gram, 3, "manhattan")
    with pytest.raises(InputError, match="at least 3 checkpoints"):
        run(name, gram.subset(gram.ids[:2]), 2)
    vectors = zoo().vectors.copy()
    vectors[1, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        run(name, gram_of(vectors), 3)


def test_hdbscan_takes_no_k_and_no_cluster_of_one():
    with pytest.raises(InputError, match="leave k = 3 out"):
        find("explorer.clusters", "hdbscan")(zoo().gram, 3)
    with pytest.raises(InputError, match="smallest = 1"):
        find("explorer.clusters", "hdbscan")(zoo().gram, smallest=1)


def test_spectral_needs_a_bandwidth_above_zero():
    with pytest.raises(InputError, match="bandwidth 0"):
        run("spectral", zoo().gram, 3, "euclidean", bandwidth=0)
