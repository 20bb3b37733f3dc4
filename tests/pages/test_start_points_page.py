"""The Start points page: what is stored at once, what is missing on a click, and the paper's tables beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.types import Tuning
from explorer.workflows import starting

App = Callable[..., AppTest]
TUNING = Tuning("bitfit", 3, 0.01, 8, 16)
FAST = {"start_steps": 3, "start_rate": 0.01, "start_rate_of": "bitfit", "start_batch": 8, "start_length": 16,
        "start_patience": 0, "start_method": "bitfit", "start_size": 100, "start_targets": ["toy"], "start_seeds": 2,
        "start_kinds": ["base", "centroid"]}


@pytest.fixture
def trained(workspace: Path) -> None:
    ws = workflows.open_workspace(workspace)
    plan = starting.plan(ws, ws.catalog.tasks(), ["base", "centroid"], TUNING, [100], [0, 1])
    starting.train(ws, plan).result()
    ws.close()


def words(tested: AppTest) -> str:
    return " ".join(e.value for e in (*tested.caption, *tested.error, *tested.info)).replace("\\", "")


def readings(tested: AppTest) -> dict[str, tuple[str, str]]:
    return {m.label: (m.value, m.delta) for m in tested.metric}


def test_stored_runs_are_shown_at_once(app: App, trained: None) -> None:
    tested = app("start_points", auto=False, **FAST)
    assert not tested.exception
    assert not tested.error
    assert "All 4 runs are made" in words(tested)
    assert "10.66" in words(tested)
    assert "equals table 2" in words(tested)
    assert readings(tested)["Difference"][1].endswith("2 seeds")
    assert readings(tested)["Wins, ties, losses"][1] == "of 1"
    assert list(tested.dataframe[0].value["start"]) == ["base", "centroid"]


def test_it_begins_with_the_runs_used_last(app: App, trained: None) -> None:
    tested = app("start_points", auto=False)
    assert not tested.exception
    state = tested.session_state
    assert (state["start_steps"], state["start_size"], list(state["start_targets"])) == (3, 100, ["toy"])
    assert "Train 2 runs" in " ".join(b.label for b in tested.button)  # of a third seed


def test_what_is_missing_is_trained_on_a_click(app: App, until: Callable[..., None]) -> None:
    tested = app("start_points", auto=False, **{**FAST, "start_size": 0})
    assert readings(tested)["Difference"] == ("–", "not yet")
    assert "table 2" in words(tested)
    next(b for b in tested.button if b.label.startswith("Train 4 runs")).click().run()
    # the worker in the background gives way to whatever else computes
    until(tested, lambda: "All 4 runs" in words(tested), 400)
    assert not tested.exception
    assert "All 4 runs" in words(tested)


@pytest.mark.parametrize("tab", ["Table", "Predicted", "Starts"])
def test_tabs(app: App, trained: None, tab: str) -> None:
    tested = app("start_points", auto=False, start_tabs=tab, **FAST)
    assert not tested.exception
    assert not tested.error
    if tab == "Predicted":
        assert "Rank correlation with low loss" in readings(tested)


def test_what_can_not_be_is_told_in_words(app: App, workspace: Path) -> None:
    tested = app("start_points", auto=False, **{**FAST, "start_size": 2000})
    assert not tested.exception
    assert "2000 train texts of toy" in words(tested)
    tested = app("start_points", auto=False, **{**FAST, "start_targets": []})
    assert not tested.exception
    assert "Choose a target" in words(tested)
    tested = app("start_points", auto=False, **{**FAST, "start_kinds": ["base", "nearest"]})
    assert "No start: nearest on toy" in words(tested)


def test_texts_that_are_not_here(app: App, workspace: Path) -> None:
    (workspace / "tasks" / "toy.parquet").unlink()
    tested = app("start_points", **FAST)
    assert not tested.exception
    assert any(b.label == "Fetch the texts" for b in tested.button)
