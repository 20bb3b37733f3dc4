"""Running work as it is shown to users: a progress bar with the time left and a cancel button, and a list of jobs."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.backends import Job
from explorer.errors import ForbiddenError
from explorer.numbers import about
from explorer.pages._session import fail, plain, workspace
from explorer.pages._visitor import permit

TICK = 0.8
"""Seconds between two looks at a running job: each one costs a drawing, on the machine that does the work."""


def active(job: Job | None) -> bool:
    return job is not None and job.active


def remaining(job: Job) -> str:
    """ "12 of 40 · about 25 s left"."""
    if job.cancelling:
        return "stopping"
    if job.state == "queued":
        return "waiting for its turn"
    parts = [f"{job.done} of {job.total}"] if job.total else ["working"]
    if job.eta is not None:
        parts.append(f"{about(job.eta)} left")
    return " · ".join(parts)


def bar(job: Job, key: str) -> None:
    """One line: what runs, how far it is, and a button to cancel it. To be drawn again while the job runs."""
    mine = workspace().backend.cancels(job)
    with st.container(horizontal=True, vertical_alignment="center"):
        share = job.done / job.total if job.total else 0.0
        text = f"{plain(job.title)} · {plain(job.message) + ' · ' if job.message else ''}{remaining(job)}"
        st.progress(min(max(share, 0.0), 1.0), text=text)
        st.button("Cancel", key=f"{key}-cancel-{job.id}", on_click=cancel, args=(job,), icon=":material/close:",
                  disabled=job.cancelling or not mine, help=None if mine else f"Not yours. {permit().reason}")


def cancel(job: Job) -> None:
    """End a job, if it is this visitor's to end; where not, the page says so."""
    try:
        workspace().backend.cancel(job)
    except ForbiddenError as error:
        fail(error)


def watch(job: Job, key: str) -> None:
    """The job's bar, drawn again until it ends; then the whole page runs again, once."""

    @st.fragment(run_every=TICK)
    def shown() -> None:
        if active(job):
            bar(job, key)
        else:
            st.rerun()

    shown()


def redrawn(job_of: Callable[[], Job | None], draw: Callable[[], None]) -> None:
    """What follows a job: drawn again by itself while the job runs, then the whole page once, and no more by itself."""
    watching = active(job_of())

    @st.fragment(run_every=TICK if watching else None)
    def shown() -> None:
        draw()
        if watching and not active(job_of()):
            st.rerun()

    shown()


def outcome(job: Job) -> None:
    """How a job that is over ended, if not well."""
    if job.state == "failed":
        fail(job.error or f"{job.title} failed.")
    elif job.state == "cancelled":
        st.info(f"{plain(job.title)}: cancelled. What was done until then is kept.", icon=":material/block:")
