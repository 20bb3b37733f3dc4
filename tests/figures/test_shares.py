"""P_B of several regions: one row each, with the intervals of what is known."""

from __future__ import annotations

import pytest

from explorer.figures.shares import Comparison, shares
from explorer.statistics.regions import Share

KNOWN = Share(0.9, 0.7, 1.0, (4, 8), "exact")


@pytest.mark.parametrize("dark", [False, True])
def test_rows_and_intervals(dark):
    figure = shares(["<b>a</b>", "b"], [Comparison("In ≤ Ex", [KNOWN, None], 0.88),
                                        Comparison("In′ ≤ In", [KNOWN, KNOWN], 1.0)], dark=dark)
    first, second = figure.data
    assert (list(first.x), list(second.x)) == ([0.9], [0.9, 0.9])
    assert (first.error_x.array[0], first.error_x.arrayminus[0]) == pytest.approx((0.1, 0.2))
    assert first.y[0] < second.y[0] < 0.5 < second.y[1]
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;a&lt;/b&gt;", "b"]
    assert "paper 88 %" in first.name
