"""Scores passed on to trackers: what a run holds, and what each package is asked for, by stand-ins of the packages.

Where a tracker's package is installed, the real one writes its files too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer import workflows
from explorer.errors import InputError, UnavailableError, UnknownNameError
from explorer.types import Probe
from explorer.workflows import logging_runs


@pytest.fixture
def scored(ws: Any) -> Any:
    """The tiny workspace with two models scored."""
    points = [workflows.resolve(ws, name) for name in ("m0", "m3")]
    workflows.evaluate(ws, points, ws.catalog.task("toy"), Probe()).result()
    return ws


class Calls(list[tuple[str, Any]]):
    """What a stand-in was asked for, in order."""

    def record(self, name: str, result: Any = None) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.append((name, {**({"given": given} if given else {}), **named}))
            return result
        return call


def stand_in(name: str, calls: Calls) -> types.ModuleType:
    """A module with what this project uses of a tracker's package."""
    module = types.ModuleType(name)
    run = types.SimpleNamespace(log=calls.record("log"), finish=calls.record("finish"))
    for function in ("log", "finish", "set_tracking_uri", "set_experiment", "log_params", "log_metrics"):
        setattr(module, function, calls.record(function))
    module.init = calls.record("init", run)  # type: ignore[attr-defined]

    def start_run(**named: Any) -> Any:
        calls.append(("start_run", named))
        return contextlib.nullcontext()

    module.start_run = start_run  # type: ignore[attr-defined]
    return module


def test_a_run_holds_scores_and_metadata(scored: Any) -> None:
    made = {run.name: run for run in logging_runs.runs(scored)}
    assert set(made) == {"m0", "m3"}
    metrics = made["m0"].metrics
    (score,) = scored.catalog.scores([workflows.resolve(scored, "m0")], scored.catalog.task("toy"), Probe())
    assert metrics["toy/loss"] == score.loss
    assert metrics["toy/n"] == score.n
    assert made["m0"].settings["weights"] == scored.catalog.checkpoint("m0").id
    assert json.dumps(made["m0"].settings)


@pytest.mark.parametrize("name", list(logging_runs.TRACKERS))
def test_every_tracker_is_given_every_run(scored: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    calls = Calls()
    monkeypatch.setitem(sys.modules, name, stand_in(name, calls))
    monkeypatch.delenv("TRACKIO_DIR", raising=False)
    assert logging_runs.log(scored, name, project="zoo", offline=True) == 2
    told = [call for call, _ in calls]
    assert told.count("start_run" if name == "mlflow" else "init") == 2
    assert told.count("log_metrics" if name == "mlflow" else "log") == 2
    text = repr(calls)
    assert "toy/loss" in text
    assert "zoo" in text
    if name == "wandb":
        assert {v["mode"] for c, v in calls if c == "init"} == {"offline"}
    if name == "mlflow":
        assert any(c == "set_tracking_uri" and str(scored.folder) in str(v) for c, v in calls)


def test_installed_trackers_write_files(scored: Any) -> None:
    for name in (n for n in logging_runs.TRACKERS if importlib.util.find_spec(n)):
        assert logging_runs.log(scored, name, offline=True) == 2
        assert any((scored.folder / "logs").rglob("*"))


def test_what_is_missing_is_said(ws: Any, scored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="wandb"):
        logging_runs.log(scored, "paper")
    with pytest.raises(InputError, match="no model has a score"):
        logging_runs.log(scored, "wandb", tasks=[])
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UnavailableError, match=r"explorer\[wandb\]"):
        logging_runs.log(scored, "wandb")


def test_the_verb_answers_in_json_whatever_the_tracker_prints(
        workspace: Path, monkeypatch: pytest.MonkeyPatch, asking: Callable[[Path], Callable[..., Any]]) -> None:
    ws = workflows.open_workspace(workspace)
    workflows.evaluate(ws, [workflows.resolve(ws, "m1")], ws.catalog.task("toy"), Probe()).result()
    ws.close()
    module = stand_in("trackio", Calls())
    module.log = lambda *_: print("a line of the tracker")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "trackio", module)
    assert asking(workspace)("log", "trackio", "--tasks", "toy", "--offline")["runs"] == 1
