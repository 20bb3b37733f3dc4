"""Backends: where work runs. `inline` in this process, `local` in worker processes beside it.

Work is a generator named by module and function, given one request. What it yields is either Progress or a result; a
backend passes results on as they come, so a curve fills in while its path is being evaluated. Between two yields work
can be cancelled.
"""

from __future__ import annotations

from explorer import registry
from explorer.backends._jobs import Backend, Job, Work, finished

__all__ = ["Backend", "Job", "Work", "finished", "start"]


def start(name: str) -> Backend:
    """The backend called `name`, ready for work; UnknownNameError lists the ones there are."""
    backend: Backend = registry.find("explorer.backends", name)()
    return backend
