"""Figures of soups and leaderboards: what they draw, and names from data as text."""

from __future__ import annotations

import pytest

from explorer.figures.leaderboard import Line, ranking
from explorer.figures.soups import Turn, soup_walk
from explorer.figures.theme import Mark
from explorer.statistics.retention import Interval


def test_a_walk_holds_its_level_where_a_model_is_left_out() -> None:
    turns = [Turn("a<b", 0.5, 0.5, True), Turn("c", 0.6, 0.55, False, "worse & more"), Turn("d", 0.7, 0.4, True),
             Turn("e", 0.8, None, False)]
    for dark in (False, True):
        alone, level, taken, left = soup_walk(turns, title="Loss", dark=dark).data
        assert list(alone.y) == [0.5, 0.6, 0.7, 0.8]
        assert list(level.y) == [0.5, 0.5, 0.4]
        assert list(taken.x) == [0, 2]
        assert list(left.y) == [0.55]
        assert left.customdata[0].endswith(": 0.550 nats<br>worse &amp; more")
        assert alone.customdata[0] == "<b>a&lt;b</b> alone: 0.500 nats"
    assert soup_walk([], title="Accuracy", percent=True).layout.yaxis.tickformat == ".0%"


def test_a_ranking_draws_means_of_whole_points_only() -> None:
    share = Interval(0.5, 0.4, 0.6)
    whole = {"t": share, "u": Interval(0.1, 0.0, 0.2)}
    lines = [Line("a<b", Interval(0.3, 0.1, 0.4), whole), Line("c", None, {"t": share})]
    figure = ranking(lines, ["t", "u"], looks={"t": Mark("#123456", "star")})
    first, second, mean = figure.data
    assert list(first.x) == [0.5, 0.5]
    assert list(second.x) == [0.1]
    assert list(mean.x) == [0.3]
    assert (first.marker.symbol, first.marker.color) == ("star", "rgba(18,52,86,0.8)"), "as on the map"
    assert mean.customdata[0][1] == "<b>30 %</b> (10 to 40 %, 95 %)"
    assert mean.error_x.arrayminus[0] == pytest.approx(0.2)
    assert figure.layout.yaxis.ticktext == ("a&lt;b", "c")
    assert len(ranking([], []).data) == 1
