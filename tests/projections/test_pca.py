"""PCA from a Gram against scikit-learn's PCA of the explicit vectors, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import gram_of, random_vectors
from sklearn.decomposition import PCA

from explorer.projections.pca import pca


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(4, 30), d=st.integers(4, 50), seed=st.integers(0, 10**6), dims=st.sampled_from([2, 3]),
       metric=st.sampled_from(["cosine", "euclidean"]))
def test_equals_scikit_learn_up_to_sign(n, d, seed, dims, metric):
    vectors = random_vectors(n, d, seed)
    shown = unit(vectors) if metric == "cosine" else vectors
    reference = PCA(dims, svd_solver="full").fit(shown)
    expected, made = reference.transform(shown), pca(gram_of(vectors), dims, metric)
    np.testing.assert_allclose(made.explained, reference.explained_variance_ratio_, atol=1e-8)
    for axis in range(dims):
        sign = np.sign(expected[:, axis] @ made.coords[:, axis])
        np.testing.assert_allclose(made.coords[:, axis] * sign, expected[:, axis], atol=1e-8 * np.abs(expected).max())


def test_a_selection_of_groups_is_pca_of_those_parameters():
    vectors = random_vectors(10, 40)
    chosen = pca(gram_of(vectors, split=15).select(layers=["0"]), 2, "euclidean")
    expected = PCA(2, svd_solver="full").fit_transform(vectors[:, :15])
    np.testing.assert_allclose(np.abs(chosen.coords), np.abs(expected), atol=1e-8)


def test_two_checkpoints_lie_on_one_axis():
    made = pca(gram_of(random_vectors(2)), 3)
    assert made.explained == pytest.approx((1.0, 0.0, 0.0))
    assert np.allclose(made.coords[:, 1:], 0.0)
    assert made.coords[0, 0] == pytest.approx(-made.coords[1, 0])


def test_equal_checkpoints_lie_on_one_dot():
    made = pca(gram_of(np.ones((5, 8))), 2, "euclidean")
    assert np.allclose(made.coords, 0.0)
    assert np.allclose(made.explained, 0.0)


def test_the_sign_does_not_depend_on_rounding():
    vectors = random_vectors(2)
    a, b = pca(gram_of(vectors), 2), pca(gram_of(vectors * (1 + 1e-13)), 2)
    np.testing.assert_allclose(a.coords, b.coords, atol=1e-9)


def test_pca_and_placing_import_numpy_alone():
    code = ("import sys; import explorer.projections.pca, explorer.projections._placing; "
            "print([m for m in ('torch', 'sklearn', 'scipy', 'umap', 'numba') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
