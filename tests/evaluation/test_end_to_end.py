"""End-to-end losses: the models' own heads, at the ends as transformers applies them, between them interpolated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_models import BASES, adapter

from explorer import settings
from explorer.errors import CheckpointError, UnavailableError
from explorer.evaluation.evaluator import Evaluator
from explorer.evaluation.measures.end_to_end import interpolated
from explorer.evaluation.trained_heads import trained_head
from explorer.tasks.prepare import load
from explorer.types import Base, Point, Probe, Task
from explorer.weights.opening import open_base, open_delta
from explorer.weights.saving import save_task_vector

HOW = Probe(test=40, head="end-to-end")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    trained_head.cache_clear()


def classifier(base: Path, folder: Path, seed: int, labels: tuple[str, ...] = ("neg", "pos")) -> Any:
    """A transformers classifier over a base, away from it, with named labels; written to `folder` and returned."""
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        str(base), num_labels=len(labels), id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)}, pad_token_id=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    model.eval().save_pretrained(folder)
    return model


def evaluator_of(base: Path, models: dict[str, Path]) -> Evaluator:
    opened = open_base(base)
    made = Evaluator(Base("b", "b", str(base), opened.config.model_type, opened.layout, opened.prefix), base, "cpu")
    made.folders.update(models)
    return made


def losses_of(model: Any, base: Path, task: Task) -> tuple[np.ndarray, float]:
    """Cross-entropies (b,) and accuracy of a classifier as transformers runs it, one text at a time."""
    from transformers import AutoTokenizer

    tokenizer, test = AutoTokenizer.from_pretrained(str(base)), load(task).test.first(HOW.test)
    names = {str(name): int(i) for i, name in model.config.id2label.items()}
    order = [names[label] for label in task.labels]
    with torch.inference_mode():
        ids = [tokenizer(t, return_tensors="pt", truncation=True, max_length=HOW.length)["input_ids"]
               for t in test.texts]
        logits = torch.cat([model(input_ids=i).logits for i in ids])[:, order]
    logp = logits.double().log_softmax(dim=1).numpy()
    return -logp[np.arange(len(test)), test.labels], float(np.mean(logp.argmax(axis=1) == test.labels))


@pytest.mark.parametrize("architecture", BASES)
def test_ends_are_the_models_and_between_them_all_is_interpolated(architecture: str, task: Task,
                                                                  tmp_path: Path) -> None:
    base = BASES[architecture](tmp_path / "base")
    models = [classifier(base, tmp_path / "a", 1), classifier(base, tmp_path / "c", 2, ("pos", "neg"))]
    made = evaluator_of(base, {"a": tmp_path / "a", "c": tmp_path / "c"})
    for name, model in zip("ac", models, strict=True):
        score = made.score(Point.of("b", {name: 1.0}), task, HOW)
        expected, accuracy = losses_of(model, base, task)
        np.testing.assert_allclose(score.losses, expected, atol=2e-5)
        assert score.accuracy == accuracy

    out = [n for n, _ in models[1].named_parameters() if n.startswith(("classifier.out_proj", "classifier.w",
                                                                       "classifier.b", "score"))]
    with torch.no_grad():
        theirs = dict(models[1].named_parameters())
        for name, parameter in models[0].named_parameters():
            other = theirs[name].flip(0) if name in out else theirs[name]  # its labels are the other way round
            parameter.mul_(0.7).add_(0.3 * other)
    expected, _ = losses_of(models[0], base, task)
    score = made.score(Point.of("b", {"a": 0.7, "c": 0.3}), task, HOW)
    np.testing.assert_allclose(score.losses, expected, atol=2e-5)


def test_an_adapter_keeps_its_head_and_the_pooler_of_its_base(task: Task, tmp_path: Path) -> None:
    base = BASES["bert"](tmp_path / "base")
    model = classifier(base, tmp_path / "c", 1)
    with torch.no_grad():  # what the adapter does not store is the base's
        start = open_base(base)
        for tensor in start.layout.tensors:
            model.bert.get_parameter(tensor.name).copy_(start.weights.whole(tensor).view(tensor.shape))
        pooler = trained_pooler(base)
        model.bert.pooler.dense.weight.copy_(pooler["weight"])
        model.bert.pooler.dense.bias.copy_(pooler["bias"])
    merged = adapter(base, tmp_path / "lora", model, target_modules=["query", "value"],
                     modules_to_save=["classifier"]).eval()
    (tmp_path / "lora" / "explorer.json").write_text(json.dumps({"labels": ["neg", "pos"]}))
    score = evaluator_of(base, {"x": tmp_path / "lora"}).score(Point.of("b", {"x": 1.0}), task, HOW)
    np.testing.assert_allclose(score.losses, losses_of(merged, base, task)[0], atol=2e-5)


def trained_pooler(base: Path) -> dict[str, torch.Tensor]:
    from bad_checkpoints import tensors

    state = tensors(base)
    return {part: state[f"pooler.dense.{part}"] for part in ("weight", "bias")}


def test_a_model_trained_here_scores_as_when_it_was_trained(task: Task, tmp_path: Path) -> None:
    from explorer.training.batching import tokenise
    from explorer.training.classifier import Classifier, encoder, own_scores
    from explorer.training.writing import write_model

    base, folder = BASES["bert"](tmp_path / "base"), tmp_path / "m"
    folder.mkdir()
    opened = open_base(base)
    model = Classifier(encoder(base), 32, 2, seed=3)
    deltas = {t.name: 0.05 * torch.randn(t.shape) for t in opened.layout.tensors}
    write_model(folder, deltas, dict(model.head.named_parameters()), {"labels": list(task.labels)})
    stored = open_delta(folder, opened).flat(opened.layout)
    with torch.no_grad():
        model.head.half().float()
        parameters = dict(model.backbone.named_parameters())
        for t in opened.layout.tensors:
            parameters[t.name].add_(stored[t.offset : t.offset + t.size].view(t.shape))
    test = load(task).test
    own = own_scores(model, tokenise(base, test.texts, [None] * len(test), HOW.length), test.labels, "cpu")
    score = evaluator_of(base, {"m": folder}).score(Point.of("b", {"m": 1.0}), task, replace(HOW, test=0))
    assert (score.accuracy, score.n) == (own["accuracy"], own["n"])
    assert score.loss == pytest.approx(own["loss"], abs=1e-5)


def test_the_demo_models_keep_their_heads() -> None:
    folder = settings.DEMO / "models" / "imdb-s0"
    head = trained_head(folder, settings.DEMO / "bases" / "M", "bert")
    assert head is not None
    assert (head.form, head.labels, head.pooling) == ("linear", ("negative", "positive"), "mean")
    assert head.logits(np.ones((3, 128))).shape == (3, 2)


def own_head(folder: Path, base: Path, labels: list[str] | None, seed: int) -> torch.nn.Linear:
    """A folder as this project's training writes it, over a tiny base."""
    torch.manual_seed(seed)
    opened = open_base(base)
    save_task_vector(folder, {t.name: 0.02 * torch.randn(t.shape) for t in opened.layout.tensors},
                     quantize=False)
    head = torch.nn.Linear(32, 2)
    save_file({"weight": head.weight.detach(), "bias": head.bias.detach()}, folder / "head.safetensors")
    (folder / "explorer.json").write_text(json.dumps({} if labels is None else {"labels": labels}))
    return head


def test_own_heads_read_mean_pooled_states(task: Task, tmp_path: Path) -> None:
    from explorer.evaluation.encoder import pooled

    base = BASES["bert"](tmp_path / "base")
    heads = [own_head(tmp_path / n, base, ["neg", "pos"], i) for i, n in enumerate("ac")]
    made = evaluator_of(base, {n: tmp_path / n for n in "ac"})
    point = Point.of("b", {"a": 1.5, "c": -0.5})
    (features,) = made.rows(point, task, HOW, ("test",), pooled("mean"))
    weight = 1.5 * heads[0].weight - 0.5 * heads[1].weight
    bias = 1.5 * heads[0].bias - 0.5 * heads[1].bias
    logits = torch.from_numpy(features) @ weight.double().T + bias.double()
    expected = torch.nn.functional.cross_entropy(logits, torch.from_numpy(load(task).test.first(HOW.test).labels),
                                                 reduction="none").detach().numpy()
    np.testing.assert_allclose(made.score(point, task, HOW).losses, expected, atol=1e-5)


@pytest.mark.parametrize("terms", [{}, {"a": 0.5}, {"a": 1.0, "c": 0.5}, {"a": 1.0 + 1e-8}])
def test_coefficients_must_sum_to_one(terms: dict[str, float], task: Task, tmp_path: Path) -> None:
    base = BASES["bert"](tmp_path / "base")
    for i, n in enumerate("ac"):
        own_head(tmp_path / n, base, ["neg", "pos"], i)
    made = evaluator_of(base, {n: tmp_path / n for n in "ac"})
    with pytest.raises(UnavailableError, match="sum to 1"):
        made.score(Point.of("b", terms), task, HOW)
    assert made.score(Point.of("b", {"a": 0.1, "c": 0.9}), task, HOW).n == HOW.test


def test_heads_that_do_not_fit_say_why(evaluator: Callable[..., Any], known: dict[str, Any], task: Task,
                                       tmp_path: Path) -> None:
    base = known["folder"]
    folders = {n: tmp_path / n for n in ("none", "others", "numbered", "three", "hf")}
    own_head(folders["none"], base, ["neg", "pos"], 0)
    (folders["none"] / "head.safetensors").unlink()
    own_head(folders["others"], base, ["bad", "good"], 1)
    own_head(folders["numbered"], base, None, 2)
    own_head(folders["three"], base, ["a", "b", "c"], 3)
    classifier(base, folders["hf"], 4)
    made = evaluator_of(base, folders)

    def refused(name: str, words: str) -> None:
        with pytest.raises(UnavailableError, match=words) as e:
            made.score(Point.of("b", {name: 1.0}), task, HOW)
        assert "--head probe" in str(e.value)

    refused("none", "keeps no classification head")
    refused("others", "labels bad, good; the task 'toy' has neg, pos")
    refused("three", "labels a, b, c")
    refused("numbered", "classes without names")
    made.datasets["numbered"] = task.name
    assert made.score(Point.of("b", {"numbered": 1.0}), task, HOW).n == HOW.test
    with pytest.raises(UnavailableError, match="different forms"):
        made.score(Point.of("b", {"hf": 0.5, "numbered": 0.5}), task, HOW)
    m0 = known["models"]["m0"][0]
    with pytest.raises(UnavailableError, match="3 classes without names"):
        evaluator().score(m0, task, HOW)


def test_a_damaged_head_is_named(task: Task, tmp_path: Path) -> None:
    base = BASES["bert"](tmp_path / "base")
    own_head(tmp_path / "a", base, ["neg", "pos"], 0)
    save_file({"weight": torch.zeros(2, 32)}, tmp_path / "a" / "head.safetensors")
    made = evaluator_of(base, {"a": tmp_path / "a"})
    with pytest.raises(CheckpointError, match="weight and bias"):
        interpolated(made, Point.of("b", {"a": 1.0}), task)


def test_probe_and_end_to_end_share_the_texts_that_are_forwarded(task: Task, tmp_path: Path) -> None:
    base = BASES["bert"](tmp_path / "base")
    own_head(tmp_path / "a", base, ["neg", "pos"], 0)
    made = evaluator_of(base, {"a": tmp_path / "a"})
    point = Point.of("b", {"a": 1.0})
    made.score(point, task, replace(HOW, head="probe", train=40))
    made.encoder.model = None  # nothing more can be forwarded
    assert made.score(point, task, HOW).n == HOW.test
