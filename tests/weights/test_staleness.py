"""Files of models that change after an import: seen, hashed once, and never used in the place of what was imported."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import adapter

from explorer import workflows
from explorer.catalog import Catalog
from explorer.errors import CheckpointError
from explorer.types import Point, Probe
from explorer.weights import fingerprint, staleness
from explorer.workflows import doctoring
from explorer.workflows.merging import merge_point

PROBE = Probe(train=12, test=12)


@pytest.fixture
def own(zoo: Path, tmp_path: Path) -> Iterator[workflows.Workspace]:
    """A workspace of a base and two models in folders that the test may change."""
    for name in ("base", "m0", "m1"):
        shutil.copytree(zoo / name, tmp_path / name)
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "m0"), str(tmp_path / "m1")], str(tmp_path / "base")).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    yield ws
    ws.close()


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders whose weights were hashed."""
    read: list[str] = []
    whole, base = fingerprint.fingerprint, fingerprint.base_id

    def told(*values: Any, **more: Any) -> Any:
        read.append(Path(values[3]).name)
        return whole(*values, **more)

    def told_base(*values: Any) -> str:
        read.append("base")
        return base(*values)

    monkeypatch.setattr(fingerprint, "fingerprint", told)
    monkeypatch.setattr(fingerprint, "base_id", told_base)
    return read


def point(ws: workflows.Workspace, name: str, c: float = 0.5) -> Point:
    return Point.of(ws.catalog.bases()[0].id, {ws.catalog.checkpoint(name).id: c})


def score(ws: workflows.Workspace, name: str, c: float = 0.5) -> float:
    from explorer.evaluation import evaluator

    evaluator._resident.clear()  # as a worker that was started anew
    task = ws.catalog.task("toy")
    workflows.evaluate(ws, [point(ws, name, c)], task, PROBE).result()
    found = ws.catalog.scores([point(ws, name, c)], task, PROBE)[0]
    assert found is not None
    return found.loss


def change(folder: Path) -> None:
    file = folder / "model.safetensors"
    state = load_file(file)
    name = next(n for n in state if n.endswith("query.weight"))
    state[name] = state[name] + 0.5
    save_file(state, file, {"format": "pt"})


def stale(ws: workflows.Workspace) -> dict[str, bool]:
    return {s.name: staleness.is_stale(s) for s in ws.catalog.weight_files.known()}


def test_what_was_imported_is_not_hashed_again(own, hashes):
    assert score(own, "m0") == score(own, "m0")
    assert hashes == []
    assert not any(stale(own).values())


def test_a_changed_model_is_refused_by_name_and_leaves_no_score(own, tmp_path, hashes):
    before = score(own, "m1")
    change(tmp_path / "m0")
    assert stale(own) == {"base": False, "m0": True, "m1": False}
    for measure in (lambda: score(own, "m0"), lambda: score(own, "m0", 1.0),
                    lambda: workflows.export(own, point(own, "m0"), tmp_path / "out").result(),
                    lambda: score(own, "m0")):
        with pytest.raises(CheckpointError, match=r"imported as 'm0': they have changed on disk.*remove"):
            measure()
    assert not (tmp_path / "out").exists()
    assert own.catalog.scores([point(own, "m0")], own.catalog.task("toy"), PROBE) == [None]
    assert score(own, "m1") == before
    assert stale(own)["m0"]


def test_a_changed_model_is_in_no_merge_and_no_further_import(own, zoo, tmp_path):
    change(tmp_path / "m0")
    merged = merge_point(own, "ties", {"m0": 1.0, "m1": 1.0})
    with pytest.raises(CheckpointError, match="'m0'"):
        workflows.export(own, merged, tmp_path / "out").result()
    with pytest.raises(CheckpointError, match="'m0'"):
        workflows.import_folders(own, [str(zoo / "m4")]).result()
    assert len(own.catalog.checkpoints()) == 2


def test_files_written_anew_with_the_same_weights_are_hashed_once(own, tmp_path, hashes):
    copy = (tmp_path / "m0" / "model.safetensors").read_bytes()
    (tmp_path / "m0" / "model.safetensors").write_bytes(copy)
    os.utime(tmp_path / "m0" / "model.safetensors", ns=(1, 1))
    assert stale(own)["m0"]
    score(own, "m0")
    assert hashes == ["m0"]
    assert not stale(own)["m0"]
    staleness._found.clear()  # as in another process
    score(own, "m0", 0.25)
    assert hashes == ["m0"]


def test_models_of_a_catalog_that_knows_no_files_are_hashed_once(own, hashes):
    with own.catalog.database.transaction() as cursor:
        cursor.execute("DELETE FROM weight_files")
    assert not any(stale(own).values())
    score(own, "m0")
    assert sorted(hashes) == ["base", "m0"]
    staleness._found.clear()
    score(own, "m0", 0.25)
    assert len(hashes) == 2


def test_a_changed_base_is_refused(own, tmp_path):
    change(tmp_path / "base")
    with pytest.raises(CheckpointError, match="imported as 'base'"):
        score(own, "m0")
    assert stale(own)["base"]


def test_a_model_that_is_gone_is_told_by_name(own, tmp_path):
    shutil.rmtree(tmp_path / "m0")
    assert stale(own)["m0"]
    with pytest.raises(CheckpointError, match="weights of 'm0' are not there any more"):
        score(own, "m0")
    shutil.rmtree(tmp_path / "base")
    with pytest.raises(CheckpointError, match="weights of 'base' are not there any more"):
        score(own, "m1")


def test_training_starts_from_no_changed_base(own, tmp_path):
    change(tmp_path / "base")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: r\nbases: [{name: tiny, from: base}]\nmodels:\n"
                      "  - {base: tiny, datasets: [toy], seeds: [0], steps: 1, lr: 1.0e-3, length: 12}\n")
    with pytest.raises(CheckpointError, match="imported as 'base'"):
        workflows.finetune(own, recipe, tmp_path / "out").result()


def test_an_adapter_may_differ_in_last_bits_and_not_by_more(own, zoo, tmp_path, monkeypatch):
    adapter(zoo / "base", tmp_path / "lora", seed=3)
    workflows.import_folders(own, [str(tmp_path / "lora")]).result()
    os.utime(tmp_path / "lora" / "adapter_model.safetensors", ns=(1, 1))
    of = fingerprint.fingerprint
    monkeypatch.setattr(fingerprint, "fingerprint", lambda *a: fingerprint.Fingerprint(
        "0" * 32, of(*a).norm * (1 + 1e-8), of(*a).likeness))
    score(own, "lora")
    file = tmp_path / "lora" / "adapter_model.safetensors"
    save_file({k: v * 1.001 for k, v in load_file(file).items()}, file)
    with pytest.raises(CheckpointError, match="'lora'"):
        score(own, "lora", 0.25)


def test_stale_models_are_marked_in_the_list_and_by_the_doctor(own, tmp_path, cli):
    change(tmp_path / "m0")
    own.close()
    status, out, _ = cli("list", "--workspace", tmp_path / "ws", "--json")
    said = json.loads(out)
    assert status == 0
    assert {c["name"]: c["stale"] for c in said["checkpoints"]} == {"m0": True, "m1": False}
    assert [b["stale"] for b in said["bases"]] == [False]
    catalog = Catalog(tmp_path / "ws")
    models = doctoring._folders(catalog)
    catalog.close()
    assert models.state == "warning"
    assert "'m0'" in models.said


def test_facts_name_what_weights_are_read_from(tmp_path):
    assert staleness.files_of(tmp_path / "none") == ()
    (tmp_path / "README.md").write_text("x")
    assert staleness.files_of(tmp_path) == ()
    save_file({"a": torch.zeros(2)}, tmp_path / "model.safetensors")
    (tmp_path / ".hidden.bin").write_text("x")
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "vocab.txt").write_text("a")
    assert [name for name, *_ in staleness.files_of(tmp_path)] == ["model.safetensors", "vocab.txt"]
