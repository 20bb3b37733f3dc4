"""The embedded zoo is what its recipe says: every run is there, made with the recipe's settings."""

from __future__ import annotations

from pathlib import Path

from explorer import settings
from explorer.training import files, sweep
from explorer.training.fine_tuning import run_seed
from explorer.training.writing import read_meta


def test_the_recipe_finds_nothing_left_to_make(tmp_path: Path):
    recipe = files.load(settings.RECIPES / "demo.yaml")
    (progress,) = sweep.run(recipe, settings.DEMO, tasks=tmp_path)
    assert progress.message == f"all {len(sweep.runs(recipe))} runs are there already"


def test_every_model_says_how_it_was_made():
    for run in sweep.runs(files.load(settings.RECIPES / "demo.yaml")):
        meta = read_meta(settings.DEMO / run.folder)
        assert meta is not None
        if run.kind == "model":
            assert (meta["dataset"], meta["seed"]) == (run.dataset, run.seed)
            assert meta["run_seed"] == run_seed(str(run.dataset), run.seed, run.train_size)
            assert 0 < meta["scores"]["accuracy"] <= 1


def test_the_zoo_fits_its_budget():
    assert sum(f.stat().st_size for part in ("bases", "models")
               for f in (settings.DEMO / part).rglob("*") if f.is_file()) <= 44 << 20
