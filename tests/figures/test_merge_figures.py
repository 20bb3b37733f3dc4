"""Figures of merges: what they show, and that names are text."""

from __future__ import annotations

import pytest

from explorer.figures.merges import Series, retained, search_trace, weight_bars
from explorer.statistics.retention import Interval

HALF = Interval(0.5, 0.4, 0.7)


@pytest.mark.parametrize("dark", [False, True])
def test_retentions_are_dots_with_intervals_between_base_and_own_model(dark: bool) -> None:
    figure = retained(["a<b>", "c", "mean"], [Series("TIES", [HALF, None, HALF]), Series("plain <mean>", [HALF] * 3)],
                      dark=dark, strong=1)
    mean, ties = figure.data
    assert list(ties.x) == [0.5, 0.5]
    assert ties.error_x.array == pytest.approx((0.2, 0.2))
    assert ties.error_x.arrayminus == pytest.approx((0.1, 0.1))
    assert ties.customdata[0][0] == "a&lt;b&gt;"
    assert ties.customdata[0][1] == "<b>50 %</b>, 40 to 70 % (95 %)"
    assert "&lt;mean&gt;" in mean.name
    assert figure.layout.yaxis.ticktext == ("a&lt;b&gt;", "c", "<b>mean</b>")
    assert {a.text for a in figure.layout.annotations} == {"base", "own model"}
    low, high = figure.layout.xaxis.range
    assert low < 0 < 1 < high


def test_retentions_far_out_are_in_view() -> None:
    figure = retained(["a"], [Series("x", [Interval(-3, -4, -2)]), Series("y", [Interval(2, 1, 3)])])
    low, high = figure.layout.xaxis.range
    assert low < -3
    assert high > 2


def test_the_trace_falls_and_outliers_do_not_flatten_it() -> None:
    figure = search_trace([1.0, 0.9, 5.0, 0.8, 900.0, 0.7], 3)
    first, searched, best = figure.data
    assert (list(first.x), list(searched.x)) == ([1, 2, 3], [4, 5, 6])
    assert list(best.y) == [1.0, 0.9, 0.9, 0.8, 0.8, 0.7]
    assert figure.layout.yaxis.range[0] < 0.7
    assert figure.layout.yaxis.range[1] < 10
    assert len(search_trace([], 3).data) == 1


def test_weights_are_bars_by_model() -> None:
    (bars,) = weight_bars(["<a>", "b"], [0.5, -0.25], dark=True).data
    assert list(bars.x) == [0.5, -0.25]
    assert bars.customdata[0] == "&lt;a&gt;"
    assert len(set(bars.marker.color)) == 2
