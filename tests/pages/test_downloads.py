"""The download popover: nothing before it is opened, and what its buttons make."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from explorer.errors import UnavailableError
from explorer.figures.exporting import rows
from explorer.pages import _downloads
from explorer.workflows import pictures


def downloads(tested: Any) -> list[Any]:
    return [d for d in tested.get("download_button") if "download_go" in d.proto.id]


@pytest.mark.parametrize("page", ["map", "path", "clusters", "barriers", "mix"])
def test_nothing_is_offered_before_it_is_opened(app, page):
    tested = app(page, auto=False)
    assert not tested.exception
    assert not downloads(tested)


def test_opened_it_offers_picture_data_settings_and_html(app):
    tested = app("path", auto=False, path_download=True)
    assert not tested.exception
    kinds = next(b for b in tested.get("button_group") if b.key == "path_download_kind")
    assert list(kinds.options) == list(_downloads.KINDS)
    assert len(downloads(tested)) == 1


def test_without_a_browser_the_picture_says_how_to_get_one(app, monkeypatch):
    def none() -> str:
        raise UnavailableError("no browser, install one")

    monkeypatch.setattr(_downloads, "chromium", none)
    tested = app("path", auto=False, path_download=True)
    assert any("install one" in i.value.replace("\\", "") for i in tested.info)
    assert not downloads(tested)


def test_a_figure_is_a_table():
    figure = go.Figure([go.Scatter(x=[0, 1], y=[2.0, 3.0], name="a &amp; b", customdata=[["id0"], ["id1"]]),
                        go.Heatmap(z=[[1, 2], [3, 4]], x=["u", "v"], y=["r", "s"])])
    found = rows(figure)
    assert found[0] == {"trace": "a & b", "x": 0, "y": 2.0, "id": "id0"}
    assert found[-1] == {"trace": "", "x": "v", "y": "s", "value": 4}
    csv = pd.read_csv(io.BytesIO(pictures.table(figure, "csv")))
    parquet = pd.read_parquet(io.BytesIO(pictures.table(figure, "parquet")))
    assert list(csv.columns) == list(parquet.columns)
    assert len(csv) == len(parquet) == 6


def test_settings_name_models_view_and_versions(ws):
    m0 = ws.catalog.checkpoint("m0")
    made = pictures.settings(ws, "map", {"basket": [m0.id], "models": 3})
    assert json.loads(json.dumps(made)) == made
    assert [m["name"] for m in made["models"]] == ["m0", "m1", "m2"]
    assert made["models"][0]["id"] == m0.id
    assert made["versions"]["explorer"]
