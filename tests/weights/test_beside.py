"""What lies beside the weights: another head, config or tokenizer is never used under the name of what was imported."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import adapter

from explorer import workflows
from explorer.errors import CheckpointError
from explorer.types import Files, Point, Probe
from explorer.weights.beside import beside_base, beside_checkpoint
from explorer.weights.staleness import is_stale

PROBE = Probe(train=12, test=12)


@pytest.fixture
def own(zoo: Path, tmp_path: Path) -> Iterator[workflows.Workspace]:
    """A workspace of a base and a model in folders that the test may change."""
    for name in ("base", "m0"):
        shutil.copytree(zoo / name, tmp_path / name)
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "m0")], str(tmp_path / "base")).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    yield ws
    ws.close()


def score(ws: workflows.Workspace, c: float = 0.5) -> float | None:
    from explorer.evaluation import evaluator

    evaluator._resident.clear()  # as in a worker that was started anew
    task, point = ws.catalog.task("toy"), half(ws, c)
    workflows.evaluate(ws, [point], task, PROBE).result()
    return stored(ws, c)


def half(ws: workflows.Workspace, c: float = 0.5) -> Point:
    return Point.of(ws.catalog.bases()[0].id, {ws.catalog.checkpoint("m0").id: c})


def stored(ws: workflows.Workspace, c: float = 0.5) -> float | None:
    (found,) = ws.catalog.scores([half(ws, c)], ws.catalog.task("toy"), PROBE)
    return None if found is None else found.loss


def other_head(root: Path) -> None:
    """Another classifier in the model's file, behind the same backbone."""
    file = root / "m0" / "model.safetensors"
    state = load_file(file)
    name = next(n for n in state if n.startswith("classifier."))
    state[name] = state[name] + 0.5
    save_file(state, file, {"format": "pt"})


def other_file(name: str, change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        file = root / name
        said = json.loads(file.read_text()) if file.is_file() else {}
        change(said)
        file.write_text(json.dumps(said))

    return write


@pytest.mark.parametrize(("change", "whose", "part"), [
    (other_head, "m0", "head"),
    (other_file("m0/explorer.json", lambda s: s.update(labels=["pos", "neg"])), "m0", "head"),
    (other_file("base/tokenizer.json", lambda s: s.update(normalizer={"type": "Lowercase"})), "base", "tokenizer"),
    (other_file("base/config.json", lambda s: s.update(layer_norm_eps=1e-3)), "base", "config"),
])
def test_what_lies_beside_the_weights_may_not_change(own, tmp_path, change, whose, part):
    before = score(own)
    change(tmp_path)
    assert [s.name for s in own.catalog.weight_files.known() if is_stale(s)] == [whose]
    with pytest.raises(CheckpointError, match=f"imported as '{whose}', but the {part} beside them has changed"):
        score(own, 0.25)
    assert stored(own, 0.25) is None
    assert stored(own) == before


@pytest.mark.parametrize("change", [
    other_file("base/config.json", lambda s: s.update(transformers_version="9.9.9")),
    other_file("m0/explorer.json", lambda s: s.update(note="seen")),
])
def test_what_changes_no_loss_may(own, tmp_path, change):
    change(tmp_path)
    assert score(own) is not None
    assert not any(is_stale(s) for s in own.catalog.weight_files.known())


def test_a_further_file_of_a_tokenizer_makes_it_another(own, tmp_path):
    (tmp_path / "base" / "added_tokens.json").write_text('{"[NEW]": 7}')
    with pytest.raises(CheckpointError, match="imported as 'base', but the tokenizer beside them has changed"):
        score(own)


def test_what_was_not_there_may_come_and_is_known_from_then_on(own, tmp_path, zoo):
    tokenizers = [tmp_path / "base" / n for n in ("tokenizer.json", "tokenizer_config.json", "vocab.txt")]
    ws = workflows.open_workspace(tmp_path / "bare")
    for file in tokenizers:
        file.unlink(missing_ok=True)
    workflows.import_folders(ws, [str(tmp_path / "m0")], str(tmp_path / "base")).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    for file in tokenizers:
        if (zoo / "base" / file.name).is_file():
            shutil.copy(zoo / "base" / file.name, file)
    assert score(ws) is not None
    base = next(s for s in ws.catalog.weight_files.known() if s.name == "base")
    assert "tokenizer" in Files.parse(base.files).beside
    ws.close()


def test_a_model_with_a_new_head_is_imported_after_its_removal_and_measured_anew(own, tmp_path):
    before = score(own)
    other_head(tmp_path)
    (again,) = workflows.outcomes(workflows.import_folders(own, [str(tmp_path / "m0")]).result())
    assert again.error is not None
    assert "the head beside them has changed" in again.error
    workflows.remove(own, ["m0"])
    workflows.import_folders(own, [str(tmp_path / "m0")]).result()
    assert stored(own) is None
    assert score(own) == pytest.approx(before)  # a head fitted afresh does not care for the model's own


def test_losses_are_back_with_the_same_head(own, tmp_path):
    before = score(own)
    workflows.remove(own, ["m0"])
    workflows.import_folders(own, [str(tmp_path / "m0")]).result()
    assert stored(own) == before


def test_a_moved_model_with_another_head_is_not_found_again(own, tmp_path):
    shutil.copytree(tmp_path / "m0", tmp_path / "there" / "m0")
    shutil.rmtree(tmp_path / "m0")
    other_head(tmp_path / "there")
    (found,) = workflows.outcomes(workflows.import_folders(own, [str(tmp_path / "there" / "m0")]).result())
    assert not found.relocated
    assert "the head beside them has changed" in str(found.error)


def test_parts_are_told_apart(zoo, own):
    base = own.catalog.bases()[0]
    assert beside_base(zoo / "base", base.layout, base.prefix).keys() == {"head", "config", "tokenizer"}
    assert beside_checkpoint(zoo / "m0", base.layout, base.prefix).keys() == {"head", "config"}


def test_an_adapter_s_kept_head_is_a_part(zoo, own, tmp_path):
    base = own.catalog.bases()[0]
    adapter(zoo / "base", tmp_path / "lora", seed=3)
    before = beside_checkpoint(tmp_path / "lora", base.layout, base.prefix)
    file = tmp_path / "lora" / "adapter_model.safetensors"
    state = load_file(file)
    factor = next(n for n in state if "lora_A" in n)
    save_file(state | {factor: state[factor] + 1}, file)
    assert beside_checkpoint(tmp_path / "lora", base.layout, base.prefix) == before
    kept = "base_model.model.classifier.bias"
    save_file(state | {kept: torch.ones(3)}, file)
    assert beside_checkpoint(tmp_path / "lora", base.layout, base.prefix) != before


def test_files_of_earlier_catalogs_are_read():
    was = Files.parse('[["model.safetensors", 5, 6, 7]]')
    assert was == Files((("model.safetensors", 5, 6, 7),), {})
    now = Files(was.listed, {"head": "a"})
    assert Files.parse(now.text) == now
    assert was.unlike(now) == []
    assert now.unlike(was) == []
    assert now.unlike(Files((), {"head": "b"})) == ["head"]
    assert now.then(was).beside == {"head": "a"}
    assert Files.parse("") == Files()


def test_the_time_of_change_alone_makes_no_other_head(own, tmp_path):
    os.utime(tmp_path / "m0" / "model.safetensors", ns=(1, 1))
    assert score(own) is not None
