"""The verb `leaderboard`: mean and worst retention of a pool of Points over tasks."""

from __future__ import annotations

import argparse
from typing import Any

from explorer.numbers import share, share_between
from explorer.statistics.retention import Interval
from explorer.verbs.arguments import names, probe, task_list
from explorer.verbs.printing import Answer, number, table
from explorer.workflows import Workspace, leaderboard
from explorer.workflows.leaderboard import Pool, Standings


def leaderboard_verb(ws: Workspace, args: argparse.Namespace) -> Answer:
    tasks, by = task_list(ws, args.tasks), leaderboard.check_by(args.by)
    if args.tasks == "all":  # of those that are known, the ones that can have a standing
        trained = {c.dataset for c in ws.catalog.checkpoints()}
        tasks = [t for t in tasks if t.name in trained] or tasks
    pool = leaderboard.pool(ws, args.points, tasks, probe(args), names(args.merges) or ())
    leaderboard.start(ws, pool).result()
    found = leaderboard.standings(ws, pool, by)
    return {"by": by} | _value(pool, found), _text(pool, found)


def _value(pool: Pool, found: Standings) -> dict[str, Any]:
    rows = []
    for i in _order(found):
        s = found.board.standings[i]
        rows.append({"point": pool.names[i], "hash": pool.points[i].hash, "rank": s.rank,
                     "rank_interval": None if s.ranks is None else list(s.ranks), "mean": _interval(s.mean),
                     "worst": _interval(s.worst), "worst_task": s.worst_task, "measured": len(s.by_task),
                     "tasks": {t: _interval(v) for t, v in s.by_task.items()},
                     "scores": {t: {"loss": number(v.loss), "accuracy": number(v.accuracy), "n": v.n}
                                for t, v in found.scores[i].items()}})
    return {"base": pool.base.name, "tasks": list(found.board.tasks), "rows": rows,
            "own": {t: c.name for t, c in found.best.items()}, "dropped": dict(found.board.dropped),
            "absent": list(pool.absent), "missing": found.missing}


def _order(found: Standings) -> list[int]:
    """Best first, those without a rank last."""
    every = found.board.standings
    return sorted(range(len(every)), key=lambda i: (every[i].rank is None, every[i].rank or 0))


def _interval(found: Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": number(found.value), "low": number(found.low), "high": number(found.high)}


def _text(pool: Pool, found: Standings) -> str:
    rows = []
    for i in _order(found):
        s = found.board.standings[i]
        rows.append({"rank": s.rank, "of ranks": "" if s.ranks is None else f"{s.ranks[0]}–{s.ranks[1]}",
                     "point": pool.names[i], "mean": _told(s.mean), "worst": _told(s.worst), "on": s.worst_task,
                     **{t: share(s.by_task[t].value, 0) if t in s.by_task else "" for t in found.board.tasks}})
    notes = [*(f"no retention on {t}: {why}" for t, why in found.board.dropped.items()), *pool.absent]
    own = ", ".join(f"{t}: {c.name}" for t, c in found.best.items() if t in found.board.tasks)
    return "\n".join([f"share kept of what each task's own best model gains over {pool.base.name} ({own})",
                      table(rows), *notes])


def _told(found: Interval | None) -> str:
    return "" if found is None else f"{share(found.value, 0)} ({share_between(found.low, found.high)})"
