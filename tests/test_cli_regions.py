"""The verb `region`: its keys, planted groups, and bad input told in one line before anything is measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planted_region import apart, equal, groups, planted, score

Cli = Callable[..., tuple[int, str, str]]
TEXTS = ("--train-texts", "20", "--test-texts", "20")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Planted models whose losses are stored: d0 is apart from the others, d1 and d4 are like them."""
    path = tmp_path_factory.mktemp("regions") / "ws"
    ws = planted(path)
    for task, losses in (("d0", apart), ("d1", equal(1)), ("d4", equal(2))):
        score(ws, groups(ws, task), losses)
    score(ws, groups(ws, "d4", "general"), equal(3))
    ws.close()
    return path


@pytest.fixture
def ask(asking: Callable[[Path], Callable[..., Any]], folder: Path) -> Callable[..., Any]:
    def run(*arguments: object) -> Any:
        return asking(folder)("region", *arguments, *TEXTS)

    return run


def test_a_region_that_is_apart(ask: Callable[..., Any]) -> None:
    answer = ask("--task", "d0")
    assert (answer["level"], answer["trait"], answer["task"], answer["base"]) == ("dataset", "d0", "d0", "A")
    assert answer["n"] == {"in": 6, "in_prime": 20, "ex": 66}
    assert [len(answer[k]) for k in ("in", "in_prime", "ex")] == [6, 20, 66]
    assert set(answer["in"][0]) == {"name", "loss", "stderr", "accuracy", "n"}
    assert sum(answer["in_prime"][0]["weights"].values()) == pytest.approx(1)
    assert set(answer["in_prime"][0]["weights"]) <= {row["name"] for row in answer["in"]}
    assert answer["p_b"] == {"in_ex": 1.0, "in_prime_ex": 1.0, "in_prime_in": 1.0}
    assert all(0 < low < high == 1 for low, high in answer["intervals"].values())
    assert answer["base_score"]["loss"] == 1.0
    assert answer["limited"] == 1
    assert {k: answer["paper"][k] for k in (*answer["p_b"], "claim")} == {
        "in_ex": 1.0, "in_prime_ex": 1.0, "in_prime_in": 0.88, "claim": "C9"}


@pytest.mark.parametrize("task", ["d1", "d4"])
def test_equal_groups_are_at_one_half(ask: Callable[..., Any], task: str) -> None:
    answer = ask("--task", task)
    for low, high in answer["intervals"].values():
        assert low <= 0.5 <= high


def test_the_general_level(ask: Callable[..., Any]) -> None:
    answer = ask("--level", "general", "--task", "d4")
    assert (answer["trait"], answer["paper"]["claim"]) == (None, "C11")
    assert answer["ex"][0]["name"] == "random direction 1"
    assert answer["intervals"]["in_ex"][0] <= 0.5 <= answer["intervals"]["in_ex"][1]


def test_a_mean_over_tasks(ask: Callable[..., Any]) -> None:
    answer = ask("--task", "d0,d1,d4")
    single = [ask("--task", t)["p_b"]["in_ex"] for t in ("d0", "d1", "d4")]
    assert answer["over"] == ["d0", "d1", "d4"]
    assert answer["mean"]["p_b"]["in_ex"] == pytest.approx(sum(single) / 3)
    assert [t["task"] for t in answer["tasks"]] == answer["over"]


def test_the_table_says_what_json_says(cli: Cli, folder: Path) -> None:
    status, out, _ = cli("region", "--task", "d0", *TEXTS, "--workspace", folder)
    assert status == 0
    assert "models trained on d0 of A on d0; the base's loss is 1.0000; 1 of In trained on fewer texts" in out
    assert "P_B(In′ ≤ In)  100 %" in out
    assert "88 %" in out
    status, out, _ = cli("region", "--task", "d0,d1", *TEXTS, "--workspace", folder)
    assert "mean over 2 tasks" in out


@pytest.mark.parametrize(("arguments", "said"), [
    (["--task", "d9"], "unknown task"), (["--task", "elsewhere"], "say whose region"),
    (["--task", "d0", "--trait", "d99"], "Did you mean"), (["--task", "d0", "--samples", "501"], "5 to 500"),
    (["--task", "d0", "--concentration", "nan"], "concentration"), (["--task", "d0", "--base", "B"], "unknown base"),
    (["--task", "d0", "--leave-target-out"], "In needs at least 2"), (["--task", "d0", "--seed", "-1"], "seed"),
    (["--task", "d0", "--level", "general", "--trait", "d0"], "no trait"),
    (["--task", "d0", "--head", "end-to-end"], "refitted head"), (["--task", "d0,d9"], "unknown task"),
    (["--task", "d0", "--level", "task", "--length", "17"], "texts")])
def test_bad_input_is_told_in_one_line(cli: Cli, folder: Path, arguments: list[str], said: str) -> None:
    status, out, err = cli("region", *arguments, *TEXTS, "--workspace", folder)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_real_models(cli: Cli, workspace: Path) -> None:
    status, out, err = cli("region", "--task", "toy", "--trait", "d1", "--samples", "5", *TEXTS, "--workspace",
                           workspace, "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert answer["n"] == {"in": 3, "in_prime": 5, "ex": 3}
    assert all(0 <= v <= 1 for v in answer["p_b"].values())


