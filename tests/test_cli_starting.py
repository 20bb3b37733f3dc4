"""The verb `start-points`: its keys, one run for each start and seed, and bad input told in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer import workflows
from explorer.workflows import Workspace

Cli = Callable[..., tuple[int, str, str]]
FAST = ("--steps", "3", "--batch", "8", "--length", "16", "--lr", "0.01")


def no_json(constant: str) -> Any:
    pytest.fail(f"{constant} is no JSON")


def test_the_answer_and_that_nothing_is_run_twice(cli: Cli, workspace: Path) -> None:
    arguments = ("start-points", "--target", "toy", "--sizes", "40,full", "--seeds", "2", "--starts",
                 "base,centroid,m0,best", *FAST, "--workspace", workspace, "--json")
    status, out, err = cli(*arguments)
    assert status == 0, err
    answer = json.loads(out, parse_constant=no_json)
    assert len(answer["rows"]) == 12
    assert set(answer["rows"][0]) >= {"target", "start", "size", "seed", "accuracy", "loss", "stderr"}
    assert {r["size"] for r in answer["rows"]} == {40, "full"}
    row = next(r for r in answer["table"] if r["start"] == "centroid" and r["size"] == "full")
    assert set(row) >= {"target", "size", "start", "mean", "low", "high", "difference"}
    assert set(row["difference"]) == {"value", "low", "high"}
    assert set(answer["summary"]) == {"40", "full"}
    tally = answer["summary"]["40"]["centroid"]
    assert tally["wins"] + tally["ties"] + tally["losses"] == tally["targets"] == 1
    assert tally["low"] is None  # one target says nothing of others
    assert {c: (v["centroid"], v["base"], v["difference"]) for c, v in answer["paper"].items()} == {
        "C13": (65.54, 61.51, 4.03), "C14": (65.54, 54.88, 10.66)}
    assert "3.06" in answer["paper"]["C13"]["conflict"]
    assert set(answer["ranking"]["full"]) == {"loss", "distance"}
    assert all(p["loss"] is not None for p in answer["predicted"])
    assert answer["absent"][0].startswith("best on toy: ")
    assert answer["missing"] == 0
    assert json.loads(cli(*arguments)[1]) == answer
    status, out, _ = cli(*arguments[:-1], "--stored")
    assert status == 0
    assert "wins" in out
    assert "table 2 (C13)" in out


def test_one_backend_or_another_gives_the_same(cli: Cli, workspace: Path) -> None:
    arguments = ("start-points", "--target", "toy", "--sizes", "40", "--seeds", "3,", *FAST)
    answers = []
    for backend in ("inline", "local"):
        folder = workspace if backend == "inline" else workspace.with_name("other")
        if backend == "local":
            opened = workflows.open_workspace(folder)
            bring(opened, workspace)
            opened.close()
        status, out, err = cli(*arguments, "--workspace", folder, "--backend", backend, "--json")
        assert status == 0, err
        answers.append([(r["start"], r["seed"], r["accuracy"], round(r["loss"], 5)) for r in json.loads(out)["rows"]])
    assert answers[0] == answers[1]
    assert [a[:2] for a in answers[0]] == [("base", 3), ("centroid", 3)]


def test_a_killed_sweep_goes_on_where_it_stopped(cli: Cli, workspace: Path) -> None:
    arguments = ["start-points", "--target", "toy", "--sizes", "40", "--seeds", "6", "--steps", "40", "--batch", "8",
                 "--length", "16", "--workspace", str(workspace), "--json"]
    log = workspace / "catalog.duckdb.wal"
    process = subprocess.Popen([sys.executable, "-m", "explorer", *arguments], stdout=subprocess.PIPE)
    while process.poll() is None and not (log.is_file() and log.stat().st_size > 1000):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    status, out, err = cli(*arguments, "--stored")
    assert status == 0, err
    before = json.loads(out)
    assert 0 < len(before["rows"]) < 12
    assert before["missing"] == 12 - len(before["rows"])
    after = json.loads(cli(*arguments)[1])
    assert (len(after["rows"]), after["missing"]) == (12, 0)
    assert all(row in after["rows"] for row in before["rows"])  # the seconds too: none is made twice


def bring(ws: Workspace, source: Path) -> None:
    """The catalog's models and task from another workspace."""
    other = workflows.open_workspace(source)
    folders = [str(other.catalog.resolve(c.path)) for c in other.catalog.checkpoints()]
    base, task = str(other.catalog.resolve(workflows.main_base(other).path)), other.catalog.task("toy")
    other.close()
    workflows.import_folders(ws, folders, base).result()
    ws.catalog.add_task(task)


@pytest.mark.parametrize(("arguments", "said"), [
    (["--target", "nowhere"], "unknown task"), (["--target", "toy", "--method", "half"], "Known: bitfit, full, probe"),
    (["--target", "toy", "--starts", "bsae"], "Did you mean base"), (["--target", "toy", "--steps", "0"], "steps is 0"),
    (["--target", "toy", "--sizes", "9999"], "9999 train texts of toy"), (["--target", "toy", "--sizes", "few"],
                                                                           "--sizes 'few'"),
    (["--target", "toy", "--seeds", "0"], "--seeds 0"), (["--target", "toy", "--seeds", "x"], "--seeds 'x'"),
    (["--target", "toy", "--lr", "0"], "rate is 0"), (["--target", "toy", "--base", "B"], "unknown base"),
    (["--target", "toy", "--length", "2"], "length is 2"), (["--target", "toy", "--starts", ","], "a start"),
    (["--target", "toy", "--region", "x"], "unknown region"), (["--target", "toy", "--stored"], "leave --stored out")])
def test_bad_input_is_told_in_one_line(cli: Cli, workspace: Path, arguments: list[str], said: str) -> None:
    status, out, err = cli("start-points", *arguments, "--workspace", workspace)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
