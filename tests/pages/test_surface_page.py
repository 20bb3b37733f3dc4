"""The Surface page on a real small workspace: every kind of plane, what a click measures, what is refused."""

from __future__ import annotations

import pytest

from explorer import workflows
from explorer.types import Probe
from explorer.workflows import planes
from explorer.workflows.planes import Filling, Sheet, step


def button(tested, key):
    return next(b for b in tested.button if b.key == key)


def shown(boxes):
    """The names that select boxes show."""
    return [box.format_func(box.value) for box in boxes]


def choose(tested, names):
    """Chooses corners by name."""
    for box, name in names.items():
        found = tested.selectbox(key=box)
        found.select_index(found.options.index(name)).run()


def fill(workspace, kind, names, margin, tasks=1):
    """Measures a sheet of 9 × 9 as the page would."""
    ws = workflows.open_workspace(workspace)
    plane = planes.make(ws, kind, [workflows.resolve(ws, name) for name in names])
    filling = Filling(Sheet(plane, (ws.catalog.task("toy"),) * tasks, Probe(), 3, margin))
    while asks := step(ws, filling):
        workflows.measure(ws, asks).result()
    ws.close()
    return filling.sheet


@pytest.mark.parametrize("kind", ["models", "components", "random", "coefficients"])
@pytest.mark.parametrize("shape", ["Contours", "3-D"])
def test_every_kind_of_plane_is_drawn_and_offers_to_measure(app, kind, shape):
    tested = app("surface", surface_kind=kind, surface_shape=shape)
    assert not tested.exception
    assert not tested.error
    assert button(tested, "surface-measure").label.startswith("Measure up to")
    assert any("0 of 289 nodes measured" in c.value for c in tested.caption)


def test_it_begins_with_two_models_of_one_data_set_and_one_of_another(app):
    tested = app("surface")
    boxes = [tested.selectbox(key=f"surface_{k}") for k in "abc"]
    assert [box.options.index(name) // 3 for box, name in zip(boxes, shown(boxes), strict=True)] == [0, 0, 1]
    assert len(set(shown(boxes))) == 3
    assert tested.selectbox(key="surface_task").value == "toy"


def test_the_selection_on_the_map_gives_the_corners(app):
    tested = app(auto=False)
    for _ in range(3):
        tested.selectbox(key="add").select_index(2).run()
    chosen = tested.session_state["basket"]
    tested.switch_page("explorer/pages/surface.py").run()
    assert [tested.selectbox(key=f"surface_{k}").value for k in "abc"] == chosen


def test_stored_losses_are_shown_at_once(app, workspace):
    fill(workspace, "models", ["m0", "m1", "m4"], 0.25)
    tested = app("surface", surface_depth=3)
    choose(tested, {"surface_a": "m0", "surface_b": "m1", "surface_c": "m4"})
    assert any("81 of 81 nodes are measured" in c.value for c in tested.caption)
    assert {m.label: m.value for m in tested.metric}["Lowest measured"] != "–"
    assert {m.label: m.value for m in tested.metric}["Height in the triangle"] != "–"


def test_a_place_becomes_a_point_that_is_measured_and_kept(app, workspace, until):
    fill(workspace, "models", ["m0", "m1", "m3"], 0.25)
    tested = app("surface", surface_depth=3)
    choose(tested, {"surface_a": "m0", "surface_b": "m1", "surface_c": "m3"})
    number = {n.label: n for n in tested.number_input}
    number["x"].set_value(0.0)
    number["y"].set_value(0.0)
    next(b for b in tested.button if b.label == "Choose").click().run()
    until(tested, lambda: any("Loss on toy: **" in m.value for m in tested.markdown))
    assert any("Point at (0, 0)" in m.value for m in tested.markdown)
    assert any("Loss on toy: **" in m.value for m in tested.markdown)
    tested.text_input(key="surface_name").set_value("corner of mine")
    button(tested, "surface_keep").click().run()
    assert not tested.error
    assert "kept: corner of mine" in tested.selectbox(key="surface_a").options
    button(tested, "surface_mix").click().run()
    assert not tested.exception
    assert tested.session_state["mix_kind"] == "free"


def test_disentanglement_is_read_off(app, workspace):
    fill(workspace, "coefficients", ["m0", "m3"], 0.5, tasks=2)
    tested = app("surface", surface_kind="coefficients", surface_depth=3)
    choose(tested, {"surface_a": "m0", "surface_c": "m3"})
    assert not tested.exception
    assert {m.label: m.value for m in tested.metric}["ξ at α₁ = α₂ = 1"] != "–"
    assert any("Ortiz" in c.value for c in tested.caption)


def test_corners_that_span_no_plane_are_told_in_words(app):
    tested = app("surface")
    same = tested.selectbox(key="surface_a").value
    tested.selectbox(key="surface_b").set_value(same).run()
    assert not tested.exception
    assert any("same place" in error.value for error in tested.error)


def test_without_texts_they_are_offered_to_be_fetched(app, workspace):
    (workspace / "tasks" / "toy.parquet").unlink()
    tested = app("surface")
    assert any(b.label == "Fetch the texts" for b in tested.button)


def test_a_click_measures_until_the_surface_is_done(app, until):
    tested = app("surface", surface_depth=3)
    button(tested, "surface-measure").click().run()
    until(tested, lambda: any("81 of 81 nodes are measured" in c.value for c in tested.caption))
    assert not tested.error
