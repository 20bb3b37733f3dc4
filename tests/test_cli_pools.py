"""The verbs `soup` and `leaderboard`: their keys, stored scores, and bad input told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer import workflows
from explorer.tasks.prepare import load
from explorer.types import Probe
from explorer.workflows import leaderboard, souping

Cli = Callable[..., tuple[int, str, str]]
FEW = ("--train-texts", "40", "--test-texts", "20")


def test_a_soup(cli: Cli, workspace: Path) -> None:
    asked = ("soup", "m0", "m1", "m3", "--task", "toy", *FEW, "--workspace", workspace)
    status, out, err = cli(*asked, "--name", "my soup", "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert set(answer) == {"task", "by", "name", "point", "recipe", "taken", "models", "validation", "test"}
    assert {m["model"] for m in answer["models"]} == {"m0", "m1", "m3"}
    assert answer["models"][0]["taken"]
    assert answer["models"][0]["change"] is None
    losses = [m["loss"] for m in answer["models"]]
    assert losses == sorted(losses)
    for m in answer["models"][1:]:
        assert m["taken"] == (m["change"] <= 0)
        assert (m["barrier"] is None) == m["taken"]
    assert set(answer["test"]) == {"soup", "best", "uniform", "base"}
    assert answer["test"]["best"]["minus_best"] is None
    assert answer["test"]["soup"]["n"] == 20
    assert set(answer["recipe"]["terms"]) == set(answer["taken"])
    again = cli(*asked, "--by", "accuracy")
    assert again[0] == 0
    assert "greedy soup on toy, chosen by accuracy" in again[1]
    status, out, _ = cli("evaluate", "my soup", "--task", "toy", *FEW, "--workspace", workspace, "--json")
    assert status == 0
    assert json.loads(out)["loss"] == answer["test"]["soup"]["loss"]


def test_what_chooses_is_not_what_tells(ws: Any) -> None:
    task = ws.catalog.task("toy")
    plan = souping.plan(ws, ["m0", "m1"], task, Probe(test=0))
    whole, chosen = load(task), load(plan.validation)
    assert chosen.train.texts == whole.train.texts
    assert set(chosen.test.texts) == set(whole.test.texts[plan.final.test:])
    assert len(chosen.test) == task.n_test // 2
    assert plan.final.test == task.n_test - task.n_test // 2
    assert souping.plan(ws, ["m0", "m1"], task).validation.digest == plan.validation.digest
    assert "toy" in [t.name for t in ws.catalog.tasks()]
    assert len(ws.catalog.tasks()) == 1  # validation texts are no task of the workspace


def test_a_soup_goes_on_where_it_was_stopped(ws: Any) -> None:
    from explorer.evaluation.souping import soup
    from explorer.evaluation.work import Scored

    plan = souping.plan(ws, ["m0", "m1", "m2"], ws.catalog.task("toy"), Probe(train=20, test=20))
    job = souping.start(ws, plan)
    made = [r for r in job.result() if isinstance(r, Scored)]
    assert souping.found(ws, plan).missing is False
    assert souping.start(ws, plan).results == []
    rest = job.work.request.remaining(made[:4])
    assert [s.key for s in soup(rest) if isinstance(s, Scored)] == [s.key for s in made[4:]]


def own_task(ws: Any, zoo: Path) -> None:
    """A task of the name of the data set that m0 … m2 say they were trained on."""
    workflows.add_task(ws, "d0", zoo / "toy.csv", None, ["text"], "y")


def test_a_leaderboard(cli: Cli, workspace: Path, zoo: Path) -> None:
    ws = workflows.open_workspace(workspace)
    own_task(ws, zoo)
    ws.close()
    asked = ("leaderboard", "base", "centroid", "m0", "m3", "--tasks", "all", "--merges", "ties", *FEW, "--workspace",
             workspace)
    status, out, err = cli(*asked, "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert {r["point"] for r in answer["rows"]} == {"base", "centroid", "m0", "m3", "ties of 2"}
    assert {"by", "base", "tasks", "rows", "own", "dropped", "absent", "missing"} == set(answer)
    assert {"point", "hash", "rank", "rank_interval", "mean", "worst", "worst_task", "measured", "tasks",
            "scores"} == set(answer["rows"][0])
    assert answer["missing"] == 0
    assert set(answer["own"]) == {"d0"}
    assert len(answer["tasks"]) + len(answer["dropped"]) == 1
    assert all(r["scores"]["d0"]["n"] == 20 for r in answer["rows"])
    assert cli(*asked, "--by", "accuracy")[0] == 0


def test_the_default_pool_holds_what_was_kept(ws: Any, zoo: Path) -> None:
    own_task(ws, zoo)
    workflows.keep(ws, "half", workflows.mix(ws, {"m0": 0.5}))
    pool = leaderboard.pool(ws, [], ws.catalog.tasks())
    assert pool.names == ("base", "centroid", "half")
    assert [t.name for t in pool.tasks] == ["d0"]
    assert pool.absent[0].startswith("toy: no model")
    assert len(pool.asks) == 3 + 3  # base, m0 … m2, centroid and half


@pytest.mark.parametrize(("words", "arguments"), [
    ("give the models, or --of", ("soup", "--task", "toy")),
    ("no model is trained on 'none'", ("soup", "--of", "none", "--task", "toy")),
    ("at least two", ("soup", "m0", "--task", "toy")), ("twice", ("soup", "m0", "m0", "--task", "toy")),
    ("measure to choose by 'los'. Did you mean loss", ("soup", "m0", "m1", "--task", "toy", "--by", "los")),
    ("no model of 'base' is trained on it", ("leaderboard", "m0", "--tasks", "toy")),
    ("measure to compare by 'f1'", ("leaderboard", "m0", "--tasks", "toy", "--by", "f1"))])
def test_bad_input(cli: Cli, made_workspace: Path, words: str, arguments: tuple[str, ...]) -> None:
    status, _, err = cli(*arguments, "--workspace", made_workspace)
    assert (status, err.count("\n")) == (2, 1)
    assert words in err
