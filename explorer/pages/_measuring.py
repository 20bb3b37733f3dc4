"""What a page still lacks of a list of scores: begun at once where it is little, else on a click; with progress.

Several lists can be looked after on a page, each under a key of its own. Who changes what is looked at ends its work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.errors import ExplorerError, NotFiniteError
from explorer.evaluation.work import Ask
from explorer.numbers import about, count
from explorer.pages._jobs import TICK, active, bar, cancel, outcome
from explorer.pages._pressing import pressed
from explorer.pages._probing import fetch
from explorer.pages._session import fail, has_texts, me, plain
from explorer.pages._stage import staged
from explorer.pages._visitor import Lock
from explorer.workflows.permitting import measurements

FEW = 25
"""Up to so many Points are measured without being asked for."""
SECONDS = 1.2
"""What a Point costs where nothing was measured yet."""


def live(ws: workflows.Workspace, key: str, asks: Sequence[Ask], title: str, draw: Callable[[], None], *,
         done: str = "", on_click: bool = False, tick: float = TICK) -> None:
    """The line of progress and what `draw` shows of the scores so far; both again every `tick` seconds while work runs.

    `on_click`: nothing is begun by itself, however little it is. Both are a fragment: the page itself runs once more
    when all is measured.
    """
    watching = active(job_of(key, asks) if on_click else begin(ws, key, asks, title))

    @st.fragment(run_every=tick if watching else None)
    def shown() -> None:
        status(ws, key, asks, title, done=done)
        draw()
        if watching and not active(begin(ws, key, asks, title)):
            st.rerun()  # what is beside is drawn once more, and then nothing by itself

    shown()


def job_of(key: str, asks: Sequence[Ask]) -> Job | None:
    """The job for these asks, if there is one; a job for others under this key is cancelled."""
    kept: tuple[tuple[Ask, ...], Job] | None = st.session_state.get(f"{key}_job")
    if kept is None:
        return None
    if kept[0] != tuple(asks):
        cancel(kept[1])
        del st.session_state[f"{key}_job"]
        return None
    return kept[1]


def begin(ws: workflows.Workspace, key: str, asks: Sequence[Ask], title: str, *, asked: bool = False) -> Job | None:
    """Starts what is missing if it is little or `asked` for, unless it was begun before; the job there is, if any."""
    job = job_of(key, asks)
    if job is not None and not asked:
        return go_on(ws, key, asks, job, title)
    missing = lacking(ws, asks)
    few = len(missing) <= FEW and st.session_state.get("auto", True) and not staged()
    if not missing or not (asked or few) or absent(missing):
        return job
    return submit(ws, key, asks, missing, title)


def submit(ws: workflows.Workspace, key: str, asks: Sequence[Ask], part: Sequence[Ask], title: str) -> Job | None:
    """Measures a part of the asks, as the work for all of them."""
    try:
        job = workflows.measure(ws, part, title=title, owner=me(), replaces=f"{key}-{me()}")
    except ExplorerError as error:
        fail(error)
        return None
    st.session_state[f"{key}_job"] = (tuple(asks), job)
    return job


def go_on(ws: workflows.Workspace, key: str, asks: Sequence[Ask], job: Job, title: str) -> Job | None:
    """After a Point at which the model overflows, the others are measured all the same.

    It is one of those that are missing: the first of them is tried alone, and what is left goes on.
    """
    if active(job) or not (isinstance(job.cause, NotFiniteError) or f"{key}_alone" in st.session_state):
        return job
    alone: Ask | None = st.session_state.pop(f"{key}_alone", None)
    if alone is not None and isinstance(job.cause, NotFiniteError):
        lost()[alone.point.hash] = str(job.cause)
    missing = lacking(ws, asks)
    if not missing or job.state == "cancelled":
        return job
    if alone is None:
        st.session_state[f"{key}_alone"] = missing[0]
        return submit(ws, key, asks, missing[:1], title)
    return submit(ws, key, asks, missing, title)


def lost() -> dict[str, str]:
    """Points without a loss, by hash, and why; known to this session."""
    known: dict[str, str] = st.session_state.setdefault("lost_points", {})
    return known


def lacking(ws: workflows.Workspace, asks: Sequence[Ask]) -> list[Ask]:
    """The asks that have no score and may have one."""
    return [a for a in workflows.unscored(ws, asks) if a.point.hash not in lost()]


def absent(asks: Sequence[Ask]) -> list[str]:
    """The tasks whose texts are not on this machine."""
    return list(dict.fromkeys(a.task.name for a in asks if not has_texts(a.task)))


def status(ws: workflows.Workspace, key: str, asks: Sequence[Ask], title: str, *, done: str = "") -> None:
    """One line of fixed height: what runs, the button for what is missing, or `done`."""
    job = job_of(key, asks)
    with st.container(horizontal=True, vertical_alignment="center", height=44, border=False, gap="small",
                      key=f"controls_{key}"):
        if job is not None and active(job):
            bar(job, key)
            return
        missing = lacking(ws, asks)
        if not missing:
            st.caption(done or f"All {len(asks)} points are measured; scores are kept in the catalog.")
        elif away := absent(missing):
            fetch(ws, away, key)
        elif pressed(f"Measure {len(missing)} points ({about(seconds(ws, asks, len(missing)))})", type="primary",
                     key=f"{key}-measure", of=tuple(asks), icon=":material/play_arrow:", **within(ws, missing)):
            begin(ws, key, asks, title, asked=True)
            st.rerun()
    if job is not None and not active(job):
        if not isinstance(job.cause, NotFiniteError):
            outcome(job)
        for note in job.notes:
            st.warning(plain(note), icon=":material/info:")


def within(ws: workflows.Workspace, missing: Sequence[Ask]) -> Lock:
    """For a control that measures these: disabled, with the reason, where this visitor may not ask for as many."""
    most = ws.permit.limits
    if most is None or measurements(missing) <= most.points:
        return {"disabled": False, "help": None}
    return {"disabled": True, "help": f"Viewers may measure up to {count(most.points)} points at once. Choose fewer, "
                                      f"or ask {ws.permit.ask}."}


def seconds(ws: workflows.Workspace, asks: Sequence[Ask], points: int) -> float:
    """How long so many Points take, at the pace of those of the same task and measure that are known."""
    known = ws.catalog.scores([a.point for a in asks if a.task == asks[0].task], asks[0].task, asks[0].probe)
    paces = [s.seconds for s in known if s is not None]
    return points * (float(np.median(paces)) if paces else SECONDS)
