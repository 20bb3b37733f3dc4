"""Small real parts: two synthetic tasks, a tiny sentence encoder as teacher, and a recipe over them."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from small_recipe import RECIPE

from explorer.tasks import prepare
from explorer.tasks.splits import Row
from explorer.training import files, recipes, vocabulary

WORDS = {"negative": "bad awful poor sad nasty dull", "positive": "good fine lovely nice happy bright",
         "cars": "wheel engine road driver brake fuel", "space": "orbit rocket moon launch probe star"}
FILLER = ["the", "a", "of", "was", "is", "it", "in", "on", "and", "very", "so", "this", "that"]
TASKS = {"films": ("sentiment", ("negative", "positive")), "news": ("topic", ("cars", "space"))}

@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    draw = random.Random(0)
    for name, (family, labels) in TASKS.items():
        rows = []
        for i in range(160):
            label = labels[i % 2]
            words = [draw.choice(WORDS[label].split() + FILLER) for _ in range(12)]
            rows.append(Row(" ".join([f"n{i}", *words]), label))
        prepare.write(name, rows, folder, family=family, domain="made")
    return folder


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer sentence encoder over the tasks' words."""
    import torch
    from transformers import BertConfig, BertModel

    from explorer.training.quiet import quiet

    folder = tmp_path_factory.mktemp("teacher")
    characters = [p for c in "abcdefghijklmnopqrstuvwxyz0123456789" for p in (c, f"##{c}")]
    pieces = [*vocabulary.SPECIAL, *characters, *FILLER[2:], *(w for words in WORDS.values() for w in words.split())]
    vocabulary.write_tokenizer(folder, list(dict.fromkeys(pieces)), 32)
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(0)
        config = BertConfig(vocab_size=len(pieces), hidden_size=24, num_hidden_layers=1, num_attention_heads=2,
                            intermediate_size=48, max_position_embeddings=32)
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def recipe() -> recipes.Recipe:
    return files.parse(RECIPE)


@pytest.fixture
def out(tmp_path: Path, recipe: recipes.Recipe, teacher_folder: Path) -> Path:
    """An empty output folder whose cache already holds the teacher."""
    place = tmp_path / "zoo" / ".cache" / f"teacher-{recipe.teacher.sha256[:16]}"
    shutil.copytree(teacher_folder, place)
    return tmp_path / "zoo"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, recipe: recipes.Recipe, teacher_folder: Path, tasks: Path) -> Path:
    """The whole small recipe, run once."""
    from explorer.training import sweep

    out = tmp_path_factory.mktemp("made")
    shutil.copytree(teacher_folder, out / ".cache" / f"teacher-{recipe.teacher.sha256[:16]}")
    list(sweep.run(recipe, out, tasks=tasks, device="cpu"))
    return out
