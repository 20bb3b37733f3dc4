"""The predictions on the shipped models: every score that the demo holds, each left out once."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from explorer import settings
from explorer.catalog import Catalog, bundle
from explorer.statistics.surrogate import LEAST, fit
from explorer.types import Point, Probe
from explorer.weights.directions import is_generated


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """(Gram, task name → surrogate) of the base with most models, tasks with at least 25 scores there."""
    folder = tmp_path_factory.mktemp("demo")
    bundle.unpack(settings.DEMO / "catalog", folder)
    catalog = Catalog(folder)
    base = max(catalog.bases(), key=lambda b: len(catalog.checkpoints(b.id)))
    recipes = (json.loads(text) for (text,) in catalog.database.rows("SELECT DISTINCT recipe FROM scores"))
    points = {p.hash: p for p in (Point.of(r["base"], r["terms"]) for r in recipes)}
    gram, made = catalog.gram(base.id), {}
    for task in catalog.tasks():
        known = [(points[h], s) for h, s in catalog.known_scores(task, Probe()).items() if points[h].base == base.id
                 and not any(is_generated(term) for term, _ in points[h].terms)]
        if len(known) >= 25:
            made[task.name] = fit(gram, [p for p, _ in known], [s for _, s in known])
    catalog.close()
    return gram, made


def test_nine_in_ten_left_out_points_lie_in_the_interval(fitted):
    found = [s.calibration() for s in fitted[1].values()]
    count = sum(c.n for c in found)
    assert len(found) >= 4
    assert count >= 200
    assert 0.80 <= sum(c.inside * c.n for c in found) / count <= 0.97
    assert np.mean([c.rank for c in found]) >= 0.7
    assert np.mean([c.apart for c in found]) >= 0.85
    large = [c for c in found if c.n >= 80]
    assert all(c.inside >= 0.85 for c in large), large
    assert all(c.n >= LEAST for c in found)


def test_a_prediction_is_quick(fitted):
    gram, made = fitted
    largest = max(made.values(), key=lambda s: len(s.points))
    point = largest.points[0].moved(largest.points[-1], 0.31)
    largest.predict(gram, [point])
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        largest.predict(gram, [point])
        seconds.append(time.perf_counter() - start)
    assert min(seconds) <= 0.010
