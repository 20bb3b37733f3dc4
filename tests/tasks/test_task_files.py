"""Task files: write then read is identity, the file alone suffices, damage is noticed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import TaskError, UnavailableError, WorkspaceError
from explorer.tasks import prepare
from explorer.tasks.splits import Row, split
from explorer.weights.hidden import HOST

ROWS = [Row(f"text {i}", "xy"[i % 2]) for i in range(50)]


def test_file_alone_gives_the_task(tmp_path: Path) -> None:
    task = prepare.write("a.b-c_1", ROWS, tmp_path / "new", family="topic", domain="news", source="somewhere")
    assert prepare.read_task(Path(task.path)) == task
    assert (task.n_train, task.n_test, task.labels, task.family, task.domain) == (40, 10, ("x", "y"), "topic", "news")
    schema = pq.read_schema(task.path)
    assert schema.names == ["split", "text", "text_pair", "label"]
    assert prepare.is_intact(Path(task.path))
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.b-c_1.parquet"]


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    (tmp_path / f".t.parquet.{HOST}.{process.pid}").write_text("half")
    (tmp_path / f".u.parquet.{HOST}.{os.getppid()}").write_text("is being written")
    prepare.write("t", ROWS, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"t.parquet", f".u.parquet.{HOST}.{os.getppid()}"}


@settings(max_examples=20)
@given(st.lists(st.builds(Row, st.text(), st.sampled_from("xy"), st.text()), max_size=20), st.randoms())
def test_round_trip_and_digest(extra: list[Row], rng: object) -> None:
    rows = [replace(r, pair=f"pair of {r.text}") for r in ROWS] + extra
    expected = split("t", rows)
    with tempfile.TemporaryDirectory() as folder:
        task = prepare.write("t", rows, Path(folder))
        other = prepare.write("u", rows[::-1], Path(folder), source="elsewhere")
        texts = prepare.load(task)
    assert other.digest == task.digest
    for part, wanted in ((texts.train, expected.train), (texts.test, expected.test)):
        assert part.texts == tuple(r.text for r in wanted)
        assert part.pairs == tuple(r.pair for r in wanted)
        assert part.labels.dtype == np.int64
        assert [task.labels[k] for k in part.labels] == [r.label for r in wanted]


def test_digest_tells_texts_labels_and_splits_apart(tmp_path: Path) -> None:
    changed = {
        "same": ROWS,
        "text": [replace(ROWS[0], text="other"), *ROWS[1:]],
        "label": [replace(r, label="z") if r.label == "x" else r for r in ROWS],
        "pair": [replace(r, pair="p") for r in ROWS],
        "split": [replace(r, split="test" if i < 20 else "train") for i, r in enumerate(ROWS)],
    }
    digests = {name: prepare.write(name, rows, tmp_path).digest for name, rows in changed.items()}
    assert len(set(digests.values())) == len(digests)


def test_first_is_a_nested_prefix(tmp_path: Path) -> None:
    train = prepare.load(prepare.write("t", ROWS, tmp_path)).train
    assert train.pairs is None
    assert train.first(10).texts == train.first(20).texts[:10]
    assert len(train.first(0)) == len(train.first(1000)) == len(train) == 40
    assert np.bincount(train.first(10).labels).tolist() == [5, 5]


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "a b", "x" * 101, "ü", "a\n"])
def test_bad_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="can't name a task"):
        prepare.write(name, ROWS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_refused_rows_leave_the_old_file(tmp_path: Path) -> None:
    task = prepare.write("t", ROWS, tmp_path)
    with pytest.raises(TaskError):
        prepare.write("t", ROWS[::2], tmp_path)
    assert prepare.read_task(Path(task.path)) == task
    assert len(list(tmp_path.iterdir())) == 1


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="can't be written"):
        prepare.write("t", ROWS, tmp_path / "file")


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        prepare.write("t", ROWS, tmp_path)
    assert not list(tmp_path.iterdir())


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="datasets fetch"):
        prepare.read_task(tmp_path / "absent.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(TaskError, match="not a task"):
        prepare.read_task(tmp_path / "foreign.parquet")
    (tmp_path / "text.parquet").write_text("hello, this is no Parquet")
    with pytest.raises(TaskError, match="can't be read"):
        prepare.read_task(tmp_path / "text.parquet")
    assert not prepare.is_intact(tmp_path / "text.parquet")


def test_replaced_file_is_noticed(tmp_path: Path) -> None:
    task = prepare.write("t", ROWS, tmp_path)
    prepare.write("t", ROWS[:40], tmp_path)
    with pytest.raises(TaskError, match="replaced"):
        prepare.load(task)


def test_changed_rows_are_noticed(tmp_path: Path) -> None:
    task = prepare.write("t", ROWS, tmp_path)
    table = pq.read_table(task.path)
    texts = table["text"].to_pylist()
    texts[0] = "tampered"
    pq.write_table(table.set_column(1, "text", pa.array(texts)), task.path)
    assert not prepare.is_intact(Path(task.path))


def test_dropped_counts_are_kept(tmp_path: Path) -> None:
    task = prepare.write("t", [*ROWS, Row("", "x"), Row("text 1", "y"), Row("new", None)], tmp_path)
    dropped = prepare.read_dropped(Path(task.path))
    assert (dropped.empty, dropped.duplicate, dropped.unlabelled) == (1, 1, 1)
