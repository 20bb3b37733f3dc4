"""The fresh head against scikit-learn, and on features of any shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.evaluation.head import fit_head, generalized_loss, log_softmax


def data(b: int = 90, h: int = 6, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, b)
    return rng.standard_normal((b, h)) + 1.5 * np.eye(classes, h)[labels], labels


@pytest.mark.parametrize("l2", [1e-4, 1e-2, 1.0])
def test_it_is_the_multinomial_regression_of_scikit_learn(l2: float) -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = data()
    weights, bias = fit_head(features, labels, 3, l2)
    theirs = LogisticRegression(C=1 / (len(labels) * l2), tol=1e-12, max_iter=100_000).fit(features, labels)
    np.testing.assert_allclose(log_softmax(features @ weights + bias), theirs.predict_log_proba(features), atol=1e-3)


@given(scale=st.sampled_from([1e-6, 1.0, 1e6, 1e20]), shift=st.sampled_from([0.0, 5.0]), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_scale_and_place_of_the_features_do_not_matter(scale: float, shift: float, seed: int) -> None:
    (train, labels), (test, truth) = data(seed=seed), data(40, seed=seed + 100)
    usual = generalized_loss(train, labels, test, truth, 3, 1e-3)
    moved = generalized_loss((train + shift) * scale, labels, (test + shift) * scale, truth, 3, 1e-3)
    np.testing.assert_allclose(moved[0], usual[0], rtol=1e-3, atol=1e-4)
    assert moved[1] == usual[1]


def test_features_that_say_nothing_give_the_entropy_of_the_labels() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    losses, accuracy = generalized_loss(np.ones((40, 5)), labels, np.ones((40, 5)), labels, 2, 1e-3)
    assert losses.mean() == pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)), abs=1e-5)
    assert accuracy == 0.75


def test_a_class_without_a_train_text_costs_but_does_not_break() -> None:
    features, labels = data()
    losses, _ = generalized_loss(features[labels < 2], labels[labels < 2], features, labels, 3, 1e-3)
    assert np.isfinite(losses).all()


def test_the_same_data_give_the_same_bits() -> None:
    (train, labels), (test, truth) = data(), data(seed=1)
    first = generalized_loss(train, labels, test, truth, 3, 1e-3)[0]
    np.testing.assert_array_equal(generalized_loss(train, labels, test, truth, 3, 1e-3)[0], first)
