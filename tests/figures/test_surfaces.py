"""Surfaces as figures: what lies where, what can be clicked, names that are text, ceilings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.surfaces import CLICKS, Picture, Spot, breadth, contours, landscape, place_id, place_of
from explorer.paths.quadtree import surface

HOSTILE = "<img src=x onerror=alert(1)>"
XS, YS = tuple(np.linspace(-1.0, 3.0, 65)), tuple(np.linspace(10.0, 12.0, 65))
CORNERS = [Spot(HOSTILE, 0.0, 10.5, (HOSTILE,), 0.5), Spot("b", 2.0, 10.5, (), 0.7), Spot("c", 1.0, 11.5)]


def picture(ceiling: float = math.inf, overflow: bool = False, **options: object) -> Picture:
    known = {(i, j): float(i + 2 * j) for i in range(5) for j in range(5)}
    if overflow:
        known[0, 0] = math.inf
    rows = np.array([(XS[16 * j], YS[16 * i], v) for (i, j), v in known.items()])
    return Picture(XS, YS, surface(known, 65, 2, ceiling=ceiling), rows, [(HOSTILE, "n 5") for _ in known], ceiling,
                   titles=("right", "up"), **options)  # type: ignore[arg-type]


def trace(figure, name):
    (found,) = [t for t in figure.data if t.name == name]
    return found


def test_rows_of_the_surface_are_y_and_columns_x():
    figure = contours(picture(), CORNERS)
    drawn = figure.data[0]
    assert drawn.type == "contour"
    assert drawn.z.shape == (65, 65)
    assert drawn.z[0, -1] == pytest.approx(8, abs=1e-4), "the most to the right of the lowest row"
    assert drawn.z[-1, 0] == pytest.approx(4, abs=1e-4)
    assert list(figure.layout.xaxis.range) == [-1, 3]
    assert list(figure.layout.yaxis.range) == [10, 12]
    assert figure.layout.yaxis.scaleanchor == "x"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("right", "up")


def test_a_picture_has_the_width_that_its_axes_ask_for():
    figure = contours(picture(), CORNERS, height=458)
    inside = 458 - figure.layout.margin.t - figure.layout.margin.b
    assert breadth(figure) == 2 * inside + figure.layout.margin.l + figure.layout.margin.r, "4 to 2"
    assert breadth(contours(picture(equal=False), CORNERS)) is None


def test_every_place_can_be_clicked_and_is_measured_or_estimated():
    figure = contours(picture(), CORNERS)
    places, measured = trace(figure, "places"), trace(figure, "measured")
    assert len(places.x) + len(measured.x) == CLICKS**2
    found = {place_of(key) for (key,) in [*places.customdata, *measured.customdata]}
    assert len(found) == CLICKS**2
    for t in (places, measured):
        assert all(place_of(key) == (x, y) for (key,), x, y in zip(t.customdata, t.x, t.y, strict=True))
    assert all("about" in text and "estimated error" in text for text in places.hovertext)


def test_a_place_comes_back_from_its_id():
    for x, y in ((0.1, -1e-9), (1 / 3, 12345678.9)):
        assert place_of(place_id(x, y)) == (x, y)


def test_what_is_above_the_ceiling_has_one_colour():
    figure = contours(picture(ceiling=5.0, overflow=True), CORNERS)
    assert figure.data[0].zmax == 5
    assert figure.data[0].z.max() <= 5
    assert "x" in trace(figure, "measured").marker.symbol
    solid = landscape(picture(ceiling=5.0, overflow=True), CORNERS)
    assert solid.data[0].z.max() <= 5


def test_names_are_text():
    models = [Spot(HOSTILE, 0.0, 11.0, ("near",), distance=1.0), Spot("far", 0.0, 11.0, distance=3.0)]
    for figure in (contours(picture(), CORNERS, models, chosen=(0.0, 11.0)), landscape(picture(), CORNERS)):
        assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_nearer_models_are_larger_and_clearer():
    models = [Spot("far", 0.0, 11.0, distance=3.0), Spot("near", 1.0, 11.0, distance=1.0)]
    drawn = trace(contours(picture(), CORNERS, models), "models")
    assert list(drawn.x) == [0, 1], "the nearest is drawn last"
    assert drawn.marker.size[1] > drawn.marker.size[0]
    assert drawn.marker.opacity[1] > drawn.marker.opacity[0]


def test_before_anything_is_known_corners_and_triangle_are_there():
    empty = Picture(XS, YS, None, np.zeros((0, 3)), [])
    figure = contours(empty, CORNERS)
    assert [t.name for t in figure.data] == ["measured", "hull", "hull", "corners"]
    assert list(figure.layout.xaxis.range) == [-1, 3]
    assert landscape(empty, CORNERS).data


def test_corners_without_a_loss_have_no_flag():
    flags = trace(landscape(picture(), CORNERS), "corners")
    assert list(flags.x) == [0, 2]
