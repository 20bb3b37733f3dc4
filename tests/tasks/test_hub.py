"""Hub datasets: the layouts that repositories have, class labels, unlabelled test splits, no network."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.errors import TaskError, UnavailableError
from explorer.tasks import hub, prepare
from explorer.types import Task


def part(root: Path, path: str, start: int, count: int, *, names: list[str] | None = None,
         label: int | None = None) -> None:
    rows = {"sentence": [f"text {i}" for i in range(start, start + count)],
            "label": [i % 2 if label is None else label for i in range(count)]}
    table = pa.table(rows)
    if names:
        info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({b"huggingface": json.dumps(info).encode()})
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / path)


def add(root: Path, **options: str) -> Task:
    return hub.from_hub("mine", root, ["sentence"], "label", root.parent / "tasks", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("train", "test"), [
    ("data/train-00000-of-00001-abc.parquet", "data/test-00000-of-00001-def.parquet"),
    ("train.parquet", "test.parquet"),
    ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
    ("default/partial-train/0000.parquet", "default/test/0000.parquet"),
    ("data/train.parquet", "data/validation.parquet"),
])
def test_layouts(tmp_path: Path, train: str, test: str) -> None:
    root = tmp_path / "repo"
    part(root, train, 0, 30, names=["bad", "good"])
    part(root, test, 100, 10, names=["bad", "good"])
    task = add(root)
    assert (task.n_train, task.n_test, task.labels, task.source) == (30, 10, ("bad", "good"), "repo")


def test_shards_are_joined_and_a_lone_train_split_is_divided(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    for i in range(2):
        part(root, f"data/train-0000{i}-of-00002.parquet", 25 * i, 25)
    task = add(root)
    assert (task.n_train, task.n_test, task.labels) == (40, 10, ("0", "1"))


@pytest.mark.parametrize("names", [["no", "yes"], None])
def test_hidden_test_labels_fall_back_to_validation(tmp_path: Path, names: list[str] | None) -> None:
    root = tmp_path / "repo"
    part(root, "cola/train-00000-of-00001.parquet", 0, 30, names=names)
    part(root, "cola/test-00000-of-00001.parquet", 100, 10, names=names, label=-1)
    part(root, "cola/validation-00000-of-00001.parquet", 200, 12, names=names)
    task = add(root)
    assert (task.n_train, task.n_test) == (30, 12)


def test_configurations(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    part(root, "a/train.parquet", 0, 30)
    part(root, "b/train.parquet", 0, 50)
    assert add(root, config="b").n_train == 40
    with pytest.raises(TaskError, match="configurations a, b; name one"):
        add(root)
    with pytest.raises(TaskError, match="'c' came"):
        add(root, config="c")


def test_conversion_is_used_where_the_repository_has_none(tmp_path: Path) -> None:
    part(tmp_path, "default/train/0000.parquet", 0, 50)

    class Fake(hub.Local):
        def files(self, revision: str) -> tuple[str, list[str]]:
            return (revision, ["default/train/0000.parquet"] if revision == hub.CONVERTED else ["data.zip"])

    task = hub.from_hub("mine", "owner/name", ["sentence"], "label", tmp_path / "tasks", repository=Fake(tmp_path))
    assert prepare.load(task).train.labels.sum() == 20


def test_refusals(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    part(root, "validation.parquet", 0, 30)
    with pytest.raises(TaskError, match="no split 'train'; it has validation"):
        add(root)
    (root / "validation.parquet").unlink()
    with pytest.raises(TaskError, match="no Parquet files"):
        add(root)
    assert not (tmp_path / "tasks").exists()


def test_unreadable_features(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    part(root, "train.parquet", 0, 30)
    table = pq.read_table(root / "train.parquet")
    for raw in (b"{", b'{"info": []}'):
        pq.write_table(table.replace_schema_metadata({b"huggingface": raw}), root / "train.parquet")
        with pytest.raises(TaskError, match="features that can't be read"):
            add(root)


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match="can't be fetched from the hub"):
        hub.from_hub("mine", "owner/name", ["sentence"], "label", tmp_path)


def test_name_that_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="OWNER/NAME"):
        hub.from_hub("mine", "a/b/c", ["sentence"], "label", tmp_path)
