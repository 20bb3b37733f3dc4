"""Splits: disjoint, deduplicated, stratified, and a function of the texts alone."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import TaskError
from explorer.tasks.splits import Row, Splits, balanced_order, clean, split

texts = st.text(st.sampled_from("abcAB \t\n\u200bé"), min_size=0, max_size=4)
rows = st.builds(Row, texts, st.sampled_from(["x", "y", "z", None]), st.one_of(st.none(), texts))
given_split = st.builds(replace, rows, split=st.sampled_from(["train", "test"]))
grouped = st.builds(replace, rows, group=st.sampled_from([f"g{i}" for i in range(12)]))


def filled(count: int = 60, labels: str = "xyz") -> list[Row]:
    return [Row(f"text {i} of {label}", label) for i, label in enumerate(labels * (count // len(labels)))]


def attempt(rows: list[Row], cap: int | None = None) -> Splits | None:
    """The splits of more rows than any draw could spoil; None where the draw has a label without train text."""
    try:
        return split("t", rows, cap=cap)
    except TaskError:
        return None


@given(st.lists(rows, max_size=40))
def test_train_and_test_are_disjoint_clean_and_complete(extra: list[Row]) -> None:
    found = split("t", filled() + extra)
    train, test = {r.key for r in found.train}, {r.key for r in found.test}
    assert not train & test
    assert len(train) == len(found.train)
    assert len(test) == len(found.test)
    assert found.labels == tuple(sorted({r.label for r in (*found.train, *found.test)}))
    dropped = found.dropped
    assert len(found.train) + len(found.test) + dropped.empty + dropped.unlabelled + dropped.duplicate \
        + dropped.conflicting + dropped.overlap + dropped.surplus == 60 + len(extra)
    assert all(r.text and r.text == clean(r.text) and r.pair != "" and r.label for r in (*found.train, *found.test))


@given(st.lists(rows, max_size=30) | st.lists(grouped, max_size=30), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(extra: list[Row], rng: random.Random) -> None:
    all_rows = filled() + extra
    shuffled = rng.sample(all_rows, len(all_rows))
    assert attempt(all_rows, 10) == attempt(shuffled, 10)


@given(st.lists(given_split, max_size=40))
def test_given_split_is_respected(extra: list[Row]) -> None:
    base = [replace(r, split="test" if i % 4 == 0 else "train") for i, r in enumerate(filled())]
    found = split("t", base + extra)
    assert all(r.split == "train" for r in found.train)
    assert all(r.split == "test" for r in found.test)
    assert not {r.key for r in found.train} & {r.key for r in found.test}


@given(st.lists(st.integers(0, 15), min_size=120, max_size=160))
def test_groups_are_not_cut(groups: list[int]) -> None:
    found = attempt([Row(f"text {i}", "xy"[i % 2], group=str(g)) for i, g in enumerate(groups)], 30)
    if found is not None:
        assert not {r.group for r in found.train} & {r.group for r in found.test}
        assert len(found.test) <= 30


@given(st.lists(st.sampled_from("aaaaabbc"), min_size=1, max_size=80))
def test_every_prefix_is_stratified(labels: list[str]) -> None:
    ordered = balanced_order([Row(f"text {i}", label) for i, label in enumerate(labels)])
    whole, seen = Counter(labels), Counter[str]()
    for n, row in enumerate(ordered, 1):
        seen[row.label or ""] += 1
        assert all(abs(seen[k] - n * whole[k] / len(labels)) <= 1.5 for k in whole)


@given(st.text())
def test_clean_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_fifth_of_each_label_is_test_and_cap_bounds_it() -> None:
    found = split("t", filled(300))
    assert Counter(r.label for r in found.test) == {"x": 20, "y": 20, "z": 20}
    assert len(split("t", filled(300), cap=30).test) == 30
    assert split("t", filled(300), cap=30).dropped.surplus == 0


def test_cap_on_a_given_split_is_counted() -> None:
    found = split("t", [replace(r, split="test" if i % 2 else "train") for i, r in enumerate(filled())], cap=9)
    assert len(found.test) == 9
    assert found.dropped.surplus == 21


def test_conflicts_go_and_copies_stay_once() -> None:
    extra = [Row("Same  text", "x"), Row("same text", "x"), Row("Torn", "x"), Row("TORN ", "y")]
    found = split("t", filled() + extra)
    kept = [r.text for r in (*found.train, *found.test)]
    assert kept.count("Same text") == 1
    assert "same text" not in kept
    assert not {"Torn", "TORN"} & set(kept)
    assert (found.dropped.duplicate, found.dropped.conflicting) == (1, 2)


def test_test_text_leaves_train() -> None:
    base = [replace(r, split="test" if i % 4 == 0 else "train") for i, r in enumerate(filled())]
    found = split("t", [*base, Row(base[0].text.upper(), "x", split="train")])
    assert found.dropped.overlap == 1
    assert base[0].text in {r.text for r in found.test}


def test_integer_labels_sort_by_value() -> None:
    assert split("t", [Row(f"t {i}", str(i % 11)) for i in range(220)]).labels == tuple(str(i) for i in range(11))


@pytest.mark.parametrize(("bad", "words"), [
    ([Row(f"t {i}", "x") for i in range(50)], "1 label .x."),
    ([], "0 labels"),
    (filled(6), "at least 8 and 2"),
    ([*(replace(r, split="train") for r in filled()), *(Row(f"n {i}", "new", split="test") for i in range(5))],
     "no train example of new"),
    ([Row(f"t {i}", str(i)) for i in range(1200)], "1200 different labels"),
])
def test_refusals(bad: list[Row], words: str) -> None:
    with pytest.raises(TaskError, match=words):
        split("t", bad)
