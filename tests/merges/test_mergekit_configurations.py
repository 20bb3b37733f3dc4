"""mergekit's configurations: its documented kinds are read or refused by name, ours are read back as the same Point."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer import workflows
from explorer.errors import ExplorerError, RecipeError
from explorer.merges._recipe import Recipe, method
from explorer.registry import names
from explorer.types import Point
from explorer.workflows.mergekit import from_mergekit, read_mergekit, to_mergekit
from explorer.workflows.merging import merge_point

METHODS = names("explorer.merges")


def read(ws: Any, folder: Path, text: str) -> Point:
    file = folder / "merge.yml"
    file.write_text(text)
    (point,) = from_mergekit(ws, file)
    return point


def test_ties_with_gradients_and_filters(ws: Any, tmp_path: Path) -> None:
    found = read(ws, tmp_path, """
models:
  - model: m0
    parameters:
      density: [1, 0.7, 0.1]
      weight: 1.0
  - model: m3
    parameters:
      density: 0.5
      weight: [0, 0.3, 0.7, 1]
  - model: m5
    parameters:
      density: 0.33
      weight:
        - filter: intermediate
          value: 0.5
        - value: 0
merge_method: ties
base_model: base
parameters:
  normalize: true
  int8_mask: true
dtype: float32
""")
    expected = merge_point(ws, "ties", {"m0": 1, "m3": [0, 0.3, 0.7, 1],
                                        "m5": [{"filter": "intermediate", "value": 0.5}, {"value": 0}]},
                           {"density": {"m0": [1, 0.7, 0.1], "m3": 0.5, "m5": 0.33}})
    assert found == expected


def test_slerp_of_one_slice_over_all_layers(ws: Any, tmp_path: Path) -> None:
    found = read(ws, tmp_path, """
slices:
  - sources:
      - model: m2
        layer_range: [0, 2]
      - model: m0
        layer_range: [0, 2]
merge_method: slerp
base_model: m0
parameters:
  t:
    - filter: attention
      value: [0, 0.5, 0.3]
    - filter: output
      value: [1, 0.5]
    - value: 0.5
dtype: float32
""")
    t = [{"filter": "attention", "value": [0, 0.5, 0.3]}, {"filter": "output", "value": [1, 0.5]}, {"value": 0.5}]
    assert found == merge_point(ws, "slerp", {"m0": 1, "m2": 1}, {"t": t})


def test_slerp_may_start_at_the_base(ws: Any, tmp_path: Path) -> None:
    text = "models: [{model: base}, {model: m0}]\nmerge_method: slerp\nbase_model: base\nparameters: {t: 0.3}\n"
    assert read(ws, tmp_path, text) == merge_point(ws, "slerp", {"base": 1, "m0": 1}, {"t": 0.3})
    assert read(ws, tmp_path, text.replace("{model: base}, ", "")) == read(ws, tmp_path, text)


def test_linear_divides_by_the_weights(ws: Any, tmp_path: Path) -> None:
    text = """
models:
  - {model: m0, parameters: {weight: 1.0}}
  - {model: m1, parameters: {weight: 0.3}}
  - {model: m2, parameters: {weight: 0.5}}
merge_method: linear
"""
    assert read(ws, tmp_path, text) == merge_point(ws, "linear", {"m0": 1, "m1": 0.3, "m2": 0.5})
    undivided = read(ws, tmp_path, text + "parameters: {normalize: false}\n")
    assert undivided == merge_point(ws, "linear", {"m0": 1, "m1": 0.3, "m2": 0.5}, {"normalize": False})
    assert dict(undivided.terms)["zero"] == pytest.approx(-0.8)


def test_a_setting_of_all_models_fills_what_a_model_leaves(ws: Any, tmp_path: Path) -> None:
    found = read(ws, tmp_path, """
models:
  - {model: m0, parameters: {weight: {filter: query, value: 2}}}
  - {model: m1}
  - {model: base}
merge_method: task_arithmetic
base_model: base
parameters: {weight: 0.4, lambda: 1e-1}
""")
    assert found == merge_point(ws, "task_arithmetic", {"m0": [{"filter": "query", "value": 2}, {"value": 0.4}],
                                                        "m1": 0.4}, {"lambda": 0.1})


@pytest.mark.parametrize(("name", "more"), [("model_stock", "base_model: base"), ("karcher", ""),
                                            ("karcher", "parameters: {max_iter: 20, tol: 1.0e-6}")])
def test_methods_without_weights(ws: Any, tmp_path: Path, name: str, more: str) -> None:
    found = read(ws, tmp_path, f"models: [{{model: m0}}, {{model: m1}}, {{model: m4}}]\nmerge_method: {name}\n{more}\n")
    options = {"max_iter": 20, "tol": 1e-6} if "parameters" in more else {}
    assert found == merge_point(ws, name, {"m0": 1, "m1": 1, "m4": 1}, options)


def test_models_are_found_by_folder(ws: Any, tmp_path: Path, zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "models: [{model: %s, parameters: {weight: 1}}]\nmerge_method: linear\n"
    monkeypatch.chdir(zoo.parent)
    for place in (zoo / "m3", f"{zoo.name}/m3", f"./{zoo.name}/m3", ws.catalog.checkpoint("m3").id):
        assert read(ws, tmp_path, text % place) == workflows.resolve(ws, "m3")


def test_several_documents_and_notes(ws: Any, tmp_path: Path) -> None:
    file = tmp_path / "several.yml"
    file.write_text("""
name: halves
models: [{model: m0, parameters: {weight: 1}}, {model: m1, parameters: {weight: 1}}]
merge_method: linear
dtype: bfloat16
tokenizer_source: base
---
models: [{model: m0, parameters: {weight: 1, density: 0.5}}]
merge_method: dare_ties
base_model: base
""")
    first, second = read_mergekit(ws, file)
    assert (first.name, second.name) == ("halves", None)
    assert "float32" in first.notes[0]
    assert "drawn" in second.notes[0]
    assert from_mergekit(ws, file) == [first.point, second.point]


PLAIN = {"models": [{"model": "m0", "parameters": {"weight": 1}}, {"model": "m1", "parameters": {"weight": 1}}],
         "merge_method": "ties", "base_model": "base"}
SLICE = {"sources": [{"model": "m0", "layer_range": [0, 2]}, {"model": "m1", "layer_range": [0, 2]}]}


@pytest.mark.parametrize(("change", "words"), [
    ({"merge_method": "nuslerp"}, r"merge_method 'nuslerp' is not supported; supported: breadcrumbs, .*ties"),
    ({"merge_method": "passthrough"}, "'passthrough' is not supported"),
    ({"merge_method": None}, "merge_method None is not supported"),
    ({"modules": {}}, "'modules' is not supported as a key of a configuration; supported: merge_method"),
    ({"tokenizer": {"source": "union"}}, "'tokenizer' is not supported"),
    ({"chat_template": "auto"}, "'chat_template' is not supported"),
    ({"tokenizer_source": "union"}, "tokenizer_source 'union' is not supported; supported: base"),
    ({"dtype": "int8"}, "dtype 'int8' is not supported; supported: float32"),
    ({"parameters": {"epsilon": 0.1}}, "'epsilon' is not supported as a key of ties; supported: weight, density"),
    ({"parameters": {"density": 2}}, "density of m0 is 2; 0 to 1"),
    ({"parameters": {"normalize": "often"}}, "normalize is 'often'; true or false"),
    ({"parameters": [1]}, "parameters is"),
    ({"base_model": None}, "ties needs a base_model"),
    ({"base_model": "m2"}, "m2 is a checkpoint"),
    ({"base_model": "elsewhere/model"}, "'elsewhere/model' is not in this workspace; add it with `import"),
    ({"base_model": {"model": "x", "lora": "y"}}, "is no name"),
    ({"models": None}, "no models are listed"),
    ({"models": [{"model": "m0"}]}, "m0 has no weight"),
    ({"models": [{"model": "m0", "parameters": {"weight": {"filter": "query", "value": 1}}}]}, "has no weight in"),
    ({"models": [{"model": "m0", "weight": 1}]}, "'weight' is not supported as a key of a model"),
    ({"models": [{"model": "m0", "parameters": {"lambda": 1}}]}, "'lambda' is not supported as a key of a model for"),
    ({"models": [PLAIN["models"][0]] * 2}, "listed twice"),
    ({"models": ["m0"]}, "is no model"),
    ({"slices": [SLICE]}, "one of models and slices"),
    ({"models": ..., "slices": [SLICE, SLICE]}, "one slice"),
    ({"models": ..., "slices": [{"sources": [{"model": "m0", "layer_range": [0, 1], "parameters": {"weight": 1}}]}]},
     "only whole models"),
    ({"models": ..., "slices": [SLICE | {"residual_weight": 0.5}]}, "'residual_weight' is not supported"),
    ({"name": 3}, "name 3"),
])
def test_what_is_not_supported_is_refused_by_name(ws: Any, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    raw = {k: v for k, v in (PLAIN | change).items() if v is not ...}
    with pytest.raises(RecipeError, match=words):
        read(ws, tmp_path, yaml.safe_dump(raw))


@pytest.mark.parametrize("text", ["", "3", "[a, b]", "models: [", "a: b: c", "{}", "--- \n---\n",
                                  "!!python/object:os.x {}"])
def test_what_is_no_configuration_is_refused(ws: Any, tmp_path: Path, text: str) -> None:
    with pytest.raises(RecipeError, match=r"merge\.yml"):
        read(ws, tmp_path, text)


values = st.one_of(st.floats(0.01, 1), st.lists(st.floats(0.01, 1), min_size=1, max_size=3), st.just([
    {"filter": "attention", "value": [0.1, 0.9]}, {"value": 0.4}]))


@given(data=st.data(), name=st.sampled_from([m for m in METHODS if not m.startswith("dare")
                                             and not method(m).models.informed]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_as_the_same_point(ws: Any, data: st.DataObject, name: str) -> None:
    found = method(name)
    most = found.models.most or 4
    chosen = data.draw(st.lists(st.sampled_from([f"m{i}" for i in range(6)]), min_size=found.models.least,
                                max_size=most, unique=True))
    models = {m: 1 if found.models.even else data.draw(values) for m in chosen}
    options: dict[str, Any] = {}
    for option in found.options.values():
        if option.kind is bool:
            options[option.name] = data.draw(st.booleans())
        elif option.kind is int:
            options[option.name] = data.draw(st.integers(0, 50))
        elif option.per_model and data.draw(st.booleans()):
            options[option.name] = {m: data.draw(values) for m in chosen}
        else:
            options[option.name] = data.draw(values)
    point = merge_point(ws, name, models, options)
    with tempfile.TemporaryDirectory() as folder:
        assert read(ws, Path(folder), to_mergekit(ws, point)) == point


@given(coefficients=st.dictionaries(st.sampled_from(["m0", "m1", "m2", "m3", "zero"]), st.floats(-3, 3)))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sums_are_written_and_read_back(ws: Any, coefficients: dict[str, float]) -> None:
    point = Point.of(workflows.main_base(ws).id,
                     {m if m == "zero" else ws.catalog.checkpoint(m).id: c for m, c in coefficients.items()})
    with tempfile.TemporaryDirectory() as folder:
        again = read(ws, Path(folder), to_mergekit(ws, point))
    terms = dict(again.terms)
    assert again.base == point.base
    for term, c in point.terms:
        assert terms.pop(term, 0.0) == pytest.approx(c, abs=1e-9)
    assert all(abs(c) < 1e-9 for c in terms.values())


def test_an_average_is_linear_and_another_sum_task_arithmetic(ws: Any) -> None:
    average = yaml.safe_load(to_mergekit(ws, merge_point(ws, "linear", {"m0": 1, "m1": 1})))
    assert average["merge_method"] == "linear"
    assert "base_model" not in average
    assert [m["parameters"]["weight"] for m in average["models"]] == [0.5, 0.5]
    assert all(Path(m["model"]).is_dir() for m in average["models"])
    beyond = yaml.safe_load(to_mergekit(ws, merge_point(ws, "task_arithmetic", {"m0": 2, "m1": 1})))
    assert beyond["merge_method"] == "task_arithmetic"
    assert Path(beyond["base_model"]).name == "base"


def test_what_mergekit_can_not_write_is_refused(ws: Any) -> None:
    base = workflows.main_base(ws).id
    ties = merge_point(ws, "ties", {"m0": 1, "m1": 1}, {"density": 0.2})
    for point, words in ((Point.of(base, {"random:xavier:0": 1.0}), "random:xavier:0 is no model"),
                         (ties.moved(workflows.resolve(ws, "m2"), 0.5), "a sum with a merge in it"),
                         (merge_point(ws, "dare_ties", {"m0": 1}, {"density": 0.2}), "at random")):
        with pytest.raises(RecipeError, match=words):
            to_mergekit(ws, point)
    dare = merge_point(ws, "dare_ties", {"m0": 1, "m1": 1})
    assert "seed" not in to_mergekit(ws, dare)


def test_a_checkpoint_that_is_no_model_folder_is_refused(ws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    kept = ws.catalog.checkpoints
    monkeypatch.setattr(type(ws.catalog), "checkpoints",
                        lambda _self, base=None: [replace(c, format="task-vector") for c in kept(base)])
    with pytest.raises(RecipeError, match="m0 is kept as task-vector, which mergekit does not read; export it"):
        to_mergekit(ws, workflows.resolve(ws, "m0"))


leaves = st.none() | st.booleans() | st.floats(allow_nan=False) | st.sampled_from(["m0", "ties", "linear", "base"])
keys = st.sampled_from(["models", "model", "merge_method", "parameters", "weight", "base_model", "slices", "sources",
                        "value", "filter", "layer_range"])
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
                        max_leaves=12)


@given(raw=anything)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_file_says_the_answer_is_a_point_or_a_reason(ws: Any, raw: Any) -> None:
    start = {"merge_method": "ties", "models": [{"model": "m0"}]}
    text = yaml.safe_dump(start | raw if isinstance(raw, dict) else raw)
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ExplorerError):
        assert isinstance(read(ws, Path(folder), text), Point)


def test_the_recipe_says_what_the_file_does(ws: Any, tmp_path: Path) -> None:
    file = tmp_path / "two.yml"
    file.write_text(yaml.safe_dump(PLAIN | {"parameters": {"density": 0.25}}))
    (reading,) = read_mergekit(ws, file)
    ids = {ws.catalog.checkpoint(m).id: 1.0 for m in ("m0", "m1")}
    assert reading.recipe == Recipe.of("ties", ids, {"density": 0.25})
