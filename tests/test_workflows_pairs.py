"""Barriers of all pairs, as workflow and as verb: equal to single paths, partial matrices, overflow, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer import workflows
from explorer.errors import InputError
from explorer.merges._recipe import is_merge
from explorer.statistics.barriers import Correlation
from explorer.statistics.readings import barrier
from explorer.types import Point, Probe
from explorer.workflows import Workspace, pairs, places
from explorer.workflows.mapping import gram, with_terms
from explorer.workflows.merging import merge_point

PROBE = Probe(train=20, test=20)
FEW = ("--train-texts", 20, "--test-texts", 20)
ALPHAS = (0.0, 0.5, 1.0)
Cli = Callable[..., tuple[int, str, str]]


def models(ws: Workspace, *names: str) -> list[Point]:
    return [workflows.resolve(ws, name) for name in names]


def test_every_pair_has_the_barrier_of_its_path(ws: Workspace) -> None:
    task, points = ws.catalog.task("toy"), models(ws, "m0", "m1", "m3", "m4", "base")
    found = pairs.barriers(ws, points, task, PROBE, [0.25, 0.5])
    assert len(list(ws.backend.jobs())) == 1
    assert found.names == ("m0", "m1", "m3", "m4", "base")
    assert found.alphas == (0.0, 0.25, 0.5, 1.0)
    assert (found.done, found.pairs) == (10, 10)
    for (i, j), line in zip(np.argwhere(np.triu(np.ones((5, 5)), 1)),
                            pairs.lines_of(points, found.alphas).values(), strict=True):
        assert (line.one, line.zero) == (points[i], points[j])
        alone = barrier(line.alphas, ws.catalog.scores(line.points, task, PROBE))
        assert alone is not None
        assert found.barriers.values[i, j] == found.barriers.values[j, i] == alone.value
        assert found.barriers.readings[points[i].hash, points[j].hash] == alone
    gram = ws.catalog.gram(points[0].base)
    rows = [gram.ids.index(p.terms[0][0]) for p in points[:4]]
    assert found.cosines is not None
    assert found.cosines[:4, :4] == pytest.approx(gram.cosines[np.ix_(rows, rows)], abs=1e-12)
    assert np.isnan(found.cosines[4]).all(), "the base has no direction"
    assert isinstance(found.correlation, Correlation)
    assert (found.correlation.models, found.correlation.pairs) == (4, 6)
    assert sorted(found.order) == [0, 1, 2, 3, 4]
    assert found.basins(1e9) == [0] * 5
    assert "One basin holds all 5" in pairs.in_words(found, 1e9)


def test_a_pair_is_known_when_all_of_its_line_is(ws: Workspace) -> None:
    task, points = ws.catalog.task("toy"), models(ws, "m0", "m1", "m3")
    wanted = pairs.asks(points, task, PROBE, ALPHAS)
    assert [a.point for a in wanted[:3]] == points
    assert pairs.known(ws, points, task, PROBE, ALPHAS).done == 0
    workflows.measure(ws, wanted[:4]).result()
    partly = pairs.known(ws, points, task, PROBE, ALPHAS)
    assert (partly.done, np.isnan(partly.barriers.values).sum()) == (1, 4)
    assert pairs.missing(ws, points, task, PROBE, ALPHAS) == wanted[4:]
    assert isinstance(partly.correlation, str)


def test_overflow_makes_a_barrier_infinite_and_takes_nothing_from_the_rest(ws: Workspace) -> None:
    task, (near, other) = ws.catalog.task("toy"), models(ws, "m0", "m1")
    up = Point.of(near.base, {near.terms[0][0]: 1.0, "random:xavier:0": 1e38})
    down = Point.of(near.base, {near.terms[0][0]: 1.0, "random:xavier:0": 1.5e38})
    found = pairs.barriers(ws, [near, other, up, down], task, PROBE, ALPHAS)
    assert found.barriers.values[0, 1] >= 0
    assert len(found.lost) == 5
    assert all("not finite" in why for why in found.lost.values())
    assert not np.isfinite(found.barriers.values[0, 2])
    assert found.cosines is not None
    assert found.cosines[2, 3] == pytest.approx(1.0)


def test_places_whose_direction_is_not_known_have_barriers_but_no_cosines(ws: Workspace) -> None:
    task, (near, other) = ws.catalog.task("toy"), models(ws, "m0", "m1")
    shrunk = Point.of(near.base, {near.terms[0][0]: 0.9, "zero": 0.1})
    found = pairs.barriers(ws, [near, other, shrunk], task, PROBE, ALPHAS)
    assert found.done == 3
    assert found.cosines is None
    assert "zero" in found.reason
    assert found.correlation == found.reason


def test_a_merge_has_the_place_that_its_weights_have(ws: Workspace) -> None:
    same = {"lambda": [{"filter": "no such part", "value": 0.3}, {"value": 1.0}]}
    merge = merge_point(ws, "task_arithmetic", {"m0": 1, "m1": 1}, same)
    assert is_merge(merge.terms[0][0])
    others = models(ws, "m0", "m4")
    sum_ = Point.of(merge.base, dict.fromkeys((c.terms[0][0] for c in models(ws, "m0", "m1")), 1.0))
    exact, reason = pairs._cosines(ws, [sum_, *others])
    found, none = pairs._cosines(ws, [merge, *others])
    assert reason == none == ""
    np.testing.assert_allclose(found, exact, atol=1e-6)
    here, there = (places.apart(ws, p, [ws.catalog.checkpoint(m) for m in ("m2", "m3", "m4")]) for p in (merge, sum_))
    assert here.distance == pytest.approx(there.distance, rel=1e-5)
    layer = with_terms(ws, gram(ws, layers=["1"]), [merge])
    np.testing.assert_allclose(layer.inner(merge)[0][:6], gram(ws, layers=["1"]).inner(sum_)[0], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("names", "alphas", "said"), [
    (("m0",), ALPHAS, "no pair"), (("m0", "m1", "m0"), ALPHAS, "m0 is there twice"),
    (("m0", "m1"), (0.0, 1.0), "no α between"), (("m0", "m1"), (0.5, 1.5), "between the ends"),
    (("m0", "m1"), (math.nan,), "between the ends")])
def test_what_has_no_barrier(ws: Workspace, names: tuple[str, ...], alphas: tuple[float, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        pairs.barriers(ws, models(ws, *names), ws.catalog.task("toy"), PROBE, alphas)
    assert not list(ws.backend.jobs())


def test_points_of_two_bases(ws: Workspace) -> None:
    ws.catalog.add_base(replace(workflows.main_base(ws), id="other", name="another"))
    points = [*models(ws, "m0"), Point.of("other")]
    with pytest.raises(InputError, match=r"different bases \(another, base\)"):
        pairs.check(ws, points, ALPHAS)


def test_the_verb_says_it_all(cli: Cli, workspace: Path) -> None:
    status, out, err = cli("barrier", "m0", "m1", "m3", "m4", "--task", "toy", "--alphas", "0:1:3", "--basin", 5, *FEW,
                           "--workspace", workspace, "--json")
    assert status == 0, err
    said = json.loads(out, parse_constant=lambda c: pytest.fail(f"{c} is no JSON"))
    assert said["models"] == ["m0", "m1", "m3", "m4"]
    assert said["basins"] == [0, 0, 0, 0]
    assert sorted(said["order"]) == [0, 1, 2, 3]
    assert len(said["pairs"]) == 6
    assert set(said["pairs"][0]) == {"a", "b", "barrier", "stderr", "low", "high", "alpha", "cosine"}
    assert set(said["correlation"]) == {"rank", "p", "stderr", "pairs", "models", "exact"}
    matrix = np.array(said["barriers"])
    assert matrix.shape == (4, 4)
    assert (matrix == matrix.T).all()
    pair = said["pairs"][4]
    assert (pair["a"], pair["b"], pair["barrier"]) == ("m1", "m4", matrix[1, 3])
    line = json.loads(cli("path", "m1", "m4", "--task", "toy", "--alphas", "0:1:3", *FEW, "--workspace", workspace,
                          "--json")[1])
    assert line["readings"]["barrier"]["value"] == pair["barrier"]
    status, out, _ = cli("barrier", "m0", "m1", "--task", "toy", "--alphas", "0:1:3", *FEW, "--workspace", workspace)
    assert status == 0
    assert "no correlation" in out


@pytest.mark.parametrize(("given", "said"), [
    (("m0", "m1", "--basin=-1"), "limit of a basin"), (("m0", "m1", "--alphas", "0,1"), "no α between"),
    (("m0", "nope"), "unknown point"), (("m0", "m0"), "twice"), (("m0", "m1", "--task", "nope"), "unknown task")])
def test_the_verb_refuses_in_one_line(cli: Cli, workspace: Path, given: tuple[str, ...], said: str) -> None:
    status, out, err = cli("barrier", "--task", "toy", *given, *FEW, "--workspace", workspace, "--json")
    assert (status, out) == (2, "")
    assert said in err
    assert err.strip().count("\n") == 0
