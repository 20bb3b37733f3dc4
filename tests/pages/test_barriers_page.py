"""The Barriers page, and the tabs on walks and places: scores at once, the rest on a click, limits in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.paths.alphas import interpolation
from explorer.types import Probe
from explorer.workflows import leaving, pairs

App = Callable[..., AppTest]
FEW = Probe(train=20, test=20)
FAST = {"barrier_train": 20, "barrier_test": 20}


@pytest.fixture
def measured(workspace: Path) -> dict[str, str]:
    """Ids by name of a workspace in which all pairs of m0, m1, m3 and m4 are measured."""
    ws = workflows.open_workspace(workspace)
    ids = {c.name: c.id for c in ws.catalog.checkpoints()}
    points = [workflows.resolve(ws, name) for name in ("m0", "m1", "m3", "m4")]
    pairs.barriers(ws, points, ws.catalog.task("toy"), FEW, interpolation(5))
    ws.close()
    return ids


def words(tested: AppTest) -> str:
    parts = (*tested.caption, *tested.markdown, *tested.error, *tested.info)
    return " ".join(e.value for e in parts).replace("\\", "")


def test_measured_pairs_are_shown_at_once(app: App, measured: dict[str, str]) -> None:
    chosen = [measured[name] for name in ("m0", "m1", "m3", "m4")]
    tested = app("barriers", auto=False, barrier_models=chosen, **FAST)
    assert not tested.exception
    assert not tested.error
    shown = {m.label: (m.value, m.delta) for m in tested.metric}
    assert shown["Highest barrier"][0] != "–"
    assert "of 6 pairs" in shown["Highest barrier"][1]
    assert "p = " in shown["Rank correlation"][1]
    assert "6 pairs × 3 points between their ends, and 4 ends: all measured." in words(tested)
    assert "Of barriers above the line between ends" in words(tested)
    tested.slider(key="barrier_limit").set_value(0.5).run()
    assert "basin" in words(tested)
    tested.segmented_control(key="barrier_above").set_value("line").run()
    assert "Of barriers above the mean of ends" in words(tested)
    next(b for b in tested.button if b.label == "Open the path").click().run()
    assert {tested.selectbox(key="zero").value, tested.selectbox(key="one").value} <= set(chosen)
    assert tested.session_state["tasks"] == ["toy"]


def test_what_is_missing_is_told_and_measured_on_a_click(app: App, until: Callable[..., None]) -> None:
    tested = app("barriers", auto=False, **FAST)
    assert len(tested.session_state["barrier_models"]) >= 3, "it begins with models of its own"
    tested.session_state["barrier_models"] = tested.session_state["barrier_models"][:3]
    tested.run()
    assert "0 of 3 pairs are measured" in words(tested)
    next(b for b in tested.button if b.label.startswith("Measure 12 points")).click().run()
    until(tested, lambda: "and 3 ends: all measured" in words(tested))
    assert not tested.exception
    assert "needs at least 4 models" in next(m for m in tested.metric if m.label == "Rank correlation").help.replace(
        "\\", "")


def test_the_selection_is_taken_and_one_model_is_too_few(app: App, measured: dict[str, str]) -> None:
    chosen = [measured[name] for name in ("m4", "m0", "m1")]
    tested = app("barriers", auto=False, basket=chosen, **FAST)
    assert tested.session_state["barrier_models"] == chosen
    tested.multiselect(key="barrier_models").set_value(chosen[:1]).run()
    assert "at least two models" in words(tested)
    next(b for b in tested.button if b.label == "Selection").click().run()
    assert tested.session_state["barrier_models"] == chosen


def test_walks_and_places_are_tabs_of_a_region(app: App, workspace: Path) -> None:
    ws = workflows.open_workspace(workspace)
    members = [c for c in ws.catalog.checkpoints() if c.dataset == "d0"]
    found = leaving.walks(ws, members)
    leaving.measured(ws, found, ws.catalog.task("toy"), FEW)
    ws.close()
    state = {"auto": False, "region_train": 20, "region_test": 20, "region_samples": 5}
    tested = app("region", region_tabs="Walks", **state)
    assert not tested.exception
    assert "C12" in words(tested)
    assert "their spread is" in words(tested)
    rows = next(f.value for f in tested.dataframe if "leaves" in f.value.columns)
    assert list(rows["walk"]) == ["Random directions (3)", "Towards the base", "Towards zero weights"]
    assert not rows["leaves"].eq("not yet").any()
    tested = app("region", region_tabs="Locate", **state)
    assert not tested.exception
    labels = {m.label for m in tested.metric}
    assert {"Predicted data set", "Predicted task"} <= labels or "groups have two models" in words(tested)
    assert "Distance to its hull" in words(tested) or "no hull to be compared with" in words(tested)
