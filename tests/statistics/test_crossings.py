"""Where a loss first passes others: exact on planted walks, with intervals that hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from planted_scores import score

from explorer.statistics.crossings import crossing, first_above

RADII = (0.0, 1.0, 2.0, 4.0)


@pytest.mark.parametrize(("losses", "radius"), [
    ((0.1, 0.2, 0.3, 0.5), 3.0), ((0.5, 0.1, 0.1, 0.1), 0.0), ((0.1, 0.1, 0.1, 0.4), math.inf),
    ((0.1, 0.5, 0.1, 0.5), 0.75), ((0.1, 0.3, math.inf, math.inf), 1.0), ((0.1, 0.3, math.nan, math.nan), 1.0),
    ((0.1, 0.2, 0.4, 0.3), math.inf)])
def test_the_first_radius_above(losses, radius):
    assert first_above(RADII, losses, 0.4) == pytest.approx(radius)


def planted(slope, seed, noise=0.0, texts=400):
    """Scores of a walk whose expected loss is slope · r, on texts that all walks share."""
    shared = np.random.default_rng(99).normal(size=texts)
    own = np.random.default_rng(seed).normal(size=(len(RADII), texts)) * noise
    return [score(slope * r + shared + e - shared.mean() - e.mean() * 0) for r, e in zip(RADII, own, strict=True)]


def test_a_planted_crossing_and_its_interval():
    shared = np.random.default_rng(99).normal(size=400)
    others = [score(0.2 + shared - shared.mean()), score(0.3 + shared - shared.mean())]
    exact = crossing(RADII, [planted(0.1, 0)], others)
    assert exact.radius == pytest.approx(3.0, abs=1e-5)
    assert exact.low == pytest.approx(3.0, abs=1e-4), "texts are shared: what makes them hard adds no error"
    assert exact.high == pytest.approx(3.0, abs=1e-4)
    held = 0
    for seed in range(20):
        noisy = crossing(RADII, [planted(0.1, seed, 1.0)], others, seed=seed)
        assert noisy.low <= noisy.radius <= noisy.high
        held += noisy.low <= 3.0 <= noisy.high
    assert held >= 16


def test_walks_that_differ_widen_the_interval_and_some_never_cross():
    others = [planted(0.3, 0)[1]]
    steep, flat = planted(0.3, 1), planted(0.0, 2)
    both = crossing(RADII, [steep, flat], others)
    assert both.radius == pytest.approx(2.0, abs=1e-4)
    assert both.low == pytest.approx(1.0, abs=1e-4)
    assert both.high == math.inf
    assert crossing(RADII, [flat], others).radius == math.inf
    lost = [*flat[:2], *(replace(s, loss=math.inf, losses=np.full_like(s.losses, np.inf)) for s in flat[2:])]
    beyond = crossing(RADII, [lost], others)
    assert (beyond.radius, beyond.low, beyond.high) == (1.0, 1.0, 1.0)


def test_without_single_losses_there_is_no_interval():
    kept = planted(0.1, 0)
    bare = [score(s.losses, keep=False) for s in kept]
    found = crossing(RADII, [bare], [bare[1]])
    assert found.radius == pytest.approx(1.0, abs=1e-5)
    assert math.isnan(found.low)
    with pytest.raises(ValueError, match="at least one walk"):
        crossing(RADII, [], kept)
