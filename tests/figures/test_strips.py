"""Strips of losses: every finite loss is a dot that says what it is, names are text, nothing is there before it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.figures.strips import WIDTH, Strip, by_dimension, by_distance, strips
from explorer.statistics.averages import Average

RNG = np.random.default_rng(0)
IN = Strip("In", [0.4, 0.5, None], ["a", "<b>b</b>", "c"], "3 models")
HULL = Strip("In′", list(RNG.normal(0.4, 0.02, 40)), [f"In′ {i}" for i in range(40)], "40 hull samples")
EX = Strip("Ex", [0.7, math.inf, 0.6], ["d", "e", "f"], "3 <i>others</i>")


def dots(figure):
    return [t for t in figure.data if t.mode == "markers"]


@pytest.mark.parametrize("dark", [False, True])
def test_every_finite_loss_is_a_dot(dark):
    figure = strips([IN, HULL, EX], base=0.65, dark=dark)
    drawn = dots(figure)
    assert [len(t.y) for t in drawn] == [2, 40, 2]
    assert list(drawn[0].y) == [0.4, 0.5]
    assert all(abs(x - place) <= WIDTH for place, t in enumerate(drawn) for x in t.x)
    assert len({(t.marker.color, t.marker.symbol) for t in drawn}) == 3
    assert [t.y[0] for t in figure.data if t.name == "mean"] == pytest.approx([0.45, np.mean(HULL.losses), 0.65])
    assert [list(t.y) for t in figure.data if t.name == "base"] == [[0.65, 0.65]]
    assert len([t for t in figure.data if t.name == "outline"]) == 1


def test_names_are_text():
    figure = strips([IN, HULL, EX])
    assert "&lt;b&gt;b&lt;/b&gt;" in dots(figure)[0].customdata[1]
    assert "3 &lt;i&gt;others&lt;/i&gt;" in figure.layout.xaxis.ticktext[2]
    assert "mean 0.450" in figure.layout.xaxis.ticktext[0]


def test_nothing_is_invented_before_there_is_a_value():
    empty = [Strip(g.name, [None] * len(g.losses), g.cards, g.note) for g in (IN, HULL, EX)]
    figure = strips(empty)
    assert figure.layout.yaxis.showticklabels is False
    assert figure.layout.xaxis.range == strips([IN, HULL, EX]).layout.xaxis.range
    assert by_distance(empty, [np.zeros(len(g.losses)) for g in empty]).layout.yaxis.showticklabels is False
    assert by_dimension([0, 1], empty[:2], [None, None]).layout.yaxis.showticklabels is False


def test_equal_losses_are_drawn_beside_each_other():
    figure = strips([Strip("In", [0.5] * 12, list("abcdefghijkl"))])
    assert len(set(dots(figure)[0].x)) == 12


def test_means_by_dimension_have_their_interval():
    means = [Average(0.45, -math.inf, math.inf, 1), Average(0.4, 0.39, 0.41, 40)]
    figure = by_dimension([0, 5], [IN, HULL], means, base=0.6)
    (line,) = [t for t in figure.data if t.name == "mean"]
    assert list(line.y) == [0.45, 0.4]
    assert list(line.error_y.array) == pytest.approx([0.0, 0.01])
    assert list(figure.layout.xaxis.ticktext) == ["0", "5"]
    assert [len(t.y) for t in dots(figure)] == [2, 40]


def test_distances_belong_to_their_losses():
    apart = [np.array([1.0, 2.0, 3.0]), np.linspace(0, 1, 40), np.array([4.0, 5.0, 6.0])]
    figure = by_distance([IN, HULL, EX], apart, base=(2.5, 0.65))
    drawn = {t.name: t for t in figure.data}
    assert list(drawn["In"].x) == [1, 2]
    assert list(drawn["Ex"].x) == [4, 6]
    assert (drawn["base"].x[0], drawn["base"].y[0]) == (2.5, 0.65)
