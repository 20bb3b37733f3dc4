"""The backend of the app: worker processes on this machine, one a lane, started when first needed.

A worker is a fresh interpreter that runs `explorer.backends._worker`, so that nothing of the app's process is imported
into it, and torch is never imported into the app. A worker that dies fails its job with the reason, and the next job
gets a new one.
"""

from __future__ import annotations

import logging
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, Listener

from explorer.backends._jobs import Backend, Job
from explorer.errors import JobError

_log = logging.getLogger(__name__)
_START_SECONDS = 60
_GRACE_SECONDS = 2


class local(Backend):
    """One worker process and one queue for each lane."""

    def __init__(self) -> None:
        super().__init__()
        self._lanes: dict[str, _Lane] = {}
        self._lock = threading.Lock()

    def _run(self, job: Job) -> None:
        with self._lock:
            lane = self._lanes.setdefault(job.work.lane, _Lane(job.work.lane))
        lane.queue.put(job)
        lane.start()

    def close(self) -> None:
        for job in self._jobs:
            job.cancel()
        for lane in self._lanes.values():
            lane.close()


class _NotTaken(Exception):
    """`on_result` failed (a full disk, say); its cause says how. Not to be mistaken for a lost connection."""


class _Lane:
    """A queue of jobs, the thread that serves it, and its worker process."""

    def __init__(self, name: str) -> None:
        self.queue: queue.Queue[Job | None] = queue.Queue()
        self._name = name
        self._thread = threading.Thread(target=self._serve, name=f"explorer-{name}", daemon=True)
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def start(self) -> None:
        with self._starting:
            if not self._thread.is_alive():
                self._thread.start()

    def close(self) -> None:
        self.queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=_GRACE_SECONDS)
            if self._thread.is_alive() and self._process is not None:  # in the middle of a long step
                self._process.terminate()
            self._thread.join(timeout=10)
        self._stop_worker()

    def _serve(self) -> None:
        while (job := self.queue.get()) is not None:
            if job.cancelling:
                job.end("cancelled")
                continue
            job.begin()
            try:
                self._work(job)
            except _NotTaken as e:
                # the worker goes on yielding to nobody, so it is replaced
                _log.exception("job %s failed", job.title)
                job.end("failed", e.__cause__)
                self._stop_worker()
            except (EOFError, OSError) as e:
                self._lost(job, e)
            except Exception as e:  # noqa: BLE001 - the job's outcome
                _log.exception("job %s failed", job.title)
                job.end("failed", e)
                self._stop_worker()

    def _lost(self, job: Job, error: BaseException) -> None:
        """The worker is gone: ended by `close`, or by something that its user should know."""
        if job.cancelling:
            job.end("cancelled")
        else:
            job.end("failed", JobError(f"{job.title}: {self._obituary()}"))
            _log.warning("worker of lane %s: %s", self._name, error)
        self._stop_worker()

    def _work(self, job: Job) -> None:
        connection = self._worker()
        connection.send(("run", job.work))
        told = False
        while True:
            if job.cancelling and not told:
                connection.send(("cancel", None))
                told = True
            if not connection.poll(0.1):
                continue
            kind, value = connection.recv()
            if kind == "yield":
                try:
                    job.take(value)
                except Exception as e:
                    raise _NotTaken from e
            else:
                job.end(kind, value)
                return

    def _worker(self) -> Connection:
        if self._connection is None:
            key = secrets.token_hex(32)
            with Listener(authkey=key.encode()) as listener:
                command = [sys.executable, "-m", "explorer.backends._worker", str(listener.address)]
                self._process = subprocess.Popen(command, env=os.environ | {"EXPLORER_WORKER_KEY": key})  # noqa: S603
                self._connection = _accept(listener, self._process)
        return self._connection

    def _stop_worker(self) -> None:
        connection, process, self._connection, self._process = self._connection, self._process, None, None
        if connection is not None:
            connection.close()
        if process is not None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _obituary(self) -> str:
        if self._process is None:
            return "the worker process could not be started."
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "the worker process closed its connection."
        cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        return f"the worker process ended with {cause}{hint}. What it had finished is kept; run it again to go on."


def _accept(listener: Listener, process: subprocess.Popen[bytes]) -> Connection:
    """The worker's connection; OSError if it died or did not come in time."""
    accepted: queue.Queue[Connection | BaseException] = queue.Queue()

    def accept() -> None:
        try:
            accepted.put(listener.accept())
        except BaseException as e:  # noqa: BLE001 - handed to the waiting thread
            accepted.put(e)

    threading.Thread(target=accept, daemon=True).start()
    for _ in range(_START_SECONDS * 10):
        try:
            answer = accepted.get(timeout=0.1)
        except queue.Empty:
            if process.poll() is not None:
                raise OSError("the worker process ended while starting") from None
            continue
        if isinstance(answer, BaseException):
            raise OSError(f"the worker process could not connect: {answer}") from answer
        return answer
    raise OSError("the worker process did not start in time")
