"""The methods on cases worked out by hand, and on the properties their papers claim."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_merge_methods import merge, vectors

from explorer.errors import RecipeError
from explorer.merges._contract import Context
from explorer.merges._parts import drop_at_random

A = torch.tensor([4.0, -3.0, 2.0, -1.0])
B = torch.tensor([-1.0, -2.0, 3.0, 4.0])


def same(made: torch.Tensor, *values: float) -> None:
    assert made.tolist() == pytest.approx(values, abs=1e-6)


def test_linear_is_the_average_of_whole_models() -> None:
    same(merge("linear", [A, B], [3, 1]), 2.75, -2.75, 2.25, 0.25)
    base = torch.tensor([1.0, 2.0, 0.0, -1.0])
    same(merge("linear", [A, B], [1, 1], base=base, normalize=False), *(A + B + base).tolist())
    same(merge("linear", [A, B], [2, -1], base=base, normalize=False), *(2 * A - B).tolist())
    with pytest.raises(RecipeError, match=r"weights 1, -1 sum to 0 at layer\.0\.weight"):
        merge("linear", [A, B], [1, -1])


def test_task_arithmetic_adds_negates_and_divides_where_asked() -> None:
    same(merge("task_arithmetic", [A, B], [1, -0.5], lambda_=2.0), 9, -4, 1, -6)
    same(merge("task_arithmetic", [A, B], [3, 1], normalize=True), 2.75, -2.75, 2.25, 0.25)
    same(merge("task_arithmetic", [A, B], [1, -1], normalize=True), 5, -1, -1, -5)


def test_ties_trims_elects_and_merges_what_agrees() -> None:
    # trimmed to halves: [4, −3, 0, 0] and [0, 0, 3, 4]
    same(merge("ties", [A, B], [1, 1], density=0.5), 4, -3, 3, 4)
    # untrimmed sums 3, −5, 5, 3: the first model's −1 and the second's −1 are outvoted
    same(merge("ties", [A, B], [1, 1]), 4, -2.5, 2.5, 4)
    same(merge("ties", [A, B], [1, 1], normalize=False, lambda_=0.5), 2, -2.5, 2.5, 2)
    # weights vote too: 4 − 6, −3 − 12, 2 + 18, −1 + 24
    same(merge("ties", [A, B], [1, 6]), -1, -15 / 7, 20 / 7, 4)
    same(merge("ties", [A, B], [1, 1], density=[0.25, 0.5]), 4, 0, 3, 4)
    same(merge("ties", [A, B], [1, 1], density=0.0), 0, 0, 0, 0)
    same(merge("ties", [A], [1], density=0.5, rescale=True), 40 / 7, -30 / 7, 0, 0)


def test_of_equal_magnitudes_the_first_stay() -> None:
    same(merge("ties", [torch.tensor([1.0, -1.0, 1.0, 1.0])], [1], density=0.5), 1, -1, 0, 0)


@given(seed=st.integers(0, 10**6), density=st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_trimming_keeps_the_largest(seed: int, density: float) -> None:
    (one,) = vectors(1, (40,), seed)
    one = (one * 20).round()  # many are equal
    kept = merge("ties", [one], [1.0], density=density)
    k = max(1, int(density * 40))
    order = np.argsort(-one.abs().numpy(), kind="stable")[:k]
    expected = torch.zeros(40)
    expected[order] = one[order]
    assert torch.equal(kept + 0.0, expected + 0.0)


def test_breadcrumbs_drop_both_ends() -> None:
    one = torch.arange(1.0, 11.0)
    same(merge("breadcrumbs", [one], [1], density=0.5, gamma=0.2), 0, 0, 0, 4, 5, 6, 7, 8, 0, 0)
    same(merge("breadcrumbs", [one], [2], density=0.9, gamma=0.3), *(2 * v for v in range(1, 10)), 0)
    same(merge("breadcrumbs_ties", [one, -0.5 * one], [1, 1], density=0.5, gamma=0.2), 0, 0, 0, 4, 5, 6, 7, 8, 0, 0)


def test_dare_keeps_a_share_and_the_mean() -> None:
    one = torch.ones(200, 100)
    made = merge("dare_linear", [one], [1], density=0.25)
    assert set(made.unique().tolist()) == {0.0, 4.0}
    assert float(made.mean()) == pytest.approx(1.0, abs=4 * math.sqrt(3 / 20000))
    plain = merge("dare_linear", [one], [1], density=0.25, rescale=False)
    assert torch.equal(plain * 4, made)
    assert not torch.equal(merge("dare_linear", [one], [1], density=0.25, seed=1), made)
    assert not torch.equal(merge("dare_linear", [one], [1], ["other"], density=0.25), made)
    assert torch.equal(merge("dare_linear", [one], [1], density=0.0), torch.zeros_like(one))


def test_dares_stream_is_the_documented_one() -> None:
    one = torch.ones(7)
    drop_at_random(one, 0.5, 3, Context("embeddings.weight", ("abc",), one), "abc", rescale=True)
    key = int.from_bytes(hashlib.sha256(b"dare:3:abc:embeddings.weight").digest()[:16], "little")
    words = [int(w) for w in np.random.Philox(key=key).random_raw(4)]
    halves = [half for w in words for half in (w & 0xFFFFFFFF, w >> 32)][:7]
    assert one.tolist() == [2.0 * (half < 2**31) for half in halves]
    assert 0 < one.sum() < 14


def test_slerp_goes_along_the_arc() -> None:
    base = torch.zeros(2)
    start, end = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    same(merge("slerp", [start, end], [1, 1], base=base, t=0.5), math.sqrt(2), math.sqrt(2))
    same(merge("slerp", [start, end], [1, 1], base=base, t=1 / 3), 2 * math.cos(math.pi / 6), 1)
    same(merge("slerp", [start, end], [1, 1], base=base, t=1.0), 0, 2)
    same(merge("slerp", [start, -start], [1, 1], base=base, t=0.25), 1, 0)  # no arc between opposites
    shifted = torch.tensor([5.0, -1.0])  # whole models are what is turned
    same(merge("slerp", [start - shifted, end - shifted], [1, 1], base=shifted, t=0.5),
         math.sqrt(2) - 5, math.sqrt(2) + 1)


def test_model_stock_goes_as_far_as_the_angle_says() -> None:
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.5, math.sqrt(0.75)])  # 60 degrees: t = 2 · ½ / (1 + ½)
    same(merge("model_stock", [a, b], [1, 1]), 2 / 3 * 0.75, 2 / 3 * math.sqrt(0.75) / 2)
    same(merge("model_stock", [a, -a], [1, 1]), 0, 0)
    rows = [torch.stack([a, a]), torch.stack([b, a])]  # the second row's models agree
    made = merge("model_stock", rows, [1, 1], filter_wise=True)
    same(made[0], 0.5, math.sqrt(0.75) / 3)
    same(made[1], 1, 0)


def test_karcher_of_two_is_halfway_along_the_arc() -> None:
    base = torch.zeros(2)
    same(merge("karcher", [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0])], [1, 1], base=base),
         2 * math.sqrt(0.5), 2 * math.sqrt(0.5))


def test_karcher_is_where_the_pulls_cancel() -> None:
    tensors, base = vectors(4, (6,), scale=1.0), torch.full((6,), 0.3)
    whole = [(t + base).double() for t in tensors]
    made = (merge("karcher", tensors, [1] * 4, base=base, max_iter=200, tol=1e-12) + base).double()
    norms = [float(w.norm()) for w in whole]
    assert float(made.norm()) == pytest.approx(sum(norms) / 4, rel=1e-5)
    mean = made / made.norm()
    pull = torch.zeros(6, dtype=torch.float64)
    for w, norm in zip(whole, norms, strict=True):
        cosine = float(mean @ w / norm)
        angle = math.acos(cosine)
        pull += angle / math.sin(angle) * (w / norm - cosine * mean)
    assert float(pull.norm()) < 1e-5
