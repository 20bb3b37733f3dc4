"""The library without the app: figures are plotly Figures."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import pytest

import explorer
from explorer.errors import ExplorerError


def test_the_map_is_a_figure_with_every_model(ws: Any) -> None:
    figure = explorer.figure_map(ws, colour="task", selected=["m0"])
    assert isinstance(figure, go.Figure)
    carried = {v[0] for t in figure.data if t.customdata is not None for v in t.customdata}
    assert carried == {c.id for c in ws.catalog.checkpoints()}
    assert {t.type for t in explorer.figure_map(ws, dims=3, metric="euclidean").data} == {"scatter3d"}


def test_the_path_is_a_figure_and_measures_what_it_is_told(ws: Any) -> None:
    few = explorer.Probe(train=20, test=20)
    empty = explorer.figure_path(ws, "m0", "m1", "toy", probe=few)
    assert not any(v is not None for t in empty.data if t.name == "toy" for v in t.y)
    figure = explorer.figure_path(ws, "m0", "m1", "toy", alphas=[0, 0.5, 1], probe=few, measure=True)
    (curve,) = [t for t in figure.data if t.name == "toy"]
    assert list(curve.customdata) == [0.0, 0.5, 1.0]
    assert all(v is not None for v in curve.y)


@pytest.mark.parametrize("bad", [{"dims": 5}, {"metric": "odd"}, {"method": "magic"}, {"selected": ["nobody"]},
                                 {"task": "nothing", "colour": "loss"}])
def test_bad_input_is_said(ws: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError):
        explorer.figure_map(ws, **bad)


def test_a_path_needs_a_task_and_a_known_quantity(ws: Any) -> None:
    with pytest.raises(ExplorerError):
        explorer.figure_path(ws, "m0", "m1", [])
    with pytest.raises(ExplorerError):
        explorer.figure_path(ws, "m0", "m1", "toy", quantity="joy")
