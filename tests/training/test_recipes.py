"""What a recipe may say, and what is answered to one that says something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from small_recipe import RECIPE

from explorer import settings
from explorer.errors import RecipeError
from explorer.training import files, recipes, sweep


def changed(**edits: object) -> str:
    """The small recipe with values replaced; a key like bases__0__lr reaches inside."""
    raw = yaml.safe_load(RECIPE)
    for path, value in edits.items():
        *parents, last = [int(k) if k.isdigit() else k for k in path.split("__")]
        inside = raw
        for key in parents:
            inside = inside[key]
        inside[last] = value
    return yaml.safe_dump(raw)


def test_reads_every_value():
    recipe = files.parse(RECIPE)
    assert recipe.architecture.width == 16
    assert [b.objective for b in recipe.bases] == ["masked-language", "distillation"]
    assert recipe.models[1].train_sizes == (20, 40)
    assert recipe.datasets == ("films", "news")


def test_the_shipped_recipe_is_valid_and_says_what_it_makes():
    recipe = files.load(settings.RECIPES / "demo.yaml")
    assert len({r.name for r in sweep.runs(recipe)}) == len(sweep.runs(recipe))


@pytest.mark.parametrize(("edits", "said"), [
    ({"bases__0__learning_rate": 1.0}, "unknown key 'learning_rate'"),
    ({"modles": []}, "Did you mean 'models'"),
    ({"bases__0__objective": "guessing"}, "allowed: masked-language, distillation"),
    ({"bases__0__lr": "fast"}, "bases[0].lr must be a finite number"),
    ({"bases__0__lr": float("nan")}, "bases[0].lr must be a finite number"),
    ({"bases__0__lr": -1.0}, "lr must be above 0"),
    ({"bases__0__epochs": 0}, "bases[0].epochs is 0; it must be at least 1"),
    ({"bases__0__epochs": True}, "must be a whole number"),
    ({"bases__0__masked": 1.5}, "between 0 and 1"),
    ({"bases__1__name": "M"}, "two bases have one name"),
    ({"bases__0__name": "../M"}, "names a folder"),
    ({"bases": []}, "at least one base"),
    ({"bases__0__length": 900}, "architecture.positions allows 24"),
    ({"architecture__heads": 3}, "no multiple of heads 3"),
    ({"models__0__base": "X"}, "the recipe's bases are M, S"),
    ({"models__0__method": "half"}, "allowed: bitfit, full"),
    ({"models__0__method": "probe"}, "trains the head alone"),
    ({"models__0__datasets": []}, "makes no model"),
    ({"models__0__datasets": "films"}, "must be a list"),
    ({"models__0__datasets": ["a/b"]}, "names a folder"),
    ({"models__0__seeds": [-1]}, "must be at least 0"),
    ({"models__0__steps": 0}, "must be at least 1"),
    ({"models__0__methods": ["full", "lorra"]}, "Did you mean 'lora'"),
    ({"models__0__start": "centroid"}, "which this recipe makes, can start from it alone"),
    ({"models__0__format": "zip"}, "allowed: huggingface, task-vector, lora"),
    ({"models__0__lora": {"rank": 0}, "models__0__method": "lora"}, "rank must be at least 1"),
    ({"models__0__lora": {"rnk": 4}}, "Did you mean 'rank'"),
    ({"models__0__embeddings": 1}, "must be true or false"),
    ({"models__0__held_out": 1.0}, "between 0 and 1"),
    ({"bases__0__from": "org/name"}, "unknown key 'batch'"),
    ({"datasets": {"x": {"hub": "o/n", "text": [], "label": "y"}}}, "one or two hold texts"),
    ({"teacher": "minilm"}, "must be a mapping"),
    ({"figures": 3}, "must be a mapping"),
    ({"name": 3}, "must be a text"),
])
def test_refuses_with_the_place_and_what_is_allowed(edits: dict[str, object], said: str):
    with pytest.raises(RecipeError) as error:
        files.parse(changed(**edits))
    assert said in str(error.value)


@pytest.mark.parametrize(("text", "said"), [("a: [", "not valid YAML"), ("- 1", "must be a mapping"),
                                            ("name: x", "'bases' is missing"), ("", "must be a mapping"),
                                            ("!!python/object/apply:os.system [ls]", "not valid YAML")])
def test_refuses_what_is_no_recipe(text: str, said: str):
    with pytest.raises(RecipeError) as error:
        files.parse(text)
    assert said in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"none\.yaml"):
        files.load(tmp_path / "none.yaml")


def test_one_run_made_twice_is_refused():
    with pytest.raises(RecipeError, match="more than once"):
        sweep.runs(files.parse(changed(models__0__seeds=[1, 1])))


def test_names_and_settings_of_runs():
    runs = {r.name: r for r in sweep.runs(files.parse(RECIPE))}
    assert list(runs) == ["M", "S", "films-s0", "films-s1", "news-s0", "news-s1", "films-S-n20-s0", "films-S-n40-s0"]
    same = {r.name: r.settings for r in sweep.runs(files.parse(changed(models__0__seeds=[0, 1, 2], note="x")))}
    assert all(same[name] == run.settings for name, run in runs.items())
    other = {r.name: r.settings for r in sweep.runs(files.parse(changed(bases__1__epochs=3)))}
    differ = {name for name, run in runs.items() if other[name] != run.settings}
    assert differ == {"S", "films-S-n20-s0", "films-S-n40-s0"}


def test_given_bases_need_no_corpus_and_made_ones_do():
    given = "name: g\nbases: [{name: B, from: org/name@v1}]\nmodels: []"
    assert files.parse(given).bases == (recipes.GivenBase("B", "org/name@v1"),)
    for key in ("corpus", "teacher", "architecture"):
        raw = yaml.safe_load(RECIPE)
        del raw[key]
        with pytest.raises(RecipeError, match=f"the key '{key}' is missing"):
            files.parse(yaml.safe_dump(raw))


def test_a_sweep_over_methods_and_what_names_tell():
    block = {"base": "M", "datasets": ["films"], "seeds": [0], "steps": 3, "lr": 0.001, "length": 24}
    text = changed(models=[{**block, "methods": ["full", "bitfit"]},
                           {**block, "method": "lora", "format": "huggingface"}])
    runs = {r.name: r for r in sweep.runs(files.parse(text)) if r.kind == "model"}
    assert list(runs) == ["films-s0", "films-bitfit-s0", "films-lora-s0"]
    assert len({r.settings for r in runs.values()}) == 3
    alone = {r.name: r.settings for r in sweep.runs(files.parse(changed(models=[block])))}
    assert alone["films-s0"] == runs["films-s0"].settings
