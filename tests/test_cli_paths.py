"""The command line on lines and mixtures: ranges, several tasks, heads, refinement, planted boundaries, backends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import EVALUATE, FEW
from test_cli_refusals import tables

from explorer import backends
from explorer.paths import alphas
from explorer.types import Notice, Progress
from explorer.verbs.printing import Narrator

Cli = Callable[..., tuple[int, str, str]]
Ask = Callable[..., Any]
Asking = Callable[[Path], Ask]
PLANTED = ("--task", "planted", *FEW)
BOUNDARY, OVERFLOW = 2.6, 16.0


@pytest.fixture(scope="module")
def shared(made_workspace: Path, zoo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny workspace with a second task, of other texts."""
    from tiny_models import toy_table

    from explorer import workflows

    folder = Path(shutil.copytree(made_workspace, tmp_path_factory.mktemp("paths") / "ws"))
    ws = workflows.open_workspace(folder)
    workflows.add_task(ws, "other", toy_table(folder / "other.csv", seed=3), None, ["text"], "y")
    ws.close()
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of models that lose the label, or overflow, at a known α."""
    from planted_boundary import base_model, overflowing, table, tuned

    from explorer import workflows

    root = tmp_path_factory.mktemp("planted")
    base = base_model(root / "base")
    models = [tuned(base, root / "near", BOUNDARY), overflowing(base, root / "over")]
    ws = workflows.open_workspace(root / "ws")
    workflows.import_folders(ws, [str(m) for m in models], str(base)).result()
    workflows.add_task(ws, "planted", table(root / "t.csv"), None, ["text"], "y")
    ws.close()
    return root / "ws"


# ------------------------------------------------------------------ ranges


def test_a_path_answers_as_ever_and_says_more(ask: Ask) -> None:
    answer = ask("path", "m0", "m3", "--alphas", "0:1:5", *EVALUATE)
    assert (answer["task"], answer["zero"], answer["one"], answer["head"]) == ("toy", "m3", "m0", "probe")
    assert [list(p) for p in answer["points"]] == [["alpha", "loss", "stderr", "accuracy", "n"]] * 5
    losses = [p["loss"] for p in answer["points"]]
    barrier, minimum = answer["readings"]["barrier"], answer["readings"]["minimum"]
    assert barrier["value"] == pytest.approx(max(losses) - (losses[0] + losses[-1]) / 2, abs=1e-6)
    assert minimum["value"] == pytest.approx(min(losses))
    assert losses[[p["alpha"] for p in answer["points"]].index(minimum["alpha"])] == min(losses)
    for reading in (barrier, minimum):
        assert reading["high"] - reading["low"] == pytest.approx(2 * 1.959964 * reading["stderr"])
        assert reading["paired"] is True
    assert not {"tasks", "mean", "boundary", "boundary_points"} & answer.keys()


def test_ranges(ask: Ask) -> None:
    few = ("--task", "toy", "--train-texts", 10, "--test-texts", 5)
    far = ask("path", "m0", "m1", "--extrapolate", *few)["points"]
    assert tuple(p["alpha"] for p in far) == alphas.far()
    for form in (["--range=-1:2:7"], ["--range", "-1:2:7"]):
        free = ask("path", "m0", "m1", *form, *few)["points"]
        assert tuple(p["alpha"] for p in free) == alphas.parse("-1:2:7")
    half = ask("path", "m0", "m1", "--range", "0.25:0.75:3", *few)
    assert half["readings"]["barrier"] is None, "without its ends a path has no barrier"
    assert half["readings"]["minimum"] is not None


def test_refinement_adds_points_inside_the_range_and_no_more_than_asked(ask: Ask) -> None:
    coarse = ask("path", "m0", "m4", "--alphas", "-2,0,1,3", *EVALUATE)["points"]
    fine = ask("path", "m0", "m4", "--alphas", "-2,0,1,3", "--refine", 5, *EVALUATE)["points"]
    at = [p["alpha"] for p in fine]
    assert at == sorted(set(at))
    assert len(coarse) < len(fine) <= len(coarse) + 5
    assert all(p in fine for p in coarse)
    assert (at[0], at[-1]) == (-2, 3)


# ------------------------------------------------------------------ tasks and heads


def test_several_tasks_on_one_path_and_their_mean(ask: Ask) -> None:
    line = ("path", "m0", "m3", "--alphas", "0,0.5,1", *FEW)
    answer = ask(*line, "--tasks", "toy,other")
    single = {t: ask(*line, "--task", t) for t in ("toy", "other")}
    assert [t["task"] for t in answer["tasks"]] == ["toy", "other"]
    for part in answer["tasks"]:
        assert part["points"] == single[part["task"]]["points"]
        assert part["base"]["loss"] == ask("evaluate", "base", "--task", part["task"], *FEW)["loss"]
    assert (answer["task"], answer["points"]) == ("toy", single["toy"]["points"])
    for mean, a, b in zip(answer["mean"], *(single[t]["points"] for t in ("toy", "other")), strict=True):
        assert mean["loss"] == pytest.approx((a["loss"] + b["loss"]) / 2)
        assert mean["stderr"] == pytest.approx(np.hypot(a["stderr"], b["stderr"]) / 2)
    assert [t["task"] for t in ask(*line, "--tasks", "all")["tasks"]] == ["other", "toy"]
    assert [t["task"] for t in ask(*line, "--tasks", "toy,toy")["tasks"]] == ["toy"]


def test_heads_of_their_own(cli: Cli, asking: Asking, tmp_path: Path, zoo: Path) -> None:
    import torch
    from tiny_models import bert_base, save_tokenizer
    from transformers import AutoModelForSequenceClassification, BertForMaskedLM

    base = bert_base(tmp_path / "bare")
    torch.manual_seed(0)
    masked = BertForMaskedLM.from_pretrained(str(base))
    save_tokenizer(tmp_path / "base")
    masked.save_pretrained(tmp_path / "base")
    for i, name in enumerate("ab"):
        torch.manual_seed(i)
        model = AutoModelForSequenceClassification.from_pretrained(
            str(tmp_path / "base"), num_labels=2, id2label={0: "neg", 1: "pos"}, label2id={"neg": 0, "pos": 1})
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.02 * torch.randn_like(parameter))
        model.save_pretrained(tmp_path / name)
    ask = asking(tmp_path / "ws")
    ask("import", tmp_path / "a", tmp_path / "b", "--base", tmp_path / "base")
    ask("tasks", "add", "toy", "--train", zoo / "toy.csv", "--text", "text", "--label", "y")
    losses = {}
    for head in ("probe", "end-to-end", "lm"):
        answer = ask("path", "a", "b", "--head", head, "--alphas", "0,0.5,1", *EVALUATE)
        assert answer["head"] == head
        losses[head] = answer["points"][1]["loss"]
    assert len(set(losses.values())) == 3
    assert losses["lm"] == pytest.approx(np.log(100), abs=0.5), "nats a token of an untrained model"
    status, out, err = cli("evaluate", "base", "--head", "end-to-end", *EVALUATE, "--workspace", tmp_path / "ws")
    assert (status, out) == (2, "")
    assert "sum to" in err


# ------------------------------------------------------------------ boundary


@pytest.mark.parametrize("tolerance", [0.01, 0.3])
def test_the_planted_boundary_is_found_within_the_tolerance(tolerance: float, asking: Asking, planted: Path) -> None:
    ask = asking(planted)
    answer = ask("path", "near", "base", "--boundary", 0.2, "--tolerance", tolerance, "--alphas", "0,1", *PLANTED)
    zero, one = answer["boundary"]
    assert (one["side"], one["reached"], one["excess"]) == ("one", True, 0.2)
    assert one["inside"] <= BOUNDARY <= one["outside"]
    assert one["outside"] - one["inside"] <= tolerance * max(1, one["inside"] - 1)
    assert one["alpha"] == one["inside"]
    assert one["threshold"] == pytest.approx(answer["points"][1]["loss"] + 0.2)
    assert one["loss"] <= one["threshold"]
    assert one["stderr"] >= 0
    assert (zero["side"], zero["alpha"], zero["reached"], zero["outside"]) == ("zero", -31, False, None)
    measured = answer["boundary_points"]
    assert [list(p) for p in measured] == [["alpha", "loss", "stderr", "accuracy", "n"]] * len(measured)
    beyond = {p["alpha"]: p["loss"] for p in measured}
    assert beyond[one["outside"]] > one["threshold"] >= beyond[one["inside"]]


def test_from_the_other_end_the_boundary_is_mirrored(asking: Asking, planted: Path) -> None:
    zero, one = asking(planted)("path", "base", "near", "--boundary", 0.2, "--alphas", "0,1", *PLANTED)["boundary"]
    assert zero["outside"] <= 1 - BOUNDARY <= zero["inside"]
    assert one["reached"] is False


def test_a_threshold_never_passed_is_said(cli: Cli, asking: Asking, planted: Path) -> None:
    sides = asking(planted)("path", "near", "base", "--boundary", 5, "--alphas", "0,1", *PLANTED)["boundary"]
    assert [(s["alpha"], s["reached"]) for s in sides] == [(-31, False), (32, False)]
    text = cli("path", "near", "base", "--boundary", 5, "--alphas", "0,1", *PLANTED, "--workspace", planted)[1]
    assert "not met up to α = 32" in text
    assert "its end's + 5" in text


def test_where_the_model_overflows_is_above_every_threshold(asking: Asking, planted: Path) -> None:
    answer = asking(planted)("path", "over", "base", "--boundary", 5, "--alphas", "0,1", *PLANTED)
    for side, at in zip(answer["boundary"], (-OVERFLOW, OVERFLOW), strict=True):
        assert side["reached"] is True
        assert min(side["inside"], side["outside"]) <= at <= max(side["inside"], side["outside"])
    lost = [p for p in answer["boundary_points"] if p["loss"] is None]
    assert lost
    assert all("not finite" in p["reason"] and p["n"] == 0 for p in lost)


def test_points_that_overflow_do_not_take_the_path_with_them(cli: Cli, asking: Asking, planted: Path) -> None:
    ask = asking(planted)
    points = ask("path", "over", "base", "--extrapolate", *PLANTED)["points"]
    for point in points:
        assert (point["loss"] is None) == (abs(point["alpha"]) >= OVERFLOW) == ("reason" in point)
    refined = ask("path", "over", "base", "--extrapolate", "--refine", 3, *PLANTED)["points"]
    assert len(refined) == len(points) + 3
    text = cli("path", "over", "base", "--extrapolate", *PLANTED, "--workspace", planted)[1]
    assert "not finite" in text
    status, out, err = cli("path", "over", "base", "--alphas", "30,31", *PLANTED, "--workspace", planted)
    assert (status, out) == (1, ""), "no point of the path has a loss"
    assert "not finite" in err


# ------------------------------------------------------------------ mixtures


def test_a_mixture_is_measured_named_and_found_again(cli: Cli, asking: Asking, workspace: Path) -> None:
    ask = asking(workspace)
    answer = ask("mix", '{"m0": 0.5, "m3": 0.25}', "--name", "soup", *EVALUATE)
    assert answer["recipe"] == {"base": "base", "terms": {"m0": 0.5, "m3": 0.25}}
    assert {"point", "loss", "stderr", "accuracy", "n", "device", "seconds"} <= answer.keys()
    assert answer["point"] == "soup"
    again = ask("evaluate", json.dumps(answer["recipe"]), *EVALUATE)
    assert {k: again[k] for k in again} == {k: answer[k] for k in again}
    assert ask("evaluate", "soup", *EVALUATE)["loss"] == answer["loss"]
    assert ask("points", "list") == {"points": [{"name": "soup", "recipe": answer["recipe"]}]}
    before = tables(workspace)
    status, out, err = cli("mix", '{"m1": 1}', "--name", " soup", *EVALUATE, "--workspace", workspace, "--json")
    assert (status, out) == (2, "")
    assert "taken" in err
    assert tables(workspace) == before


@pytest.mark.parametrize(("preset", "names", "terms"), [
    ("centroid", ["m0", "m1"], {"m0": 0.5, "m1": 0.5}),
    ("negation", ["m2"], {"m2": -1}),
    ("addition", ["m0", "m4"], {"m0": 1, "m4": 1}),
    ("analogy", ["m0", "m1", "m2"], {"m0": -1, "m1": 1, "m2": 1}),
])
def test_presets(preset: str, names: list[str], terms: dict[str, float], ask: Ask) -> None:
    assert ask("mix", "--preset", preset, *names, *EVALUATE)["recipe"]["terms"] == terms


def test_a_mixture_on_several_tasks(ask: Ask) -> None:
    answer = ask("mix", '{"m0": 0.5, "m1": 0.5}', "--tasks", "toy,other", *FEW)
    assert [t["task"] for t in answer["tasks"]] == ["toy", "other"]
    assert answer["loss"] == answer["tasks"][0]["loss"]
    assert answer["mean"]["loss"] == pytest.approx(sum(t["loss"] for t in answer["tasks"]) / 2)


# ------------------------------------------------------------------ backends


def test_workers_give_the_losses_of_this_process_and_recover_too(asking: Asking, planted: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(planted, tmp_path / "ws"))
    line = ("path", "over", "base", "--alphas", "0.1,3,20", *PLANTED)
    here, there = asking(planted)(*line), asking(copy)(*line, "--backend", "local")
    for a, b in zip(here["points"], there["points"], strict=True):
        assert a == b | {"loss": a["loss"], "stderr": a["stderr"]}
        assert a["loss"] is b["loss"] is None or a["loss"] == pytest.approx(b["loss"], abs=1e-6)


def telling(request: object) -> Iterator[Progress | Notice]:
    yield Notice("batches are smaller")
    yield Progress(1, 2)
    yield Notice("fp16 shows")


def test_notes_of_the_work_go_to_standard_error_once_each(capsys: pytest.CaptureFixture[str]) -> None:
    backend = backends.start("inline")
    narrator = Narrator(backend, quiet=True)
    backend.submit(backends.Work("t", f"{__name__}:telling", None)).result()
    narrator.notes()
    narrator.notes()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "note: batches are smaller\nnote: fp16 shows\n")


# ------------------------------------------------------------------ refusals

REFUSED: dict[str, tuple[list[object], list[str]]] = {
    "two ranges": (["path", "m0", "m1", "--alphas", "0,1", "--range", "0:1:3", *EVALUATE], ["--alphas", "--range"]),
    "a range far": (["path", "m0", "m1", "--extrapolate", "--range", "-1:2:3", *EVALUATE], ["--extrapolate"]),
    "all ranges": (["path", "m0", "m1", "--extrapolate", "--alphas", "-1:2:3", *EVALUATE], ["exclude each other"]),
    "range form": (["path", "m0", "m1", "--range", "0:1", *EVALUATE], ["LOW:HIGH:POINTS", "'0:1'"]),
    "range backwards": (["path", "m0", "m1", "--range", "2:-1:5", *EVALUATE], ["from 2 to -1"]),
    "range nan": (["path", "m0", "m1", "--range", "nan:1:5", *EVALUATE], ["nan"]),
    "range of many": (["path", "m0", "m1", "--range", "0:1:1000000000", *EVALUATE], ["10000"]),
    "range of one": (["path", "m0", "m1", "--range", "0:1:1", *EVALUATE], ["at least 2"]),
    "no task": (["path", "m0", "m1", *FEW], ["--task", "--tasks"]),
    "task and tasks": (["path", "m0", "m1", "--task", "toy", "--tasks", "other", *FEW], ["one of --task"]),
    "unknown of tasks": (["path", "m0", "m1", "--tasks", "toy,otter", *FEW], ["otter", "Did you mean other"]),
    "empty tasks": (["path", "m0", "m1", "--tasks", ",", *FEW], ["names no task"]),
    "head": (["path", "m0", "m1", "--head", "mlp", *EVALUATE], ["mlp", "end-to-end"]),
    "heads on other labels": (["path", "m0", "m1", "--head", "end-to-end", *EVALUATE], ["classes", "--head probe"]),
    "no language model": (["path", "m0", "m1", "--head", "lm", *EVALUATE], ["language"]),
    "excess zero": (["path", "m0", "m1", "--boundary", 0, *EVALUATE], ["0 nats", "positive"]),
    "excess negative": (["path", "m0", "m1", "--boundary", -1, *EVALUATE], ["-1 nats"]),
    "excess nan": (["path", "m0", "m1", "--boundary", "nan", *EVALUATE], ["nan"]),
    "excess text": (["path", "m0", "m1", "--boundary", "much", *EVALUATE], ["much"]),
    "tolerance": (["path", "m0", "m1", "--boundary", 1, "--tolerance", 0, *EVALUATE], ["tolerance"]),
    "refine": (["path", "m0", "m1", "--refine", -2, *EVALUATE], ["-2", "from 0"]),
    "refine much": (["path", "m0", "m1", "--refine", 10**9, *EVALUATE], ["1000"]),
    "backend": (["path", "m0", "m1", "--backend", "slurm", *EVALUATE], ["slurm", "inline", "local", "ray"]),
    "address of none": (["evaluate", "m0", "--ray-address", "a:1", *EVALUATE], ["--backend ray", "inline"]),
    "no cluster": (["evaluate", "m5", "--backend", "ray", "--ray-address", "127.0.0.1:1", *EVALUATE],
                   ["no Ray cluster", "127.0.0.1:1"]),
    "device of stored scores": (["evaluate", "base", "--device", "gpu", *EVALUATE], ["gpu", "cuda:1"]),
    "device number": (["evaluate", "base", "--device", "cpu:1", *EVALUATE], ["cpu:1"]),
    "device of the app": (["serve", "--device", "cuda:0,tpu"], ["tpu", "cuda:1"]),
    "mixture of nothing": (["mix", "{}", *EVALUATE], ["empty"]),
    "mixture broken": (["mix", '{"m0": ', *EVALUATE], ["JSON"]),
    "mixture list": (["mix", '["m0"]', *EVALUATE], ["JSON"]),
    "mixture name": (["mix", '{"m8": 1}', *EVALUATE], ["m8"]),
    "mixture nan": (["mix", '{"m0": NaN}', *EVALUATE], ["m0", "NaN"]),
    "mixture text": (["mix", '{"m0": {"m1": 1}}', *EVALUATE], ["m0"]),
    "mixture without task": (["mix", '{"m0": 1}', *FEW], ["--task"]),
    "mixture name taken": (["mix", '{"m0": 1}', "--name", "m1", *EVALUATE], ["m1", "taken"]),
    "mixture called base": (["mix", '{"m0": 1}', "--name", "base", *EVALUATE], ["base"]),
    "mixture without name": (["mix", '{"m0": 1}', "--name", " ", *EVALUATE], ["name of its own"]),
    "names without preset": (["mix", "m0", "m1", *EVALUATE], ["--preset"]),
    "preset": (["mix", "--preset", "sum", "m0", *EVALUATE], ["sum", "addition"]),
    "preset of too few": (["mix", "--preset", "analogy", "m0", "m1", *EVALUATE], ["3 models", "not 2"]),
    "preset of too many": (["mix", "--preset", "negation", "m0", "m1", *EVALUATE], ["1 model,", "not 2"]),
    "preset of unknown": (["mix", "--preset", "centroid", "m0", "m9", *EVALUATE], ["m9"]),
    "points of nothing": (["points"], ["action"]),
    "job": (["jobs", "cancel", "0123456789ab"], ["job", "0123456789ab"]),
    "job of a path": (["jobs", "cancel", "../../x"], ["job"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_one_line_and_changes_nothing(case: str, cli: Cli, shared: Path) -> None:
    arguments, words = REFUSED[case]
    before = tables(shared)
    status, out, err = cli(*arguments, "--workspace", shared, "--json")
    assert (status, out) == (2, ""), err
    for word in words:
        assert word in err
    assert len([line for line in err.splitlines() if "error:" in line]) == 1
    assert tables(shared) == before
