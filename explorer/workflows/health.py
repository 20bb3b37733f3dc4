"""How the server fares, in numbers: for `/healthz`, the System panel and whoever watches over many servers.

Nothing here names a model, a file or a viewer.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass

import psutil

from explorer import __version__
from explorer.catalog.database import FILE
from explorer.workflows.opening import Workspace

_PROCESS = psutil.Process()


@dataclass(frozen=True)
class Health:
    """Bytes are of memory held by this process and by its workers, of the catalog's file, and free beside it."""

    version: str
    uptime_seconds: float
    catalog: dict[str, int]
    catalog_bytes: int
    free_bytes: int
    memory_bytes: int
    worker_bytes: int
    jobs: dict[str, int]
    workers: list[dict[str, str | int]]


def health(ws: Workspace) -> Health:
    """The state of an open workspace and of the process that holds it."""
    jobs = Counter(job.state for job in ws.backend.jobs())
    workers = [asdict(fact) for fact in ws.backend.facts()]
    for worker in workers:
        del worker["id"]
    return Health(__version__, max(0.0, round(time.time() - _PROCESS.create_time(), 1)), ws.catalog.database.counts(),
                  (ws.folder / FILE).stat().st_size, shutil.disk_usage(ws.folder).free, _PROCESS.memory_info().rss,
                  _children(), {state: jobs[state] for state in ("queued", "running", "done", "failed", "cancelled")},
                  workers)


def _children() -> int:
    """Memory of the processes that this one has started, as far as they are still there."""
    total = 0
    for child in _PROCESS.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:
            continue
    return total
