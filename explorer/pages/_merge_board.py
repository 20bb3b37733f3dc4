"""The leaderboard on the Merge page: what models, kept Points and merges keep of every task's own gain."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from explorer import registry, workflows
from explorer.errors import ExplorerError
from explorer.figures.leaderboard import Line, ranking
from explorer.pages import _measuring
from explorer.pages._charts import show_figure
from explorer.pages._readings import tabled, whole_percent
from explorer.pages._session import basket, dark, fail, marks_of, material, names, plain
from explorer.types import Base, Checkpoint, Task
from explorer.workflows import leaderboard
from explorer.workflows.leaderboard import CENTROID, Pool, Standings

BEGIN, TASKS = 4, 4
"""Models and tasks to begin with."""


def draw(ws: workflows.Workspace) -> None:
    """The whole view."""
    if (found := material(ws, "A leaderboard")) is None:
        return
    base, checkpoints, tasks = found
    trained = {c.dataset for c in checkpoints}
    own = [t for t in tasks if t.name in trained]
    if not own:
        st.info("A leaderboard needs tasks whose data sets models were trained on: they say what there is to gain.",
                icon=":material/leaderboard:")
        return
    names_, chosen, merges, by = controls(ws, base, checkpoints, own)
    if not names_ or not chosen:
        st.info("Choose points and tasks.", icon=":material/leaderboard:")
        return
    try:
        pool = leaderboard.pool(ws, names_, chosen, merges=merges)
    except ExplorerError as error:
        fail(error)
        return
    live(ws, pool, leaderboard.check_by(by))


def controls(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint], tasks: Sequence[Task],
             ) -> tuple[list[str], list[Task], list[str], str]:
    """Points, tasks, merges of the models among the points, and what is compared."""
    known, by_name = names(checkpoints), {t.name: t for t in tasks}
    kept = [name for name, p in ws.catalog.points().items() if p.base == base.id]
    offered = ["base", CENTROID, *kept, *sorted(known.values())]
    models = [known[i] for i in basket(known)] or _spread(checkpoints, by_name)
    st.session_state.setdefault("board_points", ["base", CENTROID, *kept[:BEGIN], *models[:BEGIN]])
    own = [c.dataset for c in checkpoints if c.name in st.session_state["board_points"]]
    st.session_state.setdefault("board_tasks", list(dict.fromkeys(d for d in own if d in by_name))[:TASKS] or
                                sorted(by_name)[:TASKS])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        points = st.multiselect("Points", offered, key="board_points", persist_state="session", width="stretch",
                                help="The base, the mean of all models, kept points and models.")
        merges = st.multiselect("Merges of its models", registry.names("explorer.merges"), key="board_merges",
                                persist_state="session", width=260, help="Default options, even weights.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        tasks_ = st.multiselect("Tasks", sorted(by_name), key="board_tasks", persist_state="session", width="stretch")
        by = st.segmented_control("Compare", ["loss", "accuracy"], default="loss", required=True, key="board_by",
                                  format_func=str.capitalize, persist_state="session")
    return list(points), [by_name[t] for t in tasks_], list(merges), str(by)


def _spread(checkpoints: Sequence[Checkpoint], tasks: dict[str, Task]) -> list[str]:
    """One model of each data set, from different tasks first."""
    first: dict[str, Checkpoint] = {}
    for c in checkpoints:
        known = first.get(str(c.dataset))
        if c.dataset in tasks and (known is None or (c.train_size or 0) > (known.train_size or 0)):
            first[str(c.dataset)] = c
    by_task: dict[str | None, Checkpoint] = {}
    for c in first.values():
        by_task.setdefault(c.task, c)
    return list(dict.fromkeys(c.name for c in (*by_task.values(), *first.values())))


def live(ws: workflows.Workspace, pool: Pool, by: leaderboard.By) -> None:
    asks, title = pool.asks, f"Leaderboard of {len(pool.points)} points on {len(pool.tasks)} tasks"

    def draw() -> None:
        found = leaderboard.standings(ws, pool, by)
        order = ordered(found)
        lines = [Line(pool.names[i], found.board.standings[i].mean, found.board.standings[i].by_task) for i in order]
        show_figure(ranking(lines, found.board.tasks, looks=marks_of(ws, pool.base.id), dark=dark()), key="board_chart",
                    alt="Models and merges by their mean over the tasks.")
        told(pool, found)
        table(pool, found, order)

    _measuring.live(ws, "board", asks, title, draw)


def ordered(found: Standings) -> list[int]:
    """Best first, those without a rank last."""
    every = found.board.standings
    return sorted(range(len(every)), key=lambda i: (every[i].rank is None, every[i].rank or 0))


def told(pool: Pool, found: Standings) -> None:
    """What the figure shows, and what it leaves out."""
    own = ", ".join(f"{t} ({found.best[t].name})" for t in found.board.tasks)
    lines = [f"No retention on {task}: {why}." for task, why in found.board.dropped.items()]
    waiting = [t.name for t in pool.tasks if t.name not in found.best]
    lines += [f"Not measured yet: {', '.join(waiting)}."] if waiting else []
    if own:
        ends = "at least one task" if len(found.board.tasks) == 1 else f"{len(found.board.tasks)} tasks"
        lines.append(f"1 is the loss or accuracy of a task's own best model: {own}; 0 is {pool.base.name}'s. Mean over "
                     f"{ends}; 95 % intervals draw test texts anew, the same ones for all.")
    for line in [*lines, *pool.absent]:
        st.caption(plain(line))


def table(pool: Pool, found: Standings, order: Sequence[int]) -> None:
    rows = []
    for i in order:
        s = found.board.standings[i]
        rows.append({"rank": s.rank, "ranks": None if s.ranks is None else f"{s.ranks[0]}–{s.ranks[1]}",
                     "point": pool.names[i], "mean": s.mean and s.mean.value,
                     "low": s.mean and s.mean.low, "high": s.mean and s.mean.high,
                     "worst": s.worst and s.worst.value, "on": s.worst_task,
                     "tasks": len(s.by_task),
                     **{f"on {t}": s.by_task[t].value if t in s.by_task else None for t in found.board.tasks}})
    frame = pd.DataFrame(rows)
    shares = {"mean": "Mean kept", "low": "95 % from", "high": "to", "worst": "Worst",
              **{f"on {t}": t for t in found.board.tasks}}
    tabled(frame, dict.fromkeys(shares, whole_percent), {
        "rank": "Rank", "ranks": st.column_config.TextColumn("95 %", help="Ranks in 95 % of the draws."),
        "point": st.column_config.TextColumn("Point", width="medium"), "on": "Worst on", "tasks": "Tasks", **shares})
    st.download_button("Download as CSV", lambda: frame.to_csv(index=False), "leaderboard.csv", "text/csv",
                       on_click="ignore", icon=":material/download:")
