"""The command line: answers, formats and refusals of every verb but `import` of bad checkpoints (test_cli_refusals)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli_refusals import tables

Cli = Callable[..., tuple[int, str, str]]
FEW = ("--train-texts", 60, "--test-texts", 30)


def backbone(folder: Path) -> dict[str, np.ndarray]:
    """Every parameter of the shared backbone by canonical name, float64, read without any of the product's code."""
    from safetensors.numpy import load_file

    state = {k.removeprefix("bert."): v.astype(np.float64) for k, v in load_file(folder / "model.safetensors").items()}
    return {k: v for k, v in state.items() if k.startswith(("embeddings.", "encoder."))}


def test_import_names_checkpoints_after_their_folders_and_keeps_what_is_said_of_them(ask: Any, zoo: Path) -> None:
    answer = ask("list")
    assert [c["name"] for c in answer["checkpoints"]] == [f"m{i}" for i in range(6)]
    m4 = answer["checkpoints"][4]
    assert (m4["dataset"], m4["task"], m4["seed"], m4["columns.hyper.lr"]) == ("d1", "toy", 4, 1e-3)
    assert m4["path"] == str(zoo / "m4")
    (base,) = answer["bases"]
    assert base["name"] == "base"
    assert base["parameters"] == sum(v.size for v in backbone(zoo / "base").values())


def test_gram_is_the_inner_products_over_every_shared_parameter(ask: Any, zoo: Path) -> None:
    base = backbone(zoo / "base")
    deltas = np.stack([np.concatenate([(backbone(zoo / f"m{i}")[k] - v).ravel() for k, v in base.items()])
                       for i in range(6)])
    answer = ask("gram")
    assert answer["ids"] == [f"m{i}" for i in range(6)]
    np.testing.assert_allclose(answer["matrix"], deltas @ deltas.T, rtol=1e-9)
    norms = np.linalg.norm(deltas, axis=1)
    np.testing.assert_allclose(ask("gram", "--cosine")["matrix"], deltas @ deltas.T / np.outer(norms, norms), rtol=1e-9,
                               atol=1e-12)


@pytest.mark.parametrize(("options", "inside"), [
    (["--layers", "0"], lambda k: "layer.0." in k),
    (["--layers", "0,1"], lambda k: "layer." in k),
    (["--layers", "embeddings"], lambda k: k.startswith("embeddings.")),
    (["--kinds", "bias"], lambda k: k.endswith("bias")),
    (["--kinds", "norm"], lambda k: "LayerNorm.weight" in k),
    (["--kinds", "embeddings"], lambda k: k.endswith("embeddings.weight")),
    (["--kinds", "attention"], lambda k: "attention" in k and k.endswith("weight") and "LayerNorm" not in k),
    (["--layers", "1", "--kinds", "feed-forward"],
     lambda k: "layer.1." in k and "attention" not in k and k.endswith("dense.weight")),
])
def test_gram_of_layers_and_kinds(options: list[str], inside: Callable[[str], bool], ask: Any, zoo: Path) -> None:
    base = {k: v for k, v in backbone(zoo / "base").items() if inside(k)}
    deltas = np.stack([np.concatenate([(backbone(zoo / f"m{i}")[k] - v).ravel() for k, v in base.items()])
                       for i in range(6)])
    np.testing.assert_allclose(ask("gram", *options)["matrix"], deltas @ deltas.T, rtol=1e-9)


def test_pca_map_separates_the_planted_groups(ask: Any) -> None:
    answer = ask("map", "--method", "pca", "--dims", "2")
    coords = np.array(answer["coords"])
    assert coords.shape == (6, 2)
    assert answer["explained"][0] > 0.5
    assert np.sign(coords[:3, 0]).tolist() == [np.sign(coords[0, 0])] * 3
    assert np.sign(coords[3:, 0]).tolist() == [-np.sign(coords[0, 0])] * 3
    assert ask("map", "--method", "pca", "--dims", "3", "--metric", "euclidean")["ids"] == answer["ids"]


def test_a_score_is_measured_once_and_then_read(ask: Any) -> None:
    first = ask("evaluate", "m1", "--task", "toy", *FEW)
    assert {"point", "loss", "stderr", "accuracy", "n", "device", "seconds"} <= first.keys()
    assert first["n"] == 30
    assert ask("evaluate", "m1", "--task", "toy", *FEW) == first


def test_the_ends_of_a_path_are_the_end_models(ask: Any, shared: Path) -> None:
    line = ask("path", "m0", "m3", "--task", "toy", "--alphas", "-1:2:7", *FEW)["points"]
    assert [p["alpha"] for p in line] == [-1, -0.5, 0, 0.5, 1, 1.5, 2]
    for model, place in (("m0", 4), ("m3", 2)):
        alone = ask("evaluate", model, "--task", "toy", *FEW)
        assert alone["loss"] == pytest.approx(line[place]["loss"], abs=1e-6)
    middle = ask("evaluate", json.dumps({"base": "base", "terms": {"m0": 0.5, "m3": 0.5}}), "--task", "toy", *FEW)
    assert middle["loss"] == line[3]["loss"]


def test_one_test_text_has_no_standard_error(ask: Any, cli: Cli, shared: Path) -> None:
    few = ("--train-texts", 20, "--test-texts", 1)
    assert ask("evaluate", "m0", "--task", "toy", *few)["stderr"] is None
    assert ask("path", "m0", "m1", "--task", "toy", "--alphas", "0,1", *few)["points"][0]["stderr"] is None
    assert cli("path", "m0", "m1", "--task", "toy", "--alphas", "0,1", *few, "--workspace", shared)[0] == 0


@pytest.mark.parametrize("point", ["base", '{"base": "base", "terms": {}}', '{"terms": {"m0": 0}}', '{"base": "base"}'])
def test_ways_to_write_the_base(point: str, ask: Any) -> None:
    assert ask("evaluate", point, "--task", "toy", *FEW)["point"] == "base"


def test_a_checkpoint_is_known_by_its_id_too(ask: Any) -> None:
    identity = ask("list")["checkpoints"][2]["id"]
    assert ask("evaluate", identity, "--task", "toy", *FEW)["point"] == "m2"


EVALUATE = ("--task", "toy", *FEW)
REFUSED: dict[str, tuple[list[object], list[str]]] = {
    "unknown point": (["evaluate", "m9", *EVALUATE], ["point", "m9", "m0"]),
    "near point": (["evaluate", "M1", *EVALUATE], ["Did you mean", "m1"]),
    "unknown task": (["evaluate", "m0", "--task", "tou"], ["task", "tou", "toy"]),
    "unknown method": (["map", "--method", "pcaa"], ["pcaa", "pca", "umap"]),
    "unknown layer": (["gram", "--layers", "7"], ["layer", "7"]),
    "unknown layer of a map": (["map", "--layers", "x"], ["layer", "x"]),
    "no layer": (["gram", "--layers", ","], ["no parameters"]),
    "unknown kind": (["gram", "--kinds", "atention"], ["kind", "Did you mean attention"]),
    "unknown base": (["gram", "--base", "b"], ["base", "'b'"]),
    "dimensions": (["map", "--dims", "0"], ["0"]),
    "too many dimensions": (["map", "--dims", "40"], ["40"]),
    "dimensions that are no number": (["map", "--dims", "two"], ["two"]),
    "metric": (["map", "--metric", "manhattan"], ["manhattan", "cosine"]),
    "alpha": (["path", "m0", "m1", "--alphas", "0,half,1", *EVALUATE], ["half"]),
    "alpha nan": (["path", "m0", "m1", "--alphas", "nan", *EVALUATE], ["nan"]),
    "alpha inf": (["path", "m0", "m1", "--alphas", "0:inf:3", *EVALUATE], ["inf"]),
    "alpha empty": (["path", "m0", "m1", "--alphas", "", *EVALUATE], ["α"]),
    "alpha missing": (["path", "m0", "m1", "--alphas", "0,,1", *EVALUATE], ["α"]),
    "alpha count": (["path", "m0", "m1", "--alphas", "0:1:1", *EVALUATE], ["count", "'1'"]),
    "alpha counts": (["path", "m0", "m1", "--alphas", "0:1:1000000000", *EVALUATE], ["count"]),
    "alpha superscript": (["path", "m0", "m1", "--alphas", "0:1:²", *EVALUATE], ["count"]),
    "alpha count negative": (["path", "m0", "m1", "--alphas", "0:1:-3", *EVALUATE], ["count"]),
    "alpha form": (["path", "m0", "m1", "--alphas", "0:1", *EVALUATE], ["FROM:TO:COUNT"]),
    "alpha too large": (["path", "m0", "m1", "--alphas", "0:1e999:3", *EVALUATE], ["finite"]),
    "recipe broken": (["evaluate", '{"base": "base", "terms": {', *EVALUATE], ["JSON"]),
    "recipe keys": (["evaluate", '{"base": "base", "trems": {}}', *EVALUATE], ["trems", "terms"]),
    "recipe list": (["evaluate", '{"terms": ["m0"]}', *EVALUATE], ["terms"]),
    "recipe name": (["evaluate", '{"terms": {"m8": 1}}', *EVALUATE], ["m8"]),
    "recipe base": (["evaluate", '{"base": "other", "terms": {}}', *EVALUATE], ["other"]),
    "recipe base number": (["evaluate", '{"base": 3, "terms": {}}', *EVALUATE], ["base", "3"]),
    "recipe nan": (["evaluate", '{"terms": {"m0": NaN}}', *EVALUATE], ["m0", "NaN"]),
    "recipe infinity": (["evaluate", '{"terms": {"m0": 1e999}}', *EVALUATE], ["m0", "inf"]),
    "recipe huge": (["evaluate", '{"terms": {"m0": 1' + "0" * 400 + "}}", *EVALUATE], ["401 digits"]),
    "recipe bool": (["evaluate", '{"terms": {"m0": true}}', *EVALUATE], ["m0", "True"]),
    "recipe null": (["evaluate", '{"terms": {"m0": null}}', *EVALUATE], ["m0", "None"]),
    "recipe text": (["evaluate", '{"terms": {"m0": "1"}}', *EVALUATE], ["m0"]),
    "probe": (["evaluate", "m0", "--task", "toy", "--train-texts", "-1"], ["train-texts", "-1"]),
    "length": (["evaluate", "m0", "--task", "toy", "--length", "1"], ["length", "1"]),
    "device": (["evaluate", "m5", *EVALUATE, "--device", "tpu"], ["tpu", "cpu"]),
    "absent device": (["evaluate", "m5", *EVALUATE, "--device", "mps"], ["mps"]),
    "verb": (["evalute"], ["evalute"]),
    "no argument": (["evaluate"], ["POINT"]),
    "task without source": (["tasks", "add", "t", "--text", "a", "--label", "b"], ["--train", "--hub"]),
    "task of nothing": (["tasks", "add", "t", "--train", "/none/a.csv", "--text", "a", "--label", "b"],
                        ["/none/a.csv"]),
    "dataset": (["datasets", "fetch", "no-such-set"], ["no-such-set"]),
    "recipe file": (["finetune", "/none/r.yaml", "--out", "/none/out"], ["/none/r.yaml"]),
    "import of nothing": (["import", "/none/model"], ["/none/model"]),
    "import of a long name": (["import", "x" * 5000], ["xxx"]),
    "import with a NUL": (["import", "a\0b"], ["no such folder"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_says_what_is_wrong_and_changes_nothing(case: str, cli: Cli, shared: Path) -> None:
    arguments, words = REFUSED[case]
    before = tables(shared)
    status, out, err = cli(*arguments, "--workspace", shared, "--json")
    assert status == 2, err
    assert out == "" or json.loads(out)["refused"]
    for word in words:
        assert word in err
    assert tables(shared) == before


@pytest.mark.parametrize(("rows", "options", "words"), [
    ("text,y\na,1\n", ["--text", "body", "--label", "y"], ["body", "text"]),
    ("text,y\na,1\n", ["--text", "text", "--label", "class"], ["class", "y"]),
    ("text,y\na b,1\nc d,1\ne f,1\ng h,1\n", ["--text", "text", "--label", "y"], ["label"]),
    ("text,y\n", ["--text", "text", "--label", "y"], ["0 usable texts"]),
    ("", ["--text", "text", "--label", "y"], ["t.csv"]),
    ("text,y\na,1\nb,2\n", ["--text", ",", "--label", "y"], ["text"]),
])
def test_a_bad_table_makes_no_task(rows: str, options: list[str], words: list[str], cli: Cli, shared: Path,
                                   tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(rows)
    before, files = tables(shared), sorted((shared / "tasks").iterdir())
    status, out, err = cli("tasks", "add", "bad", "--train", tmp_path / "t.csv", *options, "--workspace", shared,
                           "--json")
    assert (status, out) == (2, "")
    for word in words:
        assert word in err
    assert tables(shared) == before
    assert sorted((shared / "tasks").iterdir()) == files


def test_an_empty_workspace_is_no_fault_of_the_program(cli: Cli, tmp_path: Path) -> None:
    where = ("--workspace", tmp_path / "new", "--json")
    assert json.loads(cli("list", *where)[1]) == {"bases": [], "checkpoints": []}
    assert json.loads(cli("tasks", "list", *where)[1]) == {"tasks": []}
    for arguments in (["gram"], ["map"], ["evaluate", "base", "--task", "t"], ["evaluate", "m0", "--task", "t"]):
        status, out, err = cli(*arguments, *where)
        assert (status, out) == (2, "")
        assert "error:" in err


def test_one_checkpoint_has_a_gram_and_a_map_or_a_reason(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    where = ("--workspace", tmp_path / "ws", "--json")
    assert cli("import", zoo / "m0", "--base", zoo / "base", *where)[0] == 0
    assert json.loads(cli("gram", "--cosine", *where)[1])["matrix"] == [[1.0]]
    for method in ("pca", "mds", "tsne", "umap"):
        status, out, err = cli("map", "--method", method, *where)
        assert status == 0 or (status == 2 and "error:" in err), (method, err)
        assert status != 0 or len(json.loads(out)["coords"]) == 1


def test_a_folder_of_checkpoints_is_imported_without_its_base(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    status, out, err = cli("import", zoo, "--base", zoo / "base", "--workspace", tmp_path / "ws", "--json")
    assert status == 0, err
    assert [i["name"] for i in json.loads(out)["imported"]] == [f"m{i}" for i in range(6)]


def test_metadata_from_a_table_goes_over_what_the_folder_says(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(zoo / "m0", tmp_path / "007"))
    (tmp_path / "meta.csv").write_text("folder,name,dataset,seed,train_size,learning_rate,note\n"
                                       "007,first one,042,9,1000,0.0005,it''s \"quoted\"; DROP TABLE checkpoints\n")
    status, _, err = cli("import", folder, "--base", zoo / "base", "--metadata", tmp_path / "meta.csv",
                         "--workspace", tmp_path / "ws", "--json")
    assert status == 0, err
    (c,) = json.loads(cli("list", "--workspace", tmp_path / "ws", "--json")[1])["checkpoints"]
    assert (c["name"], c["dataset"], c["task"], c["seed"], c["train_size"]) == ("first one", "042", "toy", 9, 1000)
    assert c["columns.learning_rate"] == 0.0005
    assert c["columns.hyper.lr"] == 1e-3
    assert "DROP TABLE" in c["columns.note"]


def test_metadata_from_parquet(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"name": ["m0", "m1"], "seed": [7, 8], "domain": ["news", None],
                  "lr": [0.1, float("nan")]}).to_parquet(
        tmp_path / "meta.parquet")
    cli("import", zoo / "m0", zoo / "m1", "--base", zoo / "base", "--metadata", tmp_path / "meta.parquet",
        "--workspace", tmp_path / "ws")
    first, second = json.loads(cli("list", "--workspace", tmp_path / "ws", "--json")[1])["checkpoints"]
    assert (first["seed"], first["domain"], first["columns.lr"]) == (7, "news", 0.1)
    assert (second["seed"], second["domain"], second.get("columns.lr")) == (8, None, None)


def test_names_that_are_hard_to_keep(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    names = ["a b", "it's", 'dou"ble', "naïve-😀", "100%", "-1", "select * from checkpoints; --"]
    folders = []
    for i, name in enumerate(names):
        folders.append(Path(shutil.copytree(zoo / f"m{i % 6}", tmp_path / "models" / name)))
        if i == 6:
            from bad_checkpoints import QUERY, change

            change(folders[-1], QUERY, lambda v: v + 0.01)
    where = ("--workspace", tmp_path / "w s'é", "--json")
    status, _, err = cli("import", *folders, "--base", zoo / "base", *where)
    assert status == 0, err
    assert json.loads(cli("gram", *where)[1])["ids"] == names
    assert len(json.loads(cli("map", *where)[1])["coords"]) == 7


def test_reopening_never_touches_weights(cli: Cli, zoo: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(zoo, tmp_path / "zoo"))
    where = ("--workspace", tmp_path / "ws", "--json")
    cli("import", copy, "--base", copy / "base", *where)
    cli("tasks", "add", "toy", "--train", copy / "toy.csv", "--text", "text", "--label", "y", *where)
    before = [cli(*verb, *where)[1] for verb in (["list"], ["gram"], ["map"], ["evaluate", "m0", *EVALUATE])]
    shutil.rmtree(copy)
    after = [cli(*verb, *where)[1] for verb in (["list"], ["gram"], ["map"], ["evaluate", "m0", *EVALUATE])]
    assert '"stale": true' in after[0]  # which the list says, by a look at the files' sizes and times
    assert [after[0].replace('"stale": true', '"stale": false'), *after[1:]] == before
    status, _, err = cli("evaluate", "m1", *EVALUATE, *where)
    assert status == 2
    assert str(copy) in err


def test_the_weights_of_the_caller_are_left_as_they_are(ask: Any, zoo: Path) -> None:
    import hashlib

    def content() -> dict[str, str]:
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(zoo.rglob("*")) if p.is_file()}

    before = content()
    ask("path", "m1", "m4", "--task", "toy", "--alphas=-3,7", *FEW)
    assert content() == before


def explorer(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "explorer", *map(str, arguments)], capture_output=True, text=True,
                          env=os.environ | environment, check=False)


def test_as_a_process_standard_output_is_the_json_alone(workspace: Path, zoo: Path, tmp_path: Path) -> None:
    imported = explorer("import", zoo / "m0", zoo / "nothing", "--workspace", workspace, "--json")
    assert imported.returncode == 2
    assert len(json.loads(imported.stdout)["refused"]) == 2
    assert "refused: " in imported.stderr
    assert "Traceback" not in imported.stderr
    scored = explorer("evaluate", "m0", *EVALUATE, "--json", EXPLORER_WORKSPACE=str(workspace))
    assert json.loads(scored.stdout)["n"] == 30
    bad = explorer("evaluate", "m0", "--task", "none", "--workspace", workspace, "--json")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("error: unknown task 'none'")


@pytest.mark.parametrize("method", ["umap", "tsne", "mds"])
def test_libraries_print_nothing_into_the_json(method: str, ask: Any) -> None:
    assert len(ask("map", "--method", method, "--seed", 3)["coords"]) == 6
