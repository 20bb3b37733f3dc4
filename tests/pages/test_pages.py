"""The pages on a real small workspace: what they show, what selection does, and that they never import torch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import workflows
from explorer.figures.maps import scatter
from explorer.pages import _adding, _map_drawing, _session
from explorer.pages._session import plain

ROOT = Path(__file__).parents[2]


def ids(tested: AppTest) -> list[str]:
    return [str(option) for option in tested.selectbox(key="add").options]


@pytest.mark.parametrize("page", ["map", "path", "mix", "clusters", "region", "surface", "claims", "jobs",
                                  "catalog"])
def test_every_page_renders(app, page):
    tested = app(page, auto=False)
    assert not tested.exception
    assert not tested.error


def test_the_map_says_what_it_shows(app):
    captions = " ".join(c.value for c in app().caption)
    assert "6 checkpoints" in captions
    assert "of the variance shown" in captions


def test_many_models_are_searched_by_name(app, monkeypatch):
    monkeypatch.setattr(_adding, "LISTED", 5)
    monkeypatch.setattr(_adding, "MATCHES", 2)
    tested = app()
    search = tested.text_input(key="add_words")
    assert not [box for box in tested.selectbox if box.key == "add"]  # no list of everything is sent
    search.set_value("M").run()
    assert ids(tested) == ["m0", "m1"]
    assert tested.selectbox(key="add").placeholder == "Add one of the first 2 of 6 …"
    search.set_value("m4").run()
    tested.selectbox(key="add").select_index(0).run()
    known = {c.id: c.name for c in _session.opened().catalog.checkpoints()}
    assert [known[key] for key in tested.session_state["basket"]] == ["m4"]
    search.set_value("nothing").run()
    assert "No model has this in its name." in [c.value for c in tested.caption]


def test_the_map_is_drawn_once_for_what_it_shows(app, monkeypatch):
    made = []
    monkeypatch.setattr(_map_drawing, "scatter", lambda *a, **k: made.append(1) or scatter(*a, **k))
    tested = app(auto=False)
    tested.run()
    assert len(made) == 1
    tested.selectbox(key="add").select_index(0).run()
    assert len(made) == 2  # a selection is seen
    tested.selectbox(key="colour").select("task").run()
    assert len(made) == 3
    catalog = _session.opened().catalog
    with catalog.database.transaction("checkpoints") as cursor:
        cursor.execute("UPDATE checkpoints SET task = 'another' WHERE name = 'm0'")
    tested.run()
    assert len(made) == 4  # and so is a change of the catalog


def test_one_dot_offers_the_path_from_the_base_and_two_the_path_between(app):
    tested = app()
    buttons = {b.label: b for b in tested.button}
    assert buttons["Path from the base"].disabled
    assert buttons["Path between two"].disabled
    for expected in ("Path from the base", "Path between two"):
        tested.selectbox(key="add").select_index(0).run()
        assert not next(b for b in tested.button if b.label == expected).disabled
    assert len(tested.session_state["basket"]) == 2
    next(b for b in tested.button if b.label == "Clear").click().run()
    assert tested.session_state["basket"] == []


@pytest.mark.parametrize("colour", ["dataset", "task", "seed", "accuracy", "loss", "norm"])
def test_every_colour_is_drawn(app, colour):
    tested = app()
    tested.selectbox(key="colour").set_value(colour).run()
    assert not tested.exception


def test_three_dimensions_and_the_euclidean_metric(app):
    tested = app(dims=3, metric="euclidean")
    assert not tested.exception
    assert not tested.error


def test_a_selection_of_layers_without_parameters_is_an_error_in_words(app):
    tested = app(layers=["embeddings"], kinds=["attention"])
    assert not tested.exception
    assert any("no parameters" in error.value.replace("\\", "") for error in tested.error)


def test_the_path_page_takes_its_ends_from_the_selection(app, workspace):
    tested = app(auto=False)
    tested.selectbox(key="add").select_index(0).run()
    tested.selectbox(key="add").select_index(0).run()
    first, second = tested.session_state["basket"]
    tested.switch_page("explorer/pages/path.py").run()
    assert (tested.selectbox(key="zero").value, tested.selectbox(key="one").value) == (first, second)
    assert any(b.label.startswith("Evaluate") for b in tested.button)
    next(b for b in tested.button if b.label == "Swap").click().run()
    assert (tested.selectbox(key="zero").value, tested.selectbox(key="one").value) == (second, first)


def test_an_own_range_that_runs_backwards_is_refused_in_words(app):
    tested = app("path", auto=False, range="Custom", low=2.0, high=1.0)
    assert not tested.exception
    assert any("must be the smaller" in error.value for error in tested.error)


def test_stored_scores_are_shown_at_once(app, workspace):
    ws = workflows.open_workspace(workspace)
    base, (task,) = workflows.main_base(ws), ws.catalog.tasks()
    one = workflows.checkpoint_point(ws.catalog.checkpoints()[0])
    path = workflows.path(ws, workflows.resolve(ws, "base"), one, [i / 10 for i in range(11)])
    workflows.evaluate(ws, path.points, task).result()
    ws.close()
    tested = app("path", auto=False, zero="", one=one.terms[0][0], base=base.id)
    assert any("All 11 points are measured" in c.value for c in tested.caption)
    assert {m.label: m.value for m in tested.metric}["Barrier"] != "–"


def test_a_path_without_texts_says_so_and_offers_to_fetch_them(app, workspace):
    (workspace / "tasks" / "toy.parquet").unlink()
    tested = app("path")
    assert any("not on this machine" in c.value for c in tested.caption)
    assert any(b.label == "Fetch the texts" for b in tested.button)


def test_the_catalog_lists_and_filters(app):
    tested = app("catalog")
    assert len(tested.dataframe[0].value) == 6
    tested.text_input(key="search").set_value("m3").run()
    assert list(tested.dataframe[0].value["name"]) == ["m3"]


def test_an_empty_workspace_says_what_to_do(tmp_path, workspace, app, monkeypatch):
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "empty"))
    for page in ("map", "path", "catalog"):
        tested = app(page)
        assert not tested.exception
        assert tested.info


def test_a_workspace_that_is_a_file_is_an_error_in_words(app, tmp_path, monkeypatch, workspace):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(tmp_path / "file"))
    tested = app()
    assert not tested.exception
    assert "a workspace is a folder" in tested.error[0].value.replace("\\", "")
    monkeypatch.setenv("EXPLORER_WORKSPACE", str(workspace))


def test_the_app_imports_no_torch(workspace):
    code = """
import json, sys
from streamlit.testing.v1 import AppTest
tested = AppTest.from_file("app.py", default_timeout=60)
tested.session_state["auto"] = False
tested.run()
pages = {"map": not tested.exception and len(tested.selectbox)}
for page in ("path", "catalog"):
    tested.switch_page(f"explorer/pages/{page}.py").run()
    pages[page] = not tested.exception and len(tested.selectbox)
print(json.dumps({"pages": pages, "heavy": [m for m in ("torch", "transformers", "umap") if m in sys.modules]}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
                         env=os.environ | {"EXPLORER_WORKSPACE": str(workspace)})
    answer = json.loads(run.stdout.splitlines()[-1])
    assert answer["heavy"] == []
    assert all(answer["pages"].values())


@pytest.mark.parametrize("text", ["<b>x</b>", ":red[x] :smile:", "$a$ *b* `d`", "[a](http://b)", "# a", "a|b", "&lt;"])
def test_names_become_text_whatever_they_hold(text):
    escaped = plain(text)
    assert re.sub(r"\\(.)", r"\1", escaped).replace("\u200b", "") == text
    assert "://" not in escaped
    assert not re.search(r"(?<!\\)[<>&:$*`#|\[\]()]", escaped)


def test_two_selected_models_begin_a_path_on_the_map(app):
    tested = app(auto=False)
    for _ in range(2):
        tested.selectbox(key="add").select_index(0).run()
    assert tested.selectbox(key="map_task").value == "toy"
    assert any(b.label.startswith("Evaluate") for b in tested.button)


@pytest.mark.parametrize("label", ["Centroid", "− A", "A + B + …", "C + B − A"])
def test_a_preset_sets_the_weights_and_is_measured(app, label):
    tested = app("mix")
    next(b for b in tested.button if b.label == label).click().run()
    assert not tested.exception
    assert not tested.error
    assert tested.session_state["mix_kind"] == ("simplex" if label == "Centroid" else "free")
    kept = tested.session_state["mix_weights"].items()
    ((turn, weights),) = [v for k, v in kept if k.endswith(str(label == "Centroid"))]
    assert turn > 0
    expected = {"Centroid": [1 / 3] * 3, "− A": [-1, 0, 0], "A + B + …": [0.5] * 3, "C + B − A": [-1, 1, 1]}
    assert weights == pytest.approx(expected[label])


def test_a_mixture_is_kept_under_a_name(app, workspace):
    tested = app("mix")
    tested.text_input[0].set_value("my soup")
    next(b for b in tested.button if b.label == "Keep").click().run()
    assert not tested.error
    tested.text_input[0].set_value("my soup")
    next(b for b in tested.button if b.label == "Keep").click().run()
    assert any("taken" in error.value for error in tested.error)


def test_a_head_the_base_does_not_keep_is_said_in_words(app, until):
    tested = app("path", head="lm")
    until(tested, lambda: bool(tested.error))
    assert "language-model head" in " ".join(error.value for error in tested.error).replace("\\", "")


def test_clusters_say_what_chance_would_give_and_go_to_the_map(app):
    tested = app("clusters")
    shown = {m.label: (m.value, m.delta) for m in tested.metric}
    assert shown["Accuracy"][0].endswith("%")
    assert "chance" in shown["Accuracy"][1]
    assert any("C1" in info.value for info in tested.info)
    next(b for b in tested.button if b.label == "Show on the map").click().run()
    assert tested.session_state["basket"]


def test_more_clusters_than_models_are_refused_in_words(app):
    tested = app("clusters", cluster_count="number", cluster_k=200)
    assert not tested.exception
    assert tested.error
