"""Lines measured to the end, as workflows: what pages and scripts call beside the command line."""

from __future__ import annotations

import pytest

from explorer import workflows
from explorer.errors import InputError, NotFiniteError
from explorer.statistics.readings import paired
from explorer.types import Point, Probe
from explorer.workflows import Workspace, lines

PROBE = Probe(train=60, test=30)


def test_a_line_is_one_job_and_overflow_takes_nothing_from_the_rest(ws: Workspace) -> None:
    task, one = ws.catalog.task("toy"), workflows.resolve(ws, "m0")
    zero = Point.of(one.base)
    (whole,) = lines.measured(ws, workflows.path(ws, zero, one, [0.0, 0.5, 1.0]), [task], PROBE)
    assert len(list(ws.backend.jobs())) == 1
    assert whole.barrier is not None
    (torn,) = lines.measured(ws, workflows.path(ws, zero, one, [0.0, 1e38, 0.25, 1.0]), [task], PROBE)
    assert list(torn.reasons) == [1e38]
    assert [s is not None for s in torn.scores] == [True, False, True, True]
    assert torn.barrier is not None
    assert lines.mean([torn])[1] is None
    with pytest.raises(NotFiniteError):
        lines.measured(ws, workflows.path(ws, zero, one, [1e38]), [task], PROBE)


def test_overflow_between_the_ends_leaves_no_barrier(ws: Workspace) -> None:
    task, one = ws.catalog.task("toy"), workflows.resolve(ws, "m0")
    (torn,) = lines.measured(ws, workflows.path(ws, one, one.moved(Point.of(one.base), 1e38), [0.0, 0.5, 1.0]),
                             [task], PROBE)
    assert torn.reasons.keys() == {0.5, 1.0}
    assert torn.barrier is None
    assert torn.minimum is not None


def test_a_boundary_is_measured_step_by_step_and_its_error_is_paired(ws: Workspace) -> None:
    task = ws.catalog.task("toy")
    zero, one = workflows.resolve(ws, "m0"), workflows.resolve(ws, "m4")
    found = lines.boundary(ws, zero, one, task, PROBE, 0.01, "one", tolerance=0.05, limit=6.0)
    jobs = list(ws.backend.jobs())
    assert len(jobs) == len(found.measured.alphas)
    assert all("Boundary on toy from m0 to m4" in job.title for job in jobs)
    known = dict(zip(found.measured.alphas, found.measured.scores, strict=True))
    if found.boundary.alpha is not None:
        inside, end = known[found.boundary.alpha], known[1.0]
        assert inside is not None
        assert end is not None
        assert found.boundary.stderr == paired(inside, end).stderr
    again = lines.boundary(ws, zero, one, task, PROBE, 0.01, "one", tolerance=0.05, limit=6.0)
    assert again.boundary == found.boundary
    assert len(list(ws.backend.jobs())) == len(jobs), "what is stored is not measured again"


def test_an_end_that_overflows_has_no_boundary(ws: Workspace) -> None:
    one = workflows.resolve(ws, "m0")
    far = one.moved(Point.of(one.base), 1e38)
    found = lines.boundary(ws, one, far, ws.catalog.task("toy"), PROBE, 0.1, "one")
    assert found.boundary.alpha is None
    assert "not finite" in found.boundary.reason


@pytest.mark.parametrize(("excess", "tolerance", "limit"), [(0, 0.01, None), (0.1, 5, None), (0.1, 0.01, 0.5)])
def test_a_useless_search_measures_nothing(excess: float, tolerance: float, limit: float | None, ws: Workspace) -> None:
    zero, one = workflows.resolve(ws, "m0"), workflows.resolve(ws, "m4")
    with pytest.raises(InputError):
        lines.boundary(ws, zero, one, ws.catalog.task("toy"), PROBE, excess, "one", tolerance=tolerance, limit=limit)
    assert not list(ws.backend.jobs())
