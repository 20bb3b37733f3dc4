"""A backend as one visitor of the server has it: the same workers and jobs, theirs by name and within their permit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from explorer.backends._jobs import Backend, Job, Work, WorkerFacts
from explorer.errors import ForbiddenError
from explorer.types import Permit

Admit = Callable[[Work, Sequence[Job]], None]


class PermittedBackend(Backend):
    """Every job is the visitor's, and `admit` has let it in; other people's jobs are an editor's alone to end."""

    def __init__(self, whole: Backend, permit: Permit, admit: Admit) -> None:
        super().__init__()
        self._whole, self._permit, self._admit = whole, permit, admit
        self.spread = whole.spread

    def submit(self, work: Work, on_result: Callable[[Any], None] = lambda _: None, *, owner: str = "",
               admit: Admit | None = None) -> Job:
        """As the backend's own; the owner is the visitor whatever is given, and what they may not is refused."""
        def both(work: Work, jobs: Sequence[Job]) -> None:
            self._admit(work, jobs)
            for job in jobs:
                if work.replaces and job.active and job.work.replaces == work.replaces and not self.cancels(job):
                    raise ForbiddenError(f"{work.title}: would end {job.title}, which is not yours. "
                                         f"{self._permit.reason}")
            if admit is not None:
                admit(work, jobs)

        return self._whole.submit(work, on_result, owner=self._permit.owner, admit=both)

    def cancel(self, job: Job) -> None:
        """End a job; ForbiddenError where it is another's and this is no editor."""
        if not self.cancels(job):
            raise ForbiddenError(f"{job.title}: is not yours, and you are a viewer here. {self._permit.reason}")
        self._whole.cancel(job)

    def cancels(self, job: Job) -> bool:
        """Whether `cancel` would."""
        return self._permit.editor or (job.owner != "" and job.owner == self._permit.owner)

    def withdraw(self, replaces: str) -> None:
        for job in self.jobs():
            if job.work.replaces == replaces:
                self.cancel(job)

    def jobs(self) -> Iterator[Job]:
        return self._whole.jobs()

    def facts(self) -> list[WorkerFacts]:
        return self._whole.facts()

    def _run(self, job: Job) -> None:
        raise NotImplementedError("jobs run in the backend that this one stands for")

    def close(self) -> None:
        """Nothing: the server closes its backend, not a visitor."""
