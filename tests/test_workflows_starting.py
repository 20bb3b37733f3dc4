"""Starts of a target, plans that are refused before anything runs, and runs that are made once and paired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer import workflows
from explorer.catalog import runs
from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.training.starting import Run
from explorer.training.trainer import train_from
from explorer.types import Point, Probe, Score, Started, Task, Tuning
from explorer.workflows import Workspace, starting

FAST = Tuning("bitfit", steps=4, lr=1e-2, batch=8, length=16)


def target(ws: Workspace, name: str = "d0") -> Task:
    """The toy task under the name of a data set that models are trained on."""
    known = replace(ws.catalog.task("toy"), name=name, family="toy")
    ws.catalog.add_task(known)
    return ws.catalog.task(name)


def made(ws: Workspace, kinds: tuple[str, ...] = ("base", "centroid"), tuning: Tuning = FAST, **more: Any,
         ) -> starting.Plan:
    return starting.plan(ws, [target(ws)], kinds, tuning, more.pop("sizes", [40]), more.pop("seeds", [0, 1]), **more)


def models(ws: Workspace, dataset: str) -> set[str]:
    return {c.id for c in ws.catalog.checkpoints() if c.dataset == dataset}


def test_models_of_the_target_are_left_out_of_every_start(ws: Workspace) -> None:
    task, probe = target(ws), Probe(train=20, test=20)
    every = [workflows.checkpoint_point(c) for c in ws.catalog.checkpoints()]
    workflows.evaluate(ws, [Point.of(every[0].base), *every], task, probe).result()
    found = starting.starts(ws, task, starting.KINDS, probe=probe)
    assert [s.name for s in found.starts] == ["base", "centroid", "region", "nearest", "hull 1", "hull 2", "hull 3"]
    assert not models(ws, "d0") & {i for s in found.starts for i, _ in s.point.terms}
    by_name = {s.name: s.point for s in found.starts}
    assert by_name["base"].terms == ()
    assert dict(by_name["centroid"].terms) == pytest.approx(dict.fromkeys(models(ws, "d1"), 1 / 3))
    scores = dict(zip(every, ws.catalog.scores(every, task, probe), strict=True))
    losses = {p: s.loss for p, s in scores.items() if s is not None and p.terms[0][0] in models(ws, "d1")}
    assert by_name["nearest"] == min(losses, key=lambda p: losses[p])
    assert found.absent[0].startswith("best on d0: ")
    assert all("not trained on it" in s.why for s in found.starts[1:])


def test_the_best_single_model_by_stored_scores(ws: Workspace) -> None:
    task, other = target(ws), replace(target(ws, "d9"), digest="another")
    ws.catalog.add_task(other)
    candidates = [c for c in ws.catalog.checkpoints() if c.dataset == "d1"]
    points = [Point.of(candidates[0].base), *map(workflows.checkpoint_point, candidates)]
    ws.catalog.add_scores([(p, Score(p.hash, other.digest, Probe().key, loss, 0.1, 0.5, 10, "cpu", 0.1,
                                     np.zeros(10, np.float32)))
                           for p, loss in zip(points, (1.0, 0.9, 0.7, 0.8), strict=True)])
    (found,) = starting.starts(ws, task, ["best"]).starts
    assert found.point == points[2]
    assert "−0.300" in found.why.replace("-", "−")
    assert "on d9" in found.why


def test_any_point_can_be_a_start(ws: Workspace) -> None:
    ws.catalog.add_point("mine", Point.of(workflows.main_base(ws).id, {sorted(models(ws, "d0"))[0]: 0.5}))
    found = starting.starts(ws, target(ws), ["mine", "m1"]).starts
    assert [s.name for s in found] == ["mine", "m1"]
    with pytest.raises(UnknownNameError, match="unknown start"):
        starting.starts(ws, target(ws), ["nobody"])


def test_runs_are_made_once_kept_and_repeatable(ws: Workspace) -> None:
    plan = made(ws)
    assert len(plan.runs) == 4
    job = starting.train(ws, plan)
    assert job.work.lane == "side"
    first = {r.key: r for r in job.result() if isinstance(r, Started)}
    assert set(first) == {r.key(FAST) for r in plan.runs} == set(starting.stored(ws, plan))
    assert starting.stored(ws, plan) == first
    assert starting.train(ws, plan).result() == []
    for r in first.values():
        assert (r.steps, r.size, 0 <= r.accuracy <= 1, r.n) == (4, 40, True, plan.targets[0].task.n_test)
        assert np.isfinite([r.loss, r.stderr]).all()
    base = plan.base
    request = starting.Starting(base, str(ws.catalog.resolve(base.path)), {
        c.id: str(ws.catalog.resolve(c.path)) for c in ws.catalog.checkpoints()}, tuple(reversed(plan.runs)), FAST)
    again = {r.key: r for r in train_from(request) if isinstance(r, Started)}
    assert {k: (r.accuracy, r.loss) for k, r in again.items()} == {k: (r.accuracy, r.loss) for k, r in first.items()}
    assert len({r.loss for r in first.values()}) == 4


def test_what_is_missing_goes_on_where_it_stopped(ws: Workspace) -> None:
    plan = made(ws, seeds=[0])
    starting.train(ws, plan).result()
    wider = made(ws, seeds=[0, 1], sizes=[40, None])
    left = starting.missing(ws, wider)
    assert len(left) == 6
    request = starting.Starting(plan.base, "", {}, tuple(wider.runs), FAST)
    kept = request.remaining(starting.stored(ws, wider).values())
    assert kept.runs == tuple(left)
    parts = replace(request, runs=(*wider.runs, Run(wider.runs[0].point, replace(target(ws), digest="x"), None, 0)))
    assert sorted(len(p.runs) for p in parts.split(4)) == [1, 8]
    assert starting.table(ws, wider).missing == 6


def test_the_table_pairs_starts_with_the_base(ws: Workspace) -> None:
    plan = made(ws, kinds=("base", "centroid", "m0"))
    starting.train(ws, plan).result()
    found = starting.table(ws, plan)
    by = {(start, r.seed): r.accuracy for _, start, r in found.runs}
    cell = next(c for c in found.cells if c.start == "centroid")
    assert cell.difference is not None
    assert cell.difference.value == pytest.approx(np.mean([by["centroid", s] - by["base", s] for s in (0, 1)]))
    assert {t.start for t in found.tallies} == {"centroid", "m0"}
    probe = Probe(train=20, test=20)
    workflows.measure(ws, starting.asks(plan, probe)).result()
    rows = starting.predicted(ws, plan, probe)
    assert [r.start for r in rows] == ["base", "centroid", "m0"]
    assert all(r.loss is not None for r in rows)
    assert rows[1].distance == pytest.approx(0, abs=1e-6)
    ranked = starting.ranking(rows, found.cells, 40)
    assert set(ranked) == {"loss", "distance"}
    assert ranked["loss"].pairs == 2


def test_methods_differ_and_patience_stops_early(ws: Workspace) -> None:
    results = {}
    for tuning in (FAST, replace(FAST, method="full"), replace(FAST, method="probe"), replace(FAST, patience=1, lr=0.5,
                                                                                              steps=60)):
        plan = made(ws, ("base",), tuning, seeds=[0])
        (results[tuning],) = starting.train(ws, plan).result()
    assert len({r.loss for r in results.values()}) == 4
    assert results[replace(FAST, patience=1, lr=0.5, steps=60)].steps < 60


@pytest.mark.parametrize(("changes", "said"), [
    ({"tuning": replace(FAST, method="half")}, "unknown method 'half'"), ({"kinds": ("bse",)}, "Did you mean base"),
    ({"tuning": replace(FAST, steps=0)}, "steps is 0"), ({"tuning": replace(FAST, lr=float("nan"))}, "rate is nan"),
    ({"tuning": replace(FAST, batch=0)}, "batch is 0"), ({"tuning": replace(FAST, patience=-1)}, "patience is -1"),
    ({"sizes": [10**6]}, "1000000 train texts of d0: 2 to 240"), ({"sizes": [1]}, "2 to 240"),
    ({"sizes": []}, "a size"), ({"seeds": []}, "a seed"), ({"seeds": [-1]}, "the seed is -1"),
    ({"region": "nowhere"}, "unknown region"),
    ({"samples": 0}, "0 hull samples"), ({"base": "elsewhere"}, "unknown base"), ({"kinds": ("best",)}, "no start")])
def test_refused_before_anything_runs(ws: Workspace, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        made(ws, **{"kinds": ("base",), **changes})
    assert said in str(error.value)
    assert not list(ws.backend.jobs())


def test_a_point_of_another_base_is_refused(ws: Workspace) -> None:
    base = workflows.main_base(ws)
    ws.catalog.add_base(replace(base, id="other", name="other"))
    ws.catalog.add_point("alien", Point.of("other"))
    with pytest.raises(InputError, match="is a Point of 'other'"):
        made(ws, ("base", "alien"))


def test_texts_that_are_not_here(ws: Workspace) -> None:
    plan = made(ws)
    Path(plan.targets[0].task.path).unlink()
    with pytest.raises(UnavailableError, match="datasets fetch"):
        starting.train(ws, plan)


def test_runs_are_kept_apart_by_all_that_they_depend_on(ws: Workspace) -> None:
    base, task = workflows.main_base(ws), target(ws)
    one = Started(Point.of(base.id), task.digest, FAST.key, None, 0, 0.5, 1.0, 0.1, 60, 4, 0.2, "cpu")
    others = [replace(one, size=40), replace(one, seed=1), replace(one, point=Point.of(base.id, {"x": 1.0})),
              replace(one, point=Point.of("elsewhere"))]
    runs.add_runs(ws.catalog.database, [one, *others], FAST)
    runs.add_runs(ws.catalog.database, [replace(one, accuracy=0.9)], FAST)
    slow = replace(FAST, steps=9)
    runs.add_runs(ws.catalog.database, [replace(one, tuning=slow.key)], slow)
    assert runs.runs_of(ws.catalog.database, base.id, task, FAST) == sorted([one, *others[:3]], key=lambda r: (
        r.point.hash, r.size or 0, r.seed))
    assert runs.tunings(ws.catalog.database) == {slow.key: slow, FAST.key: FAST}
