"""Greedy soup on planted scores: its order, what it takes and asks for next, and why it left a model."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.statistics.soups import INNER, By, Walk, mean, walk
from explorer.types import Point, Score

BEST = np.array([0.6, 0.4, 0.0])
"""Where the loss is lowest, in coefficients of three models."""
MODELS = [Point.of("b", {name: 1.0}) for name in "xyz"]


def score(point: Point, accuracy: float | None = None) -> Score:
    """A bowl's height at a Point, on three texts."""
    loss = float(np.square(point.coefficients(["x", "y", "z"]) - BEST).sum())
    losses = np.array([loss - 0.1, loss, loss + 0.1], np.float32)
    right = 1 - loss / 4 if accuracy is None else accuracy
    return Score(point.hash, "t", "p", loss, 0.05, right, 3, "cpu", 0.1, losses)


def cooked(by: By = "loss") -> tuple[Walk, int]:
    known: dict[str, Score] = {}
    for _ in range(20):
        if not (found := walk(MODELS, known, by)).missing:
            return found, len(known)
        known |= {p.hash: score(p) for p in found.missing}
    raise AssertionError("the walk never ends")


@pytest.mark.parametrize("by", ["loss", "accuracy"])
def test_it_takes_what_helps_and_tells_the_barrier_to_the_rest(by: By) -> None:
    found, measured = cooked(by)
    assert found.order == (0, 1, 2)
    assert found.taken == [0, 1]
    assert found.soup == mean(MODELS[:2])
    assert found.done
    assert measured == 3 + 2 + len(INNER)  # models, means, the line to the one that was left
    (left,) = found.barriers
    step = found.steps[2]
    assert left == 2
    assert step.change is not None
    assert step.change.value == pytest.approx(score(mean(MODELS)).loss - score(mean(MODELS[:2])).loss)
    # a bowl has no barrier: the mean of both ends is above all between them, but for the higher end itself
    ends = [score(mean(MODELS[:2])).loss, score(MODELS[2]).loss]
    assert found.barriers[2].value == pytest.approx(max(ends) - sum(ends) / 2)


def test_the_walk_asks_for_one_mean_at_a_time() -> None:
    known = {p.hash: score(p) for p in MODELS}
    assert walk(MODELS, {}, "loss").missing == tuple(MODELS)
    found = walk(MODELS, known, "loss")
    assert found.missing == (mean(MODELS[:2]),)
    assert [s.model for s in found.steps] == [0]
    assert not found.done


def test_equal_is_no_worse() -> None:
    points = MODELS[:2]
    known = {p.hash: score(p, accuracy=0.5) for p in (*points, mean(points))}
    assert walk(points, known, "accuracy").taken == [0, 1]


def test_what_makes_no_soup() -> None:
    for points, words in ((MODELS[:1], "at least two"), ([MODELS[0]] * 2, "twice"),
                          ([MODELS[0], Point.of("other", {"x": 1.0})], "different bases")):
        with pytest.raises(InputError, match=words):
            walk(points, {}, "loss")
