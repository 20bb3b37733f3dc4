"""The Region page: three groups, their P_B beside the paper's, and what can't be had in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from planted_region import apart, equal, groups, planted, score
from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.types import Probe
from explorer.workflows import regions

App = Callable[..., AppTest]
FAST = {"region_train": 20, "region_test": 20, "region_samples": 5, "region_full": False}


@pytest.fixture
def scored(workspace: Path) -> None:
    """All that the page shows of the region d0 is measured already."""
    ws = workflows.open_workspace(workspace)
    (task,) = ws.catalog.tasks()
    regions.measured(ws, regions.groups(ws, task, "dataset", "d0", samples=5), Probe(train=20, test=20))
    ws.close()


def readings(tested: AppTest) -> dict[str, tuple[str, str]]:
    return {m.label: (m.value, m.delta) for m in tested.metric}


def words(tested: AppTest) -> str:
    return " ".join(e.value for e in (*tested.caption, *tested.error, *tested.info)).replace("\\", "")


def test_stored_scores_are_shown_at_once(app: App, scored: None) -> None:
    tested = app("region", auto=False, **FAST)
    assert not tested.exception
    assert not tested.error
    shown = readings(tested)
    assert set(shown) == {"P_B(In ≤ Ex)", "P_B(In′ ≤ Ex)", "P_B(In′ ≤ In)"}
    assert all(value.endswith("%") and delta.endswith("%") for value, delta in shown.values())
    assert "All 12 points are measured" in words(tested)
    assert "paper 88 %" in words(tested)
    assert "C9" in words(tested)
    assert "3 models trained on d0 against 3 models" in words(tested)


def test_what_is_missing_is_measured_on_a_click(app: App, until: Callable[..., None]) -> None:
    tested = app("region", auto=False, **FAST)
    assert readings(tested)["P_B(In ≤ Ex)"] == ("–", "not yet")
    next(b for b in tested.button if b.label.startswith("Measure 12 points")).click().run()
    until(tested, lambda: "All 12 points" in words(tested))
    assert not tested.exception
    assert readings(tested)["P_B(In ≤ Ex)"][0].endswith("%")


def test_the_general_level(app: App) -> None:
    tested = app("region", auto=False, region_level="general", **FAST)
    assert not tested.exception
    assert "All 6 models against 20 random directions" in words(tested)
    assert "C11" in words(tested)


@pytest.mark.parametrize("tab", ["Dimension", "Distance", "Walks", "Locate", "Points"])
def test_further_views(app: App, scored: None, tab: str) -> None:
    tested = app("region", auto=False, region_tabs=tab, **FAST)
    assert not tested.exception
    assert not tested.error


def test_a_region_goes_to_the_map(app: App, scored: None) -> None:
    tested = app("region", auto=False, **FAST)
    next(b for b in tested.button if b.label == "Show In on the map").click().run()
    assert len(tested.session_state["basket"]) == 3


def test_too_few_models_are_told_in_words(app: App) -> None:
    tested = app("region", auto=False, region_level="task", **FAST)
    assert not tested.exception
    assert "has no model that is not of task 'toy'" in words(tested)


def test_texts_that_are_not_here(app: App, workspace: Path) -> None:
    (workspace / "tasks" / "toy.parquet").unlink()
    tested = app("region", **FAST)
    assert not tested.exception
    assert "not on this machine" in words(tested)
    assert any(b.label == "Fetch the texts" for b in tested.button)


def test_every_data_set_at_once(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = planted(tmp_path / "planted")
    probe = Probe(train=20, test=20)
    for task, losses in (("d0", apart), ("d1", equal(1))):
        score(ws, groups(ws, task, samples=5), losses, probe)
    ws.close()
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "planted"))
    tested = app("region", auto=False, region_trait_dataset="", **FAST)
    assert not tested.exception
    assert not tested.error
    assert "2 of 3 are measured: the region of each data set" in words(tested)
    shown = readings(tested)
    assert 50 < float(shown["P_B(In ≤ Ex)"][0].rstrip("%")) < 100
    assert list(tested.dataframe[0].value["data set"]) == ["d0", "d1"]
    tested = app("region", auto=False, region_level="task", region_trait_task="t0", region_task="", **FAST)
    assert not tested.exception
    assert tested.session_state["region_task"] in ("", "d0")
