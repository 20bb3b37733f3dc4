"""Passages come from train splits alone and keep to their caps; missing texts are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.errors import UnavailableError
from explorer.tasks import prepare
from explorer.tasks.splits import Row
from explorer.training.corpus import find_tasks, passages


def test_no_test_text_is_among_the_passages(tasks: Path):
    found = find_tasks(tasks, ["films", "news"])
    texts = {p.text for p in passages(list(found.values()), per_dataset=10**6, most=3, words=50)}
    assert len(texts) == sum(t.n_train for t in found.values())
    for task in found.values():
        assert texts.isdisjoint(prepare.load(task).test.texts)


def test_long_texts_are_cut_and_caps_hold(tmp_path: Path):
    rows = [Row(" ".join(f"w{i}x{k}" for k in range(25)), str(i % 2)) for i in range(40)]
    task = prepare.write("long", rows, tmp_path)
    found = passages([task], per_dataset=10**6, most=3, words=10)
    assert max(len(p.text.split()) for p in found) == 10
    assert len(found) == 3 * task.n_train
    assert len(passages([task], per_dataset=7, most=3, words=10)) == 7
    assert len({p.text.split("x")[0] for p in found[:task.n_train]}) == task.n_train


def test_pairs_stay_pairs(tmp_path: Path):
    rows = [Row(f"question {i}", str(i % 2), f"answer {i}") for i in range(40)]
    found = passages([prepare.write("pairs", rows, tmp_path)], per_dataset=100, most=2, words=1)
    assert all(p.pair == p.text.replace("question", "answer") for p in found)


def test_missing_texts_are_all_named(tasks: Path):
    with pytest.raises(UnavailableError, match="no texts for sports, law"):
        find_tasks(tasks, ["films", "sports", "law"])
