"""What `local` promises beyond the contract: its processes, and surviving them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from observing import eventually, work, workers
from work_functions import Numbers

from explorer import backends
from explorer.backends import Backend
from explorer.errors import Cancelled, JobError


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


def test_a_job_that_can_be_split_is_shared_by_the_workers(importable: None) -> None:
    backend = backends.start("local", devices=("cpu", "other"))
    try:
        backend.submit(work("where")).wait()
        eventually(lambda: not any(facts.jobs for facts in backend.facts()))
        job = backend.submit(work("numbers", Numbers(tuple(range(20)), pause=0.01)))
        results = job.result()
        assert sorted(number for number, _, _ in results) == list(range(20))
        assert {device for _, device, _ in results} == {"cpu", "other"}
        assert len({process for _, _, process in results}) == 2
        assert (job.done, job.total) == (20, 20)
        assert [(f.lane, f.device, f.state) for f in backend.facts()] == [
            ("model", "cpu", "idle"), ("model", "other", "idle"), ("side", "auto", "not started")]
    finally:
        backend.close()


def test_with_several_workers_a_job_goes_to_the_least_loaded_and_is_cancelled_as_one(importable: None) -> None:
    backend = backends.start("local", devices=("cpu", "other"))
    try:
        whole = [backend.submit(work("where")) for _ in range(2)]
        assert len({job.result()[0] for job in whole}) == 2
        job = backend.submit(work("numbers", Numbers(tuple(range(2000)), pause=0.01)))
        eventually(lambda: {device for _, device, _ in job.results} == {"cpu", "other"})
        job.cancel()
        with pytest.raises(Cancelled):
            job.result()
    finally:
        backend.close()


def test_one_part_that_loses_its_worker_goes_on_while_the_other_works(importable: None, tmp_path: Path) -> None:
    backend = backends.start("local", devices=("cpu", "other"))
    try:
        request = Numbers(tuple(range(20)), pause=0.01, deadly=(10, 15), mark=str(tmp_path / "died"))
        job = backend.submit(work("numbers", request))
        assert sorted(number for number, _, _ in job.result()) == list(range(20))
        assert len(job.notes) == 2
        assert (job.done, job.total) == (20, 20)
    finally:
        backend.close()


def test_worker_after_worker_may_die_as_long_as_the_job_gets_on(local: Backend, tmp_path: Path) -> None:
    other = local.submit(work("numbers", Numbers(tuple(range(100)), pause=0.01)))
    eventually(lambda: len(other.results) > 2)
    request = Numbers(tuple(range(12)), pause=0.01, deadly=(2, 5, 9), mark=str(tmp_path / "died"))
    job = local.submit(work("numbers", request))
    for each, n in ((job, 12), (other, 100)):
        assert [number for number, _, _ in each.result()] == list(range(n))
    assert len(job.notes) == len(other.notes) == 3
    assert local.facts()[0].restarts == 3


def test_a_worker_that_can_not_start_fails_its_jobs(local: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(JobError, match="could not be started"):
        local.submit(work("count", 1)).result()
    monkeypatch.undo()
    assert local.submit(work("closing", os.devnull)).wait(0) is False
