"""Exported HTML, opened from disk without a network: α is dragged, marker and curve follow, nothing is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from explorer import workflows
from explorer.components.standalone import bundle
from explorer.figures.theme import template
from explorer.types import Drawings, Probe
from explorer.workflows import pictures, stories, telling

PATIENCE = 60_000


@pytest.fixture
def file(ws: Any, tmp_path: Path) -> Path:
    """Two views of the tiny workspace: a path on the map, and the Path page in three dimensions."""
    m0, m1, m3 = (ws.catalog.checkpoint(name) for name in ("m0", "m1", "m3"))
    few = Probe(train=20, test=20)
    pairs = ((m0, m1), (m0, m3))
    for zero, one in pairs:
        line = workflows.path(ws, *(workflows.checkpoint_point(c) for c in (zero, one)), [0, 0.5, 1])
        workflows.evaluate(ws, line.points, ws.catalog.task("toy"), few).result()
        for point, score in zip(line.points, ws.catalog.scores(line.points, ws.catalog.task("toy"), few), strict=True):
            ws.catalog.add_scores([(point, replace(score, probe=Probe().key))])
    note = "</script><b>a note</b> & <i>marks</i>"
    slides = [pictures.slide(ws, "map", {"basket": [m0.id, m1.id]}, title="First", note=note),
              pictures.slide(ws, "path", {"zero": m0.id, "one": m3.id, "tasks": ["toy"], "path_dims": 2})]
    bars = go.Figure(go.Bar(x=["a", "b"], y=[1, 2]), layout={"template": template(True), "height": 300})
    kept = stories.save_view(ws, "region", {}, "Kept", drawn=Drawings("dark", (bars.to_json(), bars.to_json())))
    slides.append(telling.slide(ws, kept))
    path = tmp_path / "story.html"
    path.write_text(pictures.html(slides, title="Two views"), encoding="utf-8")
    return path


@pytest.fixture
def page(chromium: Any, file: Path) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    problems: list[str] = []
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
    page.goto(file.as_uri())
    page.wait_for_selector(".wse-curve .main-svg")
    yield page
    context.close()
    assert not problems


def place(page: Any, what: str) -> dict[str, float]:
    found: dict[str, float] = page.locator(what).bounding_box()
    return found


def test_alpha_is_dragged_in_a_file_from_disk(page: Any, file: Path) -> None:
    assert file.stat().st_size <= 8_000_000
    page.wait_for_selector(".wse-marker:visible")
    thumb, marker, dot = (place(page, w) for w in (".wse-thumb", ".wse-marker", ".wse-dot"))
    x, y = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y, steps=5)
    page.mouse.up()
    assert place(page, ".wse-thumb")["x"] == pytest.approx(thumb["x"] + 150, abs=3)
    assert place(page, ".wse-dot")["x"] == pytest.approx(dot["x"] + 150, abs=3)
    assert abs(place(page, ".wse-marker")["x"] - marker["x"]) + abs(place(page, ".wse-marker")["y"] - marker["y"]) > 5
    said = page.locator(".wse-reading").inner_text()
    assert "loss" in said
    assert "α = 0.5 " not in said


def test_arrow_keys_turn_the_pages_and_text_is_text(page: Any) -> None:
    assert page.locator("h1").inner_text() == "First"
    assert "<b>a note</b>" in page.locator("main > p").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('h1').textContent === 'm0 to m3'")
    page.wait_for_selector(".wse-curve .main-svg")
    page.wait_for_selector(".wse-thumb[aria-valuenow='0.5']")
    page.locator(".wse-thumb").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".wse-thumb[aria-valuenow='0.51']")
    assert page.locator("h1").inner_text() == "m0 to m3"
    page.get_by_label("Next view").click()
    page.wait_for_function("document.querySelectorAll('.figure .main-svg .bars .point').length === 4")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(17, 21, 29)"
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('h1').textContent === 'First'")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_the_bundle_holds_no_import_or_export() -> None:
    lines = bundle().splitlines()
    assert not [line for line in lines if line.startswith(("import ", "export "))]
