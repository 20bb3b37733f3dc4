"""Scores that are remembered: asked for once, the same as those of the file, and no more of them than memory allows."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.catalog import Catalog, known
from explorer.catalog.changes import Changes
from explorer.catalog.known import KnownScores
from explorer.types import Base, Group, Layout, Point, Probe, Score, Task

BASE = Base("base-id", "base", "models/base", "bert", Layout.of([("a", (2, 3), Group("0", "attention"))]))
TASK, PROBE = Task("toy", "toy.parquet", ("neg", "pos"), 10, 5, "digest"), Probe()
POINTS = [Point.of(BASE.id, {"a": k / 10}) for k in range(6)]


def score(point: str, loss: float = 0.5, texts: int = 5) -> Score:
    return Score(point, TASK.digest, PROBE.key, loss, 0.1, 0.9, texts, "cpu", 1.0, np.full(texts, loss, np.float32))


def test_a_measured_path_asks_the_file_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    rows = catalog.database.rows

    def noted(sql: str, values: Any = ()) -> Any:
        asked.append(list(values[-1]))
        return rows(sql, values)

    monkeypatch.setattr(catalog.database, "rows", noted)
    catalog.add_scores([(p, score(p.hash, loss=i)) for i, p in enumerate(POINTS[:4])])
    for _ in range(3):
        found = catalog.scores(POINTS[:4], TASK, PROBE)
        assert [s and s.loss for s in found] == [0, 1, 2, 3]
    for _ in range(3):  # what is not there is asked for once more only after a write
        assert catalog.scores(POINTS, TASK, PROBE)[4:] == [None, None]
    assert asked == [[p.hash for p in POINTS[:4]], [p.hash for p in POINTS[4:]]]
    catalog.add_scores([(POINTS[5], score(POINTS[5].hash))])
    found = catalog.scores(POINTS, TASK, PROBE)
    assert [s is None for s in found] == [False] * 4 + [True, False]
    assert asked[2:] == [[p.hash for p in POINTS[4:]]]


def test_another_task_or_probe_is_another_score(catalog: Catalog) -> None:
    catalog.add_scores([(POINTS[0], score(POINTS[0].hash))])
    assert catalog.scores(POINTS[:1], TASK, PROBE) != [None]
    assert catalog.scores(POINTS[:1], TASK, PROBE.first()) == [None]
    other = Task("toy", "toy.parquet", ("neg", "pos"), 10, 5, "other texts")
    assert catalog.scores(POINTS[:1], other, PROBE) == [None]


def test_what_is_rolled_back_is_not_known(catalog: Catalog) -> None:
    with contextlib.suppress(ZeroDivisionError), catalog.database.transaction("scores") as cursor:
        s = score(POINTS[0].hash)
        cursor.execute("INSERT INTO scores (point, task, probe, loss, stderr, accuracy, n, device, seconds, losses, "
                       "recipe) VALUES (?, ?, ?, 1, 1, 1, 1, 'cpu', 1, ?, '{}')",
                       [s.point, s.task, s.probe, s.losses.tobytes()])
        assert catalog.scores(POINTS[:1], TASK, PROBE)[0] is not None  # its own thread sees what it has written
        raise ZeroDivisionError
    assert catalog.scores(POINTS[:1], TASK, PROBE) == [None]


@given(st.lists(st.one_of(st.sampled_from("abc"), st.lists(st.sampled_from("abc"), max_size=4))))
def test_it_answers_as_the_file_does(acts: list[str | list[str]]) -> None:
    """Whatever is written (a letter) and asked for (a list) in whatever order."""
    changes, there = Changes(), dict[str, Score]()
    kept = KnownScores(changes)
    for act in acts:
        if isinstance(act, str):
            with changes.writing(("scores",)):
                there.setdefault(act, score(act))
        else:
            found = kept.of("t", "p", act, lambda asked: {p: there[p] for p in asked if p in there})
            assert found == [there.get(p) for p in act]


def test_memory_is_bounded_and_the_longest_unused_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_BYTES", 10_000)
    kept, read = KnownScores(Changes()), list[str]()

    def of(point: str) -> None:
        kept.of("t", "p", [point], lambda asked: read.extend(asked) or {p: score(p, texts=500) for p in asked})

    for point in "abcadeabcd":  # three of 3,024 bytes have room
        of(point)
    assert "".join(read) == "abcdebcd"
    assert kept._bytes <= 10_000
