"""A surface that fills in, batch after batch, as a page shows it: its one line of progress, and when it goes on.

Nothing is measured before a click. What runs belongs to the session and to one sheet: to look at another one ends it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.errors import ExplorerError, NotFiniteError
from explorer.numbers import about
from explorer.pages._jobs import active, cancel, outcome
from explorer.pages._pressing import pressed
from explorer.pages._probing import fetch
from explorer.pages._session import fail, has_texts, me, plain
from explorer.workflows.planes import Filled, Filling, Sheet, step


@dataclass(eq=False)
class Work:
    """A sheet that is filled in: whether that is wanted now, the batch that runs, when it began and with how much."""

    filling: Filling
    title: str
    job: Job | None = None
    wanted: bool = False
    begun: float = 0.0
    there: int = 0

    def pace(self, known: Filled) -> float:
        """Seconds an ask takes: as it went since the click, or going by the scores that are kept."""
        done = _asks(known) - self.there
        return (time.monotonic() - self.begun) / done if self.wanted and done > 3 else known.seconds


def work_of(sheet: Sheet, title: str) -> Work:
    """This session's work on a sheet; a batch of another one is cancelled."""
    kept: Work | None = st.session_state.get("surface_work")
    if kept is not None and kept.filling.sheet == sheet:
        return kept
    if kept is not None:
        stop(kept)
    lost = st.session_state.setdefault("surface_lost", {})
    made = st.session_state["surface_work"] = Work(Filling(sheet, lost), title)
    return made


def stop(work: Work) -> None:
    work.wanted = False
    if work.job is not None:
        cancel(work.job)


def go_on(ws: workflows.Workspace, work: Work, ceiling: float) -> bool:
    """Begins the next batch where the last one is over; whether anything runs."""
    if active(work.job):
        return True
    if not work.wanted:
        return False
    cause = work.job.cause if work.job is not None else None
    if work.job is not None and work.job.state in ("cancelled", "failed") and not isinstance(cause, NotFiniteError):
        work.wanted = False
        return False
    try:
        asks = step(ws, work.filling, cause, ceiling)
        work.wanted = bool(asks)
        if asks:
            work.job = workflows.measure(ws, asks, title=work.title, owner=me(), replaces=f"surface-{me()}")
    except ExplorerError as error:
        work.wanted = False
        fail(error)
    return work.wanted


def line(ws: workflows.Workspace, work: Work, known: Filled, running: bool, ceiling: float) -> None:
    """One line, always there: how far it is, what a click would measure, or that everything is measured."""
    with st.container(horizontal=True, vertical_alignment="center", height=48, border=False, gap="small",
                      key="controls_surface_line"):
        if running:
            _running(work, known)
        elif absent := [t.name for t in work.filling.sheet.tasks if not has_texts(t)]:
            fetch(ws, absent)
        else:
            _offer(ws, work, known, ceiling)
    job = work.job
    if job is not None and not running:
        for note in job.notes:
            st.warning(plain(note), icon=":material/info:")
        if job.state == "failed" and not isinstance(job.cause, NotFiniteError):
            outcome(job)


def _running(work: Work, known: Filled) -> None:
    done = _asks(known)
    stopping = work.job is not None and work.job.cancelling
    text = "stopping" if stopping else (f"{done} points · at most {known.left} to come · "
                                        f"{about(known.left * work.pace(known))} left")
    st.progress(done / max(done + known.left, 1), text=f"{plain(work.title)} · {text}")
    st.button("Cancel", key="surface-cancel", on_click=stop, args=(work,), icon=":material/close:", disabled=stopping)


def _offer(ws: workflows.Workspace, work: Work, known: Filled, ceiling: float) -> None:
    sheet = known.sheet
    left = known.left if step(ws, Filling(sheet, dict(work.filling.lost)), None, ceiling) else 0
    done = f"{len(known.values)} of {sheet.side**2} nodes are measured" if known.values else ""
    lost = f"; {len(known.lost)} have no loss, the model overflows there" if known.lost else ""
    if not left:
        st.caption(f"{done}{lost}: the surface is as exact as this depth makes it. Scores are kept in the catalog.")
        return
    if pressed(f"Measure up to {left} points ({about(left * known.seconds)})", type="primary", key="surface-measure",
               of=sheet, icon=":material/play_arrow:"):
        work.wanted, work.job, work.begun, work.there = True, None, time.monotonic(), _asks(known)
        st.rerun()
    st.caption(f"{done}{lost}." if done else "Coarse to fine, and finer where the surface bends; it can be stopped "
               "and gone on with at any time.")


def _asks(known: Filled) -> int:
    return len(known.values) * len(known.sheet.tasks)
