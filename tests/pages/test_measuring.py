"""What a page does with missing scores: little is begun by itself, and one model that overflows stops nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from explorer.backends import Job, Work
from explorer.errors import NotFiniteError
from explorer.evaluation.work import Ask
from explorer.pages import _measuring
from explorer.pages._measuring import begin, job_of, lacking, lost
from explorer.types import Point, Probe, Task

TASK = Task("toy", __file__, ("a", "b"), 10, 10, "digest")


def asks(count: int) -> list[Ask]:
    return [Ask(Point.of("base", {f"m{i:02d}": 1.0}), TASK, Probe()) for i in range(count)]


class Measuring:
    """Scores in order; the model overflows at some Points."""

    def __init__(self, overflowing: set[Point] = frozenset()) -> None:  # type: ignore[assignment]
        self.scored: set[Ask] = set()
        self.overflowing, self.jobs = overflowing, list[list[Ask]]()

    def unscored(self, ws: object, wanted: Any) -> list[Ask]:
        return [a for a in wanted if a not in self.scored]

    def measure(self, ws: object, wanted: Any, **_: object) -> Job:
        job = Job(Work("", "", None))
        job.begin()
        self.jobs.append(list(wanted))
        for ask in wanted:
            if ask.point in self.overflowing:
                job.end("failed", NotFiniteError("too far out"))
                return job
            self.scored.add(ask)
        job.end("done")
        return job


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(_measuring.st, "session_state", state)
    monkeypatch.setattr(_measuring, "me", lambda: "me")
    monkeypatch.setattr(_measuring, "cancel", Job.cancel)
    return state


def use(monkeypatch: pytest.MonkeyPatch, measuring: Measuring) -> None:
    monkeypatch.setattr(_measuring, "workflows",
                        SimpleNamespace(unscored=measuring.unscored, measure=measuring.measure))


def test_little_is_begun_by_itself_and_much_on_a_click(session: dict[str, Any],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    measuring = Measuring()
    use(monkeypatch, measuring)
    ws: Any = None
    many = asks(_measuring.FEW + 1)
    assert begin(ws, "a", many, "") is None
    assert begin(ws, "a", many, "", asked=True) is not None
    assert measuring.jobs == [many]
    assert begin(ws, "b", asks(1), "") is None  # that one is scored
    other = [Ask(Point.of("base", {"other": 1.0}), TASK, Probe())]
    session["auto"] = False
    assert begin(ws, "b", other, "") is None
    session["auto"] = True
    assert begin(ws, "b", other, "") is not None
    assert job_of("a", many) is not None
    assert job_of("a", other) is None


def test_models_that_overflow_stop_nothing_else(session: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = asks(8)
    far = {wanted[2].point, wanted[5].point}
    measuring = Measuring(far)
    use(monkeypatch, measuring)
    ws: Any = None
    for _ in range(12):
        begin(ws, "a", wanted, "")
    assert set(lost()) == {p.hash for p in far}
    assert lacking(ws, wanted) == []
    assert measuring.scored == {a for a in wanted if a.point not in far}
    assert len(measuring.jobs) == 5
