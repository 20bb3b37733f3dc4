"""Models fine-tuned from a base that is given: what their folders hold, and that an import finds what was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from explorer import workflows
from explorer.workflows import Workspace, training

RECIPE = """
name: given
bases: [{name: tiny, from: BASE}]
models:
  - {base: tiny, datasets: [toy], seeds: [0], steps: 6, lr: 5.0e-3, length: 16, methods: [full, bitfit, lora],
     checkpoints: 2}
  - {base: tiny, datasets: [toy], seeds: [1], epochs: 2, lr: 5.0e-3, length: 16, train_sizes: [40], format: task-vector,
     embeddings: true, accumulate: 3}
  - {base: tiny, datasets: [toy], seeds: [2], steps: 40, lr: 5.0e-3, length: 16, train_sizes: [60], patience: 1,
     held_out: 0.2, evaluate_every: 2, method: bitfit, start: centroid}
"""


@pytest.fixture(scope="module")
def swept(made_workspace: Path, zoo: Path,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Path]]:
    """A workspace after the sweep and the import of its output folder, and that folder."""
    import shutil

    folder = tmp_path_factory.mktemp("given")
    ws = workflows.open_workspace(shutil.copytree(made_workspace, folder / "ws"))
    (folder / "recipe.yaml").write_text(RECIPE.replace("BASE", str(zoo / "base")))
    training.finetune(ws, folder / "recipe.yaml", folder / "out").result()
    workflows.import_folders(ws, [str(folder / "out" / "models")], "base").result()
    yield ws, folder / "out"
    ws.close()


def meta_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "explorer.json").read_text()))


def test_folders_have_the_names_of_what_differs(swept: tuple[Workspace, Path]):
    names = {f.name for f in (swept[1] / "models").iterdir()}
    assert names >= {"toy-s0", "toy-bitfit-s0", "toy-lora-s0", "toy-n40-s1", "toy-bitfit-from-centroid-n60-s2",
                     "toy-s0@2", "toy-s0@4", "toy-lora-s0@2"}


def test_a_whole_model_loads_and_scores_what_it_says(swept: tuple[Workspace, Path]):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from explorer.tasks import prepare

    ws, out = swept
    test = prepare.load(ws.catalog.task("toy")).test
    for name in ("toy-s0", "toy-bitfit-s0@4"):
        folder = out / "models" / name
        model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
        inputs = AutoTokenizer.from_pretrained(folder)(list(test.texts), truncation=True, max_length=16, padding=True,
                                                       return_tensors="pt")
        with torch.no_grad():
            logits = model(**inputs).logits
        losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(test.labels), reduction="none")
        scores = meta_of(folder)["scores"]
        assert scores["loss"] == pytest.approx(float(losses.mean()), abs=1e-5)
        assert scores["stderr"] == pytest.approx(float(losses.std() / len(losses)**0.5), abs=1e-5)
        assert model.config.id2label == {0: "neg", 1: "pos"}
        assert model.config.architectures == ["BertForSequenceClassification"]


def test_an_import_finds_metadata_and_trajectories(swept: tuple[Workspace, Path]):
    ws, _ = swept
    found = {c.name: c for c in ws.catalog.checkpoints()}
    last = found["toy-bitfit-s0"]
    assert (last.dataset, last.seed, last.method, last.train_size) == ("toy", 0, "bitfit", 240)
    assert last.value("scores.n") == 60
    way = sorted((c for c in found.values() if c.value("run") == "toy-s0"), key=lambda c: int(c.value("step")))
    assert [(c.name, c.value("step")) for c in way] == [("toy-s0@2", 2), ("toy-s0@4", 4), ("toy-s0", 6)]
    norms = [float(c.value("norm")) for c in way]
    assert norms == sorted(norms)
    assert {found[n].format for n in ("toy-s0", "toy-lora-s0", "toy-n40-s1")} == {"weights", "lora", "task-vector"}


def delta(ws: Workspace, name: str) -> dict[str, torch.Tensor]:
    """A checkpoint's task vector as an import reads it, by parameter."""
    from explorer.weights.opening import open_delta, reopen_base

    checkpoint = ws.catalog.checkpoint(name)
    base = ws.catalog.base(checkpoint.base)
    flat = open_delta(ws.catalog.resolve(checkpoint.path),
                      reopen_base(base, ws.catalog.resolve(base.path))).flat(base.layout)
    return {t.name: flat[t.offset : t.offset + t.size].view(t.shape) for t in base.layout.tensors}


def test_the_imported_task_vector_is_what_was_trained(swept: tuple[Workspace, Path], zoo: Path):
    ws, out = swept
    before, after = (load_file(str(f / "model.safetensors")) for f in (zoo / "base", out / "models" / "toy-s0"))
    for name, found in delta(ws, "toy-s0").items():
        assert torch.equal(found, after[f"bert.{name}"] - before[name])
        assert bool(found.any()) == name.startswith("encoder."), name


def test_bitfit_moves_biases_alone_and_full_takes_embeddings_in(swept: tuple[Workspace, Path]):
    ws, _ = swept
    moved = {n for n, d in delta(ws, "toy-bitfit-s0").items() if d.any()}
    assert moved
    assert all(n.endswith(".bias") for n in moved)
    assert delta(ws, "toy-n40-s1")["embeddings.word_embeddings.weight"].any()


def test_the_pooler_is_a_part_of_the_head(swept: tuple[Workspace, Path], zoo: Path):
    before, after = (load_file(str(f / "model.safetensors"))
                     for f in (zoo / "base", swept[1] / "models" / "toy-bitfit-s0"))
    assert not torch.equal(before["pooler.dense.weight"], after["bert.pooler.dense.weight"])
    assert torch.allclose(before["pooler.dense.weight"], after["bert.pooler.dense.weight"], atol=0.1)


def test_epochs_are_steps_of_the_texts(swept: tuple[Workspace, Path]):
    from explorer.training.recipes import ModelsRecipe

    block = ModelsRecipe("b", ("d",), (0,), 1e-3, epochs=2.0, batch=32)
    assert [block.steps_on(n) for n in (32, 33, 320)] == [2, 4, 20]
    assert meta_of(swept[1] / "models" / "toy-n40-s1")["hyper"]["epochs"] == 2.0


def test_a_start_is_told_and_left_as_it_was_chosen(swept: tuple[Workspace, Path], zoo: Path):
    """The centroid is of the models of other data sets that were there when the sweep began."""
    ws, out = swept
    meta = meta_of(out / "models" / "toy-bitfit-from-centroid-n60-s2")
    told = json.loads(meta["start_recipe"])
    assert told["terms"] == {f"m{i}": pytest.approx(1 / 6) for i in range(6)}
    found = delta(ws, "toy-bitfit-from-centroid-n60-s2")["encoder.layer.0.output.dense.weight"]
    mean = sum(delta(ws, f"m{i}")["encoder.layer.0.output.dense.weight"] for i in range(6)) / 6
    assert torch.allclose(found, mean, atol=1e-6)
    from explorer.training import files, plan

    recipe = files.load(out.parent / "recipe.yaml")
    known = training._known(ws, recipe, plan.runs(recipe), out, keep=False)
    assert len(known.starts["toy-bitfit-from-centroid-n60-s2"].terms) == 6


def test_evaluation_knows_the_heads(swept: tuple[Workspace, Path]):
    """The loss with a model's own head is the one in its explorer.json."""
    from explorer.types import Probe
    from explorer.workflows import checkpoint_point

    ws, out = swept
    task, probe = ws.catalog.task("toy"), Probe(train=0, test=0, length=16, head="end-to-end")
    names = ["toy-s0", "toy-lora-s0", "toy-n40-s1"]
    points = [checkpoint_point(ws.catalog.checkpoint(n)) for n in names]
    workflows.evaluate(ws, points, task, probe).result()
    for name, score in zip(names, ws.catalog.scores(points, task, probe), strict=True):
        assert score is not None
        assert score.loss == pytest.approx(meta_of(out / "models" / name)["scores"]["loss"],
                                           abs=2e-3 if name == "toy-n40-s1" else 1e-4), name
