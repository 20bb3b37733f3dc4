"""Recipes of merges: one merge, one id; settings mean in a parameter what mergekit's mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import RecipeError, UnknownNameError
from explorer.merges import _settings as settings
from explorer.merges._contract import Range
from explorer.merges._recipe import PREFIX, Recipe, layers_of, method
from explorer.registry import names
from explorer.types import Group, Layout, Point, canonical_json

LAYOUT = Layout.of([("embeddings.weight", (4, 2), Group("embeddings", "embeddings")),
                    *((f"layer.{i}.{part}.weight", (2, 2), Group(str(i), "attention"))
                      for i in range(5) for part in ("attention", "mlp"))])

numbers = st.floats(-3, 3).map(settings.rounded)
flat = st.one_of(numbers, st.lists(numbers, min_size=1, max_size=4))
parts = st.sampled_from(["attention", "mlp", "layer.1", "zzz"])
cases = st.lists(st.fixed_dictionaries({"filter": parts, "value": flat}), min_size=1, max_size=3)
everywhere = st.tuples(cases, flat).map(lambda pair: [*pair[0], {"value": pair[1]}])
anywhere = st.one_of(flat, everywhere)


def value(setting: Any, name: str, depth: float) -> Any:
    return settings.at(settings.read(setting, "x", float), (name,), depth)


def test_gradients_run_from_the_first_layer_to_the_last() -> None:
    assert [value([0, 1, 0.5], "x", d) for d in (0, 0.25, 0.5, 0.75, 1)] == [0, 0.5, 1, 0.75, 0.5]
    assert [settings.depth(layer, 5) for layer in ("0", "1", "4", "embeddings", "final")] == [0, 0.25, 1, 0, 0]
    assert settings.depth("0", 1) == 1
    assert settings.at(settings.read([True, False, True], "x", bool), ("x",), 0.4) is True
    assert settings.at(settings.read([True, False, True], "x", bool), ("x",), 0.5) is False


def test_the_first_case_that_fits_holds() -> None:
    setting = [{"filter": "mlp", "value": 0.5}, {"filter": "layer.1", "value": [0, 1]}, {"filter": "*", "value": 2},
               {"filter": "mlp", "value": 9}]
    assert value(setting, "layer.1.mlp", 0.25) == 0.5
    assert value(setting, "layer.1.attention", 0.25) == 0.25
    assert value(setting, "embeddings", 0.0) == 2
    assert value({"filter": "mlp", "value": 1}, "embeddings", 0.0) is None
    assert settings.read(setting, "x", float)[-1] == {"value": 2.0}


def test_a_wider_setting_fills_what_a_narrow_one_leaves() -> None:
    narrow = settings.read({"filter": "mlp", "value": 1}, "x", float)
    assert settings.within(narrow, 3.0) == [{"filter": "mlp", "value": 1.0}, {"value": 3.0}]
    assert settings.within(2.0, 3.0) == 2.0
    assert settings.within(settings.read([*narrow, {"value": 4}], "x", float), 3.0)[-1] == {"value": 4.0}


@given(setting=anywhere)
def test_reading_a_setting_again_changes_nothing(setting: Any) -> None:
    once = settings.read(setting, "x", float)
    assert settings.read(json.loads(canonical_json(once)), "x", float) == once


@given(setting=anywhere)
def test_a_setting_keeps_its_meaning_in_its_one_form(setting: Any) -> None:
    once = settings.read(setting, "x", float)
    for name in ("layer.1.attention", "layer.3.mlp", "embeddings"):
        for depth in (0.0, 0.3, 1.0):
            first = [c["value"] for c in setting if c.get("filter", "") in name] if (
                isinstance(setting, list) and isinstance(setting[0], dict)) else [setting]
            assert settings.at(once, (name,), depth) == pytest.approx(value(first[0], name, depth))


@pytest.mark.parametrize("bad", ["high", True, None, [], [1, "x"], [{"value": 1}, 2], {"filter": "a"}, float("inf"),
                                 {"value": 1, "fliter": "a"}, {"filter": 3, "value": 1}, 5, [0, 5],
                                 {"value": [{"value": 1}]}])
def test_other_settings_are_refused(bad: Any) -> None:
    with pytest.raises(RecipeError, match="density"):
        settings.read(bad, "density", float, Range(0, 1))


def test_numbers_may_be_text_as_yaml_has_them() -> None:
    assert settings.read("1e-5", "tol", float) == 1e-5
    assert settings.read(3.0, "steps", int) == 3
    with pytest.raises(RecipeError, match="no values between"):
        settings.read([1, 2], "steps", int)


@given(weights=st.dictionaries(st.sampled_from("abcdef"), everywhere | flat, min_size=1),
       density=st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=1, max_size=3), scale=flat)
def test_an_id_is_read_back_and_made_again(weights: dict[str, Any], density: Any, scale: Any) -> None:
    recipe = Recipe.of("ties", weights, {"density": density, "lambda": scale})
    assert Recipe.parse(recipe.id) == recipe
    assert Recipe.parse(recipe.id).id == recipe.id
    assert Recipe.of("ties", dict(reversed(weights.items())), {"lambda": scale, "density": density}).id == recipe.id
    known = {i: f"model {i}" for i in weights}
    back = {name: i for i, name in known.items()}
    assert Recipe.parse(recipe.renamed(known), back.__getitem__) == recipe
    for tensor in LAYOUT.tensors:
        given, options = recipe.at(tensor, layers_of(LAYOUT))
        assert len(given) == len(options["density"]) == len(weights)
    Point.of("base", {recipe.id: 1.0})


@pytest.mark.parametrize("name", names("explorer.merges"))
def test_options_at_their_defaults_are_left_out(name: str) -> None:
    found = method(name)
    models = {f"m{i}": 1 for i in range(found.models.least + 1 if found.models.most is None else found.models.most)}
    said = {o.name: o.default for o in found.options.values()}
    assert Recipe.of(name, models, said).id == Recipe.of(name, models).id
    assert json.loads(Recipe.of(name, models).id.removeprefix(PREFIX))["options"] == {}


def test_values_by_model_have_one_form() -> None:
    models = {"a": 1, "b": 1}
    assert Recipe.of("ties", models, {"density": {"a": 0.2, "b": 0.2}}) == Recipe.of("ties", models, {"density": 0.2})
    one = Recipe.of("ties", models, {"density": {"a": 0.2, "b": 1.0}})
    assert one.options == {"density": {"a": 0.2}}
    assert one.at(LAYOUT.tensors[0], 5)[1]["density"] == [0.2, 1.0]
    with pytest.raises(RecipeError, match="none of the merged models"):
        Recipe.of("ties", models, {"density": {"c": 0.2}})


def test_where_order_matters_one_path_has_one_id() -> None:
    there = Recipe.of("slerp", {"a": 1, "b": 1}, {"t": [0, 0.3]})
    back = Recipe.of("slerp", {"b": 1, "a": 1}, {"t": [1, 0.7]})
    assert there == back
    assert Recipe.parse(back.id) == back


def test_a_parameter_without_a_weight_is_refused() -> None:
    recipe = Recipe.of("ties", {"a": {"filter": "mlp", "value": 1}})
    with pytest.raises(RecipeError, match=r"a has no weight in embeddings\.weight"):
        recipe.check(LAYOUT)
    assert recipe.at(LAYOUT.tensors[2], 5)[0] == [1.0]
    prefixed = Recipe.of("ties", {"a": [{"filter": "bert.emb", "value": 3}, {"value": 1}]})
    assert prefixed.at(LAYOUT.tensors[0], 5, "bert")[0] == [3.0]


@pytest.mark.parametrize("text", ["merge:", "merge:[]", "merge:{}", 'merge:{"method":"ties"}',
                                  'merge:{"method":"ties","models":[]}', 'merge:{"method":3,"models":{}}',
                                  'merge:{"method":"ties","models":{"a":1},"seed":1}',
                                  'merge:{"method":"ties","models":{"a":NaN}}'])
def test_what_is_no_merge_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        Recipe.parse(text)


def test_an_unknown_method_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean ties"):
        Recipe.of("tie", {"a": 1})
