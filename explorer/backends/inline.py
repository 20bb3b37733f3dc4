"""The backend that runs work in the calling thread, at once. It ships: command lines and notebooks use it."""

from __future__ import annotations

import contextlib
import os

from explorer.backends._jobs import Backend, Job, WorkerFacts


class inline(Backend):
    """Work is over when `submit` returns; an interrupt cancels it."""

    def _run(self, job: Job) -> None:
        job.begin()
        try:
            with contextlib.closing(job.work.begin()) as running:
                for value in running:
                    job.take(value)
                    if job.cancelling:
                        job.end("cancelled")
                        return
        except KeyboardInterrupt:
            job.end("cancelled")
            raise
        except Exception as e:  # noqa: BLE001 - whatever work raises is the job's outcome; result() raises it again
            job.end("failed", e)
        else:
            job.end("done")

    def facts(self) -> list[WorkerFacts]:
        running = sum(job.active for job in self.jobs())
        return [WorkerFacts("model", "auto", str(os.getpid()), "busy" if running else "idle", 0, running)]

    def close(self) -> None:
        for job in self.jobs():
            job.cancel()
