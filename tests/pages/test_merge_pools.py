"""The Merge page's soup and leaderboard, and the export offered there, on tiny models."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.types import Probe
from explorer.workflows import leaderboard, souping

App = Callable[..., AppTest]


def words(tested: AppTest) -> str:
    shown = (*tested.caption, *tested.error, *tested.info, *tested.success)
    return " ".join(e.value for e in shown).replace("\\", "")


@pytest.fixture
def cooked(workspace: Path, zoo: Path) -> None:
    """A soup and a leaderboard whose scores are stored."""
    ws = workflows.open_workspace(workspace)
    workflows.add_task(ws, "d0", zoo / "toy.csv", None, ["text"], "y")
    task = ws.catalog.task("d0")
    souping.start(ws, souping.plan(ws, ["m0", "m1", "m2"], task)).result()
    leaderboard.start(ws, leaderboard.pool(ws, ["base", "centroid", "m0", "m1"], [task], Probe())).result()
    ws.close()


def test_a_stored_soup_is_shown_at_once_and_can_be_exported(app: App, cooked: None, workspace: Path) -> None:
    tested = app("merge", auto=False, merge_view="Soup")
    assert not tested.exception
    assert "models are taken" in words(tested)
    assert "the last half of the test split of d0" in words(tested)
    assert list(tested.dataframe[0].value["which"]) == ["The soup", "Best single model", "Mean of all", "The base"]
    assert set(tested.dataframe[1].value["model"]) == {"m0", "m1", "m2"}
    assert any("python -m explorer export" in c.value for c in tested.code)
    tested.selectbox(key="soup-export-head").set_value("no head").run()
    tested.button(key="soup-export-go").click().run()
    out = workspace / "exports" / "soup-d0"
    deadline = time.time() + 240  # the worker in the background gives way to whatever else computes
    while not out.is_dir() and time.time() < deadline:
        time.sleep(0.2)
    assert (out / "README.md").is_file()
    tested.run()
    assert not tested.exception


def test_what_is_missing_is_begun_on_a_click(app: App) -> None:
    tested = app("merge", auto=False, merge_view="Soup", soup_models_of=None)
    assert not tested.exception
    assert "at least two models" in words(tested)  # no model says it was trained on toy
    tested.multiselect(key="soup_models").set_value(_ids()[:2]).run()
    assert "Make the soup" in " ".join(b.label for b in tested.button)


def _ids() -> list[str]:
    from explorer.pages import _session

    return [c.id for c in _session.opened().catalog.checkpoints()]


def test_the_leaderboard(app: App, cooked: None) -> None:
    tested = app("merge", auto=False, merge_view="Leaderboard", board_points=["base", "centroid", "m0", "m1"])
    assert not tested.exception
    frame = tested.dataframe[0].value
    assert set(frame["point"]) == {"base", "centroid", "m0", "m1"}
    assert "are measured; scores are kept" in words(tested)
    tested.multiselect(key="board_points").set_value([]).run()
    assert "Choose points and tasks" in words(tested)


def test_a_leaderboard_without_own_models_says_so(app: App) -> None:
    tested = app("merge", auto=False, merge_view="Leaderboard")
    assert not tested.exception
    assert "what there is to gain" in words(tested)
