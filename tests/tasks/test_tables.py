"""Tables: the three formats give one task, every refusal says what came and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_builders import delimited
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import TaskError
from explorer.tasks import prepare, tables
from explorer.types import Task

ROWS = [{"the text": f'a "quoted", text {i}\nin two lines', "second": f"pair {i}", "label": ("no", "yes")[i % 2]}
        for i in range(50)]


def store(path: Path, rows: list[dict[str, object]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    else:
        cells = [["" if v is None else str(v) for v in row.values()] for row in rows]
        path.write_bytes(delimited(list(rows[0]), cells, "\t" if path.suffix == ".tsv" else ","))
    return path


def add(path: Path, test: Path | None = None, text: tuple[str, ...] = ("the text",), label: str = "label") -> Task:
    return tables.from_table("mine", path, test, text, label, path.parent / "tasks", family="f", domain="d")


@pytest.mark.parametrize("text", [("the text",), ("the text", "second")])
def test_formats_agree(tmp_path: Path, text: tuple[str, ...]) -> None:
    tasks = [add(store(tmp_path / f"t{suffix}", ROWS), text=text) for suffix in tables.READERS]
    assert len({task.digest for task in tasks}) == 1
    assert (tasks[0].n_train, tasks[0].n_test, tasks[0].labels) == (40, 10, ("no", "yes"))
    assert (tasks[0].family, tasks[0].domain, tasks[0].source) == ("f", "d", "t.csv")
    assert (prepare.load(tasks[0]).train.pairs is None) is (len(text) == 1)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1).filter(str.strip)


@settings(max_examples=15, deadline=None)
@given(st.lists(words, max_size=8))
def test_any_text_survives_a_csv_file(tmp_path_factory: pytest.TempPathFactory, extra: list[str]) -> None:
    folder = tmp_path_factory.mktemp("csv")
    rows = ROWS + [{"the text": text, "second": "s", "label": "yes"} for text in extra]
    assert add(store(folder / "t.csv", rows)).digest == add(store(folder / "t.parquet", rows)).digest


def test_given_test_file_is_respected(tmp_path: Path) -> None:
    train, test = store(tmp_path / "train.csv", ROWS[:40]), store(tmp_path / "test.jsonl", ROWS[35:])
    task = add(train, test)
    assert (task.n_train, task.n_test) == (35, 15)
    assert prepare.read_dropped(Path(task.path)).overlap == 5
    assert task.source == "train.csv and test.jsonl"


@pytest.mark.parametrize(("values", "labels"), [
    ((1, 2), ("1", "2")), ((True, False), ("false", "true")), ((2, 10), ("2", "10")), (("b", 1), ("1", "b")),
])
def test_label_types(tmp_path: Path, values: tuple[object, object], labels: tuple[str, str]) -> None:
    rows = [{"t": f"text {i}", "label": values[i % 2]} for i in range(40)]
    assert add(store(tmp_path / "t.jsonl", rows), text=("t",)).labels == labels


def test_empty_cells_are_left_out(tmp_path: Path) -> None:
    rows = [{"t": f"text {i}", "label": "xy"[i % 2]} for i in range(40)]
    task = add(store(tmp_path / "t.csv", [*rows, {"t": None, "label": "x"}, {"t": "new", "label": None}]), text=("t",))
    dropped = prepare.read_dropped(Path(task.path))
    assert (dropped.empty, dropped.unlabelled) == (1, 1)


@pytest.mark.parametrize("name", ["a'b.csv", "glob[1]*.csv", 'quo"te.csv', "semi;colon --.csv"])
def test_awkward_file_names(tmp_path: Path, name: str) -> None:
    assert add(store(tmp_path / name, ROWS)).n_train == 40


def test_awkward_column_names(tmp_path: Path) -> None:
    column = 'x"; DROP TABLE t; --'
    rows = [{column: f"text {i}", "label": "xy"[i % 2]} for i in range(40)]
    assert add(store(tmp_path / "t.csv", rows), text=(column,)).n_train == 32


@pytest.mark.parametrize(("text", "label", "words"), [
    (("texts",), "label", "no column 'texts'; its columns are the text, second, label"),
    (("the text",), "gold", "no column 'gold'"),
    ((), "label", "one or two"),
    (("the text", "second", "label"), "label", "one or two"),
    (("second", "second"), "label", "one or two"),
])
def test_columns_refused(tmp_path: Path, text: tuple[str, ...], label: str, words: str) -> None:
    for suffix in tables.READERS:
        with pytest.raises(TaskError, match=words):
            add(store(tmp_path / f"t{suffix}", ROWS), text=text, label=label)
    assert not (tmp_path / "tasks").exists()


@pytest.mark.parametrize(("name", "raw", "words"), [
    ("t.xlsx", b"x", "no known format; allowed: .csv"),
    ("t.parquet", b"no parquet", "can't be read as a .parquet table"),
    ("t.jsonl", b'{"the text": ', "can't be read as a .jsonl table"),
    ("t.csv", b"", "t.csv"),
    ("t.csv", "the text,label\ncaf\xe9,x\n".encode("latin-1") * 30, "UTF-8"),
])
def test_files_refused(tmp_path: Path, name: str, raw: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(TaskError, match=words):
        add(tmp_path / name)
    assert not (tmp_path / "tasks").exists()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="there is no file"):
        add(tmp_path / "absent.csv")


def test_bad_name_is_refused_before_reading(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="can't name a task"):
        tables.from_table("../x", tmp_path / "absent.csv", None, ["t"], "label", tmp_path)


def test_nested_columns_refused(tmp_path: Path) -> None:
    rows = [{"t": ["a", "b"], "label": "x"}] * 20
    with pytest.raises(TaskError, match="column 't' holds values of type VARCHAR"):
        add(store(tmp_path / "t.parquet", rows), text=("t",))
    with pytest.raises(TaskError, match="a text or label is a list or a record"):
        add(store(tmp_path / "t.jsonl", rows), text=("t",))


def test_json_texts_stay_as_they_are(tmp_path: Path) -> None:
    texts = ["2024-01-05", "1e3", "true", '"quoted"', "00:10", "null"] + [f"2024-02-{d:02}" for d in range(1, 29)]
    rows = [{"t": text, "label": "xy"[i % 2]} for i, text in enumerate(texts)]
    found = prepare.load(add(store(tmp_path / "t.jsonl", rows), text=("t",)))
    assert set(found.train.texts + found.test.texts) == set(texts)


def test_only_the_given_files_can_be_opened(tmp_path: Path) -> None:
    given, other = store(tmp_path / "given.csv", ROWS), store(tmp_path / "other.csv", ROWS)
    with pytest.raises(TaskError, match=r"given\.csv"), tables._open([given]) as db:
        db.execute("SELECT * FROM read_csv(?)", [str(other)])
    with pytest.raises(TaskError), tables._open([given]) as db:
        db.execute("SET enable_external_access = true")
