"""The figures: ids behind every dot, escaped names, honest axes, colours that can be told apart."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.figures.colouring import UNKNOWN, Categories, Numbers, colouring
from explorer.figures.curves import Axis, Curve, loss_curve
from explorer.figures.maps import Facts, Overlay, axis_titles, scatter
from explorer.figures.theme import marks, oklch, scale
from explorer.paths.alphas import position
from explorer.statistics.readings import barrier, minimum
from explorer.types import Checkpoint, Estimate, Projection, Score

HOSTILE = "<img src=x onerror=alert(1)>"


def checkpoints(n: int = 12) -> list[Checkpoint]:
    return [Checkpoint(f"id{i}", f"m{i}" if i else HOSTILE, "b", "p", "weights", dataset=f"d{i % 4}", task=f"t{i % 2}",
                       seed=i % 3, train_size=100 * 4 ** (i % 4), columns={"temperature": i / 10}) for i in range(n)]


def projected(n: int = 12, k: int = 2) -> Projection:
    coords = np.random.default_rng(0).normal(size=(n, k))
    return Projection(tuple(f"id{i}" for i in range(n)), coords, "pca", "cosine", (0.5, 0.25, 0.125)[:k])


def score(loss: float, stderr: float = 0.01, losses: np.ndarray | None = None) -> Score:
    kept = np.zeros(0, np.float32) if losses is None else losses
    return Score("p", "t", "k", loss, stderr, 0.8, 400, "cpu", 1.0, kept)


def dots(figure):
    return {row[0]: (x, y) for trace in figure.data if trace.customdata is not None
            for row, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)}


@pytest.mark.parametrize("colour", ["dataset", "task", "domain", "seed", "train_size", "temperature", "norm", "loss"])
@pytest.mark.parametrize(("k", "dark"), itertools.product((2, 3), (False, True)))
def test_every_checkpoint_is_one_dot_at_its_place(colour, k, dark):
    made = projected(k=k)
    facts = Facts({c.id: 1.5 for c in checkpoints()}, {"id1": score(0.5)}, "toy")
    found = dots(scatter(made, checkpoints()[::-1], colour, facts=facts, dark=dark))
    assert found == {key: (made.coords[i, 0], made.coords[i, 1]) for i, key in enumerate(made.ids)}


def test_names_from_data_are_escaped_everywhere():
    overlay = Overlay(np.zeros(2), np.zeros((3, 2)), np.zeros((2, 2)), (HOSTILE, HOSTILE))
    drawn = scatter(projected(), checkpoints(), overlay=overlay, selected=["id0"]).to_json()
    levels = [Estimate(1.0, 0.1), Estimate(2.0, 0.1)]
    curve = loss_curve(Axis([0, 1], 0, 1, HOSTILE, HOSTILE), [Curve(HOSTILE, levels), Curve("b", levels)],
                       title=HOSTILE).to_json()
    for text in (drawn, curve):
        assert "<img" not in text.replace("\\u003c", "<")
        assert "&lt;img" in text.replace("\\u0026", "&")


def test_brief_cards_of_a_crowd_say_once_what_a_category_has_in_common(monkeypatch):
    long = scatter(projected(), checkpoints()).data
    monkeypatch.setattr("explorer.figures.maps.CROWD", 5)
    brief = scatter(projected(), checkpoints())
    for trace, before in zip(brief.data, long, strict=True):
        assert [f"<b>{name}</b>" for name in trace.hovertext] == [card.split("<br>")[0] for card in before.hovertext]
        assert trace.hovertemplate == f"<b>%{{hovertext}}</b><br>Dataset  <b>{trace.name}</b><extra></extra>"
    scores = {c.id: score(0.5) for c in checkpoints()}
    scored = scatter(projected(), checkpoints(), facts=Facts(scores=scores, task="toy")).data[0]
    assert "loss" in scored.hovertext[0]
    assert scored.hovertemplate == "%{hovertext}<extra></extra>"


def test_a_selection_in_a_crowd_is_drawn_over_it_and_the_legend_stays(monkeypatch):
    monkeypatch.setattr("explorer.figures.maps.CROWD", 5)
    before = [t.name for t in scatter(projected(), checkpoints()).data]
    picked = [c.id for c in checkpoints() if c.dataset == before[0]]
    *made, rings = scatter(projected(), checkpoints(), selected=picked).data
    assert rings.name == "selected"
    assert [t.name for t in made] == [*before[1:], before[0]]
    assert [t.name for t in sorted(made, key=lambda t: t.legendrank)] == before


def test_a_value_is_no_part_of_a_template(monkeypatch):
    monkeypatch.setattr("explorer.figures.maps.CROWD", 2)
    given = [replace(c, dataset="%{x} <b>") for c in checkpoints()]
    (trace,) = scatter(projected(), given).data
    assert trace.hovertemplate == "<b>%{hovertext}</b><br>Dataset  <b>&#37;{x} &lt;b&gt;</b><extra></extra>"


def test_a_cluster_greys_the_others_and_a_pair_does_not():
    def greyed(selected):
        return [t for t in scatter(projected(), checkpoints(), selected=selected).data if t.selectedpoints is not None]

    assert not greyed(["id1", "id2"])
    shown = [t.customdata[i][0] for t in greyed(["id1", "id2", "id3"]) for i in t.selectedpoints]
    assert sorted(shown) == ["id1", "id2", "id3"]


def test_axes_tell_the_variance_of_pca_and_nothing_otherwise():
    assert axis_titles(projected()) == ["PC 1  ·  50 % of variance", "PC 2  ·  25 % of variance"]
    assert axis_titles(Projection(("a",), np.zeros((1, 2)), "umap", "cosine")) == ["", ""]


def test_seeds_are_categories_and_sizes_a_logarithmic_scale():
    assert isinstance(colouring(checkpoints(), "seed", {}, {}), Categories)
    sizes = colouring(checkpoints(), "train_size", {}, {})
    assert isinstance(sizes, Numbers)
    assert sizes.logarithmic
    assert set(colouring(checkpoints(), "domain", {}, {}).values) == {UNKNOWN}


def test_datasets_are_grouped_by_task():
    assert colouring(checkpoints(), "dataset", {}, {}).groups == {"t0": ["d0", "d2"], "t1": ["d1", "d3"]}


@pytest.mark.parametrize("dark", [False, True])
def test_forty_categories_have_forty_marks_that_stand_out(dark):
    found = marks({f"g{g}": [f"{g}-{m}" for m in range(8)] for g in range(5)}, dark)
    assert len({(m.colour, m.symbol) for m in found.values()}) == 40
    paper = 0.02 if dark else 1.0
    for mark in found.values():
        channels = [int(mark.colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert (max(light, paper) + 0.05) / (min(light, paper) + 0.05) >= 1.7


@given(st.floats(0, 1), st.floats(0, 0.4), st.floats(-720, 720))
def test_oklch_always_gives_a_colour(lightness, chroma, hue):
    assert re.fullmatch("#[0-9a-f]{6}", oklch(lightness, chroma, hue))


def test_oklch_agrees_with_known_colours():
    assert (oklch(1, 0, 0), oklch(0, 0, 0)) == ("#ffffff", "#000000")
    assert oklch(0.62796, 0.25768, 29.234) == "#ff0000"


def test_the_scale_runs_from_0_to_1():
    assert (scale(True)[0][0], scale(False)[-1][0]) == (0.0, 1.0)


@given(st.lists(st.floats(-64, 64), min_size=2, max_size=20, unique=True))
def test_the_signed_logarithm_keeps_the_order(alphas):
    drawn = [position(a, True) for a in sorted(alphas)]
    assert drawn == sorted(drawn)


def test_a_curve_has_its_interval_ends_base_and_minimum():
    axis = Axis([0.0, 0.5, 1.0], 0, 1, "A", "B")
    values = [Estimate(0.6, 0.01), None, Estimate(0.4, 0.02, "first")]
    figure = loss_curve(axis, [Curve("toy", values, Estimate(0.9, 0.01))], title="Loss on toy")
    by_name = {t.name: t for t in figure.data}
    line = by_name["toy"]
    assert tuple(line.x) == tuple(line.customdata) == (0.0, 0.5, 1.0)
    assert tuple(line.y) == (0.6, None, 0.4)
    assert line.error_y.array[0] == pytest.approx(1.96 * 0.01)
    assert line.marker.symbol[0] != line.marker.symbol[2]
    assert "first pass" in line.hovertext[2]
    assert {"α = 0: A (0.600 nats)", "α = 1: B (0.400 nats)", "base (0.900 nats)"} <= by_name.keys()
    assert by_name["minimum"].text == ("minimum 0.600 nats at α = 0",)  # a first pass's estimate is none
    assert "0 is A,  1 is B" in figure.layout.xaxis.title.text


def test_several_tasks_are_told_apart_by_colour_and_name():
    axis = Axis([0.0, 1.0], 0, 1, "A", "B")
    figure = loss_curve(axis, [Curve(f"t{i}", [Estimate(0.1 * i, 0.01)] * 2) for i in range(4)])
    lines = [t for t in figure.data if t.showlegend]
    assert [t.name for t in lines] == ["t0", "t1", "t2", "t3"]
    assert len({t.line.color for t in lines}) == 4


def test_a_curve_without_scores_has_its_axis_already():
    figure = loss_curve(Axis([-31, 0, 1, 32], -31, 32, "A", "B", far=True), [Curve("toy", [None] * 4)])
    assert figure.layout.xaxis.range[0] < position(-31, True) < position(32, True) < figure.layout.xaxis.range[1]


def test_a_curve_of_another_length_than_its_axis_is_refused():
    with pytest.raises(ValueError, match="2 alphas but 1 values"):
        loss_curve(Axis([0.0, 1.0], 0, 1, "A", "B"), [Curve("toy", [None])])


def test_the_barrier_is_paired_over_the_texts():
    rng = np.random.default_rng(0)
    common = rng.exponential(size=500)
    zero, high, one = (common + rng.normal(scale=0.01, size=500) + add for add in (0.0, 0.3, 0.1))
    scores = [score(float(x.mean()), float(x.std(ddof=1) / 500**0.5), x.astype(np.float32)) for x in (zero, high, one)]
    found = barrier([0.0, 0.5, 1.0], scores)
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert found.alpha == 0.5
    assert found.stderr == pytest.approx(np.std(high - (zero + one) / 2, ddof=1) / 500**0.5, rel=1e-4)
    assert found.stderr < scores[0].stderr / 10


def test_a_barrier_needs_both_ends_and_is_never_negative():
    assert barrier([0.0, 0.5], [score(1), score(2)]) is None
    falling = barrier([0.0, 0.5, 1.0], [score(1.0), score(0.2), score(0.6)])
    assert (falling.value, falling.alpha) == (pytest.approx(0.2), 0.0)
    assert falling.stderr == pytest.approx(0.01 * 0.5**0.5)
    assert minimum([0.0], [None]) is None
