"""Small pictures of figures: what is drawn, in which colours, and that no text of the data gets into them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures.sketches import HEIGHT, WIDTH, sketch


def shapes(figure, tag):
    return [e.attrib for e in ET.fromstring(sketch(figure)).iter("{http://www.w3.org/2000/svg}" + tag)]


def test_dots_keep_their_colours_and_their_places():
    figure = go.Figure([go.Scatter(x=[0, 1, 2], y=[0, None, 4], mode="markers", marker={"color": "#3553c4"}),
                        go.Scatter(x=[1], y=[2], mode="markers", marker={"color": ["#b4531a"]})])
    dots = shapes(figure, "circle")
    assert [d["fill"] for d in dots] == ["#3553c4", "#3553c4", "#b4531a"]
    assert float(dots[0]["cx"]) < float(dots[2]["cx"]) < float(dots[1]["cx"])
    assert float(dots[0]["cy"]) > float(dots[2]["cy"]) > float(dots[1]["cy"])
    assert all(0 < float(d["cx"]) < WIDTH and 0 < float(d["cy"]) < HEIGHT for d in dots)


def test_numbers_are_shaded_and_lines_drawn():
    figure = go.Figure([go.Scatter(x=[0, 1], y=[1, 1], mode="lines+markers", line={"color": "#1d2433"},
                                   marker={"color": [0.0, 5.0], "colorscale": [[0, "#000000"], [1, "rgb(255,0,0)"]]})])
    assert [d["fill"] for d in shapes(figure, "circle")] == ["#000000", "#ff0000"]
    assert shapes(figure, "polyline")[0]["stroke"] == "#1d2433"


@pytest.mark.parametrize("kind", [go.Heatmap, go.Contour, go.Surface])
def test_cells_of_a_matrix_are_thinned_out_and_the_unknown_left_open(kind):
    z = np.arange(10_000.0).reshape(100, 100)
    z[0] = np.nan
    cells = shapes(go.Figure([kind(z=z)]), "rect")
    assert 36 * 34 <= len(cells) <= 36 * 36
    assert len({c["fill"] for c in cells}) > 50


def test_text_of_the_data_stays_out():
    figure = go.Figure([go.Scatter(x=["<script>", "b"], y=[1, 2], text=["<b>", "</svg>"], mode="markers+text",
                                   marker={"color": "rebeccapurple"})])
    assert "script" not in sketch(figure)
    assert len(shapes(figure, "circle")) == 2


@pytest.mark.parametrize("figure", [go.Figure(), go.Figure([go.Bar(x=[1], y=[2])]), go.Figure([go.Heatmap(z=[[None]])]),
                                    go.Figure([go.Scatter(x=[], y=[])])])
def test_nothing_to_draw_is_no_picture(figure):
    assert sketch(figure) == ""


def test_a_picture_is_small():
    points = np.random.default_rng(0).normal(size=(5000, 2))
    figure = go.Figure([go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", marker={"color": "#3553c4"})])
    assert len(sketch(figure)) < 40_000
