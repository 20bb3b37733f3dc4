"""Figures of barriers, walks and places: what the traces hold, and that names can't become markup."""

from __future__ import annotations

import numpy as np

from explorer.figures.barriers import against_cosine, card, matrices
from explorer.figures.leaving import Way, ways_out
from explorer.figures.locating import nearest

NAMES = ["a", "<b>bold</b>", "c"]


def symmetric(values):
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3, 1)] = values
    return matrix + matrix.T


def test_matrices_are_in_order_and_escaped():
    barriers, cosines = symmetric([0.1, np.nan, np.inf]), symmetric([0.5, 0.2, -0.1])
    figure = matrices(barriers, symmetric([0.01, np.nan, np.nan]), cosines, NAMES, ["x", "x", "<i>"], [2, 0, 1])
    high, alike, strip = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["c", "a", "&lt;b&gt;bold&lt;/b&gt;"]
    assert np.array(high.z)[1, 2] == 0.1
    assert np.array(high.z)[0, 2] == 0.1, "what overflows is drawn as the highest"
    assert np.isnan(np.array(high.z)[0, 1])
    assert np.array(alike.z)[0, 2] == -0.1
    assert np.isnan(np.diag(np.array(alike.z))).all()
    assert high.text[0][2] == "∞"
    assert "overflows" in high.customdata[0][2]
    assert "not measured yet" in high.customdata[0][1]
    assert "± 0.010" in high.customdata[1][2]
    assert "<b>bold" not in high.customdata[1][2]
    assert strip.text[0][0] == "&lt;i&gt;"
    assert high.zmin == 0


def test_matrices_without_cosines_or_barriers():
    figure = matrices(np.full((3, 3), np.nan), np.zeros((3, 3)), None, NAMES, ["", "", ""], [0, 1, 2], dark=True)
    assert np.isnan(np.array(figure.data[0].z)).all()
    assert np.isnan(np.array(figure.data[1].z)).all()
    many = matrices(np.zeros((12, 12)), np.zeros((12, 12)), np.eye(12), [str(i) for i in range(12)], ["g"] * 12,
                    list(range(12)))
    assert many.data[0].text is None


def test_one_dot_a_pair():
    figure = against_cosine([0.1, 0.2, 0.3], [0.5, 0.4, 0.3], [0.1, 0.1, 0.1], ["p", "q", "r"], [True, False, True],
                            chosen=1)
    same, other, ring = figure.data
    assert (list(same.x), list(same.hovertext)) == ([0.1, 0.3], ["p", "r"])
    assert list(other.error_y.array) == [0.1]
    assert (list(ring.x), list(ring.y)) == ([0.2], [0.4])
    assert card("<x>", "y", 0.1, np.nan, np.nan) == "&lt;x&gt; to y<br>barrier <b>0.100 nats</b>"


def test_walks_with_their_singles_and_where_they_leave():
    ways = [Way("random", [0, 1, 2], [0.5, 0.5, 0.9], [0, 0.1, 0.1], [[(0, 0.5), (1, 0.4)], [(0, 0.5), (1, 0.6)]], 1.5),
            Way("<base>", [0, 0.7], [0.5, 0.8], [0, 0.1], arrives="the <base>")]
    figure = ways_out(ways, (0, 1, 2), (0.4, 0.7), base=0.8)
    names = [t.name for t in figure.data]
    assert names == ["random", "random", "random", "random leaves", "&lt;base&gt;"]
    assert (list(figure.data[3].x), list(figure.data[3].y)) == ([1.5], [0.7])
    assert "the &lt;base&gt;" in figure.data[4].hovertext[-1]
    assert "against" not in figure.data[2].hovertext[0]
    empty = ways_out([Way("random", [], [], [])], (0, 1), None)
    assert empty.layout.yaxis.showticklabels is False


def test_the_nearest_region_is_on_top_and_the_predicted_one_coloured():
    figure = nearest([("<a>", 0.7, 3.0), ("b", 0.2, 1.0), ("c", 0.1, 2.0)], "<a>")
    (bars,) = figure.data
    assert list(bars.y) == ["&lt;a&gt;", "c", "b"], "plotly draws from below"
    assert list(bars.x) == [3.0, 2.0, 1.0]
    assert bars.text[0] == "70 %"
    assert len(set(bars.marker.color)) == 2
    assert bars.marker.color[0] != bars.marker.color[1]
