"""Regions: who is in which group, what is asked for, what is read off it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import planted_region
import pytest
from planted_region import PROBE, TASKS, apart, equal, groups, planted, score

from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.types import Point, Probe, Score
from explorer.workflows import Workspace, regions


@pytest.fixture(scope="module")
def region_ws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The planted workspace; tests store scores under a measure of their own."""
    ws = planted(tmp_path_factory.mktemp("regions") / "ws")
    yield ws
    ws.close()


def datasets(ws: Workspace, points: tuple[Point, ...]) -> list[str | None]:
    known = {c.id: c.dataset for c in ws.catalog.checkpoints()}
    return [known[p.terms[0][0]] for p in points]


def test_a_data_set_against_the_others(region_ws: Workspace) -> None:
    found = groups(region_ws)
    assert (found.trait, found.limited, len(found.in_prime.points)) == ("d0", 1, 20)
    assert datasets(region_ws, found.inside.points) == ["d0"] * 6
    assert sorted(set(datasets(region_ws, found.outside.points)), key=str) == sorted(f"d{i}" for i in range(1, 12))
    assert found.inside.datasets is None
    assert found.outside.datasets == tuple(datasets(region_ws, found.outside.points))
    assert dict(found.centroid.terms) == pytest.approx({p.terms[0][0]: 1 / 6 for p in found.inside.points})


def test_a_task_against_the_others(region_ws: Workspace) -> None:
    found = groups(region_ws, "d4", "task")
    assert found.trait == "t1"
    assert set(datasets(region_ws, found.inside.points)) == {"d4", "d5", "d6", "d7"}
    assert (len(found.inside.points), len(found.outside.points)) == (24, 48)
    assert found.inside.datasets == tuple(datasets(region_ws, found.inside.points))
    left = groups(region_ws, "d4", "task", leave_out=True)
    assert set(datasets(region_ws, left.inside.points)) == {"d5", "d6", "d7"}
    assert groups(region_ws, "elsewhere", "task", "t2").trait == "t2"


def test_all_models_against_random_directions(region_ws: Workspace) -> None:
    found = groups(region_ws, "elsewhere", "general")
    assert (found.trait, len(found.inside.points), len(found.outside.points)) == ("", 72, 72)
    apart = regions.distances(region_ws, found)
    norm = region_ws.catalog.gram().norms.mean()
    length = float(np.sqrt(region_ws.catalog.gram().inner(found.centroid)[1]))
    assert apart[2] == pytest.approx(np.hypot(norm, length), rel=1e-9)  # at right angles to everything
    other = groups(region_ws, "elsewhere", "general", seed=1)
    assert not set(other.outside.points) & set(found.outside.points)
    by_group = groups(region_ws, "elsewhere", "general", random="groups")
    assert all(len(p.terms) == 2 for p in by_group.outside.points)


def test_few_models_still_have_twenty_random_directions(ws: Workspace) -> None:
    (task,) = ws.catalog.tasks()
    assert len(regions.groups(ws, task, "general").outside.points) == regions.FEWEST_RANDOM


def test_distances_of_planted_models(region_ws: Workspace) -> None:
    found = groups(region_ws)
    vectors = {f"id-A-{i}": v for i, v in enumerate(planted_region.zoo().vectors)}
    middle = np.mean([vectors[p.terms[0][0]] for p in found.inside.points], axis=0)
    sides = (found.inside.points, found.in_prime.points, found.outside.points)
    for points, found_apart in zip(sides, regions.distances(region_ws, found), strict=True):
        explicit = [np.linalg.norm(sum(c * vectors[k] for k, c in p.terms) - middle) for p in points]
        assert found_apart == pytest.approx(explicit, abs=1e-8)


def test_the_order_of_what_is_asked_for(region_ws: Workspace) -> None:
    found = groups(region_ws, samples=5)
    asks = [ask.point for ask in regions.asks(found, PROBE)]
    assert asks == [*found.inside.points, *found.outside.points, *found.in_prime.points, Point.of("id-A")]
    more = groups(region_ws, samples=10)
    assert more.in_prime.points[:5] == found.in_prime.points
    with pytest.raises(InputError, match="refitted head"):
        regions.asks(found, Probe(head="end-to-end"))


@pytest.mark.parametrize("seed", range(4))
def test_equal_groups_are_at_one_half(region_ws: Workspace, seed: int) -> None:
    probe = Probe(train=20, test=20, length=10 + seed)
    found = groups(region_ws, seed=seed)
    score(region_ws, found, equal(seed), probe)
    region = regions.measured(region_ws, found, probe).region
    assert region is not None
    for share in (region.in_ex, region.in_prime_ex, region.in_prime_in):
        assert share.low <= 0.5 <= share.high
        assert share.method == "texts"


def test_groups_that_are_apart(region_ws: Workspace) -> None:
    probe = Probe(train=20, test=20, length=30)
    found = groups(region_ws, samples=8)
    before = regions.known(region_ws, found, probe)
    assert (before.missing, before.region, before.base) == (80, None, None)
    score(region_ws, found, apart, probe)
    region = regions.known(region_ws, found, probe)
    assert (region.missing, region.base and region.base.loss) == (0, 1.0)
    assert region.region is not None
    assert [getattr(region.region, k).value for k in ("in_ex", "in_prime_ex", "in_prime_in")] == [1, 1, 1]
    assert region.region.in_ex.n == (6, 66)


def test_the_hull_may_grow_after_the_models(region_ws: Workspace) -> None:
    probe = Probe(train=20, test=20, length=31)
    score(region_ws, groups(region_ws, samples=5), apart, probe)
    found = regions.known(region_ws, groups(region_ws, samples=10), probe)
    assert found.missing == 5
    assert found.region is not None
    assert found.region.in_prime_in.n == (5, 6)


def test_a_point_without_a_loss_is_above_all(region_ws: Workspace) -> None:
    probe = Probe(train=20, test=20, length=32)
    found = groups(region_ws)
    score(region_ws, found, lambda name, i, n: apart(name, i, n), probe)
    whole = regions.known(region_ws, found, probe)
    other = Probe(train=20, test=20, length=33)
    gone = found.outside.points[:1] + found.inside.points[:2]
    scores = [(p, s) for p, s in region_ws.catalog.scored_points(TASKS["d0"], probe, "id-A") if p not in gone]
    region_ws.catalog.add_scores([(p, Score(s.point, s.task, other.key, s.loss, s.stderr, s.accuracy, s.n, s.device,
                                            s.seconds, s.losses)) for p, s in scores])
    half = regions.known(region_ws, found, other, {p.hash: "too far out" for p in gone})
    assert whole.region is not None
    assert half.region is not None
    assert (len(half.reasons), half.missing) == (3, 0)
    # 4 of 6 are better than all, 2 no worse than the one other without a loss
    assert half.region.in_ex.value == pytest.approx((4 * 66 + 2 * 1) / (6 * 66))
    assert half.region.in_ex.method == "texts"


def test_a_mean_over_regions_and_over_tasks(region_ws: Workspace) -> None:
    probe = Probe(train=20, test=20, length=34)
    found = []
    for task, losses in (("d0", apart), ("d1", equal(1)), ("d4", equal(2))):
        chosen = groups(region_ws, task)
        score(region_ws, chosen, losses, probe)
        found.append(regions.known(region_ws, chosen, probe))
    mean = regions.average(found)
    values = [f.region.in_ex.value for f in found if f.region]
    assert mean.over == ("d0", "d1", "d4")
    assert mean.region.in_ex.value == pytest.approx(np.mean(values))
    assert mean.region.in_ex.low <= mean.region.in_ex.value <= mean.region.in_ex.high
    assert mean.region.in_ex.low < max(values)
    assert regions.average(found[:1]).region == found[0].region
    with pytest.raises(InputError, match="measured"):
        regions.average([*found, regions.known(region_ws, groups(region_ws, "d4", "task"), probe)])
    with pytest.raises(InputError, match="measured"):
        regions.average([])


def test_loss_by_the_dimension_of_the_hull(region_ws: Workspace) -> None:
    probe = Probe(train=20, test=20, length=35)
    found = groups(region_ws)
    score(region_ws, found, apart, probe)
    drawn = regions.faces(found, count=5)
    assert sorted(drawn) == [0, 1, 2, 3, 5]
    assert all(len(p.terms) == k + 1 for k in (1, 2, 3) for p in drawn[k])
    rows = regions.by_dimension(region_ws, found, probe, drawn)
    assert [r.dimension for r in rows] == [0, 1, 2, 3, 5]
    assert rows[0].mean is not None
    assert rows[0].mean.value == pytest.approx(0.40025)
    assert rows[1].mean is None
    assert len(regions.face_asks(found, probe, drawn)) == 6 + 3 * 5 + 20


def test_a_line_is_a_hull_too(region_ws: Workspace) -> None:
    ids = [c.id for c in region_ws.catalog.checkpoints() if c.dataset == "d0"]
    found = groups(region_ws)
    pair = regions.Groups(found.base, "dataset", "d0", found.task, regions.Members(found.inside.points[:2], ("a", "b")),
                          found.in_prime, found.outside)
    assert sorted(regions.faces(pair)) == [0, 1]
    assert len(ids) == 6


def test_real_models(ws: Workspace) -> None:
    (task,) = ws.catalog.tasks()
    found = regions.groups(ws, task, "dataset", "d0", samples=5)
    assert regions.known(ws, found, PROBE).region is None
    made = regions.measured(ws, found, PROBE)
    assert made.missing == 0
    assert made.region is not None
    assert 0 <= made.region.in_ex.value <= 1
    assert made.base is not None


def test_what_is_refused(region_ws: Workspace, ws: Workspace) -> None:
    def said(*arguments: object, **settings: object) -> str:
        with pytest.raises(InputError) as error:
            groups(region_ws, *arguments, **settings)  # type: ignore[arg-type]
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "Did you mean d1" in said("d0", "dataset", "d111")
    assert "known: d0, d1" in said("elsewhere")
    assert "is not known" in said("elsewhere", "task")
    assert "no trait" in said("d0", "general", "d0")
    assert "no model of data set 'd0' (those trained on d0 left out)" in said(leave_out=True)
    assert "5 to 500" in said(samples=4)
    assert "0.01 to 1000" in said(concentration=0)
    assert "seed" in said(seed=-1)
    assert "unknown base" in said(base="B")
    assert "of one base" in said(base="all")
    assert "whole" in said("d0", "general", random="some")
    (task,) = ws.catalog.tasks()
    with pytest.raises(UnknownNameError):
        regions.groups(ws, task, "domain")  # type: ignore[arg-type]
    with pytest.raises(UnavailableError, match="texts"):
        regions.measured(region_ws, groups(region_ws), Probe(length=99))


def test_fewer_than_two_models_of_a_trait(tmp_path: Path) -> None:
    from planted_workspace import add_base, add_models, workspace

    ws = workspace(tmp_path / "ws")
    add_base(ws, "A")
    vectors = np.random.default_rng(0).normal(size=(3, 400))
    add_models(ws, "A", vectors, [{"dataset": "d0"}, {"dataset": "d1"}, {"dataset": "d1"}])
    with pytest.raises(InputError, match=r"has 1 model of data set 'd0'; In needs at least 2"):
        groups(ws, "d0")
    assert len(groups(ws, "d1").outside.points) == 1
    assert regions.traits(ws, "dataset") == {"d0": 1, "d1": 2}
    ws.close()
