"""The jobs of the process that holds a workspace, told to other processes by a small file beside the catalog.

Only one process can open a workspace. What runs there is mirrored into `jobs.json` by a thread of it, at most once a
second; another process reads that file, and asks for a job's end by a file `jobs.cancel-ID`, which the thread looks for
and takes away. Nothing here opens the catalog but through an open workspace.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from explorer.backends import Job
from explorer.errors import InputError, JobError, UnknownNameError, WorkspaceError
from explorer.weights.hidden import whole_file
from explorer.workflows.opening import Workspace

FILE = "jobs.json"
INTERRUPTED = "interrupted"
"""State of a job that was not over when its process ended."""
_ASKED = "jobs.cancel-"
_LOOK, _WRITE = 0.2, 1.0
_PATIENCE = 5.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobNote:
    """What is told of a job: `created` in seconds since the epoch, `eta` in seconds, None where it can't be said."""

    id: str
    title: str
    state: str
    done: int
    total: int
    eta: float | None
    owner: str
    created: float
    error: str | None
    notes: tuple[str, ...]

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Journal:
    """The jobs of a workspace as last written, and whether the process whose jobs they are still runs."""

    jobs: tuple[JobNote, ...]
    running: bool
    pid: int | None = None
    updated: float | None = None


def watch(ws: Workspace) -> None:
    """Mirror the jobs of an open workspace, and end those whose end is asked for, until it is closed."""
    for left in ws.folder.glob(f"{_ASKED}*"):
        left.unlink(missing_ok=True)  # asked of a process that is gone
    mirror = _Mirror(ws)
    mirror.write(closed=False)
    mirror.start()
    ws.closing.append(mirror.end)


def read(folder: Path) -> Journal:
    """The jobs of a workspace folder; none where no process has mirrored any. WorkspaceError for a broken file."""
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
        jobs = tuple(JobNote(**{**job, "notes": tuple(job["notes"])}) for job in said["jobs"])
        pid, running = int(said["pid"]), not said["closed"] and _runs(int(said["pid"]), float(said["started"]))
        updated = float(said["updated"])
    except (FileNotFoundError, NotADirectoryError):
        return Journal((), False)
    except (ValueError, TypeError, KeyError) as e:
        raise WorkspaceError(f"{folder / FILE}: not readable as a list of jobs ({type(e).__name__}: {e}). The app "
                             "writes it anew when it starts.") from e
    if not running:
        jobs = tuple(replace(job, state=INTERRUPTED, eta=None) if job.active else job for job in jobs)
    return Journal(jobs, running, pid, updated)


def cancel(folder: Path, key: str) -> JobNote:
    """Ask the process that holds a workspace to end a job, and wait until it has heard; the job as it was.

    UnknownNameError for another id, InputError where the job is over or no process runs, JobError without an answer.
    """
    journal = read(folder)
    known = {job.id: job for job in journal.jobs}
    if key not in known:
        raise UnknownNameError("job", key, known)
    job = known[key]
    if not journal.running:
        raise InputError(f"{job.title}: {job.state}; the app that ran it is not running any more.")
    if not job.active:
        raise InputError(f"{job.title}: {job.state} already.")
    request = folder / f"{_ASKED}{key}"
    request.touch()
    until = time.monotonic() + _PATIENCE
    while request.exists():
        if time.monotonic() > until:
            request.unlink(missing_ok=True)
            raise JobError(f"{job.title}: process {journal.pid} did not answer within {_PATIENCE:g} s.")
        time.sleep(_LOOK / 2)
    return job


def noted(jobs: Sequence[Job]) -> tuple[JobNote, ...]:
    """What is told of jobs, in their order."""
    return tuple(JobNote(j.id, j.title, j.state, j.done, j.total, j.eta, j.owner, j.created, j.error, tuple(j.notes))
                 for j in jobs)


class _Mirror(threading.Thread):
    """The thread that writes the file and hears requests."""

    def __init__(self, ws: Workspace) -> None:
        super().__init__(name="jobs", daemon=True)
        self._ws, self._over = ws, threading.Event()
        self._written: tuple[JobNote, ...] | None = None
        self._complained = False

    def run(self) -> None:
        wrote = time.monotonic()
        while not self._over.wait(_LOOK):
            self._hear()
            if time.monotonic() - wrote >= _WRITE:
                wrote = time.monotonic()
                self.write(closed=False)

    def end(self) -> None:
        """Stop, and leave the file as that of a process that is gone."""
        self._over.set()
        if self.is_alive():
            self.join()
        self.write(closed=True)

    def write(self, *, closed: bool) -> None:
        """The file anew, if anything has changed; a full disk or a folder that is gone takes the list, not the work."""
        try:
            self._write(closed)
        except OSError as error:
            if not self._complained:
                _log.warning("the list of jobs can't be written: %s", error)
            self._complained = True

    def _write(self, closed: bool) -> None:
        jobs = noted(list(self._ws.backend.jobs()))
        if jobs == self._written and not closed:
            return
        said = {"pid": os.getpid(), "started": psutil.Process().create_time(), "updated": time.time(),
                "closed": closed, "jobs": [asdict(job) for job in jobs]}
        with whole_file(self._ws.folder / FILE) as making:
            making.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8")
        self._written = jobs

    def _hear(self) -> None:
        for request in self._ws.folder.glob(f"{_ASKED}*"):
            for job in self._ws.backend.jobs():
                if job.id == request.name.removeprefix(_ASKED):
                    job.cancel()
            request.unlink(missing_ok=True)


def _runs(pid: int, started: float) -> bool:
    """Whether this very process is alive: numbers are given again to others."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < 1
    except psutil.Error:
        return False
