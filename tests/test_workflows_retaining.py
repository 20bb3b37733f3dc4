"""What merges keep: which scores are needed, what stored ones say, every method on the same models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import workflows
from explorer.errors import InputError, RecipeError
from explorer.registry import names
from explorer.types import MapSpec, Point, Probe
from explorer.workflows import merging, retaining

FAST = Probe(train=40, test=40)


@pytest.fixture
def models(ws: Any, zoo: Path) -> list[Any]:
    workflows.add_task(ws, "d0", zoo / "toy.csv", None, ["text"], "y")
    return [ws.catalog.checkpoint(m) for m in ("m0", "m1", "m3")]


def test_a_merge_is_measured_beside_what_it_is_compared_with(ws: Any, models: list[Any]) -> None:
    bench = retaining.bench(ws, models, probe=FAST)
    assert [t.name for t in bench.tasks] == ["d0"]  # d1 is no task here
    assert [c.name for c in bench.own(bench.tasks[0])] == ["m0", "m1"]
    merge = merging.merge_point(ws, "ties", {"m0": 1, "m1": 1, "m3": 1}, {"density": 0.5})
    asks = bench.asks([merge])
    own = map(workflows.checkpoint_point, models[:2])
    assert [a.point for a in asks] == [bench.origin, *own, bench.centroid, merge]
    empty = retaining.kept(ws, bench, [merge])
    assert not empty.scores[0]
    assert empty.standing(0).mean is None
    workflows.measure(ws, asks).result()
    found = retaining.kept(ws, bench, [merge, bench.centroid])
    owns = [ws.catalog.scores([workflows.checkpoint_point(c)], bench.tasks[0], FAST)[0] for c in models[:2]]
    name, own = found.owns["d0"]
    assert own.loss == min(s.loss for s in owns)
    assert name == models[[s.loss for s in owns].index(own.loss)].name
    share = found.standing(0).by_task.get("d0")
    base = found.bases["d0"]
    if "d0" in found.board.dropped:
        assert share is None
    else:
        assert share.value == pytest.approx((base.loss - found.scores[0]["d0"].loss) / (base.loss - own.loss))


def test_models_of_two_bases_or_none_are_refused(ws: Any, models: list[Any]) -> None:
    with pytest.raises(InputError, match="no models"):
        retaining.bench(ws, [])
    from dataclasses import replace

    with pytest.raises(RecipeError, match="different bases"):
        retaining.bench(ws, [models[0], replace(models[1], base="other")])


def test_every_method_is_compared_or_says_why_not(ws: Any, models: list[Any]) -> None:
    made, refused = retaining.by_method(ws, retaining.bench(ws, models, probe=FAST))
    assert set(made) | set(refused) == set(names("explorer.merges"))
    assert set(refused) == {"slerp", "fisher"}
    assert "takes 2 models" in refused["slerp"]
    assert "d1, which is no task" in refused["fisher"]
    assert len(set(made.values())) == len(made)  # no two are the same place


def test_a_merge_has_its_place_on_the_map(ws: Any, models: list[Any]) -> None:
    merge = merging.merge_point(ws, "ties", {"m0": 1, "m3": 1}, {"density": 0.5})
    (base,) = ws.catalog.bases()
    mix = Point.of(base.id, {models[0].id: 0.3, models[2].id: 0.7})
    job = merging.place_job(ws, [merge, mix])
    assert job is not None
    job.result()
    assert merging.place_job(ws, [merge, mix]) is None
    assert merging.place_job(ws, [mix]) is None
    for metric in ("euclidean", "cosine"):
        spec = MapSpec(base.id, "pca", 2, metric)
        at = merging.place_merges(ws, spec, [merge, mix, Point.of(base.id)])
        np.testing.assert_allclose(at[1:], workflows.place(ws, spec, [mix, Point.of(base.id)]), atol=1e-9)
    # a mean written as a merge that is no plain sum lies where the sum lies
    whole = merging.merge_point(ws, "linear", {"m0": [{"filter": "zzz", "value": 9}, {"value": 1}], "m3": 1})
    spec = MapSpec(base.id, "pca", 2, "euclidean")
    half = Point.of(base.id, {models[0].id: 0.5, models[2].id: 0.5})
    np.testing.assert_allclose(merging.place_merges(ws, spec, [whole]), workflows.place(ws, spec, [half]), atol=1e-5)
