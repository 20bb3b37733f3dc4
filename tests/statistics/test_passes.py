"""The whole curve from a first pass: the band holds what is measured later."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_scores import score

from explorer.statistics.passes import PRIOR_SHARE, UNPAIRED, estimate, mean
from explorer.types import Estimate

FULL, FEW = 500, 100


def line(seed, points=11, own=0.15, shift=0.1):
    """(first, full) scores of a line: common texts, a little that is each α's own, a head that is worse at first."""
    rng = np.random.default_rng(seed)
    texts = rng.exponential(0.5, size=FULL)
    singles = [texts + (a - 0.4) ** 2 + rng.normal(size=FULL) * own for a in np.linspace(0, 1, points)]
    return [score(s[:FEW] + shift, probe="first") for s in singles], [score(s) for s in singles]


@pytest.mark.parametrize("pairs", [1, 2, 3, 5])
def test_the_band_holds_what_is_measured_later(pairs):
    inside, half, bare = [], [], []
    for seed in range(60):
        first, full = line(seed)
        known = [s if i < pairs else None for i, s in enumerate(full)]
        for found, truth, few in list(zip(estimate(first, known), full, first, strict=True))[pairs:]:
            assert found.measured == "first"
            inside.append(abs(found.value - truth.loss) <= 1.96 * found.stderr)
            half.append(found.stderr)
            bare.append(few.stderr)
    assert np.mean(inside) >= 0.9
    assert np.mean(half) <= 1.3 * np.mean(bare)


def test_pairs_take_the_shift_away():
    first, full = line(1, own=0.0)
    found = estimate(first, [full[0], *[None] * 9, full[-1]])
    assert [e.value for e in found] == pytest.approx([s.loss for s in full], abs=1e-5)
    assert [e.measured for e in found] == ["full", *["first"] * 9, "full"]
    assert found[0] == Estimate(full[0].loss, full[0].stderr, "full")


def test_without_pairs_the_first_pass_stands_with_a_wider_error():
    first, _ = line(2)
    found = estimate([*first, None], [None] * 12)
    assert found[-1] is None
    assert found[0] == Estimate(first[0].loss, UNPAIRED * first[0].stderr, "first")


def test_two_pairs_that_agree_do_not_promise_much():
    first, full = line(3, own=0.0)
    found = estimate(first, [*full[:2], *[None] * 9])[5]
    assert found.stderr >= math.sqrt(PRIOR_SHARE * 2 / 3) * first[5].stderr


def test_accuracy_gets_the_same_treatment():
    first, full = [score(np.ones(100), accuracy=a, probe="first") for a in (0.7, 0.75)], [score(np.ones(500)), None]
    found = estimate(first, full, "accuracy")
    assert found[0].value == 0.8
    assert found[1].value == pytest.approx(0.85)
    assert estimate([score(np.ones(100), accuracy=1.0)], [None], "accuracy")[0].stderr > 0


def test_one_text_has_no_standard_error_and_breaks_nothing():
    found = estimate([score([1.0]), score([2.0])], [score([1.5]), None])
    assert found[1].value == pytest.approx(2.5)
    assert math.isfinite(found[1].stderr)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="full"):
        estimate([None], [])


def test_a_mean_over_tasks_needs_all_of_them():
    found = mean([Estimate(1.0, 0.3), Estimate(3.0, 0.4, "first")])
    assert found == Estimate(2.0, 0.25, "first")
    assert mean([Estimate(1.0, 0.3), None]) is mean([]) is None
