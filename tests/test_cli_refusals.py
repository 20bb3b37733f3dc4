"""Bad checkpoints through the command line: refused with a reason, exit status 2, and the catalog as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bad_checkpoints import make
from bad_deltas import MAKERS

from explorer.catalog import Catalog

Cli = Callable[..., tuple[int, str, str]]


def tables(workspace: Path) -> dict[str, list[Any]]:
    """Every row of every table, as DuckDB holds them."""
    catalog = Catalog(workspace)
    try:
        names = [n for (n,) in catalog.database.rows("SELECT table_name FROM information_schema.tables")]
        return {n: sorted(map(repr, catalog.database.rows(f"SELECT * FROM {n}"))) for n in names}
    finally:
        catalog.close()


@pytest.mark.parametrize("name", MAKERS)
def test_a_bad_checkpoint_is_refused_and_changes_nothing(name: str, zoo: Path, shared: Path, cli: Cli,
                                                         tmp_path: Path) -> None:
    folder = make(name, zoo, tmp_path / name)
    before = tables(shared)

    status, out, err = cli("import", folder, "--workspace", shared, "--json")

    assert status == 2
    answer = json.loads(out)
    assert answer["imported"] == []
    (refused,) = answer["refused"]
    assert refused["folder"] == str(folder)
    assert refused["error"] in err
    for word in (str(folder), *MAKERS[name][1]):
        assert word in refused["error"]
    assert tables(shared) == before
    assert not (zoo / "executed").exists(), "code of the file was run"


def test_the_name_of_a_kept_point_is_no_checkpoints(workspace: Path, zoo: Path, cli: Cli, tmp_path: Path) -> None:
    from tiny_models import bert_base, sibling

    assert cli("merge", "--method", "linear", "--models", "m0,m1", "--name", "mean", "--workspace", workspace)[0] == 0
    folder = sibling(bert_base(tmp_path / "base"), tmp_path / "mean", seed=9, group=0)
    before = tables(workspace)
    status, _, err = cli("import", folder, "--workspace", workspace)
    assert status == 2
    assert "the name 'mean' is taken by a kept Point" in err
    assert tables(workspace) == before


def test_good_folders_among_bad_ones_are_imported(zoo: Path, cli: Cli, tmp_path: Path) -> None:
    bad = [make(name, zoo, tmp_path / name) for name in ("truncated", "nan", "empty_folder", "pickle_that_runs_code")]
    status, out, _ = cli("import", bad[0], zoo / "m1", bad[1], zoo / "m2", *bad[2:], "--base", zoo / "base",
                         "--workspace", tmp_path / "ws", "--json")
    answer = json.loads(out)
    assert status == 2
    assert [i["name"] for i in answer["imported"]] == ["m1", "m2"]
    assert [r["folder"] for r in answer["refused"]] == [str(b) for b in bad]

    status, out, _ = cli("gram", "--workspace", tmp_path / "ws", "--json")
    assert (status, json.loads(out)["ids"]) == (0, ["m1", "m2"])


def test_a_fresh_workspace_stays_empty_when_every_folder_is_refused(zoo: Path, cli: Cli, tmp_path: Path) -> None:
    bad = make("truncated", zoo, tmp_path / "bad")
    status, _, _ = cli("import", bad, "--base", zoo / "base", "--workspace", tmp_path / "ws", "--json")
    assert status == 2
    left = tables(tmp_path / "ws")
    assert {name for name, rows in left.items() if rows} == {"facts"}


def test_the_same_folder_again_is_a_duplicate(workspace: Path, zoo: Path, cli: Cli) -> None:
    before = tables(workspace)
    status, _, err = cli("import", zoo / "m3", "--workspace", workspace)
    assert status == 2
    assert "duplicate" in err
    assert "m3" in err
    assert tables(workspace) == before


def test_a_copy_in_bf16_of_values_that_fit_is_a_duplicate(zoo: Path, cli: Cli, tmp_path: Path) -> None:
    import torch
    from bad_checkpoints import rewrite, tensors

    exact, copy = (Path(shutil.copytree(zoo / "m0", tmp_path / n)) for n in ("exact", "copy"))
    rounded = {k: v.bfloat16() for k, v in tensors(exact).items()}
    rewrite(exact, {k: v.float() for k, v in rounded.items()})
    rewrite(copy, rounded)
    assert all(v.dtype is torch.bfloat16 for v in tensors(copy).values())
    status, out, _ = cli("import", exact, copy, "--base", zoo / "base", "--workspace", tmp_path / "ws", "--json")
    answer = json.loads(out)
    assert status == 2
    assert [i["name"] for i in answer["imported"]] == ["exact"]
    assert "duplicate" in answer["refused"][0]["error"]


@pytest.mark.parametrize(("base", "words"), [
    ("nowhere", ["no such folder"]),
    ("empty", ["empty"]),
    ("adapter", ["whole model", "lora"]),
    ("code", ["auto_map"]),
    ("untyped", ["model_type"]),
    ("unknown", ["config.json"]),
    ("short", ["missing"]),
    ("nan", ["NaN"]),
])
def test_a_bad_base_refuses_the_import(base: str, words: list[str], zoo: Path, shared: Path, cli: Cli,
                                       tmp_path: Path) -> None:
    from bad_checkpoints import config, rewrite, tensors
    from tiny_models import adapter

    folder = tmp_path / base
    if base == "empty":
        folder.mkdir()
    elif base == "adapter":
        adapter(zoo / "base", folder, target_modules=["query"])
    elif base != "nowhere":
        shutil.copytree(zoo / "base", folder)
    if base == "code":
        config(folder, auto_map={"AutoConfig": "evil.Config"})
    elif base == "untyped":
        config(folder, model_type=None)
    elif base == "unknown":
        config(folder, model_type="no-such-model")
    elif base == "short":
        rewrite(folder, dict(list(tensors(folder).items())[:5]))
    elif base == "nan":
        rewrite(folder, {k: v * float("nan") for k, v in tensors(folder).items()})
    before = tables(shared)
    status, out, err = cli("import", zoo / "m1", "--base", folder, "--workspace", shared, "--json")
    assert (status, out) == (2, "")
    for word in words:
        assert word in err
    assert tables(shared) == before


def test_a_base_of_another_kind_needs_its_own_checkpoints(workspace: Path, zoo: Path, cli: Cli, tmp_path: Path) -> None:
    from tiny_models import bert_base

    other = bert_base(tmp_path / "other", seed=5)
    before = tables(workspace)
    status, _, err = cli("import", zoo / "m1", "--base", other, "--workspace", workspace)
    assert status == 2
    assert "another base" in err
    assert tables(workspace) == before


METADATA = {
    "no-key.csv": ("dataset,seed\nsst2,1\n", ["no column", "dataset", "name"]),
    "twice.csv": ("name,seed\nm1,1\nm1,2\n", ["two rows", "m1"]),
    "seed.csv": ("name,seed\nm1,1.5\n", ["seed", "1.5"]),
    "broken.parquet": ("PAR1 nothing", ["not readable"]),
    "table.xlsx": ("x", ["CSV"]),
}


@pytest.mark.parametrize("name", [*METADATA, "absent.csv"])
def test_a_bad_metadata_table_refuses_the_import(name: str, shared: Path, zoo: Path, cli: Cli, tmp_path: Path) -> None:
    text, words = METADATA.get(name, ("", ["no such file"]))
    if text:
        (tmp_path / name).write_text(text)
    before = tables(shared)
    status, out, err = cli("import", zoo / "m1", "--metadata", tmp_path / name, "--workspace", shared, "--json")
    assert (status, out) == (2, "")
    for word in (name, *words):
        assert word in err
    assert tables(shared) == before


def test_an_unwritable_workspace_says_so(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in ("/proc/none/ws", tmp_path / "file", tmp_path / "file" / "below", "/proc"):
        status, out, err = cli("list", "--workspace", place, "--json")
        assert (status, out) == (2, ""), place
        assert str(place) in err


def test_a_file_that_is_no_catalog_says_so(cli: Cli, tmp_path: Path, workspace: Path) -> None:
    import duckdb

    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "catalog.duckdb").write_bytes(b"hello " * 5000)
    (tmp_path / "other").mkdir()
    with duckdb.connect(str(tmp_path / "other" / "catalog.duckdb")) as db:
        db.execute("CREATE TABLE sales (a INTEGER)")
    (tmp_path / "facts").mkdir()
    with duckdb.connect(str(tmp_path / "facts" / "catalog.duckdb")) as db:
        db.execute("CREATE TABLE facts (something VARCHAR)")
    with duckdb.connect(str(workspace / "catalog.duckdb")) as db:
        db.execute("UPDATE facts SET value = '99' WHERE key = 'version'")
    cases = ((tmp_path / "text", "DuckDB"), (tmp_path / "other", "sales"), (tmp_path / "facts", "catalog"),
             (workspace, "99"))
    for place, word in cases:
        status, out, err = cli("list", "--workspace", place, "--json")
        assert (status, out) == (2, ""), place
        assert word in err
        assert str(place) in err


def test_a_workspace_held_by_another_process_names_it(workspace: Path, zoo: Path, cli: Cli) -> None:
    hold = ("import sys, time; from pathlib import Path; from explorer.catalog import Catalog;"
            "c = Catalog(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", hold, str(workspace)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        for arguments in (["list"], ["import", zoo / "m1"], ["gram"]):
            status, out, err = cli(*arguments, "--workspace", workspace, "--json")
            assert (status, out) == (2, "")
            assert str(holder.pid) in err
            assert "held" in err
        holder.communicate("")
    status, _, _ = cli("list", "--workspace", workspace, "--json")
    assert status == 0, "the holder is gone"
