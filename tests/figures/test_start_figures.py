"""Figures of start points: every seed a line, means and intervals, names escaped, nothing invented when empty."""

from __future__ import annotations

import math

import pytest

from explorer.figures.starts import Column, Gains, by_start, over_targets
from explorer.statistics.averages import Average


def test_seeds_are_lines_and_means_diamonds():
    figure = by_start([Column("base", {0: 0.5, 1: 0.6}, Average(0.55, 0.4, 0.7, 2), "the pretrained model"),
                       Column("<b>", {0: 0.7}, Average(0.7, -math.inf, math.inf, 1))], dark=True)
    seeds, mean = figure.data[:-1], figure.data[-1]
    assert [(s.name, list(s.x), list(s.y)) for s in seeds] == [("seed 0", [0, 1], [0.5, 0.7]), ("seed 1", [0], [0.6])]
    assert list(mean.y) == [0.55, 0.7]
    assert list(mean.error_y.array) == pytest.approx([0.15, 0.0])
    assert figure.layout.xaxis.ticktext[1].startswith("&lt;b&gt;")
    assert seeds[0].customdata[1] == ["&lt;b&gt;", "70 %"]


def test_differences_are_in_points():
    figure = over_targets(["a", "<i>"], [Gains("centroid", [Average(0.03, 0.01, 0.05, 3), None]),
                                         Gains("<s>", [None, Average(-0.02, -math.inf, math.inf, 1)])])
    first, second = figure.data
    assert (list(first.x), list(first.error_x.array)) == ([pytest.approx(3)], [pytest.approx(2)])
    assert (list(second.x), list(second.error_x.array)) == ([pytest.approx(-2)], [0.0])
    assert second.name == "&lt;s&gt;"
    assert list(figure.layout.yaxis.ticktext) == ["a", "&lt;i&gt;"]
    assert round(second.y[0]) == 1


@pytest.mark.parametrize("figure", [by_start([Column("base", {}, None)]), over_targets(["a"], [Gains("x", [None])])])
def test_without_runs_no_number_is_shown(figure):
    assert (figure.layout.yaxis.showticklabels is False) or (figure.layout.xaxis.showticklabels is False)
