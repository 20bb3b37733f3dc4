"""A second pass forwards only the texts that the first one did not, and its score is the same as without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.evaluation.reading import spans
from explorer.evaluation.rows import Rows
from explorer.types import Point, Probe, Task


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "FIRST", (40, 20))


def counting(made: Any) -> list[int]:
    """Texts forwarded, one number a batch."""
    model, seen = made.encoder.model, []

    def counted(**inputs: torch.Tensor) -> Any:
        seen.append(len(inputs["input_ids"]))
        return model(**inputs)

    made.encoder.model = counted
    return seen


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("probe", [Probe(train=120, test=60), Probe(train=0, test=0), Probe(train=30, test=10)])
def test_the_full_pass_only_forwards_the_rest(probe: Probe, evaluator: Callable[..., Any], task: Task,
                                              point: Callable[[str], Point]) -> None:
    alone = evaluator().score(point("m1"), task, probe)
    made = evaluator()
    seen = counting(made)
    few = probe.first()
    first = made.score(point("m1"), task, few)
    assert sum(seen) == few.train + few.test
    assert first.n == few.test
    full = made.score(point("m1"), task, probe)
    assert sum(seen) == (probe.train or task.n_train) + (probe.test or task.n_test)
    assert full.losses.tolist() == alone.losses.tolist(), "not only close: the texts are read in the same stretches"
    made.score(point("m1"), task, Probe(train=probe.train, test=probe.test, l2=1.0))
    made.score(point("m1"), task, few)
    assert sum(seen) == (probe.train or task.n_train) + (probe.test or task.n_test), "nothing is forwarded twice"
    made.score(point("m2"), task, few)
    made.score(point("m1"), task, Probe(train=20, test=10, length=8))
    made.score(point("m1"), task, Probe(train=20, test=10, dtype="bf16"))
    assert sum(seen[-1:]) > 0, "another point, length or precision is another model of the texts"


@pytest.mark.usefixtures("short")
def test_probes_in_any_order_score_as_alone(evaluator: Callable[..., Any], task: Task,
                                            point: Callable[[str], Point]) -> None:
    made = evaluator()
    for train, test in ((100, 50), (30, 20), (160, 10), (0, 0), (60, 40)):
        probe = Probe(train=train, test=test)
        assert made.score(point("m3"), task, probe).loss == pytest.approx(
            evaluator().score(point("m3"), task, probe).loss, abs=1e-6)


def test_without_a_budget_every_score_is_the_same(evaluator: Callable[..., Any], task: Task,
                                                  point: Callable[[str], Point]) -> None:
    probe, none = Probe(train=60, test=30), evaluator()
    none._rows = Rows(0)
    made = evaluator()
    for _ in range(2):
        assert none.score(point("m0"), task, probe).loss == made.score(point("m0"), task, probe).loss


@given(done=st.integers(0, 50), wanted=st.integers(0, 50), cut=st.integers(1, 50))
def test_stretches_cover_what_is_missing_once(done: int, wanted: int, cut: int) -> None:
    found = list(spans(done, wanted, cut))
    assert [i for lo, hi in found for i in range(lo, hi)] == list(range(done, wanted))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12)), max_size=40), st.integers(0, 200))
def test_rows_stay_in_their_budget_and_are_what_was_put(puts: list[tuple[int, int]], budget: int) -> None:
    rows = Rows(budget)
    for key, size in puts:
        value = np.full((size, 2), key, np.float32)
        rows.put(key, value)
        held = rows.get(key)
        assert len(held) == (size if value.nbytes <= budget else 0)
        assert sum(rows.get(k).nbytes for k in range(6)) <= budget
