"""The ledger in the background, for a page that is looked at meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from explorer.backends import Job
from explorer.errors import Cancelled, ExplorerError
from explorer.types import Base, Probe
from explorer.workflows.claims import CLAIMS, ledger
from explorer.workflows.opening import Workspace


class Run(threading.Thread):
    """Asks claims one after the other; findings are stored as they are made, and so is every score.

    `claim` is the one that is asked now, None at the end; `error` says why it ended early, if it did.
    """

    __changes__ = "asking the claims anew, whose findings everyone sees,"

    def __init__(self, ws: Workspace, base: Base, probe: Probe, only: Sequence[str] | None = None) -> None:
        ws.permit.require(self.__changes__)
        super().__init__(name="claims", daemon=True)
        self._ws, self._base, self._probe = ws, base, probe
        self.claims = tuple(CLAIMS if only is None else only)
        self.claim: str | None = self.claims[0]
        self.done = 0
        self.error = ""
        self._stopping = threading.Event()
        self.start()

    def run(self) -> None:
        try:
            for claim in self.claims:
                if self._stopping.is_set():
                    return
                self.claim = claim
                for _ in ledger(self._ws, self._base, self._probe, [claim]):
                    self.done += 1
        except Cancelled:
            self.error = f"{self.claim} was cancelled. What was measured is kept."
        except ExplorerError as error:
            self.error = f"{self.claim}: {error}"
        finally:
            self.claim = None

    @property
    def job(self) -> Job | None:
        """The measurement that the claim waits for, if it waits for one."""
        title = f"Claim {self.claim}"
        return next((job for job in self._ws.backend.jobs() if job.title == title and job.active), None)

    def cancel(self) -> None:
        """End with the claim that is asked now, or at once where that is being measured."""
        self._stopping.set()
        if (job := self.job) is not None:
            job.cancel()
