"""A request taken apart, gone on with and run: every ask once, in order, several tasks and probes in one job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer import settings
from explorer.errors import InputError, UnavailableError
from explorer.evaluation import evaluator as module
from explorer.evaluation import precision
from explorer.evaluation.work import Ask, Evaluation, Scored, evaluate
from explorer.tasks.prepare import write
from explorer.tasks.splits import Row
from explorer.types import Base, DeviceFacts, Layout, Notice, Point, Probe, Progress, Score, Task

FEW, ALL = Probe(train=40, test=20), Probe(train=80, test=40)
NOWHERE = Base("b", "b", "", "bert", Layout(()))


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._resident.clear()
    yield
    module._resident.clear()


@pytest.fixture
def request_for(known: dict[str, Any]) -> Callable[..., Evaluation]:
    folders = {p.terms[0][0]: str(f) for p, f in known["models"].values()}
    return lambda *asks, **options: Evaluation(known["base"], str(known["folder"]), folders, asks, "cpu", **options)


@pytest.fixture
def second(tmp_path: Any) -> Task:
    rows = [Row(" ".join(f"w{(i * k) % 95}" for k in range(1, 9)), "xyz"[i % 3]) for i in range(150)]
    return write("second", rows, tmp_path)


def asks(points: int, tasks: int, probes: int) -> list[Ask]:
    made = [Task(f"t{i}", "", ("a", "b"), 1, 1, f"d{i}") for i in range(tasks)]
    kinds = [Probe(test=10 + i) for i in range(probes)]
    return [Ask(Point.of("b", {"m": i + 1.0}), t, k) for k in kinds for i in range(points) for t in made]


def score_of(ask: Ask) -> Scored:
    return Scored(ask.point, Score(*ask.key, 1.0, 0.1, 0.5, 10, "cpu", 0.1))


@given(st.integers(0, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6))
def test_parts_hold_every_ask_once_in_order_and_a_points_passes_together(points: int, tasks: int, probes: int,
                                                                         n: int) -> None:
    whole = Evaluation(NOWHERE, "", {}, tuple(asks(points, tasks, probes)))
    parts = whole.split(n)
    assert sorted(whole.asks.index(a) for p in parts for a in p.asks) == list(range(len(whole.asks)))
    assert len(parts) == max(1, min(n, points * tasks))
    for part in parts:
        places = [whole.asks.index(a) for a in part.asks]
        assert places == sorted(places)
    homes: dict[Any, set[int]] = {}
    for i, part in enumerate(parts):
        for a in part.asks:
            homes.setdefault(a.key[:2], set()).add(i)
    assert all(len(h) == 1 for h in homes.values())
    sizes = [len(p.asks) for p in parts]
    assert max(sizes) - min(sizes) <= probes


@given(st.sets(st.integers(0, 11)))
def test_what_is_done_is_not_left(done: set[int]) -> None:
    whole = Evaluation(NOWHERE, "", {}, tuple(asks(2, 3, 2)), "cpu")
    results = [Progress(1, 2), *(score_of(whole.asks[i]) for i in done), Notice("x")]
    left = whole.remaining(results)
    assert left.asks == tuple(a for i, a in enumerate(whole.asks) if i not in done)
    assert left.on("cuda:1") == replace(left, device="cuda:1")


def test_no_parts_at_all() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Evaluation(NOWHERE, "", {}, ()).split(0)


def test_several_tasks_and_probes_in_one_job(request_for: Callable[..., Evaluation], task: Task, second: Task,
                                             point: Callable[[str], Point], evaluator: Callable[..., Any]) -> None:
    wanted = [Ask(point("m1"), task, FEW), Ask(point("m4"), second, FEW), Ask(point("m1"), task, ALL),
              Ask(point("m1"), second, ALL), Ask(point("m1"), task, FEW)]
    found = list(evaluate(request_for(*wanted)))
    scored = [f for f in found if isinstance(f, Scored)]
    assert [s.key for s in scored] == [a.key for a in wanted]
    for s, a in zip(scored, wanted, strict=True):
        assert s.point == a.point
        assert s.score.loss == pytest.approx(evaluator().score(a.point, a.task, a.probe).loss, abs=1e-6)
    said = [f.message for f in found if isinstance(f, Progress)]
    assert said[0] == "loading the model"
    assert [m.partition(":")[0] for m in said[1:]] == ["toy", "second", "toy", "second", "toy"]
    facts = found[-1]
    assert isinstance(facts, DeviceFacts)
    assert (facts.device, facts.dtype, facts.points) == ("cpu", "fp32", 4), "one was asked for twice"
    assert facts.tokens_per_second > 0
    assert 0 < facts.memory_used < facts.memory_total


def test_without_asks_the_model_is_loaded(request_for: Callable[..., Evaluation]) -> None:
    progress, facts = evaluate(request_for())
    assert progress == Progress(0, 0, "loading the model")
    assert isinstance(facts, DeviceFacts)
    assert (facts.points, facts.tokens_per_second) == (0, 0.0)


def test_smaller_batches_are_said_while_the_job_goes_on(request_for: Callable[..., Evaluation], task: Task,
                                                        point: Callable[[str], Point]) -> None:
    request = request_for(Ask(point("m1"), task, FEW), Ask(point("m2"), task, FEW))
    list(evaluate(request_for()))
    (made,) = module._resident.values()
    model = made.encoder.model

    def small(**inputs: torch.Tensor) -> Any:
        if inputs["input_ids"].numel() > 200:
            raise RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)")
        return model(**inputs)

    made.encoder.model = small
    found = list(evaluate(request))
    notices = [f for f in found if isinstance(f, Notice)]
    assert "1536 tokens" in notices[0].text
    assert sum(isinstance(f, Scored) for f in found) == 2
    assert found.index(notices[0]) < max(i for i, f in enumerate(found) if isinstance(f, Scored))


def test_another_error_is_not_taken_for_a_lack_of_memory(request_for: Callable[..., Evaluation], task: Task,
                                                         point: Callable[[str], Point]) -> None:
    list(evaluate(request_for()))
    (made,) = module._resident.values()

    def broken(**inputs: torch.Tensor) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    made.encoder.model = broken
    with pytest.raises(RuntimeError, match="mat1"):
        list(evaluate(request_for(Ask(point("m1"), task, FEW))))


def test_a_precision_that_shows_is_said_once(request_for: Callable[..., Evaluation], task: Task,
                                             point: Callable[[str], Point]) -> None:
    low = replace(FEW, dtype="bf16")
    request = request_for(Ask(point("m1"), task, low), Ask(point("m2"), task, low), Ask(point("m3"), task, FEW))
    list(evaluate(request_for()))
    (made,) = module._resident.values()
    score = made.score

    def coarse(where: Point, what: Task, how: Probe, *rest: Any) -> Score:
        true = score(where, what, how, *rest)
        return true if how.dtype == "fp32" else replace(true, losses=true.losses + np.float32(3 * true.stderr))

    made.score = coarse
    notices = [f for f in evaluate(request) if isinstance(f, Notice)]
    assert len(notices) == 1
    assert "toy: bf16 changes the loss by +" in notices[0].text
    assert "--dtype fp32" in notices[0].text
    made.score = score
    made.checked.clear()
    assert not [f for f in evaluate(request) if isinstance(f, Notice)], "as it is, bf16 does not show"
    assert len(made.checked) == 1


def test_full_precision_is_not_checked(evaluator: Callable[..., Any], task: Task,
                                       point: Callable[[str], Point]) -> None:
    made = evaluator()
    assert precision.checked(made, point("m0"), task, FEW) is None
    assert made.checked == set()


@pytest.mark.parametrize("name", ["tpu", "cuda:", "cuda:x", "cpu:0", "cuda:-1", "mps:1", ""])
def test_devices_that_there_are_none_of(name: str) -> None:
    with pytest.raises(InputError, match="allowed: auto"):
        settings.device(name)


def test_a_gpu_that_is_not_here() -> None:
    with pytest.raises(UnavailableError, match="not on this machine"):
        settings.device(f"cuda:{torch.cuda.device_count()}")
    assert settings.device("cpu") == "cpu"


def test_two_viewers_who_ask_for_the_same_share_one_evaluation(request_for: Callable[..., Evaluation], task: Task,
                                                               point: Callable[[str], Point],
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Point] = []
    score = module.Evaluator.score

    def counted(self: Any, at: Point, *rest: Any) -> Score:
        made.append(at)
        return score(self, at, *rest)

    monkeypatch.setattr(module.Evaluator, "score", counted)
    both = [evaluate(request_for(*(Ask(point(n), task, FEW) for n in names))) for names in (("m0", "m1"), ("m1", "m0"))]
    found: list[list[Score]] = [[], []]
    for _ in range(40):  # a step of each in turn, as they share a worker
        for viewer, scores in zip(both, found, strict=True):
            step = next(viewer, None)
            if isinstance(step, Scored):
                scores.append(step.score)
    assert sorted(p.hash for p in made) == sorted(point(n).hash for n in ("m0", "m1"))
    assert {s.point for s in found[0]} == {s.point for s in found[1]} == {point("m0").hash, point("m1").hash}
