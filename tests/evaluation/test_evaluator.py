"""Scores against an independent reference, and what must not change them: batches, memory, order, devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import JobError, UnavailableError
from explorer.evaluation import evaluator as module
from explorer.evaluation.encoder import pooled
from explorer.evaluation.texts import batches, encode
from explorer.evaluation.tokenizing import positions, tokenizer_of
from explorer.tasks.prepare import load
from explorer.types import Point, Probe, Task

PROBE = Probe(train=120, test=60)


def devices() -> list[str]:
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, here in present.items() if here]


def reference_features(folder: Path, base: Path, texts: tuple[str, ...], length: int) -> np.ndarray:
    """Mean-pooled last hidden states from the stored model itself, one text at a time and without padding, (b, h)."""
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(str(folder)).eval(), AutoTokenizer.from_pretrained(str(base))
    with torch.no_grad():
        ids = [tokenizer(t, return_tensors="pt", truncation=True, max_length=length)["input_ids"] for t in texts]
        return np.stack([model(i).last_hidden_state[0].double().mean(dim=0).numpy() for i in ids])


def features(made: Any, point: Point, task: Task, probe: Probe = PROBE) -> list[np.ndarray]:
    return made.rows(point, task, probe, ("train", "test"), pooled("mean"))


@pytest.mark.parametrize("name", ["m0", "m4"])
def test_a_checkpoint_scores_as_the_model_itself(name: str, evaluator: Callable[..., Any], known: dict[str, Any],
                                                 task: Task, point: Callable[[str], Point]) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import StandardScaler

    made, texts = evaluator(), load(task)
    train, test = texts.train.first(PROBE.train), texts.test.first(PROBE.test)
    expected = [reference_features(known["models"][name][1], known["folder"], s.texts, PROBE.length)
                for s in (train, test)]
    found = features(made, point(name), task)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5)

    scaler = StandardScaler().fit(expected[0])
    # for two classes scikit-learn has one vector of weights where two opposite ones have half the penalty
    head = LogisticRegression(C=2 / (PROBE.train * PROBE.l2), tol=1e-10, max_iter=10_000)
    chances = head.fit(scaler.transform(expected[0]), train.labels).predict_proba(scaler.transform(expected[1]))
    score = made.score(point(name), task, PROBE)
    assert score.n == PROBE.test
    assert score.accuracy == np.mean(chances.argmax(axis=1) == test.labels)
    assert score.loss == pytest.approx(log_loss(test.labels, chances), abs=1e-3)
    assert score.losses.mean() == pytest.approx(score.loss, abs=1e-6)
    assert score.stderr == pytest.approx(score.losses.std(ddof=1) / np.sqrt(score.n), rel=1e-4)


@pytest.mark.parametrize("device", devices())
def test_every_device_that_is_here_agrees(device: str, evaluator: Callable[..., Any], task: Task,
                                          point: Callable[[str], Point]) -> None:
    on_cpu = evaluator().score(point("m1"), task, PROBE)
    there = evaluator(device=device).score(point("m1"), task, PROBE)
    assert there.device.startswith(device)
    assert there.loss == pytest.approx(on_cpu.loss, abs=1e-3)


@pytest.mark.parametrize("tokens", [1, 50, 700, 1 << 20])
def test_the_size_of_a_batch_does_not_matter(tokens: int, evaluator: Callable[..., Any], task: Task,
                                             point: Callable[[str], Point]) -> None:
    usual, made = evaluator().score(point("m2"), task, PROBE), evaluator()
    made._tokens = tokens
    assert made.score(point("m2"), task, PROBE).loss == pytest.approx(usual.loss, abs=1e-6)


def test_the_ends_of_a_line_score_as_the_end_models(evaluator: Callable[..., Any], task: Task,
                                                    point: Callable[[str], Point]) -> None:
    made, zero, one = evaluator(), point("m0"), point("m5")
    for alpha, end in ((0.0, zero), (1.0, one)):
        assert made.score(zero.moved(one, alpha), task, PROBE).loss == evaluator().score(end, task, PROBE).loss


def test_a_score_does_not_depend_on_where_the_model_was_before(evaluator: Callable[..., Any], task: Task,
                                                               point: Callable[[str], Point]) -> None:
    made = evaluator()
    first = made.score(point("m3"), task, PROBE)
    made.score(point("m0").moved(point("m5"), 30.0), task, PROBE)
    again = made.score(point("m3"), task, PROBE)
    assert (again.loss, again.losses.tolist()) == (first.loss, first.losses.tolist())


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_autocast_is_near(dtype: str, evaluator: Callable[..., Any], task: Task, point: Callable[[str], Point]) -> None:
    exact = evaluator().score(point("m0"), task, PROBE)
    quick = evaluator().score(point("m0"), task, Probe(train=120, test=60, dtype=dtype))
    assert quick.probe != exact.probe
    assert quick.loss == pytest.approx(exact.loss, abs=0.1)


def test_out_of_memory_makes_smaller_batches_and_the_same_score(evaluator: Callable[..., Any], task: Task,
                                                                point: Callable[[str], Point],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    usual, made = evaluator().score(point("m1"), task, PROBE), evaluator()
    model, failures = made.encoder.model, []

    def small_device(**inputs: torch.Tensor) -> Any:
        if inputs["input_ids"].numel() > 300:
            failures.append(inputs["input_ids"].numel())
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model(**inputs)

    monkeypatch.setattr(made.encoder, "model", small_device)
    assert made.score(point("m1"), task, PROBE).loss == pytest.approx(usual.loss, abs=1e-6)
    assert failures
    batch_tokens = made.facts("fp32").batch_tokens
    assert batch_tokens <= 300
    told = made.notices()
    assert all("ran out of memory" in n.text for n in told)
    assert f"they hold {batch_tokens}" in told[-1].text
    assert made.notices() == []
    failures.clear()
    made.score(point("m2"), task, PROBE)
    assert not failures, "the device is not asked again for what it could not give"


def test_a_device_that_is_too_small_for_anything_says_so(evaluator: Callable[..., Any], task: Task,
                                                         point: Callable[[str], Point],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    made = evaluator()

    def no_memory(**inputs: torch.Tensor) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(made.encoder, "model", no_memory)
    with pytest.raises(torch.OutOfMemoryError):
        made.score(point("m1"), task, PROBE)


def test_a_point_where_the_model_overflows_says_so(evaluator: Callable[..., Any], task: Task,
                                                   point: Callable[[str], Point]) -> None:
    made = evaluator()
    far = Point.of(point("m0").base, {point("m0").terms[0][0]: 1e38})
    with pytest.raises(JobError, match="not finite"):
        made.score(far, task, PROBE)
    assert np.isfinite(made.score(point("m0"), task, PROBE).loss)


def test_it_can_be_stopped_between_two_batches(evaluator: Callable[..., Any], task: Task,
                                               point: Callable[[str], Point]) -> None:
    made, calls = evaluator(), []
    made._tokens = 64

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.score(point("m0"), task, PROBE, stop)
    assert len(calls) == 3


def test_texts_that_are_not_here(evaluator: Callable[..., Any], task: Task, point: Callable[[str], Point]) -> None:
    from dataclasses import replace

    absent = replace(task, path="/none/toy.parquet", digest="other")
    with pytest.raises(UnavailableError, match="datasets fetch"):
        evaluator().score(point("m0"), absent, PROBE)


def test_no_limit_takes_every_text(evaluator: Callable[..., Any], task: Task, point: Callable[[str], Point]) -> None:
    assert evaluator().score(point("m0"), task, Probe(train=0, test=0)).n == task.n_test


def test_one_resident_evaluator_learns_of_new_folders(known: dict[str, Any], task: Task) -> None:
    folders = {p.terms[0][0]: f for p, f in known["models"].values()}
    first = dict(list(folders.items())[:1])
    made = module.resident(known["base"], known["folder"], first, "cpu")
    assert module.resident(known["base"], known["folder"], folders, "cpu") is made
    assert made.folders.keys() == folders.keys()
    module._resident.clear()


def test_batches_hold_every_row_once_and_no_more_than_asked_for(known: dict[str, Any], task: Task) -> None:
    train = encode(load(task).train.first(PROBE.train), tokenizer_of(known["folder"]), PROBE.length)
    for tokens in (1, 30, 400, 1 << 20):
        made = batches(train, tokens, "cpu")
        assert sorted(np.concatenate([b.rows for b in made])) == list(range(len(train.ids)))
        for batch in made:
            ids, mask = batch.inputs["input_ids"], batch.inputs["attention_mask"]
            assert ids.numel() <= max(tokens, ids.shape[1])
            for row, i in enumerate(batch.rows):
                assert ids[row][mask[row] == 1].tolist() == list(train.ids[i])


@pytest.mark.parametrize("architecture", ["roberta", "distilbert", "gpt2"])
def test_other_architectures_and_texts_longer_than_they_read(architecture: str, task: Task, tmp_path: Path) -> None:
    from tiny_models import BASES

    from explorer.evaluation.evaluator import Evaluator
    from explorer.types import Base
    from explorer.weights.opening import open_base

    folder = BASES[architecture](tmp_path / "base")
    opened = open_base(folder)
    made = Evaluator(Base("b", "b", str(folder), architecture, opened.layout, opened.prefix), folder, "cpu")
    probe = Probe(train=60, test=30, length=500)
    assert positions(made.encoder.model) == {"roberta": 39, "distilbert": 64, "gpt2": 64}[architecture]
    (train, _), texts = features(made, Point.of("b"), task, probe), load(task)
    expected = reference_features(folder, folder, texts.train.first(60).texts, 39 if architecture == "roberta" else 64)
    np.testing.assert_allclose(train, expected, rtol=0, atol=1e-5)


def test_a_base_without_a_tokenizer_says_so(known: dict[str, Any], base: Any, tmp_path: Path) -> None:
    import shutil

    from explorer.evaluation.evaluator import Evaluator

    for name in ("config.json", "model.safetensors"):
        shutil.copy(known["folder"] / name, tmp_path / name)
    with pytest.raises(UnavailableError, match="tokenizer"):
        Evaluator(base, tmp_path, "cpu")
