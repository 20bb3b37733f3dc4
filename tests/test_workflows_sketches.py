"""Importing past the size of a Gram: sketches for all, each model read once for its own, maps that say so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import settings, workflows
from explorer.errors import UnavailableError
from explorer.types import MapSpec, Point, Sketched
from explorer.weights.arrivals import NewCheckpoint, NewSketch

DIMENSION = 512


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SKETCH_FROM", 4)
    monkeypatch.setattr(settings, "SKETCH_DIMENSION", DIMENSION)


def imported(folder: Path, zoo: Path, numbers: range) -> Any:
    ws = workflows.open_workspace(folder)
    workflows.import_folders(ws, [str(zoo / f"m{i}") for i in numbers], str(zoo / "base")).result()
    return ws


@pytest.fixture
def sketched(sketched_workspace: Path) -> Iterator[Any]:
    ws = workflows.open_workspace(sketched_workspace)
    yield ws
    ws.close()


def test_all_have_a_sketch_near_their_gram(sketched: Any, ws: Any) -> None:
    found, exact = workflows.gram(sketched), workflows.gram(ws)
    assert isinstance(found, Sketched)
    assert found.ids == exact.ids
    assert exact.sketch is None
    assert found.sketch.as_dict() == {"dimension": DIMENSION, "error": pytest.approx(0.1225), "seed": 0}
    scale = np.outer(exact.norms, exact.norms)
    assert (np.abs(found.matrix - exact.matrix) / scale).max() < found.sketch.error
    np.testing.assert_allclose(found.select(kinds=["bias"]).matrix, exact.select(kinds=["bias"]).matrix, rtol=1e-5,
                               atol=1e-9)  # small groups are kept as they are


def test_each_model_is_read_once_for_its_sketch(zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.weights import deltas

    reads: list[int] = []
    original = deltas.Difference.slice

    def counted(self: Any, tensor: Any, lo: int, hi: int, out: Any) -> None:
        reads.append(hi - lo)
        original(self, tensor, lo, hi, out)

    monkeypatch.setattr(deltas.Difference, "slice", counted)
    ws = imported(tmp_path / "ws", zoo, range(4))
    d = ws.catalog.bases()[0].layout.size
    assert sum(reads) == 4 * d * 2  # its hash, then the Gram
    reads.clear()
    job = workflows.import_folders(ws, [str(zoo / "m4")])
    kinds = [type(r) for r in job.result()]
    assert kinds == [NewSketch] * 4 + [NewCheckpoint]
    assert sum(reads) == 5 * d
    reads.clear()
    workflows.import_folders(ws, [str(zoo / "m5")]).result()
    assert sum(reads) == d  # adding one costs the same however many there are
    assert not list((tmp_path / "ws").glob("unfinished/*"))
    ws.close()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_map_is_the_pca_of_the_sketches_and_places_points(metric: str, sketched: Any) -> None:
    from explorer.projections._placing import place
    from explorer.projections.pca import pca
    from explorer.types import Gram

    base = sketched.catalog.bases()[0].id
    spec = MapSpec(base, "pca", 2, metric)  # type: ignore[arg-type]
    gram = workflows.gram(sketched)
    dense = Gram(gram.ids, gram.groups, gram.values)
    found, wanted = workflows.projection(sketched, spec), pca(dense, 2, spec.metric)
    scale = np.abs(wanted.coords).max()
    np.testing.assert_allclose(found.coords, wanted.coords, atol=1e-3 * scale)
    np.testing.assert_allclose(found.explained, wanted.explained, rtol=1e-3)
    points = [Point.of(base), Point.of(base, {gram.ids[0]: 1.0}),
              Point.of(base, {gram.ids[0]: 0.4, gram.ids[3]: 0.9}), Point.of(base, {gram.ids[5]: -2.0})]
    np.testing.assert_allclose(workflows.place(sketched, spec, points),
                               place(dense, points, "pca", 2, spec.metric), atol=2e-3 * scale)


def test_it_is_said_wherever_geometry_is_shown(sketched_workspace: Path, cli: Any) -> None:
    for verb in (["map"], ["gram", "--cosine"]):
        status, out, _ = cli(*verb, "--workspace", sketched_workspace, "--json")
        assert status == 0
        assert json.loads(out)["sketch"]["dimension"] == DIMENSION


def test_signs_of_so_many_are_refused_plainly(sketched: Any) -> None:
    with pytest.raises(UnavailableError, match="at most 4"):
        workflows.sign_gram(sketched)
