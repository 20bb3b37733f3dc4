"""The scale benchmark at a small size: what it measures, its cost model, and the planted large catalog."""

from __future__ import annotations

from pathlib import Path

import planted_large
import pytest
from scale import case, constants, paper, slope

from explorer import workflows
from explorer.types import MapSpec, Point


def test_a_small_case() -> None:
    found = case(4, 1e5)
    assert found["d"] > 6e4
    assert all(found[k] > 0 for k in ("read", "gram", "add one", "check", "pairwise", "stack"))
    assert found["stack error"] < 1e-5


def test_the_cost_model_is_found_again() -> None:
    rows = [{"n": n, "d": d, "t": 100, "gram": 1e-9 * d * (2 * n + 0.1 * n * (n + 1) / 2) + 3e-5 * n * 100,
             "check": 6e-9 * d, "sketch": 4e-9 * d} for n in (4, 32, 256) for d in (1e5, 1e7)]
    found = constants(rows)
    assert found["c0"] == pytest.approx(3e4)
    assert found["c2"] == pytest.approx(2)
    assert found["c3"] == pytest.approx(0.1)
    assert slope([r for r in rows if r["n"] == 4], "check", "d") == pytest.approx(1)
    few, many = paper(found, 1000), paper(found, 100_000)
    assert many["sketch seconds"] == pytest.approx(100 * few["sketch seconds"])
    assert many["gram seconds"] > 5000 * few["gram seconds"]


def test_the_planted_catalog_opens_with_a_map(tmp_path: Path) -> None:
    ws = workflows.open_workspace(planted_large.build(tmp_path / "ws", 600))
    spec = MapSpec(planted_large.BASE.id)
    found = workflows.projection(ws, spec)
    assert found is not None
    assert found.coords.shape == (600, 2)
    first, again = found.coords[0], workflows.place(ws, spec, [Point.of(spec.base, {found.ids[0]: 1.0})])[0]
    assert again == pytest.approx(first, rel=1e-3, abs=1e-3)
    assert len(ws.catalog.checkpoints(planted_large.BASE.id)) == 600
    ws.close()
