"""What runs on this server, of every viewer: jobs with their progress and outcome, workers and their devices."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer import workflows
from explorer.backends import Job
from explorer.numbers import count, duration, size
from explorer.pages._jobs import TICK, active, bar
from explorer.pages._session import me, plain, workspace
from explorer.pages._visitor import permit
from explorer.workflows.health import health

ICONS = {"queued": ":material/schedule:", "running": ":material/progress_activity:", "done": ":material/check_circle:",
         "failed": ":material/error:", "cancelled": ":material/block:"}
SHOWN = 50
SLOW = 5.0
"""Seconds between two looks at the system, which asks for every process and every table."""
CATALOG = {"checkpoints": "checkpoint", "tasks": "task", "scores": "score"}


def owner(job: Job) -> str:
    """Whose a job is: this visitor's, another one's, or the server's own."""
    return "yours" if job.owner == (permit().owner or me()) else "another viewer's" if job.owner else "the server's"


def running(jobs: Sequence[Job]) -> None:
    """What is queued or under way, in order of arrival."""
    st.subheader("Running")
    if not jobs:
        st.caption("Nothing runs at the moment.")
    for job in jobs:
        bar(job, "jobs")
        st.caption(owner(job))
        for note in job.notes:
            st.warning(plain(note), icon=":material/info:")


def over(jobs: Sequence[Job]) -> None:
    """What has ended since the server started, newest first."""
    st.subheader("Ended")
    if not jobs:
        st.caption("Nothing has run yet. Evaluations, maps and imports appear here.")
    for job in jobs:
        took = f" in {duration(job.finished - job.started)}" if job.finished and job.started else ""
        ended = time.strftime("%H:%M:%S", time.localtime(job.created))
        amount = f" · {job.done} of {job.total}" if job.total else ""
        st.markdown(f"{ICONS[job.state]} {plain(job.title)} · {job.state}{took}{amount} · {owner(job)} · begun {ended}")
        for line in [*([job.error] if job.error else []), *job.notes]:
            st.caption(plain(line))


def workers(ws: workflows.Workspace) -> None:
    """Processes and devices: what computes, how fast, and how much memory it holds."""
    st.subheader("Workers")
    rows = [{"lane": f.lane, "device": f.device, "process": f.id, "state": f.state, "jobs": f.jobs,
             "restarts": f.restarts} for f in ws.backend.facts()]
    if not rows:
        st.caption("No worker was needed yet; one starts with the first job.")
        return
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={
        "lane": st.column_config.TextColumn("Lane", help="model: evaluation. side: everything else."),
        "device": st.column_config.TextColumn("Device"), "process": st.column_config.TextColumn("Process"),
        "state": st.column_config.TextColumn("State"), "jobs": st.column_config.NumberColumn("Jobs"),
        "restarts": st.column_config.NumberColumn("Restarts")})
    for line in workflows.device_lines(ws):
        st.caption(plain(line))


def system(ws: workflows.Workspace) -> None:
    """How the server fares: memory, catalog, disk, what waits."""
    st.subheader("System")
    found = health(ws)
    rows = {"Version": found.version, "Up for": duration(found.uptime_seconds),
            "Memory": f"{size(found.memory_bytes)} here, {size(found.worker_bytes)} in workers",
            "Catalog": f"{size(found.catalog_bytes)}: " + ", ".join(
                count(found.catalog[table], one) for table, one in CATALOG.items()),
            "Disk": f"{size(found.free_bytes)} free",
            "Queue": f"{count(found.jobs['queued'])} waiting, {count(found.jobs['running'])} running"}
    st.markdown("\n".join(f"- {name}: **{plain(value)}**" for name, value in rows.items()))
    st.caption("As JSON at `/healthz`. `python -m explorer doctor` checks installation and workspace.")


def show() -> None:
    ws = workspace()
    watching = any(active(job) for job in ws.backend.jobs())

    @st.fragment(run_every=TICK if watching else 2.0)
    def listed() -> None:
        jobs = list(ws.backend.jobs())
        running([j for j in jobs if active(j)])
        over([j for j in reversed(jobs) if not active(j)][:SHOWN])

    left, right = st.columns([1.5, 1], gap="large")
    with left:
        listed()
    with right:
        st.fragment(run_every=TICK if watching else 2.0)(workers)(ws)
        st.fragment(run_every=SLOW)(system)(ws)


show()
