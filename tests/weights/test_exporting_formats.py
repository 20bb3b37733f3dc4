"""Exports in every format: what others load is the Point, a fitted head scores what was shown, nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import BASES, adapter, annotate, bert_base, roberta_base, sibling

from explorer import workflows
from explorer.errors import InputError, UnknownNameError
from explorer.tasks.prepare import load
from explorer.types import Point, Probe, Task
from explorer.weights import exporting
from explorer.weights.exporting_kinds import CLASSES, class_name
from explorer.weights.opening import open_delta, open_term, reopen_base
from explorer.workflows.exporting import FOLDER, command, method_of, projector

PROBE = Probe(train=60, test=40)


@pytest.fixture
def centroid(ws: Any) -> Point:
    return workflows.mix(ws, {f"m{i}": 1 / 6 for i in range(6)})


def flat(ws: Any, point: Point) -> dict[str, torch.Tensor]:
    """A Point's parameters by name, summed here."""
    base = ws.catalog.base(point.base)
    opened = reopen_base(base, ws.catalog.resolve(base.path))
    folders = {c.id: ws.catalog.resolve(c.path) for c in ws.catalog.checkpoints()}
    theta = opened.weights.flat(base.layout).double()
    for term, coefficient in point.terms:
        theta += coefficient * open_term(term, folders, opened).flat(base.layout).double()
    return {t.name: theta[t.offset : t.offset + t.size].view(t.shape).float() for t in base.layout.tensors}


def loss_of(logits: torch.Tensor, labels: np.ndarray) -> float:
    return float(torch.nn.functional.cross_entropy(logits.double(), torch.from_numpy(labels)))


def texts_of(task: Task) -> tuple[list[str], np.ndarray]:
    test = load(task).test.first(PROBE.test)
    return list(test.texts), test.labels


def test_an_exported_centroid_scores_what_the_app_shows(ws: Any, centroid: Point, tmp_path: Path) -> None:
    """With the lines of its own card."""
    task, out = ws.catalog.task("toy"), tmp_path / "soup"
    job = workflows.export(ws, centroid, out, task=task, probe=PROBE)
    assert "no class for bert" in job.result()[-1].notes[0]
    (score,) = ws.catalog.scores([centroid], task, PROBE)
    assert score is not None
    card = (out / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    texts, labels = texts_of(task)
    known: dict[str, Any] = {"FOLDER": str(out), "texts": texts}
    exec(code, known)  # the card's own lines
    assert loss_of(known["logits"], labels) == pytest.approx(score.loss, abs=1e-5)
    assert float((known["logits"].argmax(1).numpy() == labels).mean()) == pytest.approx(score.accuracy)
    assert f"{score.loss:.6f}" in card
    assert all(c.id in card for c in ws.catalog.checkpoints())
    assert card.startswith('---\nbase_model:\n- "base"\nlibrary_name: transformers\n')
    assert json.loads(card.split("```json\n")[1].split("```")[0]) == json.loads(
        (out / "explorer.json").read_text())["recipe"]


def test_the_head_comes_back_with_an_import(ws: Any, centroid: Point, tmp_path: Path) -> None:
    task, out = ws.catalog.task("toy"), tmp_path / "again"
    workflows.export(ws, centroid, out, task=task, probe=PROBE).result()
    workflows.import_folders(ws, [str(out)]).result()
    point = workflows.resolve(ws, "again")
    way = Probe(train=60, test=40, head="end-to-end")
    workflows.evaluate(ws, [point], task, way).result()
    before, after = ws.catalog.scores([centroid], task, PROBE)[0], ws.catalog.scores([point], task, way)[0]
    assert after is not None
    assert before is not None
    assert after.loss == pytest.approx(before.loss, abs=1e-5)


@pytest.mark.parametrize("make", [bert_base, roberta_base])
def test_pooling_by_the_first_token_is_a_class_of_transformers(make: Any, zoo: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    base = make(tmp_path / "base", seed=3)
    annotate(base, pooling="cls")
    sibling(base, tmp_path / "a", seed=0, group=0)
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "a")], str(base)).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    task, point, how = ws.catalog.task("toy"), workflows.resolve(ws, "a"), Probe(train=60, test=40, length=32)
    job = workflows.export(ws, point, tmp_path / "out", task=task, probe=how)
    assert job.result()[-1].notes == ()
    (score,) = ws.catalog.scores([point], task, how)
    ws.close()
    model, told = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert model.config.id2label == dict(enumerate(task.labels))
    texts, labels = texts_of(task)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    batch = tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
    batch.pop("token_type_ids", None)
    with torch.no_grad():
        logits = model.eval()(**batch).logits
    assert score is not None
    assert loss_of(logits, labels) == pytest.approx(score.loss, abs=1e-5)
    assert "not in float16" in (tmp_path / "out" / "README.md").read_text()


def test_names_of_classes_are_those_of_transformers() -> None:
    from transformers.models.auto import modeling_auto as auto

    for kind in CLASSES:
        assert class_name(kind, False) == auto.MODEL_MAPPING_NAMES[kind]
        assert class_name(kind, True) == auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES[kind]
    assert class_name("mpnet", False) == "MPNetModel"


def test_shards_hold_what_one_file_holds(ws: Any, centroid: Point, tmp_path: Path) -> None:
    from transformers import AutoModel

    workflows.export(ws, centroid, tmp_path / "one").result()
    workflows.export(ws, centroid, tmp_path / "many", shard=20_000).result()
    assert json.loads((tmp_path / "one" / "config.json").read_text())["architectures"] == ["BertModel"]
    files = sorted(tmp_path.glob("many/model-*.safetensors"))
    assert len(files) > 2
    assert max(f.stat().st_size for f in files[1:]) < 24_000
    mine, theirs = (dict(AutoModel.from_pretrained(tmp_path / name).named_parameters()) for name in ("one", "many"))
    assert all(torch.equal(mine[n], theirs[n]) for n in mine if not n.startswith("pooler"))


def test_a_task_vector_comes_back(ws: Any, centroid: Point, tmp_path: Path) -> None:
    workflows.export(ws, centroid, tmp_path / "delta", format="task-vector").result()
    base = ws.catalog.base(centroid.base)
    opened = reopen_base(base, ws.catalog.resolve(base.path))
    found = open_delta(tmp_path / "delta", opened).flat(base.layout) + opened.weights.flat(base.layout)
    wanted = torch.cat([v.reshape(-1) for v in flat(ws, centroid).values()])
    assert torch.allclose(found, wanted, atol=1e-6)
    assert "import FOLDER --base" in (tmp_path / "delta" / "README.md").read_text()


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A workspace with two adapters of each of two bases, one of which keeps matrices the other way round."""
    made = {}
    for kind, options in (("bert", {"target_modules": ["query", "value", "word_embeddings"], "bias": "all"}),
                          ("gpt2", {"target_modules": ["c_attn"], "fan_in_fan_out": True})):
        root = tmp_path_factory.mktemp(kind)
        base = BASES[kind](root / "base")
        for i in range(2):
            adapter(base, root / f"a{i}", seed=i, r=2 + i, **options)
        ws = workflows.open_workspace(root / "ws")
        outcomes = workflows.outcomes(workflows.import_folders(ws, [str(root / f"a{i}") for i in range(2)],
                                                               str(base)).result())
        assert not [o.error for o in outcomes if o.error]
        ws.close()
        made[kind] = root
    return made


def loaded(base: Path, folder: Path) -> dict[str, torch.Tensor]:
    """The parameters of the base with an adapter merged into it by PEFT."""
    import warnings

    from peft import PeftModel
    from transformers import AutoModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = PeftModel.from_pretrained(AutoModel.from_pretrained(base), folder).merge_and_unload()
    return {name: p.detach() for name, p in model.named_parameters()}


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_a_sum_of_adapters_is_an_adapter_exactly(adapters: dict[str, Path], kind: str, tmp_path: Path) -> None:
    root = adapters[kind]
    ws = workflows.open_workspace(root / "ws")
    point = workflows.mix(ws, {"a0": 0.5, "a1": -0.25})
    (made,) = workflows.export(ws, point, tmp_path / "out", format="lora").result()
    wanted = flat(ws, point)
    ws.close()
    assert made.notes[0].startswith("Exact")
    found = loaded(root / "base", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "adapter_config.json").read_text())["r"] == 5
    assert max(float((found[n] - v).abs().max()) for n, v in wanted.items()) < 1e-6


def test_any_other_point_is_cut_to_a_rank_and_says_how_far(ws: Any, centroid: Point, tmp_path: Path) -> None:
    (made,) = workflows.export(ws, centroid, tmp_path / "all", format="lora", rank=32).result()
    wanted = flat(ws, centroid)
    base = ws.catalog.resolve(ws.catalog.base(centroid.base).path)
    found = loaded(base, tmp_path / "all")
    assert max(float((found[n] - v).abs().max()) for n, v in wanted.items()) < 1e-6
    (made,) = workflows.export(ws, centroid, tmp_path / "cut", format="lora", rank=3).result()
    found, before = loaded(base, tmp_path / "cut"), flat(ws, Point.of(centroid.base))
    name = "encoder.layer.1.output.dense.weight"
    error = float((found[name] - wanted[name]).norm() / (wanted[name] - before[name]).norm())
    card = (tmp_path / "cut" / "README.md").read_text().splitlines()
    row = next(line for line in card if "layer.1.output.dense" in line)
    assert float(row.split("|")[2]) == pytest.approx(error, rel=0.01)
    assert 0.1 < error < 1
    assert "Cut to rank 3" in made.notes[0]
    exact = [n for n, v in wanted.items() if v.ndim == 1]
    assert max(float((found[n] - wanted[n]).abs().max()) for n in exact) < 1e-6


def test_the_projector_gets_the_distances_of_task_vectors(ws: Any, centroid: Point, tmp_path: Path) -> None:
    job = projector(ws, [centroid, workflows.resolve(ws, "m0")], tmp_path / "tb")
    assert job.result()[-1].notes == ("8 vectors of 6 dimensions.",)
    vectors = np.loadtxt(tmp_path / "tb" / "vectors.tsv", delimiter="\t")
    lines = [line.split("\t") for line in (tmp_path / "tb" / "metadata.tsv").read_text().splitlines()]
    assert lines[0][:3] == ["name", "kind", "dataset"]
    assert [line[0] for line in lines[1:8]] == ["m0", "m1", "m2", "m3", "m4", "m5", "base"]
    assert lines[8][1] == "point"
    assert {len(line) for line in lines} == {len(lines[0])}
    gram = ws.catalog.gram(centroid.base).matrix
    assert np.linalg.norm(vectors[0] - vectors[6]) == pytest.approx(np.sqrt(gram[0, 0]), rel=1e-5)
    assert np.linalg.norm(vectors[0] - vectors[1]) == pytest.approx(
        np.sqrt(gram[0, 0] + gram[1, 1] - 2 * gram[0, 1]), rel=1e-5)
    assert np.allclose(vectors[7], vectors[:6].mean(axis=0), atol=1e-5 * np.abs(vectors).max())


def test_only_an_export_is_replaced_and_never_lost(ws: Any, centroid: Point, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    out, base = tmp_path / "out", workflows.resolve(ws, "base")
    workflows.export(ws, base, out).result()
    first = (out / "model.safetensors").read_bytes()
    monkeypatch.setattr(exporting, "write_meta", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert workflows.export(ws, centroid, out, force=True).state == "failed"
    assert (out / "model.safetensors").read_bytes() == first
    monkeypatch.undo()
    workflows.export(ws, centroid, out, force=True).result()
    assert (out / "model.safetensors").read_bytes() != first
    assert [p.name for p in tmp_path.iterdir() if "out" in p.name] == ["out"]
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "explorer.json").write_text('{"dataset": "x"}')
    with pytest.raises(InputError, match="not made by an export"):
        workflows.export(ws, base, tmp_path / "own", force=True)


def test_a_folder_moved_aside_comes_back(tmp_path: Path) -> None:
    """As a process that dies between the two renames leaves it."""
    aside = tmp_path / ".out.replaced"
    aside.mkdir()
    (aside / "explorer.json").write_text('{"export": {}}')
    with pytest.raises(InputError, match="exists already"):
        exporting.check_target(tmp_path / "out")
    assert (tmp_path / "out" / "explorer.json").is_file()


def test_a_model_of_the_workspace_is_not_replaced(ws: Any, centroid: Point, tmp_path: Path) -> None:
    workflows.export(ws, centroid, tmp_path / "soup").result()
    workflows.import_folders(ws, [str(tmp_path / "soup")]).result()
    with pytest.raises(InputError, match="the model 'soup' of this workspace"):
        workflows.export(ws, workflows.resolve(ws, "base"), tmp_path / "soup", force=True)


def test_what_can_not_be_is_said_before_anything_is_made(ws: Any, centroid: Point, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    task = ws.catalog.task("toy")
    for words, options in (("a head belongs to a model", {"format": "lora", "task": task}),
                           ("--rank 3 is for --format lora", {"rank": 3}),
                           ("from 1 to 4096", {"format": "lora", "rank": 0}),
                           ("'lm' is not fitted", {"probe": Probe(head="lm")}), ("at least one byte", {"shard": 0})):
        with pytest.raises(InputError, match=words):
            workflows.export(ws, centroid, tmp_path / "out", **options)
    with pytest.raises(UnknownNameError, match="task-vector"):
        workflows.export(ws, centroid, tmp_path / "out", format="task_vector")
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(InputError, match="are free"):
        workflows.export(ws, centroid, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    job = workflows.export(ws, workflows.resolve(ws, "base"), tmp_path / "out", format="lora")
    assert "changes no matrix" in str(job.error)


def test_method_and_command(ws: Any, centroid: Point) -> None:
    from explorer.workflows.merging import merge_point

    merge = merge_point(ws, "ties", {"m0": 1.0, "m1": 1.0}, {"density": 0.5})
    named = {"base": "base", "m0": "checkpoint"}
    assert {name: method_of(workflows.resolve(ws, name)) for name in named} == named
    assert method_of(centroid) == "linear"
    assert method_of(merge) == "ties"
    workflows.keep(ws, "my mean", centroid)
    out = ws.folder / FOLDER / "x"
    told = command(ws, centroid, "my mean", out, task=ws.catalog.task("toy"), force=True)
    assert told == f"python -m explorer export 'my mean' {out} --task toy --force"
    said = command(ws, merge, "", out, format="lora", rank=4)
    assert said.endswith(f"{out} --format lora --rank 4")
    assert "merge:" in said
