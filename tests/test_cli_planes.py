"""The verb `plane`: corners are the models, rows are y, files hold every point, bad input is refused beforehand."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from test_cli_refusals import tables

Cli = Callable[..., tuple[int, str, str]]
FEW = ("--task", "toy", "--train-texts", 20, "--test-texts", 20)


def test_corners_are_the_models_and_every_place_is_its_recipe(ask: Any, tmp_path: Path) -> None:
    answer = ask("plane", "m0", "m1", "m4", *FEW, "--grid", 3, "--out", tmp_path / "p.json")
    assert {"task", "corners", "units", "xs", "ys", "losses", "stderrs", "reasons", "models",
            "explained"} <= answer.keys()
    assert (answer["task"], answer["units"], answer["explained"], answer["reasons"]) == ("toy", "distance", None, {})
    for corner, name in zip(answer["corners"], ("m0", "m1", "m4"), strict=True):
        own = ask("evaluate", name, *FEW)
        assert corner["name"] == name
        assert corner["loss"] == pytest.approx(own["loss"], abs=1e-6)
        assert corner["stderr"] == pytest.approx(own["stderr"], abs=1e-6)
    rows = json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))
    assert len(rows) == 9
    for row in rows:
        i, j = row["row"], row["column"]
        assert (row["x"], row["y"]) == (answer["xs"][j], answer["ys"][i])
        assert row["loss"] == answer["losses"][i][j]
        assert row["loss"] == pytest.approx(ask("evaluate", json.dumps(row["recipe"]), *FEW)["loss"], abs=1e-6)
        assert sum(row["weights"]) == pytest.approx(1)
        place = [sum(w * c[axis] for w, c in zip(row["weights"], answer["corners"], strict=True)) for axis in "xy"]
        assert place == pytest.approx([row["x"], row["y"]], abs=1e-9)
    placed = {m["name"]: m for m in answer["models"]}
    assert len(placed) == 6
    assert placed["m1"]["x"] == pytest.approx(answer["corners"][1]["x"])
    assert placed["m1"]["distance"] == pytest.approx(0, abs=1e-6)
    assert placed["m1"]["loss"] == answer["corners"][1]["loss"]
    assert placed["m5"]["loss"] is None


def test_other_planes(ask: Any) -> None:
    of_two = ask("plane", "--coefficients", "m0", "m4", *FEW, "--grid", 3)
    assert (of_two["xs"], of_two["units"], of_two["models"]) == ([-0.5, 0.5, 1.5], "coefficient", [])
    assert [c["name"] for c in of_two["corners"]] == ["base", "m0", "m4"]
    half = ask("evaluate", '{"terms": {"m0": 1.5, "m4": -0.5}}', *FEW)
    assert of_two["losses"][0][2] == pytest.approx(half["loss"], abs=1e-6)
    random = [ask("plane", "--random", "m0", "--seed", seed, *FEW, "--grid", 3) for seed in (0, 0, 1)]
    assert random[0] == random[1]
    assert random[0]["losses"][1][1] == pytest.approx(ask("evaluate", "m0", *FEW)["loss"], abs=1e-6)
    assert random[0]["losses"] != random[2]["losses"]
    of_all = ask("plane", "--principal", *FEW, "--grid", 2)
    assert of_all["corners"][0]["name"] == "mean of 6 models"
    assert 0 < sum(of_all["explained"]) <= 1


def test_tables_hold_every_point(ask: Any, tmp_path: Path) -> None:
    line = ("plane", "m0", "m1", "m4", *FEW, "--grid", 2)
    answer = ask(*line, "--out", tmp_path / "p.csv")
    ask(*line, "--out", tmp_path / "p.parquet")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        text = list(csv.DictReader(file))
    rows = pyarrow.parquet.read_table(tmp_path / "p.parquet").to_pylist()
    assert [float(r["loss"]) for r in text] == pytest.approx([r["loss"] for r in rows])
    assert [r["loss"] for r in rows] == [loss for row in answer["losses"] for loss in row]
    assert json.loads(rows[0]["recipe"]).keys() == {"base", "terms"}
    assert sorted(f.name for f in tmp_path.iterdir()) == ["p.csv", "p.parquet"], "nothing else is left"


def test_what_overflows_has_a_reason_and_no_number(ask: Any) -> None:
    answer = ask("plane", "--coefficients", "m0", "m4", *FEW, "--grid", 2, "--margin", "1e38")
    assert answer["losses"] == answer["stderrs"] == [[None, None], [None, None]]
    assert answer["reasons"].keys() == {"0,0", "0,1", "1,0", "1,1"}
    assert all(corner["loss"] for corner in answer["corners"])
    assert all("finite" in told for told in answer["reasons"].values())


def test_in_words(cli: Cli, shared: Path) -> None:
    status, out, _ = cli("plane", "m0", "m1", "m4", *FEW, "--grid", 2, "--workspace", shared)
    assert status == 0
    lines = out.splitlines()
    assert lines[1].split() == ["corner", "x", "y", "loss", "±", "s.e."]
    first, second = (float(line.split()[0].replace("−", "-")) for line in lines[6:8])
    assert first > second, "the highest y is on top, as it is drawn"


REFUSED: dict[str, tuple[list[object], list[str]]] = {
    "two points": (["m0", "m1"], ["takes 3 Points", "not 2"]),
    "no points": ([], ["3 Points", "not 0"]),
    "two centres": (["--random", "m0", "m1"], ["--random", "1 Point", "not 2"]),
    "corners of principal": (["--principal", "m0"], ["no Points", "not 1"]),
    "two kinds": (["--random", "--principal", "m0"], ["exclude each other"]),
    "collinear": (["m0", "m1", '{"terms": {"m0": 0.25, "m1": 0.75}}'], ["one line"]),
    "same": (["m0", "m0", "m1"], ["same place"]),
    "unknown": (["m0", "m1", "m9"], ["m9"]),
    "grid of one": (["m0", "m1", "m4", "--grid", 1], ["1 points", "2 to 201"]),
    "grid of many": (["m0", "m1", "m4", "--grid", 100_000], ["2 to 201"]),
    "margin": (["m0", "m1", "m4", "--margin", -1], ["margin", "-1"]),
    "margin nan": (["m0", "m1", "m4", "--margin", "nan"], ["nan"]),
    "seed of none": (["m0", "m1", "m4", "--seed", 1], ["--seed", "--random"]),
    "seed": (["--random", "m0", "--seed", -1], ["-"]),
    "base of none": (["m0", "m1", "m4", "--base", "base"], ["--base", "--principal"]),
    "base": (["--principal", "--base", "X"], ["X"]),
    "own vector twice": (["--coefficients", "m0", "base"], ["two different"]),
    "ending": (["m0", "m1", "m4", "--out", "{tmp}/p.xlsx"], [".json, .csv, .parquet"]),
    "no ending": (["m0", "m1", "m4", "--out", "{tmp}/p"], [".json"]),
    "folder": (["m0", "m1", "m4", "--out", "{tmp}/d.json"], ["a folder"]),
    "no parent": (["m0", "m1", "m4", "--out", "{tmp}/none/p.json"], ["no such folder"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_before_anything_is_measured(case: str, cli: Cli, shared: Path, tmp_path: Path) -> None:
    arguments, words = REFUSED[case]
    (tmp_path / "d.json").mkdir()
    before = tables(shared)
    given = [str(a).replace("{tmp}", str(tmp_path)) for a in arguments]
    status, out, err = cli("plane", *given, *FEW, "--workspace", shared, "--json")
    assert (status, out) == (2, ""), err
    for word in words:
        assert word in err
    assert len([line for line in err.splitlines() if "error:" in line]) == 1
    assert tables(shared) == before
    assert [f.name for f in tmp_path.iterdir()] == ["d.json"]
