"""The jobs of a process that holds a workspace, as another process sees and ends them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from explorer import workflows
from explorer.backends import Job
from explorer.types import Probe
from explorer.workflows import Workspace, journal

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ws(workspace: Path) -> Iterator[Workspace]:
    opened = workflows.open_workspace(workspace, backend="local")
    workflows.watch(opened)
    yield opened
    opened.close()


def long_job(ws: Workspace, title: str = "a long path") -> Job:
    """Minutes of work, of which at least one point is done."""
    ends = (workflows.resolve(ws, "m0"), workflows.resolve(ws, "m4"))
    line = workflows.path(ws, *ends, [i / 5000 for i in range(5001)])
    probe = Probe(train=200, test=60)
    job = workflows.evaluate(ws, line.points, ws.catalog.task("toy"), probe, title=title, owner="me")
    until(lambda: job.done > 0)
    return job


def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def asked(cli: Cli, workspace: Path) -> dict[str, Any]:
    status, out, err = cli("jobs", "--workspace", workspace, "--json")
    assert status == 0, err
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_jobs_are_seen_and_ended_from_outside(ws: Workspace, cli: Cli) -> None:
    assert asked(cli, ws.folder)["jobs"] == []
    job = long_job(ws)
    until(lambda: asked(cli, ws.folder)["jobs"] and asked(cli, ws.folder)["jobs"][0]["done"] > 0, 5)
    answer = asked(cli, ws.folder)
    (shown,) = answer["jobs"]
    assert (answer["running"], answer["pid"]) == (True, os.getpid())
    assert set(shown) == {"id", "title", "state", "done", "total", "eta", "owner", "created", "error", "notes"}
    assert (shown["id"], shown["title"], shown["state"], shown["owner"]) == (job.id, job.title, "running", "me")
    assert shown["total"] == job.total
    assert shown["eta"] > 0
    assert job.title in cli("jobs", "--workspace", ws.folder)[1]

    start = time.monotonic()
    status, out, err = cli("jobs", "cancel", job.id, "--workspace", ws.folder, "--json")
    assert status == 0, err
    assert json.loads(out) == {"id": job.id, "title": job.title, "cancelled": True}
    assert time.monotonic() - start < 1
    assert job.wait(10)
    assert job.state == "cancelled"
    until(lambda: asked(cli, ws.folder)["jobs"][0]["state"] == "cancelled", 5)
    status, out, err = cli("jobs", "cancel", job.id, "--workspace", ws.folder, "--json")
    assert (status, out) == (2, "")
    assert "cancelled already" in err


def test_the_file_is_written_at_most_once_a_second_and_always_whole(ws: Workspace) -> None:
    job = long_job(ws)
    seen = set()
    until(lambda: (ws.folder / journal.FILE).exists())
    end = time.monotonic() + 3.2
    while time.monotonic() < end:
        seen.add(json.loads((ws.folder / journal.FILE).read_text())["updated"])
        time.sleep(0.01)
    times = sorted(seen)
    assert len(times) >= 3
    assert all(b - a > 0.95 for a, b in pairwise(times))
    job.cancel()


def test_a_closed_workspace_tells_how_its_jobs_ended(workspace: Path, cli: Cli) -> None:
    ws = workflows.open_workspace(workspace, backend="local")
    workflows.watch(ws)
    long_job(ws)
    ws.close()
    answer = asked(cli, workspace)
    assert answer["running"] is False
    assert [j["state"] for j in answer["jobs"]] == ["cancelled"]
    assert "No app holds" in cli("jobs", "--workspace", workspace)[1]


def test_jobs_of_an_app_that_was_killed_are_interrupted(workspace: Path, cli: Cli) -> None:
    code = ("import sys, time; sys.path.insert(0, sys.argv[2])\n"
            "from test_workflows_jobs import long_job\nfrom explorer import workflows\n"
            "ws = workflows.open_workspace(sys.argv[1], backend='local'); workflows.watch(ws)\n"
            "job = long_job(ws); time.sleep(2); print(job.id, flush=True); time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", code, str(workspace), str(Path(__file__).parent)],
                          stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        key = app.stdout.readline().strip()
        answer = asked(cli, workspace)
        assert (answer["running"], answer["pid"]) == (True, app.pid), "seen though the catalog's lock is held"
        assert [(j["id"], j["state"]) for j in answer["jobs"]] == [(key, "running")]
        app.kill()
    answer = asked(cli, workspace)
    assert answer["running"] is False
    assert [(j["id"], j["state"], j["eta"]) for j in answer["jobs"]] == [(key, journal.INTERRUPTED, None)]
    status, _, err = cli("jobs", "cancel", key, "--workspace", workspace)
    assert status == 2
    assert "not running any more" in err


def test_a_failed_job_says_why(ws: Workspace, cli: Cli) -> None:
    from explorer.types import Point

    zero = workflows.resolve(ws, "m0")
    workflows.evaluate(ws, [Point.of(zero.base, {zero.terms[0][0]: 1e38})], ws.catalog.task("toy"),
                       Probe(train=20, test=10)).wait(60)
    until(lambda: [j["state"] for j in asked(cli, ws.folder)["jobs"]] == ["failed"], 5)
    (shown,) = asked(cli, ws.folder)["jobs"]
    assert "not finite" in shown["error"]


def test_a_workspace_without_an_app_has_no_jobs_and_is_not_made(cli: Cli, tmp_path: Path) -> None:
    answer = asked(cli, tmp_path / "none")
    assert (answer["jobs"], answer["running"]) == ([], False)
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    assert cli("jobs", "--workspace", tmp_path / "file")[0] == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"jobs": 3}', '{"jobs": [{"id": 1}], "pid": 1, "closed": false}'])
def test_a_broken_file_is_named(text: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / journal.FILE).write_text(text)
    status, out, err = cli("jobs", "--workspace", tmp_path, "--json")
    assert (status, out) == (2, "")
    assert str(tmp_path / journal.FILE) in err


def test_what_was_asked_of_an_app_that_is_gone_is_not_heard_by_the_next(workspace: Path) -> None:
    (workspace / "jobs.cancel-abc").touch()
    ws = workflows.open_workspace(workspace)
    workflows.watch(ws)
    ws.close()
    assert not list(workspace.glob("jobs.cancel-*"))
    assert not list(workspace.glob(f"{journal.FILE}.*"))
