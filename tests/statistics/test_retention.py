"""Retention on planted losses: its ends, its intervals, ranks, and tasks on which there is nothing to keep."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.statistics.retention import Yardstick, board
from explorer.types import Score

N = 400
RNG = np.random.default_rng(0)
HARD = RNG.gamma(2.0, 0.3, N)
"""How hard every text is, for all models alike: what paired intervals leave out."""


def score(name: str, loss: float, noise: float = 0.05, accuracy: float = 0.5) -> Score:
    own = np.random.default_rng(sum(map(ord, name)))
    losses = (HARD - HARD.mean() + loss + own.normal(scale=noise, size=N)).astype(np.float32)
    return Score(name, "t", "p", float(losses.mean()), 0.03, accuracy, N, "cpu", 0.1, losses)


BASE, OWN = score("base", 1.0, accuracy=0.5), score("own", 0.5, accuracy=0.9)
ENDS = {"t": Yardstick(BASE, OWN), "u": Yardstick(BASE, OWN)}


def test_base_is_0_and_own_is_1_without_any_error() -> None:
    found = board([{"t": BASE, "u": BASE}, {"t": OWN, "u": OWN}], ENDS)
    for standing, value in zip(found.standings, (0.0, 1.0), strict=True):
        assert standing.mean is not None
        assert (standing.mean.value, standing.mean.low, standing.mean.high) == pytest.approx((value,) * 3, abs=1e-12)
    assert [s.rank for s in found.standings] == [2, 1]
    assert [s.ranks for s in found.standings] == [(2, 2), (1, 1)]


def test_values_and_paired_intervals() -> None:
    half, none = score("half", 0.75), score("none", 1.1)
    found = board([{"t": half, "u": none}], ENDS)
    standing = found.standings[0]
    wanted = (BASE.loss - half.loss) / (BASE.loss - OWN.loss)
    assert standing.by_task["t"].value == pytest.approx(wanted, rel=1e-6)
    assert standing.by_task["t"].low < wanted < standing.by_task["t"].high
    assert standing.by_task["t"].high - standing.by_task["t"].low < 0.05  # unpaired it would be about .3
    assert standing.worst_task == "u"
    assert standing.worst is not None
    assert standing.mean is not None
    assert standing.worst.value == standing.by_task["u"].value < 0 < standing.mean.value


def test_a_point_that_lacks_a_task_has_no_rank() -> None:
    half = score("half", 0.75)
    found = board([{"t": half}, {"t": half, "u": half}, {}], ENDS)
    assert [s.rank for s in found.standings] == [None, 1, None]
    assert [len(s.by_task) for s in found.standings] == [1, 2, 0]


def test_a_gain_that_may_be_chance_is_no_yardstick() -> None:
    ends = ENDS | {"v": Yardstick(BASE, score("hardly", 0.999, noise=0.5))}
    found = board([{"t": OWN, "u": OWN, "v": OWN}], ends)
    assert found.tasks == ("t", "u")
    assert "may be chance" in found.dropped["v"]
    assert board([{"t": BASE}], {"t": Yardstick(OWN, BASE)}).tasks == ()


def test_accuracy_turns_the_difference_round() -> None:
    found = board([{"t": score("p", 2.0, accuracy=0.7)}], {"t": ENDS["t"]}, "accuracy")
    share = found.standings[0].by_task["t"]
    assert share.value == pytest.approx(0.5)
    assert 0.3 < share.low < 0.5 < share.high < 0.7


def test_scores_of_other_texts_are_refused() -> None:
    short = Score("s", "t", "p", 0.5, 0.03, 0.5, 10, "cpu", 0.1, np.zeros(10, np.float32))
    with pytest.raises(InputError, match="not of the same single texts"):
        board([{"t": short}], {"t": ENDS["t"]})
