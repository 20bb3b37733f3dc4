"""What a recipe's names mean in a workspace, and the work that a sweep becomes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from explorer import settings, workflows
from explorer.errors import InputError, RecipeError
from explorer.training import files
from explorer.training.preflight import Cost
from explorer.training.work import Finetuning
from explorer.workflows import Workspace, training

RECIPE = """
name: named
bases: [{name: tiny, from: FROM}]
models:
  - {base: tiny, datasets: [toy, d0], seeds: [0], steps: 2, lr: 1.0e-3, length: 12, start: START}
"""


def recipe(folder: Path, source: object = "base", start: str = "base") -> Path:
    file = folder / "recipe.yaml"
    file.write_text(RECIPE.replace("FROM", str(source)).replace("START", start))
    return file


def request(ws: Workspace, file: Path, *, keep: bool = False) -> Finetuning:
    return training._request(ws, file, file.parent / "out", None, keep=keep)


def test_a_base_is_found_by_name_and_by_folder(ws: Workspace, zoo: Path, tmp_path: Path):
    base = workflows.main_base(ws)
    for source in ("base", base.id, zoo / "base"):
        found = request(ws, recipe(tmp_path, source)).known.bases["tiny"]
        assert (found.base, found.folder.resolve()) == (base, (zoo / "base").resolve())
    assert request(ws, recipe(tmp_path, "org/elsewhere")).known.bases == {}


def test_a_centroid_leaves_out_models_of_the_data_set(ws: Workspace, tmp_path: Path):
    known = request(ws, recipe(tmp_path, start="centroid")).known
    whole, rest = (known.starts[f"{d}-from-centroid-s0"] for d in ("toy", "d0"))
    own = {c.id for c in ws.catalog.checkpoints() if c.dataset == "d0"}
    assert len(whole.terms) == 6
    assert {i for i, _ in rest.terms}.isdisjoint(own)
    assert known.folders.keys() == {c.id for c in ws.catalog.checkpoints()}
    assert known.recipes["d0-from-centroid-s0"]["terms"] == {f"m{i}": pytest.approx(1 / 3) for i in (3, 4, 5)}


@pytest.mark.parametrize(("start", "terms"), [("m1", {"m1": 1.0}), ("kept", {"m0": 0.5}),
                                              ("'{\"terms\": {\"m2\": 0.25}}'", {"m2": 0.25})])
def test_any_point_can_be_a_start(ws: Workspace, tmp_path: Path, start: str, terms: dict[str, float]):
    workflows.keep(ws, "kept", workflows.resolve(ws, '{"terms": {"m0": 0.5}}'))
    known = request(ws, recipe(tmp_path, start=start)).known
    assert all(said["terms"] == terms for said in known.recipes.values())


def test_starts_need_a_base_of_the_workspace(ws: Workspace, tmp_path: Path):
    with pytest.raises(RecipeError, match="is no base of"):
        request(ws, recipe(tmp_path, "org/elsewhere", "centroid"))


def test_starts_are_kept_with_the_sweep(ws: Workspace, tmp_path: Path):
    first = request(ws, recipe(tmp_path, start="centroid"), keep=True).known.starts
    file = tmp_path / "out" / training.STARTS
    assert training._held(tmp_path / "out") == first
    file.write_text(file.read_text().replace("0.3333", "0.4444"))
    assert request(ws, recipe(tmp_path, start="centroid")).known.starts != first
    file.write_text("{")
    with pytest.raises(InputError, match="delete it to choose the starts anew"):
        request(ws, recipe(tmp_path, start="centroid"))


def test_a_request_survives_pickling(ws: Workspace, tmp_path: Path):
    asked = request(ws, recipe(tmp_path, start="centroid"))
    assert pickle.loads(pickle.dumps(asked)) == asked


def test_an_estimate_makes_nothing(ws: Workspace, tmp_path: Path):
    file = recipe(tmp_path)
    file.write_text(file.read_text().replace(", d0", ""))
    cost = training.estimate(ws, file, tmp_path / "out").result()[-1]
    assert isinstance(cost, Cost)
    assert (cost.runs, cost.steps) == (1, 2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "runs"), [("demo", 91), ("minilm", 66), ("roberta-base-36", 175)])
def test_the_recipes_that_ship(name: str, runs: int):
    from explorer.tasks.packaged import DATASETS
    from explorer.training import plan

    found = files.load(settings.RECIPES / f"{name}.yaml")
    assert len(plan.runs(found)) == runs
    assert set(found.sources).isdisjoint(DATASETS), "a data set of the hub would hide a packaged one"
    if name != "roberta-base-36":
        assert set(found.datasets) <= set(DATASETS)
