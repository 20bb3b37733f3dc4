"""Every family of architectures from import to export, its numbers beside those of transformers' own models.

One text at a time and without padding on that side. What is not available for a family has to say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architectures import FAMILIES, Family, base, fine_tuned
from tiny_models import WORDS, toy_table

from explorer import workflows
from explorer.errors import UnavailableError
from explorer.evaluation.evaluator import _resident
from explorer.evaluation.head import generalized_loss
from explorer.evaluation.texts import NO_TARGET, encode, masked
from explorer.evaluation.tokenizing import tokenizer_of
from explorer.tasks.prepare import load
from explorer.types import MapSpec, Point, Probe, Score, Task

HOW = Probe(train=24, test=12, length=30)
LABELS = ("neg", "pos")
REASONS = {("t5", "lm"): "encoder-decoder", ("t5", "end-to-end"): "keeps no classification head of a known form",
           **{("vit", kind): "reads no texts" for kind in ("probe", "end-to-end", "lm")}}


@dataclass(frozen=True)
class Studied:
    """A workspace with a base and two of its fine-tuned siblings, `models`, and the task `toy`."""

    family: Family
    ws: Any
    folder: Path
    models: tuple[Any, Any]
    task: Task | None

    @property
    def point(self) -> Point:
        return workflows.mix(self.ws, {"a": 0.6, "b": 0.4})

    def score(self, head: str) -> Score:
        assert self.task is not None
        how = Probe(HOW.train, HOW.test, length=HOW.length, head=head)  # type: ignore[arg-type]
        workflows.evaluate(self.ws, [self.point], self.task, how).result()
        (found,) = self.ws.catalog.scores([self.point], self.task, how)
        assert found is not None
        return found


@pytest.fixture
def studied(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Studied]:
    family = FAMILIES[request.param]
    folder = base(family, tmp_path / "base")
    models = tuple(fine_tuned(family, folder, tmp_path / name, i, LABELS) for i, name in enumerate("ab", start=1))
    ws = workflows.open_workspace(tmp_path / "ws", device="cpu")
    workflows.import_folders(ws, [str(tmp_path / "a"), str(tmp_path / "b")], str(folder)).result()
    task = workflows.add_task(ws, "toy", toy_table(tmp_path / "toy.csv", 80), None, ["text"], "y")
    yield Studied(family, ws, folder, (models[0], models[1]), task)
    ws.close()
    _resident.clear()


def backbone(folder: Path) -> Any:
    from transformers import AutoModel

    return AutoModel.from_pretrained(str(folder), dtype=torch.float32).eval()


def parameters(model: Any) -> torch.Tensor:
    """All of a backbone but its pooler, float64."""
    found = [p.detach().double().reshape(-1) for n, p in model.named_parameters() if not n.startswith("pooler.")]
    return torch.cat(found)


def between(first: Any, second: Any) -> Any:
    """0.6 of the first and 0.4 of the second model, head and all, in place of the first."""
    theirs = dict(second.named_parameters())
    with torch.no_grad():
        for name, parameter in first.named_parameters():
            parameter.mul_(0.6).add_(0.4 * theirs[name])
    return first


@pytest.mark.parametrize("studied", FAMILIES, indirect=True)
def test_a_family_from_import_to_export(studied: Studied, tmp_path: Path, cli: Callable[..., Any]) -> None:
    check_geometry(studied, tmp_path)
    checks = {"probe": check_probe, "end-to-end": check_end_to_end, "lm": check_language_model}
    for kind in studied.family.available:
        checks[kind](studied, tmp_path)
    missing = [kind for kind in checks if kind not in studied.family.available]
    for kind in missing:
        with pytest.raises(UnavailableError, match=REASONS[studied.family.model_type, kind]):
            studied.score(kind)
    if missing:
        studied.ws.close()
        status, _, err = cli("evaluate", "a", "--task", "toy", "--head", missing[0], "--workspace", tmp_path / "ws")
        assert status == 2
        assert re.search(REASONS[studied.family.model_type, missing[0]], err.splitlines()[-1])


def check_geometry(studied: Studied, tmp_path: Path) -> None:
    """Inner products and an exported mixture as of transformers' own parameters; groups by layer and kind."""
    ws = studied.ws
    names = [c.name for c in ws.catalog.checkpoints()]
    assert sorted(names) == ["a", "b"]
    start, ends = parameters(backbone(studied.folder)), [backbone(tmp_path / n) for n in names]
    deltas = torch.stack([parameters(e) - start for e in ends])
    gram = workflows.gram(ws)
    np.testing.assert_allclose(gram.matrix, (deltas @ deltas.T).numpy(), rtol=1e-5)
    layers = {g.layer for g in gram.groups}
    assert layers - {"embeddings", "final"} == ({"0"} if studied.family.model_type == "albert" else
                                                {"0", "1", "2", "3"} if studied.family.model_type == "t5" else
                                                {"0", "1"})
    assert "other" not in {g.kind for g in gram.groups}
    for layer in layers - {"embeddings", "final"}:
        assert {g.kind for g in gram.groups if g.layer == layer} >= {"attention", "feed-forward", "norm"}
    assert {g.kind for g in gram.groups if g.layer == "embeddings"} <= {"embeddings", "norm", "bias"}
    assert {g.kind for g in gram.groups if g.layer == "final"} <= {"norm", "bias"}
    spec = MapSpec(ws.catalog.bases()[0].id)
    workflows.project(ws, spec).result()
    found = workflows.projection(ws, spec)
    assert found is not None
    assert np.isfinite(found.coords).all()

    workflows.export(ws, studied.point, tmp_path / "out").result()
    exported = parameters(backbone(tmp_path / "out"))
    mixed = start + 0.6 * deltas[names.index("a")] + 0.4 * deltas[names.index("b")]
    torch.testing.assert_close(exported, mixed, rtol=0, atol=1e-6)


def check_probe(studied: Studied, tmp_path: Path) -> None:
    """The exported folder's mean states, under the same head."""
    model, tokenizer = backbone(tmp_path / "out"), tokenizer_of(studied.folder)
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    assert studied.task is not None
    texts = load(studied.task)
    with torch.inference_mode():
        train, test = (torch.cat([model(input_ids=torch.tensor([ids])).last_hidden_state.mean(dim=1)
                                  for ids in encode(part.first(k), tokenizer, HOW.length).ids]).double().numpy()
                       for part, k in ((texts.train, HOW.train), (texts.test, HOW.test)))
    losses, accuracy = generalized_loss(train, texts.train.labels[: HOW.train], test, texts.test.labels[: HOW.test],
                                        2, HOW.l2)
    score = studied.score("probe")
    np.testing.assert_allclose(score.losses, losses, atol=1e-3)
    assert score.accuracy == accuracy


def check_end_to_end(studied: Studied, _: Path) -> None:
    """The classifiers' own logits, all of their parameters mixed."""
    model, tokenizer = between(*studied.models), tokenizer_of(studied.folder)
    assert studied.task is not None
    test = load(studied.task).test.first(HOW.test)
    with torch.inference_mode():
        logits = torch.cat([model(input_ids=torch.tensor([ids])).logits
                            for ids in encode(test, tokenizer, HOW.length).ids]).double()
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor(test.labels), reduction="none")
    np.testing.assert_allclose(studied.score("end-to-end").losses, losses.numpy(), atol=1e-5)


def check_language_model(studied: Studied, tmp_path: Path) -> None:
    """The Point's backbone under the base's own head; what is tied to embeddings is the Point's."""
    import transformers

    made = getattr(transformers, studied.family.language)
    model = made.from_pretrained(str(studied.folder), dtype=torch.float32).eval()
    theirs = dict(backbone(tmp_path / "out").named_parameters())
    with torch.no_grad():
        for name, parameter in model.base_model.named_parameters():
            parameter.copy_(theirs[name])
    causal = "Causal" in studied.family.language
    assert studied.task is not None
    plain = encode(load(studied.task).test.first(HOW.test), tokenizer_of(studied.folder), HOW.length)
    asked = masked(plain, WORDS.index("[MASK]"), frozenset(range(5)))
    losses = []
    for before, after, targets in zip(plain.ids, asked.ids, asked.targets or (), strict=True):
        assert causal or any(t != NO_TARGET for t in targets)
        labels = torch.tensor([before if causal else targets])
        with torch.inference_mode():
            losses.append(float(model(input_ids=torch.tensor([before if causal else after]), labels=labels).loss))
    np.testing.assert_allclose(studied.score("lm").losses, losses, atol=1e-5)
