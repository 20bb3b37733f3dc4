"""Colours and symbols of categories: apart for every eye, in every appearance, and the same in all figures."""

from __future__ import annotations

import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer.figures.colouring import tints
from explorer.figures.curves import Axis, Curve, loss_curve
from explorer.figures.heat import similarity_map
from explorer.figures.maps import scatter
from explorer.figures.theme import Appearance, marks, surface, template
from explorer.types import Checkpoint, Estimate, Projection

# Machado, Oliveira and Fernandes (2009), severity 1: what each kind of colour blindness makes of linear sRGB.
EYES = {
    "trichromat": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
JUST_SEEN = 0.02
"""A distance in OKLab that is about the least the eye tells apart."""


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]]) @ np.clip(rgb, 0, 1)
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ np.cbrt(cones)


def contrast(a: str, b: str) -> float:
    lights = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def categories(*sizes: int) -> dict[str, list[str]]:
    return {f"g{g}": [f"{g}-{m}" for m in range(size)] for g, size in enumerate(sizes)}


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("look", Appearance)
@pytest.mark.parametrize("sizes", [(6, 6, 3, 1, 1), (8,) * 5, (4,) * 10], ids=["demo", "five-by-eight", "ten-by-four"])
def test_what_shares_a_symbol_differs_in_colour_for_every_eye(eye, look, sizes):
    found = marks(categories(*sizes), look)
    seen = {name: oklab(np.array(EYES[eye]) @ linear(mark.colour)) for name, mark in found.items()}
    for a, b in itertools.combinations(found, 2):
        if found[a].symbol == found[b].symbol:
            assert np.linalg.norm(seen[a] - seen[b]) > JUST_SEEN, (a, b)


@pytest.mark.parametrize(("look", "least"), [(Appearance.LIGHT, 2.0), (Appearance.DARK, 3.0),
                                             (Appearance.PROJECTOR, 3.0)])
def test_marks_stand_out_from_their_page(look, least):
    for mark in marks(categories(*(8,) * 5), look).values():
        assert contrast(mark.colour, surface(look).paper) >= least


@pytest.mark.parametrize("look", Appearance)
def test_words_can_be_read_and_more_so_on_a_projector(look):
    s = surface(look)
    least = 7.0 if look is Appearance.PROJECTOR else 4.5
    for tint in (s.text, s.quiet, s.accent, s.warm):
        assert contrast(tint, s.paper) >= least


def test_a_projector_has_larger_type():
    sizes = [go.Figure(layout={"template": template(look)}).layout.template.layout.font.size
             for look in (Appearance.PROJECTOR, False)]
    assert sizes[0] > sizes[1]


def models() -> list[Checkpoint]:
    return [Checkpoint(f"id{i}", f"m{i}", "b", "p", "weights", dataset=f"d{i % 4}", task=f"t{i % 2}") for i in range(8)]


@pytest.mark.parametrize("look", Appearance)
def test_a_data_set_has_one_look_in_all_figures(look):
    known = tints(models(), "dataset", look)
    drawn = scatter(Projection(tuple(c.id for c in models()), np.random.default_rng(0).normal(size=(8, 2)), "pca",
                               "cosine"), models(), dark=look)
    dots = {t.name: (t.marker.color, t.marker.symbol) for t in drawn.data}
    curves = loss_curve(Axis([0.0, 1.0], 0, 1, "A", "B"), [Curve(n, [Estimate(0.5, 0.1)] * 2) for n in ("d3", "d1")],
                        looks=known, dark=look)
    lines = {t.name: (t.line.color, t.marker.symbol[0]) for t in curves.data if t.showlegend}
    heat = similarity_map(np.eye(8), [c.name for c in models()], [c.dataset for c in models()], np.arange(8),
                          np.array([[i, i + 7 + (i > 0), 1.0, 2] for i in range(7)], float), title="cosine",
                          looks=known, dark=look)
    strip = {c for _, c in heat.data[1].colorscale}
    for name, mark in known.items():
        assert dots[name] == (mark.colour, mark.symbol)
        assert lines.get(name, dots[name]) == dots[name]
    assert strip == {mark.colour for mark in known.values()}
