"""Backends: where work runs. `inline` in this process, `local` in worker processes beside it, `ray` on a cluster.

Work is a generator named by module and function, given one request. What it yields is Progress, a Notice or a result; a
backend passes results on as they come, so a curve fills in while its path is being evaluated. Between two yields work
can be cancelled, and other work of the same lane gets its turn.
"""

from __future__ import annotations

from typing import Any

from explorer import registry
from explorer.backends._jobs import Backend, Job, Work, WorkerFacts, finished
from explorer.types import Notice

__all__ = ["Backend", "Job", "Notice", "Work", "WorkerFacts", "finished", "start"]


def start(name: str, **options: Any) -> Backend:
    """The backend called `name`, ready for work; UnknownNameError lists the ones there are.

    `options` are the keyword arguments of its class: `devices` of local, `address` of ray.
    """
    backend: Backend = registry.find("explorer.backends", name)(**options)
    return backend
