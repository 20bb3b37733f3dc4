"""Models whose folders were moved: an import knows them by their weights and takes their new place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tiny_models import adapter

from explorer import settings, workflows
from explorer.errors import CheckpointError
from explorer.types import Point, Probe
from explorer.weights import fingerprint, staleness

PROBE = Probe(train=12, test=12)


@pytest.fixture
def own(zoo: Path, tmp_path: Path) -> Iterator[workflows.Workspace]:
    """A workspace of a base and three models in folders that the test may move."""
    for name in ("base", "m0", "m1", "m2"):
        shutil.copytree(zoo / name, tmp_path / "old" / name)
    ws = workflows.open_workspace(tmp_path / "ws")
    workflows.import_folders(ws, [str(tmp_path / "old" / f"m{i}") for i in range(3)],
                             str(tmp_path / "old" / "base")).result()
    yield ws
    ws.close()


def move(tmp_path: Path, *names: str) -> Path:
    (tmp_path / "new").mkdir(exist_ok=True)
    for name in names:
        (tmp_path / "old" / name).rename(tmp_path / "new" / name)
    return tmp_path / "new"


def told(ws: workflows.Workspace, folders: list[Path], base: Path | str | None = None) -> list[tuple[str | None, bool]]:
    job = workflows.import_folders(ws, [str(f) for f in folders], None if base is None else str(base))
    return [(o.name or o.error, o.relocated) for o in workflows.outcomes(job.result())]


def spoil(folder: Path) -> None:
    file = folder / "model.safetensors"
    state = load_file(file)
    name = next(n for n in state if n.endswith("query.weight"))
    save_file({**state, name: state[name] + 0.5}, file, {"format": "pt"})


def test_a_moved_model_is_found_again_and_all_else_stays(own, zoo, tmp_path):
    workflows.add_task(own, "toy", zoo / "toy.csv", None, ["text"], "y")
    one = Point.of(own.catalog.bases()[0].id, {own.catalog.checkpoint("m1").id: 0.5})
    workflows.evaluate(own, [one], own.catalog.task("toy"), PROBE).result()
    before, scores = own.catalog.gram(), own.catalog.scores([one], own.catalog.task("toy"), PROBE)
    new = move(tmp_path, "m1").joinpath("m1").rename(tmp_path / "new" / "another name")
    job = workflows.import_folders(own, [str(new)])
    (found,) = workflows.outcomes(job.result())
    assert (found.name, found.relocated, found.error) == ("m1", True, None)
    assert job.message == "0 imported, 1 found again, 0 refused"
    assert own.catalog.resolve(own.catalog.checkpoint("m1").path) == new
    assert workflows.stale(own) == frozenset()
    after = own.catalog.gram()
    assert after.ids == before.ids
    assert np.array_equal(after.values, before.values)
    assert own.catalog.scores([one], own.catalog.task("toy"), PROBE)[0].loss == scores[0].loss
    two = Point.of(one.base, {own.catalog.checkpoint("m1").id: 0.25})
    workflows.evaluate(own, [two], own.catalog.task("toy"), PROBE).result()


def test_one_that_lies_where_it_was_stays_a_duplicate(own, tmp_path):
    shutil.copytree(tmp_path / "old" / "m1", tmp_path / "copy")
    ((said, relocated),) = told(own, [tmp_path / "copy"])
    assert "duplicate" in said
    assert "'m1'" in said
    assert not relocated
    assert own.catalog.resolve(own.catalog.checkpoint("m1").path) == tmp_path / "old" / "m1"


def test_of_two_copies_of_a_lost_one_the_first_is_its_place(own, tmp_path):
    new = move(tmp_path, "m0")
    shutil.copytree(new / "m0", new / "m0-copy")
    first, second = told(own, [new / "m0", new / "m0-copy"])
    assert first == ("m0", True)
    assert "duplicate" in second[0]
    assert own.catalog.resolve(own.catalog.checkpoint("m0").path) == new / "m0"


def test_a_folder_that_holds_other_weights_by_now_gives_its_place_up(own, tmp_path):
    shutil.copytree(tmp_path / "old" / "m1", tmp_path / "kept")
    spoil(tmp_path / "old" / "m1")
    assert told(own, [tmp_path / "kept"]) == [("m1", True)]
    # the spoilt folder is another model now, and wants a name of its own
    ((said, _),) = told(own, [tmp_path / "old" / "m1"])
    assert "taken by other weights" in said


def test_moved_and_new_ones_come_in_together(own, zoo, tmp_path):
    new = move(tmp_path, "m0", "m2")
    shutil.copytree(zoo / "m3", new / "m3")
    assert sorted(told(own, [new / "m3", new / "m2", new / "m0"])) == [("m0", True), ("m2", True), ("m3", False)]
    right = workflows.open_workspace(tmp_path / "right")
    workflows.import_folders(right, [str(zoo / f"m{i}") for i in range(4)], str(zoo / "base")).result()
    assert own.catalog.gram().ids == right.catalog.gram().ids
    assert np.allclose(own.catalog.gram().values, right.catalog.gram().values, rtol=1e-12, atol=0)
    right.close()


def test_moved_ones_get_their_sketches_where_a_catalog_becomes_large(own, zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "SKETCH_FROM", 3)
    new = move(tmp_path, "m0", "m2")
    shutil.copytree(zoo / "m3", new / "m3")
    assert dict(told(own, [new / "m3", new / "m2", new / "m0"])) == {"m0": True, "m2": True, "m3": False}
    assert len(own.catalog.geometry.sketched()) == 4
    assert own.catalog.gram().sketch is not None


def test_a_catalog_of_moved_models_alone_gets_no_sketches(own, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "SKETCH_FROM", 3)
    new = move(tmp_path, "m0", "m1", "m2")
    assert [again for _, again in told(own, [new / f"m{i}" for i in range(3)])] == [True] * 3
    assert own.catalog.geometry.sketched() == frozenset()


@pytest.mark.parametrize("named", [True, False], ids=["with --base", "among the folders"])
def test_a_moved_base_and_its_models(named, own, zoo, tmp_path):
    new = move(tmp_path, "base", "m0", "m1", "m2")
    shutil.copytree(zoo / "m4", new / "m4")
    found = told(own, [new], new / "base" if named else None)
    assert sorted(found, key=str) == [("base", True), ("m0", True), ("m1", True), ("m2", True), ("m4", False)]
    assert own.catalog.resolve(own.catalog.bases()[0].path) == new / "base"
    assert workflows.stale(own) == frozenset()


def test_a_moved_base_alone(own, tmp_path):
    new = move(tmp_path, "base")
    with pytest.raises(CheckpointError, match=r"'base' are not there any more.*import the folder from where it lies"):
        told(own, [tmp_path / "old" / "m0"])
    assert told(own, [new / "base"]) == [("base", True)]
    ((said, _),) = told(own, [tmp_path / "old" / "m0"])
    assert "duplicate" in said


def test_a_base_that_lies_where_it_was_keeps_its_place(own, tmp_path, zoo):
    shutil.copytree(tmp_path / "old" / "base", tmp_path / "base-copy")
    assert told(own, [zoo / "m3"], tmp_path / "base-copy") == [("m3", False)]
    assert own.catalog.resolve(own.catalog.bases()[0].path) == tmp_path / "old" / "base"
    assert workflows.stale(own) == frozenset()


def test_a_lost_base_does_not_hinder_others(own, tmp_path, zoo):
    from tiny_models import bert_base, sibling

    bert_base(tmp_path / "wide", hidden_size=16)
    sibling(tmp_path / "wide", tmp_path / "w0", seed=1, group=0)
    move(tmp_path, "base")
    assert told(own, [tmp_path / "w0"], tmp_path / "wide") == [("w0", False)]


def test_a_moved_adapter_may_differ_in_last_bits(own, zoo, tmp_path, monkeypatch):
    adapter(zoo / "base", tmp_path / "old" / "lora", seed=1)
    told(own, [tmp_path / "old" / "lora"])
    identity, new = own.catalog.checkpoint("lora").id, move(tmp_path, "lora")
    whole = fingerprint.fingerprint
    monkeypatch.setattr(fingerprint, "fingerprint", lambda *v: fingerprint.Fingerprint(
        "0" * 32, whole(*v).norm * (1 + 1e-9), whole(*v).likeness))
    assert told(own, [new / "lora"]) == [("lora", True)]
    assert own.catalog.checkpoint("lora").id == identity


def test_what_the_command_line_says(own, tmp_path, cli):
    new = move(tmp_path, "m1")
    own.close()
    status, out, _ = cli("import", new / "m1", "--workspace", own.folder)
    assert status == 0
    assert out.splitlines() == [f"found again: m1, now at {new / 'm1'}", "0 imported, 1 found again, 0 refused"]
    (new / "m1").rename(new / "again")
    status, out, _ = cli("import", new / "again", "--workspace", own.folder, "--json")
    assert '"relocated": [{' in out
    assert '"imported": []' in out
    staleness.news()
