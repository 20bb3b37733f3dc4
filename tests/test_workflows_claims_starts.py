"""Claims C13 and C14 on planted runs: which are taken, what is concluded, and what is asked for without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from explorer import workflows
from explorer.catalog import runs
from explorer.statistics.paper import LEDGER
from explorer.types import Finding, Probe, Started, Task, Tuning
from explorer.workflows import Workspace, claims, starting
from explorer.workflows.claims.report import markdown, shown

TUNING = Tuning()
BASE = (0.5, 0.6)


def planted(ws: Workspace, gains: Sequence[float], size: int | None = None, tuning: Tuning = TUNING) -> None:
    """Runs of two seeds on as many data sets; the centroid's accuracies are above the base's by the gains."""
    base = workflows.main_base(ws)
    for i, gain in enumerate(gains):
        task: Task = replace(ws.catalog.task("toy"), name=f"t{i}", digest=f"digest{i}")
        ws.catalog.add_task(task)
        for start in starting.starts(ws, task, ["base", "centroid"]).starts:
            for seed, accuracy in enumerate(BASE):
                value = accuracy + (gain if start.name == "centroid" else 0)
                runs.add_runs(ws.catalog.database, [Started(start.point, task.digest, tuning.key, size, seed, value,
                                                            1.0, 0.1, 100, 9, 1.0, "cpu")], tuning)
    assert base


def found(ws: Workspace, claim: str) -> Finding:
    (entry,) = claims.ledger(ws, workflows.main_base(ws), Probe(), [claim])
    return entry.finding


def test_the_centroid_wins(ws: Any) -> None:
    planted(ws, [0.04, 0.04, 0.04, 0.04, 0.02, 0.0])
    whole = found(ws, "C13")
    assert whole.verdict == "agrees"
    difference, wins, *accuracies = whole.figures
    assert (difference.value, difference.n, difference.paper, difference.unit) == (pytest.approx(3), 6, 4.03, "points")
    assert difference.low is not None
    assert difference.low > 0
    assert (wins.value, wins.paper) == (pytest.approx(5 / 6), 0.75)
    assert [f.value for f in accuracies] == [pytest.approx(0.58), pytest.approx(0.55)]
    assert "+3.00 points on average; 5 wins, 1 tie, 0 losses" in whole.said
    assert "2 seeds or more; 6 data sets: t0, t1, t2, t3, t4, t5" in whole.sample
    assert (whole.page, whole.settings["start_size"], whole.settings["start_tuning"]) == ("start_points", 0, TUNING.key)
    assert found(ws, "C14").verdict == "not enough models"
    entries = ws.catalog.findings(workflows.main_base(ws).id)
    assert "+3.00 points [" in markdown(entries, ["C13"])
    assert shown(difference).startswith("+3.00 points [+")


def test_the_base_wins_or_nobody_does(ws: Any) -> None:
    planted(ws, [-0.03, -0.05, -0.04], 1000)
    assert found(ws, "C14").verdict == "differs"
    planted(ws, [0.3, -0.3, 0.3, -0.2, 0.1], 500)  # of more data sets, which counts before the size
    few = found(ws, "C14")
    assert few.verdict == "differs"
    assert "500 train texts" in few.sample


def test_runs_of_other_methods_sizes_and_too_few_data_sets_do_not_count(ws: Any) -> None:
    planted(ws, [0.1] * 4, tuning=replace(TUNING, method="full"))
    planted(ws, [0.1] * 4, 2000)
    planted(ws, [0.1] * 2)
    for claim, asked in (("C13", "--sizes full"), ("C14", "--sizes 1000")):
        finding = found(ws, claim)
        assert finding.verdict == "not enough models"
        assert asked in finding.said


def test_the_papers_conflicts_are_told() -> None:
    assert "+3.06" in LEDGER["C13"].conflict
    assert "4.04" in LEDGER["C13"].conflict
    assert "equals table 2" in LEDGER["C14"].conflict
