"""What every backend promises, and what `local` alone can: surviving its workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from explorer import backends, registry
from explorer.backends import Backend, Job, Work, finished
from explorer.errors import Cancelled, InputError, JobError, UnknownNameError

NAMES = registry.names("explorer.backends")


def work(name: str, request: Any = None, lane: str = "model") -> Work:
    return Work(name, f"work_functions:{name}", request, lane)


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", folder)
    if folder not in sys.path:
        monkeypatch.syspath_prepend(folder)


@pytest.fixture(params=NAMES)
def backend(request: pytest.FixtureRequest, importable: None) -> Iterator[Backend]:
    made = backends.start(request.param)
    yield made
    made.close()
    eventually(lambda: not workers())


@pytest.fixture
def local(importable: None) -> Iterator[Backend]:
    made = backends.start("local")
    yield made
    made.close()
    eventually(lambda: not workers())


def workers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "explorer.backends._worker" in p.cmdline()]


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_there_is_one_in_this_process_and_one_beside_it() -> None:
    assert {"inline", "local"} <= set(NAMES)
    with pytest.raises(UnknownNameError, match="Did you mean local"):
        backends.start("locl")


def test_results_come_in_order_with_progress(backend: Backend) -> None:
    seen: list[int] = []
    reports: list[tuple[int, int, str]] = []
    backend.watch = lambda job: reports.append((job.done, job.total, job.message))
    job = backend.submit(work("count", 5), seen.append)
    assert job.result() == seen == [0, 1, 2, 3, 4]
    assert (job.state, job.done, job.total, job.error, job.active) == ("done", 5, 5, None, False)
    assert reports == [(i, 5, f"step {i}") for i in range(1, 6)]


def test_work_of_nothing(backend: Backend) -> None:
    assert backend.submit(work("count", 0)).result() == []


def test_what_fails_says_why_and_keeps_what_it_had(backend: Backend) -> None:
    seen: list[int] = []
    job = backend.submit(work("fail", 2), seen.append)
    with pytest.raises(JobError, match="fail: ZeroDivisionError: seven by nothing"):
        job.result()
    assert job.state == "failed"
    assert "seven by nothing" in str(job.error)
    assert seen == [0, 1]
    assert backend.submit(work("count", 2)).result() == [0, 1], "the next job is not harmed"


@pytest.mark.parametrize(("kind", "error"), [("unknown", UnknownNameError), ("input", InputError)])
def test_errors_for_the_user_keep_their_kind(kind: str, error: type[Exception], backend: Backend) -> None:
    with pytest.raises(error):
        backend.submit(work("refuse", kind)).result()


@pytest.mark.parametrize("function", ["work_functions:nothing", "no_such_module:f"])
def test_work_that_is_not_there(function: str, backend: Backend) -> None:
    job = backend.submit(Work("t", function, None))
    with pytest.raises(JobError):
        job.result()


def test_a_result_that_is_not_taken_fails_the_job(backend: Backend) -> None:
    def full(_: Any) -> None:
        raise OSError("no space left")

    with pytest.raises(JobError, match="no space left"):
        backend.submit(work("count", 3), full).result()
    assert backend.submit(work("count", 1)).result() == [0]


def test_cancelled_between_two_steps(backend: Backend, tmp_path: Path) -> None:
    jobs: list[Job] = []

    def stop(value: int) -> None:
        if value == 3:
            eventually(lambda: any(j.state == "running" for j in backend.jobs()))
            next(j for j in backend.jobs() if j.state == "running").cancel()

    jobs.append(backend.submit(work("closing", str(tmp_path / "mark")), stop))
    with pytest.raises(Cancelled):
        jobs[0].result()
    assert jobs[0].state == "cancelled"
    assert len(jobs[0].results) < 1000
    eventually((tmp_path / "mark").exists)
    assert backend.submit(work("count", 2)).result() == [0, 1]


def test_jobs_are_listed_in_order_and_old_ones_forgotten(backend: Backend) -> None:
    made = [backend.submit(work("count", 1)) for _ in range(backend.KEPT + 10)]
    for job in made:
        job.wait()
    last = backend.submit(work("count", 1))
    last.wait()
    listed = list(backend.jobs())
    assert listed[-1] is last
    assert listed == [*made, last][-len(listed):]
    assert len(listed) <= backend.KEPT + 1


def test_a_finished_job_is_over_at_once() -> None:
    job = finished(work("count", 3))
    assert (job.state, job.result(), job.wait(0)) == ("done", [], True)


def test_large_results_arrive(backend: Backend) -> None:
    (array,) = backend.submit(work("large", 20)).result()
    assert array.nbytes == 20 << 20


def test_closing_twice_is_no_harm(backend: Backend) -> None:
    backend.submit(work("count", 1)).wait()
    backend.close()
    backend.close()


# ------------------------------------------------------------------- local alone


def test_work_runs_beside_this_process_in_one_worker_a_lane(local: Backend) -> None:
    places = [local.submit(work("where", lane=lane)).result()[0] for lane in ("model", "model", "side")]
    assert places[0] == places[1] != places[2]
    assert os.getpid() not in {pid for pid, _ in places}


def test_lanes_do_not_wait_for_each_other(local: Backend) -> None:
    slow = local.submit(work("slow", 500))
    assert local.submit(work("count", 2, lane="side")).result() == [0, 1]
    assert slow.active
    slow.cancel()


def test_a_queued_job_can_be_cancelled_before_it_starts(local: Backend) -> None:
    first = local.submit(work("slow", 100))
    second = local.submit(work("count", 3))
    second.cancel()
    first.cancel()
    with pytest.raises(Cancelled):
        second.result()
    assert second.results == []


@pytest.mark.parametrize(("name", "request_", "reason"), [
    ("die", int(signal.SIGKILL), "SIGKILL.*out of memory"), ("die", int(signal.SIGSEGV), "SIGSEGV"),
    ("leave", 3, "exit status 3")])
def test_a_worker_that_dies_fails_its_job_and_the_next_one_works(name: str, request_: int, reason: str,
                                                                 local: Backend) -> None:
    seen: list[int] = []
    job = local.submit(work(name, request_), seen.append)
    with pytest.raises(JobError, match=reason):
        job.result()
    assert seen == [1]
    assert local.submit(work("count", 2)).result() == [0, 1]


def test_a_worker_killed_from_outside(local: Backend) -> None:
    job = local.submit(work("slow", 1000))
    eventually(lambda: len(job.results) > 2)
    (worker,) = workers()
    worker.kill()
    with pytest.raises(JobError, match="SIGKILL"):
        job.result()
    assert local.submit(work("count", 1)).result() == [0]


def test_results_and_requests_that_can_not_be_sent(local: Backend) -> None:
    with pytest.raises(JobError, match=r"unpicklable|lambda"):
        local.submit(work("unpicklable")).result()
    with pytest.raises(JobError):
        local.submit(work("count", lambda: None)).result()
    assert local.submit(work("count", 1)).result() == [0]


def test_closing_ends_running_and_queued_jobs_and_every_process(importable: None) -> None:
    backend = backends.start("local")
    jobs = [backend.submit(work("slow", 10_000)) for _ in range(3)]
    eventually(lambda: len(jobs[0].results) > 1)
    backend.close()
    assert not workers()
    assert [j.state for j in jobs] == ["cancelled"] * 3


def test_a_worker_does_not_outlive_its_parent(importable: None) -> None:
    import subprocess

    code = ("import sys, time; from explorer import backends; from explorer.backends import Work;"
            "b = backends.start('local'); print(b.submit(Work('t', 'work_functions:where', None)).result()[0][0], "
            "flush=True);"
            "time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
