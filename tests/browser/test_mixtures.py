"""The browser's mixtures and predictions are the library's: the same numbers from both, on the same inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explorer.components import serving
from explorer.components.map_and_path import compact_json
from explorer.paths.mixture import nearest
from explorer.statistics.compact import compact
from explorer.statistics.surrogate import fit
from explorer.types import Gram, Group, Point, Score


def run(bare, script: str, given: object) -> list:
    code = f"async (given) => {{ const m = await import('/{serving.address('mixtures.js')}'); {script} }}"
    return bare.evaluate(code, given)


@pytest.mark.parametrize("simplex", [False, True])
def test_weights_under_a_place(bare, simplex):
    rng = np.random.default_rng(0)
    cases = []
    for k in (1, 2, 3, 5, 9):
        places, origin = rng.normal(size=(k, 2)), rng.normal(size=2)
        cases += [(places, origin, rng.normal(scale=2, size=2)) for _ in range(6)]
    given = [{"plane": {"places": p.tolist(), "origin": o.tolist(), "simplex": simplex}, "target": t.tolist()}
             for p, o, t in cases]
    found = run(bare, "return given.map((c) => m.weightsAt(c.plane, c.target));", given)
    for (places, origin, target), weights in zip(cases, found, strict=True):
        assert np.allclose(weights, nearest(places, origin, target, simplex), atol=1e-6)


def test_predictions(bare):
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(6, 40))
    gram = Gram(tuple("abcdef"), (Group("0", "bias"),), (vectors @ vectors.T)[None])
    points = [Point.of("base", dict(zip("abcdef", row, strict=True))) for row in rng.normal(scale=0.6, size=(40, 6))]
    losses = [float(np.exp(0.3 * sum(c for _, c in p.terms))) for p in points]
    scores = [Score(p.hash, "t", "k", loss, 0.02, 0.5, 100, "cpu", 1.0) for p, loss in zip(points, losses, strict=True)]
    small = compact(fit(gram, points, scores), gram, list("ace"))
    weights = rng.normal(size=(25, 3))
    script = "const s = m.surrogateOf(JSON.parse(given.s)); return given.w.map((w) => m.predict(s, w));"
    found = run(bare, script, {"s": compact_json(small), "w": weights.tolist()})
    expected = small.predict(weights)
    for name in ("loss", "low", "high"):
        assert np.allclose([row[name] for row in found], getattr(expected, name), rtol=1e-4)
    assert json.loads(compact_json(small))["ids"] == ["a", "c", "e"]


def test_a_prediction_costs_little(bare):
    """250 measured points, 12 models: a frame has time for it (ten milliseconds are the claim, on a quiet machine)."""
    rng = np.random.default_rng(2)
    n, k = 250, 12
    raw = {"Q": np.eye(k).tolist(), "S": rng.normal(size=(k, n)).tolist(), "squares": np.ones(n).tolist(),
           "norms": np.ones(n).tolist(), "weights": np.ones(n).tolist(), "median": 1.0, "amplitude": 1.0, "length": 1.0,
           "trend": 0.1, "noise": 0.1, "doubt": 1.2, "mean": 0.0, "scale": 1.0, "furthest": 10.0, "quantile": 1.64,
           "floor": 1e-8}
    script = """const s = {...given, lower: new Float32Array(250 * 250).fill(0.001)}, times = [];
        for (let i = 0; i < 40; i += 1) {
            const start = performance.now();
            m.predict(s, Array(12).fill(0.1 + i / 100));
            times.push(performance.now() - start);
        }
        return times;"""
    assert np.median(run(bare, script, raw)) < 10
