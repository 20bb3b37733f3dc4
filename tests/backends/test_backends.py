"""What every backend promises."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from observing import eventually, work
from work_functions import Numbers

from explorer import backends, registry
from explorer.backends import Backend, Job, Work, finished
from explorer.errors import Cancelled, InputError, JobError, UnknownNameError


def test_there_is_one_in_this_process_one_beside_it_and_one_on_a_cluster() -> None:
    assert {"inline", "local", "ray"} <= set(registry.names("explorer.backends"))
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


@pytest.mark.parametrize("name", ["inline", "local"])
def test_closing_twice_is_no_harm(name: str, importable: None) -> None:
    made = backends.start(name)
    made.submit(work("count", 1)).wait()
    made.close()
    made.close()


# ------------------------------------------------------------------- work that is shared out

QUICK, LATER = {"priority": 0}, {"priority": 20}


def test_equal_work_takes_turns(beside: Backend) -> None:
    jobs = [beside.submit(work("slow", 2000), owner=owner) for owner in ("anna", "ben")]
    eventually(lambda: all(len(job.results) > 5 for job in jobs))
    first, second = (len(job.results) for job in jobs)
    assert abs(first - second) < max(first, second)
    assert [job.owner for job in jobs] == ["anna", "ben"]
    assert abs(jobs[0].created - time.time()) < 60


def test_what_is_urgent_goes_first(beside: Backend) -> None:
    slow = beside.submit(work("slow", 2000, **LATER))
    eventually(lambda: len(slow.results) > 1)
    urgent = beside.submit(work("numbers", Numbers(tuple(range(50)), pause=0.01), **QUICK))
    eventually(lambda: urgent.state == "running")
    before = len(slow.results)
    assert len(urgent.result()) == 50
    assert len(slow.results) - before <= 20, "only what was on its way"
    eventually(lambda: len(slow.results) > before + 20)


def test_a_queued_job_is_cancelled_at_once(beside: Backend) -> None:
    urgent = beside.submit(work("slow", 2000, **QUICK))
    eventually(lambda: len(urgent.results) > 1)
    waiting = beside.submit(work("count", 3))
    assert waiting.state == "queued"
    waiting.cancel()
    assert (waiting.state, waiting.results, waiting.active) == ("cancelled", [], False)
    with pytest.raises(Cancelled):
        waiting.result()


def test_twenty_quick_selections_leave_one_job(beside: Backend) -> None:
    other = beside.submit(work("slow", 2000, replaces="another viewer's"))
    jobs: list[Job] = []
    threads = [threading.Thread(target=lambda: jobs.append(beside.submit(work("slow", 2000, replaces="mine"))))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: sum(job.active for job in jobs) == 1)
    listed = [job for job in beside.jobs() if job.work.replaces == "mine"]
    assert [job.active for job in listed] == [False] * 19 + [True], "the last one"
    eventually(lambda: len(listed[-1].results) > 2)
    beside.withdraw("mine")
    assert listed[-1].wait(5)
    assert other.active


def test_one_after_the_other_keeps_its_order(backend: Backend) -> None:
    made = [backend.submit(work("count", i)) for i in range(5)]
    assert [job.result() for job in made] == [list(range(i)) for i in range(5)]
    assert [job.id for job in backend.jobs()][-5:] == [job.id for job in made]


def test_work_beside_the_model_does_not_overtake_its_own_kind(beside: Backend) -> None:
    first, second = (beside.submit(work("slow", 10, lane="side")) for _ in range(2))
    other = beside.submit(work("count", 1, lane="side"))
    eventually(lambda: len(first.results) > 1)
    assert second.state == "queued"
    assert other.result() == [0]
    assert first.active
    assert len(second.result()) == 10


def test_notices_are_kept_with_the_job(backend: Backend) -> None:
    job = backend.submit(work("noted", "smaller batches"))
    assert (job.result(), job.notes) == ([1, 2], ["smaller batches"])


def test_a_parent_that_is_slow_to_take_loses_nothing(beside: Backend) -> None:
    seen: list[int] = []

    def take(value: int) -> None:
        time.sleep(0.005)
        seen.append(value)

    job = beside.submit(work("count", 60), take)
    assert job.result() == seen == list(range(60))


def test_a_killed_worker_is_started_again_and_goes_on(beside: Backend) -> None:
    seen: list[int] = []
    reports: list[tuple[int, int]] = []
    beside.watch = lambda job: reports.append((job.done, job.total))
    job = beside.submit(work("numbers", Numbers(tuple(range(30)), pause=0.02)), lambda value: seen.append(value[0]))
    eventually(lambda: len(seen) > 3)
    os.kill(job.results[0][2], signal.SIGKILL)
    results = job.result()
    assert seen == [number for number, _, _ in results] == list(range(30)), "nothing is lost or doubled"
    assert len({process for _, _, process in results}) == 2
    assert reports[-1] == (30, 30)
    assert {total for _, total in reports} == {30}
    (note,) = job.notes
    assert "it was started again and goes on with what was missing" in note
    assert sum(facts.restarts for facts in beside.facts()) >= 1


def test_one_that_kills_its_worker_again_without_getting_on_fails(beside: Backend) -> None:
    job = beside.submit(work("numbers", Numbers((1, 2, 3), deadly=(3,))))
    with pytest.raises(JobError, match=r"ended.*run it again to go on"):
        job.result()
    assert [number for number, _, _ in job.results] == [1, 2]
    assert len(job.notes) == 1


def test_facts_tell_the_workers(backend: Backend) -> None:
    backend.submit(work("where")).wait()
    eventually(lambda: backend.facts()[0].state == "idle")
    model = backend.facts()[0]
    assert (model.lane, model.jobs, model.device) == ("model", 0, "auto")
    assert model.id


@pytest.mark.parametrize("name", ["local", "ray"])
def test_closing_ends_running_and_queued_jobs_and_every_process(name: str, importable: None,
                                                                request: pytest.FixtureRequest) -> None:
    made = backends.start(name, **({"address": request.getfixturevalue("cluster")} if name == "ray" else {}))
    (process, _), = made.submit(work("where", lane="side")).result()
    jobs = [made.submit(work("slow", 10_000, lane="side")) for _ in range(3)]
    eventually(lambda: len(jobs[0].results) > 1)
    made.close()
    made.close()
    assert [job.state for job in jobs] == ["cancelled"] * 3
    eventually(lambda: not psutil.pid_exists(process))
    late = made.submit(work("count", 1, lane="side"))
    assert late.wait(5)
    assert late.state == "cancelled"
