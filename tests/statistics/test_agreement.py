"""Agreement of clusters with groups and its nulls: against scikit-learn, against counts by hand, and as promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, f1_score, normalized_mutual_info_score, silhouette_samples

from explorer.errors import InputError
from explorer.statistics.agreement import agreement, ordered, silhouettes, spread
from explorer.statistics.nulls import (
    bootstrap_intervals,
    permutation_nulls,
    silhouette_interval,
    silhouette_null,
)

partitions = st.integers(2, 40).flatmap(lambda n: st.tuples(
    st.lists(st.integers(0, 5), min_size=n, max_size=n), st.lists(st.integers(0, 4), min_size=n, max_size=n)))


def named(groups: list[int]) -> list[str]:
    return [f"g{g}" for g in groups]


@given(partitions)
@settings(max_examples=200, deadline=None)
def test_figures_are_scikit_learns(drawn):
    labels, groups = np.array(drawn[0]), named(drawn[1])
    found = agreement(labels, groups)
    assert found.ari == pytest.approx(adjusted_rand_score(groups, labels), abs=1e-12)
    if len(set(groups)) > 1 or len(set(labels)) > 1:
        assert found.nmi == pytest.approx(normalized_mutual_info_score(groups, labels), abs=1e-9)
    back = {cluster: group for group, cluster in found.matched.items() if cluster is not None}
    said = [back.get(label, "none") for label in labels.tolist()]
    theirs = f1_score(groups, said, labels=list(found.groups), average=None, zero_division=0)
    assert list(found.f1.values()) == pytest.approx(theirs.tolist())
    assert found.accuracy == pytest.approx(np.mean([a == b for a, b in zip(groups, said, strict=True)]))
    assert found.misplaced(labels, groups).mean() == pytest.approx(1 - found.accuracy)


@given(partitions, st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_other_numbers_and_another_order_change_nothing(drawn, seed):
    labels, groups = np.array(drawn[0]), named(drawn[1])
    rng = np.random.default_rng(seed)
    again, order = rng.permutation(6)[labels], rng.permutation(len(labels))
    one, other = agreement(labels, groups), agreement(again[order], [groups[i] for i in order])
    assert (one.accuracy, one.ari) == pytest.approx((other.accuracy, other.ari))
    assert one.nmi == pytest.approx(other.nmi, abs=1e-12)
    assert np.array_equal(one.confusion.sum(axis=1), other.confusion.sum(axis=1))


def test_the_confusion_lies_on_its_diagonal():
    labels = np.array([2, 2, 2, 0, 0, 1, 1, 1, -1, 3])
    groups = ["a", "a", "a", "b", "b", "c", "c", "a", "b", "c"]
    found = agreement(labels, groups)
    assert found.groups == ("a", "b", "c")
    assert found.clusters == (2, 0, 1, 3, -1)
    assert found.confusion.tolist() == [[3, 0, 1, 0, 0], [0, 2, 0, 0, 1], [0, 0, 2, 1, 0]]
    assert found.matched == {"a": 2, "b": 0, "c": 1}
    assert found.accuracy == 0.7
    assert found.f1["a"] == pytest.approx(6 / 7)
    assert np.flatnonzero(found.misplaced(labels, groups)).tolist() == [7, 8, 9]


def test_fewer_clusters_than_groups_leave_groups_without():
    found = agreement(np.array([0, 0, 0, 1]), ["a", "a", "b", "c"])
    assert found.matched == {"a": 0, "b": None, "c": 1}
    assert found.f1["b"] == 0
    assert found.accuracy == 0.75


def test_all_noise_is_all_wrong():
    found = agreement(np.full(4, -1), ["a", "a", "b", "b"])
    assert (found.accuracy, found.ari, found.nmi) == (0, 0, 0)


def test_groups_that_are_numbers_are_ordered_as_such():
    assert ordered(["800", "1600", "200", "x", "b"]) == ("200", "800", "1600", "b", "x")


@pytest.mark.parametrize("sizes", [(5, 7, 3), (1, 6, 4), (2, 2)])
def test_silhouettes_are_scikit_learns(sizes):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(sum(sizes), 6))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert np.allclose(silhouettes(distances, labels), silhouette_samples(vectors, labels), atol=1e-8)
    some = np.where(np.arange(len(labels)) == 1, -1, labels)
    found, kept = silhouettes(distances, some), some >= 0
    assert np.isnan(found[~kept]).all()
    if len(set(labels[kept])) > 1:
        assert np.allclose(found[kept], silhouette_samples(vectors[kept], labels[kept]), atol=1e-8)


def test_one_cluster_has_no_silhouette():
    assert silhouettes(np.ones((3, 3)) - np.eye(3), np.zeros(3, dtype=int)) is None
    assert silhouette_null(np.ones((3, 3)) - np.eye(3), ["a"] * 3) is None


def test_spread_is_the_mean_over_pairs():
    rng = np.random.default_rng(1)
    vectors, groups = rng.normal(size=(9, 4)), list("aaabbbccc")
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    pairs = [(i, j) for i in range(9) for j in range(i)]
    within = np.mean([distances[i, j] for i, j in pairs if groups[i] == groups[j]])
    between = np.mean([distances[i, j] for i, j in pairs if groups[i] != groups[j]])
    found = spread(distances, groups)
    assert (found.within, found.between) == pytest.approx((within, between))
    for bad in (list("aaaaaaaaa"), list("abcdefghi")):
        with pytest.raises(InputError, match="two groups"):
            spread(distances, bad)


def test_shuffled_labels_lie_inside_their_null():
    rng = np.random.default_rng(2)
    groups = named(np.repeat(np.arange(4), 10).tolist())
    labels = np.repeat(np.arange(5), 8)
    ps = []
    for _ in range(60):
        shuffled = [groups[i] for i in rng.permutation(40)]
        ps.append(permutation_nulls(labels, shuffled, draws=200)["accuracy"].p)
    assert np.mean(np.array(ps) <= 0.1) < 0.25
    assert 0.35 < np.mean(ps) < 0.8  # ties among few values push p up


def test_what_agrees_lies_outside_its_null():
    groups = named(np.repeat(np.arange(4), 10).tolist())
    nulls = permutation_nulls(np.repeat(np.arange(4), 10), groups)
    for name in ("accuracy", "ari", "nmi", "f1", "f1:g0", "f1:g3"):
        assert nulls[name].p == pytest.approx(1 / 1001)
        assert nulls[name].q95 < 0.7
    assert nulls["ari"].mean == pytest.approx(0, abs=0.01)


def test_the_null_of_two_pairs_is_what_counting_gives():
    # of the 3 ways to pair four models, one is right and two are half right
    nulls = permutation_nulls(np.array([0, 0, 1, 1]), ["a", "a", "b", "b"], draws=6000)
    assert nulls["accuracy"].mean == pytest.approx(2 / 3, abs=0.02)
    assert nulls["accuracy"].p == pytest.approx(1 / 3, abs=0.03)


def test_intervals_hold_the_figure_and_cover_as_they_say():
    rng = np.random.default_rng(3)
    groups = named(np.repeat(np.arange(3), 30).tolist())
    truth, held, own = 0.8, [], np.repeat(np.arange(3), 30)
    for seed in range(60):
        wrong = rng.uniform(size=90) > truth
        labels = np.where(wrong, (own + rng.integers(1, 3, 90)) % 3, own)
        found, seen = bootstrap_intervals(labels, groups, draws=400, seed=seed), agreement(labels, groups)
        for name in ("accuracy", "ari", "nmi"):
            assert found[name][0] <= getattr(seen, name) <= found[name][1]
        low, high = found["accuracy"]
        held.append(low <= truth <= high)
    assert np.mean(held) >= 0.85


def test_an_even_table_has_no_flattered_interval():
    groups, labels = named(np.repeat(np.arange(10), 4).tolist()), np.tile(np.arange(10), 4)
    found, seen = bootstrap_intervals(labels, groups), agreement(labels, groups)
    assert sum(found["accuracy"]) / 2 == pytest.approx(seen.accuracy, abs=0.03)
    assert sum(found["ari"]) / 2 == pytest.approx(seen.ari, abs=0.03)


def test_all_right_is_an_interval_of_no_width():
    found = bootstrap_intervals(np.array([0, 0, 1, 1]), ["a", "a", "b", "b"])
    assert found["accuracy"] == found["ari"] == (1.0, 1.0)


def test_silhouettes_of_groups_have_a_null_and_an_interval():
    rng = np.random.default_rng(4)
    vectors = np.repeat(np.eye(3, 20) * 4, 8, axis=0) + rng.normal(size=(24, 20))
    groups = named(np.repeat(np.arange(3), 8).tolist())
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    null = silhouette_null(distances, groups, draws=300)
    assert null.p == pytest.approx(1 / 301)
    values = silhouettes(distances, np.repeat(np.arange(3), 8))
    low, high = silhouette_interval(values, groups)
    assert null.q95 < low < values.mean() < high
    shuffled = [groups[i] for i in rng.permutation(24)]
    assert silhouette_null(distances, shuffled, draws=300).p > 0.02


def test_units_of_one_model_are_models():
    groups, labels = named([0, 0, 0, 1, 1, 1, 2, 2]), np.array([0, 0, 1, 1, 1, 1, 2, 0])
    units = [str(i) for i in range(8)]
    whole, single = (permutation_nulls(labels, groups, units=u, draws=4000)["accuracy"] for u in (units, None))
    assert whole.mean == pytest.approx(single.mean, abs=0.01)
    whole, single = (bootstrap_intervals(labels, groups, units=u, draws=4000)["accuracy"] for u in (units, None))
    assert whole == pytest.approx(single, abs=0.13)  # one model is an eighth


def test_units_are_drawn_whole():
    # four data sets of ten models, two for each task, each a cluster: any pairing is as good, so nothing is shown
    units = [f"d{i}" for i in np.repeat(np.arange(4), 10)]
    groups, labels = named(np.repeat([0, 0, 1, 1], 10).tolist()), np.repeat(np.arange(4), 10)
    assert permutation_nulls(labels, groups)["ari"].p < 0.01
    assert permutation_nulls(labels, groups, units=units)["ari"].p == 1
    half = np.repeat([0, 0, 1, 1], 10)  # of the 3 ways to pair four data sets one is as good as this
    assert permutation_nulls(half, groups, units=units, draws=6000)["accuracy"].p == pytest.approx(1 / 3, abs=0.03)
    wrong = np.repeat([0, 1, 2, 2], 10)
    low, high = bootstrap_intervals(wrong, groups, units=units)["accuracy"]
    assert (low, high) == pytest.approx((0.5, 1.0), abs=0.01)
    low, high = bootstrap_intervals(wrong, groups)["accuracy"]
    assert 0.6 < low < 0.75 < high < 0.9
    with pytest.raises(InputError, match="several groups"):
        permutation_nulls(labels, groups, units=["d"] * 40)


def test_silhouettes_take_units():
    rng = np.random.default_rng(5)
    units = [f"d{i}" for i in np.repeat(np.arange(4), 6)]
    groups = named(np.repeat([0, 0, 1, 1], 6).tolist())
    vectors = np.repeat(np.eye(4, 9) * 4, 6, axis=0) + rng.normal(size=(24, 9))
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert silhouette_null(distances, groups, draws=300).p < 0.02
    assert silhouette_null(distances, groups, units=units, draws=300).p > 0.1
    values = silhouettes(distances, np.repeat([0, 0, 1, 1], 6))
    low, high = silhouette_interval(values, groups, units=units)
    assert low <= values.mean() <= high


def test_the_same_seed_gives_the_same_answer():
    labels, groups = np.array([0, 1, 0, 1, 2, 2]), list("aabbcc")
    assert permutation_nulls(labels, groups, seed=3) == permutation_nulls(labels, groups, seed=3)
    assert bootstrap_intervals(labels, groups, seed=3) == bootstrap_intervals(labels, groups, seed=3)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="3 cluster labels but 2 groups"):
        agreement(np.zeros(3, dtype=int), ["a", "b"])
    with pytest.raises(InputError, match="0 cluster labels"):
        agreement(np.zeros(0, dtype=int), [])
    with pytest.raises(InputError, match="0 draws"):
        permutation_nulls(np.array([0, 1]), ["a", "b"], draws=0)
