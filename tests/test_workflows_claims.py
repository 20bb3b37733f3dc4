"""The claim ledger: findings on planted catalogs, kept and read back, and what a catalog without enough models says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from explorer import workflows
from explorer.errors import InputError
from explorer.statistics import averages, readings
from explorer.statistics.paper import LEDGER
from explorer.types import Entry, Figure, Finding, Probe, Score
from explorer.workflows import claims
from explorer.workflows.claims import lines
from explorer.workflows.claims.report import markdown, shown

FAST = Probe(train=20, test=20)


def test_every_claim_of_the_ledger_is_one_of_the_papers() -> None:
    assert list(claims.CLAIMS) == sorted(claims.CLAIMS, key=lambda c: int(c[1:]))
    assert set(claims.CLAIMS) <= set(LEDGER)


def test_a_catalog_with_too_few_models_says_so(ws: Any) -> None:
    base = workflows.main_base(ws)
    found = {e.finding.claim: e.finding for e in claims.ledger(ws, base, FAST, ["C2", "C5", "C6", "C7"])}
    assert {f.verdict for f in found.values()} == {"not enough models"}
    assert "two tasks" in found["C2"].said
    assert "two bases" in found["C5"].said
    assert "training sizes" in found["C6"].said
    assert "no" in found["C7"].said or "fewer" in found["C7"].said


def test_an_unknown_claim_is_refused(ws: Any) -> None:
    with pytest.raises(InputError, match="unknown claim 'C99'"):
        claims.question(ws, workflows.main_base(ws), "C99", FAST)


def score(loss: float, spread: float = 0.0, n: int = 40, seed: int = 0) -> Score:
    singles = loss + spread * np.random.default_rng(seed).normal(size=n)
    return Score("p", "t", "k", float(singles.mean()), float(singles.std(ddof=1) / math.sqrt(n)), 0.5, n, "cpu", 0.0,
                 singles.astype(np.float32))


def test_height_is_over_the_straight_line_between_the_ends() -> None:
    at = (0.0, 0.25, 0.5, 1.0)
    found = readings.height(at, [score(1.0), score(1.5), score(1.2), score(2.0)])
    assert found is not None
    assert found.alpha == 0.25
    assert found.value == pytest.approx(0.25)
    assert found.stderr == pytest.approx(0, abs=1e-6)
    # a straight or sagging line has none, where the barrier of unequal ends is half of their difference
    straight = [score(1.0), score(1.25), score(1.5), score(2.0)]
    assert readings.height(at, straight).value == pytest.approx(0, abs=1e-6)
    assert readings.barrier(at, straight).value == pytest.approx(0.5)
    assert readings.height(at, [score(1.0), score(1.1), score(1.1), score(2.0)]).value == 0.0
    assert readings.height(at, [None, score(1.0), score(1.0), score(2.0)]) is None
    lost = replace(score(1.0), loss=math.inf)
    assert readings.height(at, [lost, score(1.0), score(1.0), score(2.0)]) is None


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30))
def test_a_mean_lies_within_its_interval(values: list[float]) -> None:
    found = averages.mean(values)
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    if error > 0:
        assert (found.low, found.high) == pytest.approx(t.interval(0.95, len(values) - 1, np.mean(values), error),
                                                        abs=1e-6)


def test_intervals_of_means_and_shares_hold_the_truth() -> None:
    rng = np.random.default_rng(0)
    means = [averages.mean(rng.normal(3.0, 2.0, 6)) for _ in range(400)]
    assert 0.92 <= np.mean([m.low <= 3.0 <= m.high for m in means]) <= 0.98
    shares = [averages.proportion(int(rng.binomial(10, 0.2)), 10) for _ in range(400)]
    assert np.mean([s.low <= 0.2 <= s.high for s in shares]) >= 0.92
    assert averages.proportion(10, 10).low < 0.8
    assert averages.mean([1.0]).high == math.inf
    for wrong in ([], [math.nan, 1.0]):
        with pytest.raises(InputError):
            averages.mean(wrong)
    with pytest.raises(InputError):
        averages.proportion(3, 2)


def test_a_cliff_is_measured_where_it_stands() -> None:
    at = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    steep = [score(x) for x in (1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0)]
    reach, factor = lines.cliff(at, steep, 1)
    assert 4 < reach < 8
    assert factor < 2
    mirrored = tuple(1 - a for a in reversed(at))
    assert lines.cliff(mirrored, steep[::-1], -1) == pytest.approx((reach, factor))
    assert lines.cliff(at, [score(1.0)] * 7, 1) is None


def test_pairs_are_the_same_for_the_same_models(ws: Any) -> None:
    base = workflows.main_base(ws)
    assert lines.pairs(ws, base, lines.KINDS["same data set"], 10) == []  # its data sets are no tasks here


def test_findings_are_kept_and_the_latest_counts(ws: Any) -> None:
    figure = Figure("f", 0.5, 0.4, 0.6, 10, "pairs", "share", 0.1, 0.9)
    first = Finding("C1", "agrees", "yes", (figure,), "s", "clusters", {"cluster_by": "dataset"})
    second = Finding("C1", "differs", "no", (), "s")
    base = workflows.main_base(ws).id
    ws.catalog.add_findings([Entry(base, first, "p", "x", "2026-01-01T00:00:00.000+00:00")])
    assert ws.catalog.findings(base)["C1"].finding == first
    ws.catalog.add_findings([Entry(base, second, "p", "x", "2026-01-02T00:00:00.000+00:00")])
    assert ws.catalog.findings(base)["C1"].finding == second
    assert ws.catalog.findings("other") == {}


def test_the_report_names_every_claim_and_figure() -> None:
    finding = Finding("C1", "agrees", "said | so", (Figure("f", 0.5, 0.41, 0.6, 10, "pairs", "share", 0.1, 0.9),
                                                 Figure("g", 0.0123, 0.01, 0.02, 9, "pairs", "nats"),
                                                 Figure("h", 2.5, n=9, unit="factor")))
    text = markdown({"C1": Entry("b", finding, "p", "x", "now")}, ["C1", "C2"])
    assert len(text.splitlines()) == 4
    assert "said \\| so" in text
    assert "50 % [41, 60], chance < 10 %" in text
    assert "0.012 nats [0.010, 0.020]" in text
    assert "2.5 ×" in text
    assert "not computed yet" in text.splitlines()[-1]
    assert shown(Figure("x", 0.995)) == "99.5 %"
