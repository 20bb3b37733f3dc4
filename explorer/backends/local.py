"""The backend of the app: worker processes on this machine, started when first needed.

A worker is a fresh interpreter that runs `explorer.backends._worker`, so that nothing of the app's process is imported
into it, and torch is never imported into the app. A worker that dies is started again; jobs that can go on do so, the
others fail with the reason.
"""

from __future__ import annotations

import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection, Listener

from explorer.backends._lane import Laned, Line
from explorer.backends._scheduler import Message

_START_SECONDS = 60


class local(Laned):
    """One worker process for each device, and one beside them; `devices` None is one that chooses its device."""

    def __init__(self, *, devices: Sequence[str] | None = None) -> None:
        super().__init__()
        self._chosen = tuple(devices or ())

    def _devices(self) -> Sequence[str | None]:
        return self._chosen or (None,)

    def _line(self, lane: str, device: str | None) -> Line:
        return _Process(background=lane != "model")


class _Process(Line):
    """A worker process and the socket to it; one in the background leaves the processors to the others."""

    def __init__(self, background: bool = False) -> None:
        self._background = background
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._stopping = threading.Event()

    def open(self) -> None:
        key = secrets.token_hex(32)
        with Listener(authkey=key.encode()) as listener:
            command = [sys.executable, "-m", "explorer.backends._worker", str(listener.address),
                       *(["background"] if self._background else [])]
            self._process = subprocess.Popen(command, env=os.environ | {"EXPLORER_WORKER_KEY": key})  # noqa: S603
            self.id = str(self._process.pid)
            if self._stopping.is_set():
                self.stop()
            self._connection = _accept(listener, self._process)

    def send(self, message: Message) -> None:
        if self._connection is None:
            raise OSError("the worker process is not there")
        self._connection.send(message)

    def receive(self, seconds: float) -> Sequence[Message]:
        if self._connection is None or self._process is None:
            raise EOFError
        if self._connection.poll(seconds):
            return [self._connection.recv()]
        if self._process.poll() is not None and not self._connection.poll(0):
            raise EOFError  # what the worker itself had started may still hold its end of the socket
        return []

    def obituary(self) -> str:
        if self._process is None:
            return "the worker process could not be started"
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "the worker process closed its connection"
        cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        hint = " (out of memory?)" if code == -signal.SIGKILL else ""
        return f"the worker process ended with {cause}{hint}"

    def stop(self) -> None:
        self._stopping.set()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
