"""`figure` and `export-html`: files of views, and refusals in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from explorer.catalog import views
from explorer.errors import UnavailableError
from explorer.figures.exporting import chromium
from explorer.figures.theme import DARK, LIGHT
from explorer.types import Drawings, Step
from explorer.workflows import stories, telling


def test_a_map_as_a_picture_and_a_table(ask: Callable[..., Any], tmp_path: Path) -> None:
    made = ask("figure", "map", "--set", "colour=task", "--format", "csv", "--out", tmp_path / "map.csv")
    assert made["figure"] == "map"
    with (tmp_path / "map.csv").open() as file:
        found = list(csv.DictReader(file))
    assert len([r for r in found if r["id"]]) >= 6
    try:
        chromium()
    except UnavailableError as error:
        pytest.skip(str(error))
    ask("figure", "map", "--format", "svg", "--size", "column", "--out", tmp_path / "map.svg")
    assert "<text" in (tmp_path / "map.svg").read_text()


def test_settings_as_json(ask: Callable[..., Any], tmp_path: Path) -> None:
    ask("figure", "path", "--set", "zero=m0", "--set", "one=m1", "--set", "tasks=toy", "--format", "json",
        "--out", tmp_path / "s.json")
    made = json.loads((tmp_path / "s.json").read_text())
    assert made["page"] == "path"
    assert made["state"]["tasks"] == ["toy"]
    assert len(made["models"]) == 6


def test_a_path_a_stored_view_and_a_story_as_html(ws: Any, workspace: Path, tmp_path: Path,
                                                  asking: Callable[..., Any]) -> None:
    m0, m1 = ws.catalog.checkpoint("m0").id, ws.catalog.checkpoint("m1").id
    short = views.add_view(ws.catalog.database, "map", {"basket": [m0, m1], "method": "pca"})
    saved = stories.save_view(ws, "path", {"zero": m0, "one": m1, "tasks": ["toy"]}, "Two <seeds>", "why")
    ws.close()
    run = asking(workspace)
    made = run("export-html", "--view", short, "--view", "Two <seeds>", "--title", "Both", "--out",
               tmp_path / "both.html")
    assert made["views"] == 2
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert made["bytes"] <= 8_000_000
    assert "<title>Both</title>" in text
    assert "Two <seeds>" not in text
    assert saved.title == "Two <seeds>"


def test_views_of_other_pages_are_shown_as_they_were_saved(ws: Any, workspace: Path, tmp_path: Path,
                                                           asking: Callable[..., Any], cli: Callable[..., Any]) -> None:
    drawn = go.Figure(go.Bar(x=["a", "b"], y=[1, 2], name="<b>bars</b>"))
    kept = stories.save_view(ws, "region", {}, "A region", "seen", drawn=Drawings("dark", (drawn.to_json(),)))
    bare = stories.save_view(ws, "claims", {}, "The claims")
    on_map = stories.save_view(ws, "map", {}, "The map")
    stories.begin_story(ws, "All", tuple(Step(v.name) for v in (on_map, kept, bare)))
    ws.close()
    run = asking(workspace)
    assert run("export-html", "--story", "All", "--out", tmp_path / "all.html")["views"] == 3
    text = (tmp_path / "all.html").read_text(encoding="utf-8")
    found = json.loads(text.split('id="views">')[1].split("</script>")[0])
    assert [view["title"] for view in found] == ["The map", "A region", "The claims"]
    assert json.loads(found[1]["figures"][0])["data"][0]["x"] == ["a", "b"]
    assert found[1]["colours"]["--st-background-color"] == DARK.paper
    assert found[0]["colours"]["--st-background-color"] == LIGHT.paper
    assert telling.WITHOUT in found[2]["note"]
    run("figure", "--view", "A region", "--format", "csv", "--out", tmp_path / "region.csv")
    with (tmp_path / "region.csv").open() as file:
        assert [row["y"] for row in csv.DictReader(file)] == ["1", "2"]
    for arguments in (("--view", "The claims"), ("--view", "A region", "--set", "dims=3")):
        status, _, err = cli("export-html", *arguments, "--out", tmp_path / "F", "--workspace", workspace)
        assert status == 2
        assert "page 'claims'" in err or "kept as they were" in err
        assert not (tmp_path / "F").exists()


@pytest.mark.parametrize(("arguments", "said"), [
    (["figure", "--out", "F"], "say what is drawn"),
    (["figure", "map", "--curve", "--out", "F"], "no path in this view"),
    (["figure", "map", "--set", "dims", "--out", "F"], "KEY=VALUE"),
    (["figure", "map", "--set", "dims=two", "--out", "F"], "a number is needed"),
    (["figure", "map", "--set", "method=magic", "--out", "F"], "magic"),
    (["export-html", "--view", "nothing", "--out", "F"], "nothing"),
    (["export-html", "map", "--story", "s", "--out", "F"], "leave out"),
])
def test_refusals_are_one_line_and_nothing_is_written(cli: Callable[..., Any], shared: Path, tmp_path: Path,
                                                      arguments: list[str], said: str) -> None:
    out = tmp_path / "F"
    status, _, err = cli(*(str(out) if a == "F" else a for a in arguments), "--workspace", shared)
    assert status == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not out.exists()


def test_a_file_is_replaced_with_force_only(cli: Callable[..., Any], shared: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.csv"
    out.write_text("mine")
    arguments = ("figure", "map", "--format", "csv", "--out", out, "--workspace", shared)
    assert cli(*arguments)[0] == 2
    assert out.read_text() == "mine"
    assert cli(*arguments, "--force")[0] == 0
    assert out.read_text() != "mine"
