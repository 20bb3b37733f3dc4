"""Figures as files: sizes, vector text, fonts, colours, and what is said where there is no browser."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer import settings
from explorer.errors import InputError, UnavailableError
from explorer.figures import exporting
from explorer.figures.curves import Axis, Curve, loss_curve
from explorer.figures.exporting import SIZES, chromium, image, set_for
from explorer.figures.maps import scatter
from explorer.figures.theme import DARK, LIGHT
from explorer.types import Checkpoint, Estimate, Projection


def curve(dark: bool = False) -> go.Figure:
    alphas = [0.0, 0.5, 1.0]
    values = [Estimate(0.4, 0.01), Estimate(0.45, 0.01), Estimate(0.41, 0.01)]
    return loss_curve(Axis(alphas, 0, 1, "here", "there"), [Curve("films", values, Estimate(0.6, 0.01))],
                      title="Loss (nats) on films", dark=dark)


@pytest.fixture(scope="module")
def browser() -> Iterator[None]:
    try:
        chromium()
    except UnavailableError as error:
        pytest.skip(str(error))
    yield
    exporting.close()


def content(pdf: bytes) -> bytes:
    """The drawing operators of a PDF."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return b"\n".join(zlib.decompress(s) for s in streams if s[:1] == b"x")


def test_svg_has_text_and_the_colours_of_the_figure(browser: None) -> None:
    text = image(curve(), "svg").decode()
    assert "Loss (nats) on films" in text
    assert "<text" in text
    red, green, blue = (int(LIGHT.accent[i:i + 2], 16) for i in (1, 3, 5))
    assert f"rgb({red}, {green}, {blue})" in text
    assert f'width="{round(6.9 * 96)}"' in text


def test_a_map_of_many_dots_is_vectors_too(browser: None) -> None:
    count = settings.WEBGL_FROM + 1
    checkpoints = [Checkpoint(f"id{i}", f"m{i}", "b", "p", "weights", dataset="d") for i in range(count)]
    places = np.random.default_rng(0).normal(size=(count, 2))
    figure = scatter(Projection(tuple(c.id for c in checkpoints), places, "pca", "cosine"), checkpoints)
    text = image(figure, "svg").decode()
    assert text.count('<path class="point') >= count
    assert "<image" not in text


def test_pdf_has_text_its_fonts_and_the_colours_of_the_figure(browser: None) -> None:
    pdf = image(curve(dark=True), "pdf", "column")
    operators = content(pdf)
    assert re.search(rb"T[jJ]\b", operators)
    assert b"/FontFile2" in pdf or b"/FontFile3" in pdf
    drawn = {tuple(round(float(v) * 255) for v in m) for m in re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) rg", operators)}
    for colour in (DARK.paper, DARK.accent):
        assert tuple(int(colour[i:i + 2], 16) for i in (1, 3, 5)) in drawn
    (width,) = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+)", pdf)
    assert float(width) / 72 == pytest.approx(3.3, abs=0.02)


def test_png_has_the_dots_of_its_size(browser: None) -> None:
    png = image(curve(), "png", "slide")
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (4000, 2250)


def test_a_copy_is_set_and_the_figure_stays() -> None:
    figure = curve()
    before = figure.to_json()
    made = set_for(figure, SIZES["column"])
    assert figure.to_json() == before
    assert made["layout"]["template"]["layout"]["font"]["size"] < 13 < 16 < set_for(
        figure, SIZES["slide"])["layout"]["template"]["layout"]["font"]["size"]
    assert made["layout"]["paper_bgcolor"] == LIGHT.paper
    assert set_for(curve(dark=True), SIZES["slide"])["layout"]["paper_bgcolor"] == DARK.paper


def test_all_names_have_room() -> None:
    figure = go.Figure([go.Scatter(x=[0], y=[i], name=f"data set {i}", legendgroup=str(i % 4),
                                   legendgrouptitle={"text": str(i % 4)}) for i in range(60)], curve().layout)
    figure.update_layout(legend_orientation="v")
    for size in SIZES.values():
        layout = set_for(figure, size)["layout"]
        assert layout["height"] > 60 / (3 if size.width < 4 else 1) * 10
        assert layout["legend"]["maxheight"] >= 1


@pytest.mark.parametrize(("form", "size"), [("gif", "column"), ("png", "poster")])
def test_unknown_is_refused(form: str, size: str) -> None:
    with pytest.raises(InputError, match="there are"):
        image(curve(), form, size)


def test_without_a_browser_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EXPLORER_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(UnavailableError, match="apt install chromium"):
        image(curve())


def test_a_figure_read_from_json_holds_the_same_numbers():
    figure = go.Figure([go.Scatter(x=["a", "b"], y=np.array([1.5, np.nan]), customdata=np.array([["i"], ["j"]])),
                        go.Heatmap(z=np.arange(6.0).reshape(2, 3))])
    again = exporting.read(figure.to_json())
    np.testing.assert_array_equal(again.data[0].y, figure.data[0].y)
    np.testing.assert_array_equal(again.data[1].z, figure.data[1].z)
    assert str(exporting.rows(again)) == str(exporting.rows(figure))
