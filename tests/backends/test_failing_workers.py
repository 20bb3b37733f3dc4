"""Workers that hang and devices that fail: jobs go on elsewhere, or end with the reason; the next ones run."""

from __future__ import annotations

import pytest
from observing import work
from work_functions import Lost

from explorer import backends, settings
from explorer.backends import Backend
from explorer.backends._scheduler import _lost
from explorer.errors import JobError

ASSERT = "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"
ABSENT = "CUDA error: no CUDA-capable device is detected"


def test_a_worker_that_hangs_is_ended_and_the_next_job_runs(local: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    first = local.submit(work("where")).result()[0][0]
    monkeypatch.setattr(settings, "STALL_SECONDS", 1.0)
    job = local.submit(work("hang"))
    with pytest.raises(JobError, match="gave no sign of its work for 1 s and was ended"):
        job.result()
    assert job.results == [1]
    monkeypatch.setattr(settings, "STALL_SECONDS", 0.0)
    assert local.submit(work("where")).result()[0][0] != first


def test_an_idle_worker_is_left_alone(local: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    first = local.submit(work("where")).result()[0][0]
    monkeypatch.setattr(settings, "STALL_SECONDS", 0.1)
    time.sleep(1.2)
    assert local.submit(work("where")).result()[0][0] == first


@pytest.mark.parametrize("error", [ASSERT, ABSENT])
def test_work_on_a_device_that_is_lost_goes_on_on_the_cpu(importable: None, error: str) -> None:
    backend = backends.start("local", devices=("cuda:0",))
    try:
        job = backend.submit(work("lost", Lost((1, 2, 3), error=error)))
        assert [(number, device) for number, device, _ in job.result()] == [(1, "cuda:0"), (2, "cuda:0"), (3, "cpu")]
        assert len(job.notes) == 1
        assert "cuda:0 was lost (CUDA error: " in job.notes[0]
        assert "computes on the CPU" in job.notes[0]
        assert "\n" not in job.notes[0]
        after = backend.submit(work("lost", Lost((1,), error=error)))
        assert [(number, device) for number, device, _ in after.result()] == [(1, "cpu")]
        assert [(f.device, f.restarts) for f in backend.facts() if f.lane == "model"] == [("cpu", 1)]
    finally:
        backend.close()


def test_what_is_lost_and_what_is_only_an_error() -> None:
    assert _lost(RuntimeError(ASSERT)) == "CUDA error: device-side assert triggered"
    for error in (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), RuntimeError("shapes do not fit"),
                  ValueError(ABSENT), RuntimeError("device-side assert on cpu")):
        assert _lost(error) == ""
