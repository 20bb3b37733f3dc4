"""The verb `merge`: from a configuration or a method to a folder, a named Point, or YAML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import parser
from explorer.merges._recipe import method
from explorer.registry import names

LINEAR = "models: [{model: m0, parameters: {weight: 1}}, {model: m1, parameters: {weight: 3}}]\nmerge_method: linear\n"


def test_a_configuration_is_written_as_a_folder_once(cli: Callable[..., Any], workspace: Path, tmp_path: Path) -> None:
    config, out = tmp_path / "c.yml", tmp_path / "out"
    config.write_text(LINEAR + "dtype: float16\n")
    status, said, told = cli("merge", config, out, "--workspace", workspace, "--json")
    assert status == 0
    value = json.loads(said)
    assert value["out"] == str(out)
    assert (value["method"], value["options"], value["name"]) == ("linear", {}, None)
    assert value["models"] == {"m0": 1.0, "m1": 3.0}
    assert value["recipe"]["terms"] == {"m0": 0.25, "m1": 0.75}
    assert "note: dtype float16: merges are computed and written in float32 here." in told
    assert value["notes"]
    assert (out / "model.safetensors").is_file()
    status, _, told = cli("merge", config, out, "--workspace", workspace)
    assert status == 2
    assert "exists already" in told
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".out")]


def test_a_method_makes_a_named_point_for_every_other_verb(cli: Callable[..., Any], workspace: Path) -> None:
    status, said, _ = cli("merge", "--method", "ties", "--models", "m0,m1,m2", "--weights", "1,-.5,[0,1]",
                          "--density", ".2", "--lambda", "[1, .5]", "--normalize", "false", "--name", "tied",
                          "--workspace", workspace, "--json")
    assert status == 0
    value = json.loads(said)
    assert value["options"] == {"density": 0.2, "lambda": [1, 0.5], "normalize": False}
    assert value["models"] == {"m0": 1, "m1": -0.5, "m2": [0, 1]}
    assert (value["name"], value["out"]) == ("tied", None)
    status, said, _ = cli("evaluate", "tied", "--task", "toy", "--train-texts", 20, "--test-texts", 20, "--workspace",
                          workspace, "--json")
    assert status == 0
    assert json.loads(said)["loss"] > 0
    status, said, _ = cli("points", "list", "--workspace", workspace)
    assert status == 0
    assert "1·ties(" in said
    status, said, _ = cli("merge", "--to-mergekit", "tied", "--workspace", workspace)
    assert status == 0
    assert "merge_method: ties" in said


def test_the_first_of_a_name_and_a_folder_that_fails_leaves_neither(cli: Callable[..., Any], workspace: Path,
                                                                      tmp_path: Path) -> None:
    status, _, told = cli("merge", "--method", "linear", "--models", "m0,m1", tmp_path / "out", "--name", "m0",
                          "--workspace", workspace)
    assert status == 2
    assert "m0" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "merge takes CONFIG.yml and OUT"),
    (["a", "b", "c"], "merge takes CONFIG.yml and OUT"),
    (["nowhere.yml", "out"], "nowhere.yml"),
    (["nowhere.yml", "out", "--density", ".2"], "--density goes with --method"),
    (["--method", "ties"], "takes --models"),
    (["--method", "ties", "--models", "m0,m1"], "give OUT"),
    (["--method", "ties", "--models", "m0,m0", "out"], "twice"),
    (["--method", "ties", "--models", "m0,m1", "--weights", "1", "out"], "1 weights for 2 models"),
    (["--method", "ties", "--models", "m0,m1", "--density", "2", "out"], "0 to 1"),
    (["--method", "ties", "--models", "m0,m1", "--density", "[", "out"], "is no value"),
    (["--method", "ties", "--models", "m0,m1", "--t", ".5", "out"], "ties has no option 't'"),
    (["--method", "tie", "--models", "m0,m1", "out"], "Did you mean ties"),
    (["--method", "ties", "--models", "m0,m9", "out"], "unknown checkpoint 'm9'"),
    (["--to-mergekit", "m0", "--method", "ties"], "give neither"),
])
def test_bad_input_is_refused(cli: Callable[..., Any], workspace: Path, tmp_path: Path, arguments: list[str],
                              words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, said, told = cli("merge", *arguments, "--workspace", workspace)
    assert (status, said) == (2, "")
    assert words in told
    assert len(told.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_every_option_of_every_method_has_a_flag() -> None:
    known = parser().parse_args(["merge", "--method", "ties"]).options
    options = {o.argument.rstrip("_") for name in names("explorer.merges") for o in method(name).options.values()
               if o.kind is not str}
    assert {key.removesuffix("_option") for key in known} == options
    told = next(a for a in parser()._subparsers._group_actions[0].choices["merge"]._actions if a.dest == "method").help
    assert all(name in told for name in names("explorer.merges"))
