"""The search of mixing weights: what it minimises, that it goes down, and that it says what it can't do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.evaluation.searching import FOLDS, Searching, Tried, _Dialogue, few, ridge, search, starts
from explorer.types import Probe
from explorer.workflows import searching
from explorer.workflows.naming import folders

FAST = Probe(train=40, test=30)


def plan(ws: Any, **how: Any) -> searching.Search:
    models = [ws.catalog.checkpoint(m) for m in ("m0", "m1", "m3")]
    (task,) = ws.catalog.tasks()
    return searching.plan(ws, models, task, **{"shots": 6, "budget": 24, "probe": FAST} | how)


def request_of(ws: Any, one: searching.Search) -> Searching:
    return Searching(one.base, str(ws.catalog.resolve(one.base.path)), folders(ws, one.models),
                     tuple(c.id for c in one.models), one.task, one.shots, one.budget, one.penalty, one.bound, one.seed,
                     one.probe, "cpu")


def test_the_budget_is_spent_downhill_and_the_same_way_each_time(ws: Any) -> None:
    one = plan(ws)
    tried = [r for r in searching.begin(ws, one).result() if isinstance(r, Tried)]
    assert len(tried) == 24
    n = len(one.models)
    first = len(starts(n))
    np.testing.assert_allclose([t.weights for t in tried[:first]], starts(n))
    found = searching.best(tried)
    assert found.objective < min(t.objective for t in tried[:first])
    assert all(max(map(abs, t.weights)) <= one.bound + 1e-9 for t in tried)
    assert found.objective == pytest.approx(found.loss + 0.05 * sum(map(abs, found.weights)))
    again = [r for r in searching.begin(ws, one).result() if isinstance(r, Tried)]
    assert [t.weights for t in again] == [t.weights for t in tried]
    other = [r for r in searching.begin(ws, replace(one, seed=1)).result() if isinstance(r, Tried)]
    assert [t.loss for t in other] != [t.loss for t in tried]


def test_a_heavy_penalty_keeps_to_the_base(ws: Any) -> None:
    tried = [r for r in searching.begin(ws, plan(ws, penalty=10.0, budget=12)).result() if isinstance(r, Tried)]
    assert searching.best(tried).weights == (0.0, 0.0, 0.0)


def test_what_was_found_is_compared_on_the_test_texts(ws: Any) -> None:
    one = plan(ws, budget=10)
    tried = [r for r in searching.begin(ws, one).result() if isinstance(r, Tried)]
    before = searching.outcome(ws, one, tried)
    assert before[0].score is None
    from explorer import workflows

    workflows.measure(ws, searching.asks(one, searching.best(tried))).result()
    rows = searching.outcome(ws, one, tried)
    assert [r.name.partition(" (")[0] for r in rows] == ["found", "base", "centroid", "m0", "m1", "m3"]
    assert sum("best single model" in r.name for r in rows) == 1
    chosen = next(r for r in rows if "best single" in r.name)
    assert chosen.few == min(r.few for r in rows[3:])
    assert rows[0].difference is None
    for row in rows[1:]:
        assert row.few is not None
        assert row.difference.value == pytest.approx(rows[0].score.loss - row.score.loss)
    assert "6 train texts of each of 2 labels" in searching.in_words(one)


def test_the_few_texts_are_even_over_labels_and_folds() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 500)
    rows, folds = few(labels, 3, 8, seed=5)
    assert len(set(rows)) == len(rows) == 24
    assert np.bincount(labels[rows]).tolist() == [8, 8, 8]
    for fold in range(FOLDS):
        assert np.bincount(labels[rows[folds == fold]]).tolist() == [2, 2, 2]
    assert not np.array_equal(rows, few(labels, 3, 8, seed=6)[0])
    assert ridge(Probe(), 500) == ridge(Probe(), 1000) == Probe().l2
    assert ridge(Probe(), 50) == pytest.approx(10 * Probe().l2)


def test_a_search_that_is_stopped_leaves_no_thread(ws: Any) -> None:
    before = threading.active_count()
    running = search(request_of(ws, plan(ws)))
    for made in running:
        if isinstance(made, Tried):
            break
    running.close()
    assert threading.active_count() == before


def test_an_error_in_a_search_is_raised_where_it_is_asked() -> None:
    def run(ask: Callable[[np.ndarray], float]) -> None:
        assert ask(np.zeros(1)) == 2.0
        raise ZeroDivisionError("by hand")

    dialogue = _Dialogue(run)
    assert next(dialogue).tolist() == [0.0]
    with pytest.raises(ZeroDivisionError, match="by hand"):
        dialogue.send(2.0)
    dialogue.close()


@pytest.mark.parametrize(("how", "said"), [
    ({"shots": 1}, "1 shots"), ({"budget": 5}, "a budget of 5"), ({"penalty": -1.0}, "penalty is -1"),
    ({"penalty": float("nan")}, "penalty is nan"), ({"bound": 0.0}, "bound is 0"), ({"seed": -1}, "seed is -1")])
def test_numbers_out_of_their_limits_are_refused(ws: Any, how: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan(ws, **how)


def test_one_model_is_no_search(ws: Any) -> None:
    (task,) = ws.catalog.tasks()
    with pytest.raises(InputError, match="1 models"):
        searching.plan(ws, [ws.catalog.checkpoint("m0")], task)


def test_models_of_the_target_are_left_out_by_default(ws: Any) -> None:
    (task,) = ws.catalog.tasks()
    found = searching.candidates(ws.catalog.checkpoints(), task)
    assert [c.dataset for c in found] == ["d0", "d1"]
    assert [c.dataset for c in searching.candidates(ws.catalog.checkpoints(), replace(task, name="d0"))] == ["d1"]


def test_the_verb_tells_weights_trace_and_comparison(cli: Callable[..., Any], workspace: Path) -> None:
    verb = ["search", "--target", "toy", "--workspace", workspace, "--shots", 4, "--budget", 8, "--train-texts", 40,
            "--test-texts", 30]
    status, out, err = cli(*verb, "--models", "m0,m3", "--name", "found", "--json")
    assert status == 0, err
    told = json.loads(out)
    assert set(told["weights"]) == {"m0", "m3"}
    assert len(told["trace"]) == 8
    assert min(told["trace"]) == told["objective"]
    assert [r["name"].partition(" (")[0] for r in told["rows"]] == ["found", "base", "centroid", "m0", "m3"]
    assert cli("points", "list", "--workspace", workspace)[1].count("found") == 1
    status, out, err = cli(*verb)
    assert status == 0, err
    assert "found minus it" in out
    assert "best single model" in out
    for bad, said in ((["--models", "m0"], "1 models"), (["--models", "m0,m3", "--budget", "3"], "a budget of 3"),
                      (["--models", "m0,m9"], "m9")):
        status, out, err = cli(*verb, *bad)
        assert status == 2
        assert said in err
        assert len(err.strip().splitlines()) == 1
