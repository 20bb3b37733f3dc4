"""The verb `claims`: the ledger of a tiny catalog, stored and shown again, and bad input told plainly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from planted_workspace import add_base, add_models
from planted_workspace import workspace as open_planted
from planted_zoo import zoo as planted_zoo

Cli = Callable[..., tuple[int, str, str]]
FAST = ("--train-texts", "20", "--test-texts", "20")
KEYS = {"id", "claim", "paper", "where", "conflict", "verdict", "said", "figures", "sample", "page", "settings",
        "probe", "made", "out_of_date"}


def test_the_ledger_is_computed_stored_and_written(cli: Cli, tmp_path: Path) -> None:
    out, workspace, planted = tmp_path / "ledger.md", tmp_path / "ws", planted_zoo(noise=0.5)
    ws = open_planted(workspace)
    add_base(ws, "A")
    add_models(ws, "A", planted.vectors, [{"dataset": d, "task": "one", "seed": int(s)} for d, s in zip(
        planted.datasets, np.random.default_rng(0).integers(3, size=len(planted.datasets)), strict=True)])
    ws.close()
    status, said, _ = cli("claims", "--only", "C1,C2,C4", "--workspace", workspace, "--out", out, "--json", *FAST)
    assert status == 0
    rows = {row["id"]: row for row in json.loads(said)["claims"]}
    assert list(rows) == ["C1", "C2", "C4"]
    assert all(row.keys() == KEYS for row in rows.values())
    assert rows["C1"]["verdict"] == "agrees"
    assert rows["C1"]["figures"][0]["value"] == 1.0
    assert rows["C1"]["figures"][0]["paper"] == 0.98
    assert rows["C2"]["verdict"] == "not enough models"
    assert rows["C2"]["figures"] == []
    assert not rows["C1"]["out_of_date"]
    assert len(out.read_text().splitlines()) == 5
    # and shown again without being computed
    status, again, _ = cli("claims", "--stored", "--workspace", workspace, "--json")
    stored = {row["id"]: row for row in json.loads(again)["claims"]}
    assert status == 0
    assert stored["C1"] == rows["C1"]
    assert stored["C7"]["verdict"] is None
    status, text, _ = cli("claims", "--stored", "--workspace", workspace)
    assert "here: agrees." in text
    assert "not computed yet" in text


def test_with_six_models_nothing_is_above_chance(cli: Cli, workspace: Path) -> None:
    (row,) = json.loads(cli("claims", "--only", "C1", "--workspace", workspace, "--json")[1])["claims"]
    assert row["verdict"] == "not enough models"
    assert "shuffled labels reach 100 % too" in row["said"]


def test_a_claim_that_measures(cli: Cli, workspace: Path, zoo: Path) -> None:
    """The data sets of the tiny models as tasks: In, In′ and Ex of each, on its texts."""
    for name in ("d0", "d1"):
        assert cli("tasks", "add", name, "--train", zoo / "toy.csv", "--text", "text", "--label", "y", "--family",
                   "toy", "--workspace", workspace)[0] == 0
    status, said, err = cli("claims", "--only", "C7,C9,C12", "--workspace", workspace, "--json", *FAST)
    assert status == 0, err
    rows = {row["id"]: row for row in json.loads(said)["claims"]}
    assert rows["C7"]["verdict"] == "not enough models"  # no two tasks
    assert [f["name"] for f in rows["C9"]["figures"]] == ["P_B(In ≤ Ex)", "P_B(In′ ≤ Ex)", "P_B(In′ ≤ In)"]
    for figure in rows["C9"]["figures"]:
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    assert rows["C9"]["figures"][2]["paper"] == 0.88
    assert rows["C9"]["probe"].startswith("a linear head fitted afresh, 20 train and 20 test texts")
    assert rows["C12"]["verdict"] in ("agrees", "differs")
    # nothing is measured twice
    first = json.loads(said)
    again = json.loads(cli("claims", "--only", "C9", "--workspace", workspace, "--json", *FAST)[1])
    assert again["claims"][0]["figures"] == rows["C9"]["figures"]
    assert first["base"] == again["base"]


@pytest.mark.parametrize(("arguments", "told"), [
    (("--only", "C99"), "unknown claim 'C99'"),
    (("--out", "nowhere/ledger.md"), "a file .md in a folder that is there"),
    (("--out", "ledger.html"), "a file .md"),
    (("--base", "nobody"), "unknown base 'nobody'"),
    (("--test-texts", "-1"), "--test-texts -1"),
])
def test_bad_input_is_told_in_one_line(cli: Cli, workspace: Path, arguments: tuple[str, ...], told: str) -> None:
    status, out, err = cli("claims", *arguments, "--workspace", workspace)
    assert status == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert not out
