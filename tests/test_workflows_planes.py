"""Planes as workflows: rows and columns on a planted quadratic loss, overflow, surfaces that fill in step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from planted_models import gram_of, vector, vectors

from explorer import workflows
from explorer.errors import InputError, NotFiniteError
from explorer.paths.plane import coefficient_plane, through
from explorer.types import Point, Probe, Score, Task
from explorer.workflows import Workspace, planes
from explorer.workflows.planes import Filling, Sheet, filled, step

PROBE = Probe(train=20, test=20)
DELTAS = vectors(5)
GRAM = gram_of(DELTAS)
A, B, C = (Point.of("base", {i: 1.0}) for i in GRAM.ids[:3])
HERE, THERE = (Task(name, f"{name}.parquet", ("a", "b"), 9, 9, name) for name in ("here", "there"))


def planted(losses: Callable[[Point, Task], np.ndarray]) -> Any:
    """A workspace whose Points have known losses once they are in `measured`."""
    measured: set[tuple[str, str]] = set()

    def scores(points: Sequence[Point], task: Task, probe: Probe) -> list[Score | None]:
        return [_score(p, task, losses(p, task)) if (p.hash, task.digest) in measured else None for p in points]

    return SimpleNamespace(catalog=SimpleNamespace(scores=scores), measured=measured)


def _score(point: Point, task: Task, losses: np.ndarray) -> Score:
    mean, n = float(losses.mean()), len(losses)
    return Score(point.hash, task.digest, PROBE.key, mean, 0.01, 0.5, n, "cpu", 0.1, losses.astype(np.float32))


def squared(point: Point, task: Task) -> np.ndarray:
    """The squared weight distance from the first corner: x² + y² on a plane that begins there."""
    return np.full(4, np.square(vector(point, GRAM, DELTAS) - DELTAS[0]).sum())


def run(ws: Any, filling: Filling, most: int = 200) -> int:
    """Fills a sheet; how many asks were made."""
    made = 0
    for _ in range(most):
        asks = step(ws, filling)
        if not asks:
            return made
        made += len(asks)
        ws.measured |= {(a.point.hash, a.task.digest) for a in asks}
    pytest.fail("it does not end")


def test_rows_are_y_and_columns_x_on_a_quadratic_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    ws = planted(squared)
    monkeypatch.setattr(planes, "attempt", lambda ws, asks, title: ws.measured.update(
        (a.point.hash, a.task.digest) for a in asks) or {})
    plane = through(GRAM, A, B, C)
    grid = planes.grid_losses(ws, plane, (0.0, 1.0, 2.0), (0.0, 10.0), HERE, PROBE)
    assert [[s.loss for s in row if s] for row in grid.scores] == [pytest.approx([0, 1, 4], abs=1e-6),
                                                                   pytest.approx([100, 101, 104], abs=1e-6)]
    assert [s.loss for s in grid.corners if s] == pytest.approx([0, plane.b**2, plane.c**2 + plane.d**2])


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_sheet_fills_in_with_the_losses_of_its_places_and_stops(depth: int) -> None:
    ws, sheet = planted(squared), Sheet(through(GRAM, A, B, C), (HERE,), PROBE, depth, 0.25)
    made = run(ws, Filling(sheet))
    known = filled(ws, sheet)
    xs, ys = sheet.axes
    assert all(value == pytest.approx(xs[j] ** 2 + ys[i] ** 2, abs=1e-5) for (i, j), value in known.values.items())
    assert made <= max(81, 0.4 * sheet.side**2) + len(sheet.own)
    assert step(ws, Filling(sheet)) == [], "what is known needs nothing further"
    drawn = known.surface(33)
    assert drawn is not None
    fine_x, fine_y = sheet.plane.axes(33, 0.25)
    truth = np.add.outer(np.square(fine_y), np.square(fine_x))
    assert np.abs(drawn.values - truth).max() <= 0.03 * np.ptp(truth)
    assert known.lowest is not None
    assert known.lowest[1].loss == pytest.approx(min(known.values.values()))


def test_a_deeper_sheet_begins_with_the_nodes_of_the_one_before() -> None:
    ws, plane = planted(squared), through(GRAM, A, B, C)
    run(ws, Filling(Sheet(plane, (HERE,), PROBE, 3, 0.25)))
    assert len(filled(ws, Sheet(plane, (HERE,), PROBE, 4, 0.25)).values) == 81


def test_the_corners_and_the_base_come_first() -> None:
    ws, sheet = planted(squared), Sheet(through(GRAM, A, B, C), (HERE,), PROBE, 3, 0.25)
    assert [a.point for a in step(ws, Filling(sheet))] == [A, B, C, Point.of("base")]
    assert filled(ws, sheet).left == 81 + 4


def test_overflow_is_tried_alone_and_takes_nothing_from_the_rest() -> None:
    ws, sheet = planted(squared), Sheet(through(GRAM, A, B, C), (HERE,), PROBE, 2, 0.25)
    filling, bad = Filling(sheet), {sheet.points[0, 0].hash, sheet.points[4, 2].hash}
    cause: BaseException | None = None
    for _ in range(100):
        asks = step(ws, filling, cause)
        if not asks:
            break
        well = list(itertools.takewhile(lambda a: a.point.hash not in bad, asks))
        ws.measured |= {(a.point.hash, a.task.digest) for a in well}
        cause = NotFiniteError("too far") if len(well) < len(asks) else None
    known = filled(ws, sheet, filling.lost)
    assert set(known.lost) == {(0, 0), (4, 2)}
    assert set(known.lost.values()) == {"too far"}
    assert len(known.values) == 25
    assert known.values[0, 0] == np.inf
    drawn = known.surface(17)
    assert drawn is not None
    assert np.isfinite(drawn.values).all()


def test_the_height_of_a_triangle_is_above_the_flat_plane_through_its_corners() -> None:
    def tent(point: Point, task: Task) -> np.ndarray:
        weights = point.coefficients(GRAM.ids)[:3]
        return np.array([1.0, 2.0, 3.0]) @ weights + 27 * np.prod(weights) + np.linspace(-0.1, 0.1, 5)

    ws, sheet = planted(tent), Sheet(through(GRAM, A, B, C), (HERE,), PROBE, 4, 0.25)
    assert filled(ws, sheet).height is None
    run(ws, Filling(sheet))
    found = filled(ws, sheet).height
    assert found is not None
    node, high = found
    assert high.value == pytest.approx(1, abs=0.02)
    assert high.stderr == pytest.approx(0, abs=1e-6), "what all texts share has no error"
    assert node is not None
    assert sheet.plane.weights(sheet.axes[0][node[1]], sheet.axes[1][node[0]]) == pytest.approx([1 / 3] * 3, abs=0.1)


def test_disentanglement_is_told_from_single_texts() -> None:
    rng = np.random.default_rng(0)
    slopes = {t.digest: rng.normal(size=(2, 6)) for t in (HERE, THERE)}

    def losses(point: Point, task: Task) -> np.ndarray:
        return 2 + point.coefficients(GRAM.ids)[:2] @ slopes[task.digest]

    ws, sheet = planted(losses), Sheet(coefficient_plane("base", A, B), (HERE, THERE), PROBE, 3, 0.5)
    run(ws, Filling(sheet))
    known = filled(ws, sheet)
    first, second = np.abs(slopes["here"][1]).mean(), np.abs(slopes["there"][0]).mean()
    xs, ys = sheet.axes
    assert len(known.values) == 81
    for (i, j), value in known.values.items():
        assert value == pytest.approx(abs(ys[i]) * first + abs(xs[j]) * second, abs=1e-5)
    assert known.disturbance is not None
    assert known.disturbance.value == pytest.approx(first + second, abs=1e-5)
    assert known.disturbance.stderr > 0


def test_a_lattice_without_both_axes_can_not_tell_disentanglement() -> None:
    sheet = Sheet(coefficient_plane("base", A, B), (HERE, THERE), PROBE, 3, 0.3)
    with pytest.raises(InputError, match="take 0, 0"):
        sheet.needed((0, 0))


# ------------------------------------------------------------------ real models


def test_a_grid_is_measured_whole_and_equals_single_evaluations(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    points = [workflows.resolve(ws, name) for name in ("m0", "m1", "m4")]
    plane = planes.make(ws, "models", points)
    xs, ys = plane.axes(3, 0.25)
    grid = planes.grid_losses(ws, plane, xs, ys, task, PROBE)
    assert len(list(ws.backend.jobs())) == 1
    for i, j in itertools.product(range(3), range(3)):
        workflows.evaluate(ws, [plane.point(xs[j], ys[i])], task, PROBE).result()
        (score,) = ws.catalog.scores([plane.point(xs[j], ys[i])], task, PROBE)
        assert grid.scores[i][j] is not None
        assert grid.scores[i][j].loss == score.loss  # type: ignore[union-attr]
    own = ws.catalog.scores(points, task, PROBE)
    assert [s.loss for s in grid.corners if s] == [s.loss for s in own if s]
    assert not grid.reasons


def test_a_point_that_overflows_has_a_reason_and_the_rest_its_loss(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    a, b = (workflows.resolve(ws, name) for name in ("m0", "m4"))
    plane = planes.make(ws, "coefficients", [a, b])
    grid = planes.grid_losses(ws, plane, (0.0, 1e38), (0.0, 1.0), task, PROBE)
    assert set(grid.reasons) == {(0, 1), (1, 1)}
    assert [[s is not None for s in row] for row in grid.scores] == [[True, False], [True, False]]


def test_models_lie_at_their_projections(ws: Workspace) -> None:
    points = [workflows.resolve(ws, name) for name in ("m0", "m1", "m4")]
    plane = planes.make(ws, "models", points)
    placed = {m.name: m for m in planes.models_on(ws, plane, ws.catalog.task("toy"), PROBE)}
    assert len(placed) == 6
    for name, (x, y) in zip(("m0", "m1", "m4"), plane.coordinates, strict=True):
        assert (placed[name].x, placed[name].y) == pytest.approx((x, y), abs=1e-9)
        assert placed[name].distance == pytest.approx(0, abs=1e-6)
    assert all(placed[name].distance > 0.1 for name in ("m2", "m3", "m5"))
    assert planes.corner_names(ws, "models", plane) == ("m0", "m1", "m4")
    assert planes.models_on(ws, planes.make(ws, "random", points[:1]), ws.catalog.task("toy"), PROBE) == []


def test_a_plane_of_principal_components_shows_all_models(ws: Workspace) -> None:
    plane = planes.make(ws, "components")
    xs, ys = plane.axes(9, 0.0)
    for m in planes.models_on(ws, plane, ws.catalog.task("toy"), PROBE):
        assert xs[0] - 1e-9 <= m.x <= xs[-1] + 1e-9
        assert ys[0] - 1e-9 <= m.y <= ys[-1] + 1e-9
    assert planes.corner_names(ws, "components", plane)[0] == "mean of 6 models"


def test_what_spans_no_plane_is_refused(ws: Workspace) -> None:
    a, b = (workflows.resolve(ws, name) for name in ("m0", "m1"))
    with pytest.raises(InputError, match="takes 3 Points, not 2"):
        planes.make(ws, "models", [a, b])
    with pytest.raises(InputError, match="on one line"):
        planes.make(ws, "models", [a, b, a.moved(b, 0.5)])
    with pytest.raises(InputError, match="two different"):
        planes.make(ws, "coefficients", [a, Point.of(a.base)])
    for size in (1, 500):
        with pytest.raises(InputError, match="2 to 201"):
            planes.check_grid(size)
