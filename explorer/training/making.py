"""Filling the folder of one run: a base made from the corpus and the teacher, or a model fine-tuned from a base."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from explorer import __version__
from explorer.errors import RecipeError
from explorer.training import pretrain, teacher, vocabulary
from explorer.training.bases import Known, located
from explorer.training.batching import Tokens, tokenise
from explorer.training.corpus import Passage, passages
from explorer.training.fine_tuning import fine_tune
from explorer.training.loop import Autocast
from explorer.training.plan import FIRST, Run
from explorer.training.recipes import BaseRecipe, ModelsRecipe, Recipe, Teacher
from explorer.training.writing import write_base
from explorer.types import Point, Task


def make(recipe: Recipe, r: Run, folder: Path, out: Path, texts: Mapping[str, Task], known: Known, *, device: str,
         autocast: Autocast) -> Iterator[tuple[float, str]]:
    """Fills `folder` with the run's files, using what already lies under `out`; yields (share done, message)."""
    if isinstance(r.block, BaseRecipe):
        yield from _base(recipe, r, r.block, folder, out / ".cache", texts, device, autocast)
    else:
        yield from _model(recipe, r, r.block, folder, out, texts, known, device)


def _base(recipe: Recipe, r: Run, block: BaseRecipe, folder: Path, cache: Path, texts: Mapping[str, Task], device: str,
          autocast: Autocast) -> Iterator[tuple[float, str]]:
    if recipe.teacher is None or recipe.architecture is None:
        raise RecipeError("a base that is made needs a teacher and an architecture.")
    yield 0.0, "reading the corpus"
    corpus = passages([texts[name] for name in recipe.corpus], per_dataset=block.per_dataset, most=block.passages,
                      words=block.words)
    source = teacher.unpack(recipe.teacher, cache, teacher.fetch)
    pieces = vocabulary.frequent_pieces(source, [t for p in corpus for t in (p.text, p.pair) if t],
                                        recipe.architecture.vocabulary)
    vocabulary.write_tokenizer(folder, pieces, recipe.architecture.positions)
    tokens = tokenise(folder, [p.text for p in corpus], [p.pair for p in corpus], block.length)
    targets: np.ndarray | None = None
    if block.objective == "distillation":
        for share, ready in teacher.vectors(source, corpus, cache, length=block.length, device=device):
            targets = ready
            yield 0.0, f"teacher's vectors {share:.0%}"
    model = pretrain.untrained(recipe.architecture, pieces, teacher.embeddings(source), block.seed)
    loss = float("nan")
    for step in pretrain.pretrain(block, model, tokens, targets, device=device, autocast=autocast):
        loss = step.loss if step.number == 1 else 0.99 * loss + 0.01 * step.loss
        yield step.number / step.total, f"step {step.number} of {step.total}, loss {loss:.3f}"
    write_base(folder, model, pieces, _base_meta(recipe, recipe.teacher, r, block, corpus, tokens, loss))


def _base_meta(recipe: Recipe, source: Teacher, r: Run, block: BaseRecipe, corpus: Sequence[Passage], tokens: Tokens,
               loss: float) -> dict[str, Any]:
    about = (f"{block.note} Word embeddings start from {source.package} {source.version} "
             f"({source.licence}); {block.objective} training on {len(corpus)} passages of the train splits of "
             f"{', '.join(recipe.corpus)}.").strip()
    return {"name": r.name, "kind": "base", "pooling": "mean", "note": about, "seed": block.seed,
            "passages": len(corpus), "tokens": int(sum(len(i) for i in tokens.ids)), "final_loss": round(loss, 4),
            "hyper": _hyper(block), "recipe": recipe.name, "settings": r.settings, "versions": _versions()}


def _model(recipe: Recipe, r: Run, block: ModelsRecipe, folder: Path, out: Path, texts: Mapping[str, Task],
           known: Known, device: str) -> Iterator[tuple[float, str]]:
    task = texts[str(r.dataset)]
    base = located(recipe, block.base, out, known)
    start = known.starts.get(r.name)
    meta = {"name": r.name, "base": base.name, "dataset": task.name, "task": task.family, "domain": task.domain,
            "seed": r.seed, "method": block.method, "labels": list(task.labels), "texts": task.digest,
            "hyper": _hyper(block), "recipe": recipe.name, "settings": r.settings, "versions": _versions()}
    if start is not None:
        meta |= {"start": block.start, "start_recipe": json.dumps(known.recipes.get(r.name, {}), ensure_ascii=False)}
    if block.precision != "fp32":  # mixed precision is for CUDA; what was used is told
        meta["precision"] = block.precision if device.startswith("cuda") else "fp32"
    autocast: Autocast = block.precision if block.precision != "fp32" and device.startswith("cuda") else "off"
    steps = fine_tune(folder, base, task, block, r.seed, r.train_size, meta, form=recipe.format_of(block),
                      start=start or Point.of(""), folders=known.folders, place=out / r.folder, device=device,
                      autocast=autocast)
    for step in steps:
        yield step.number / step.total, f"step {step.number} of {step.total}, loss {step.loss:.3f}"


def _hyper(block: BaseRecipe | ModelsRecipe) -> dict[str, Any]:
    """How it was trained; what a block of models leaves at its default is told by the format of recipes alone."""
    skip = ("name", "note", "seed", "base", "datasets", "seeds", "train_sizes", "method", "methods", "start", "format")
    said = {k: v for k, v in dataclasses.asdict(block).items() if k not in skip}
    if isinstance(block, BaseRecipe):
        return said
    unsaid = {f.name: f.default for f in dataclasses.fields(block)}
    return {k: v for k, v in said.items() if k in FIRST or v != unsaid[k]}


def _versions() -> dict[str, str]:
    return {"explorer": __version__, "python": platform.python_version(), "torch": torch.__version__,
            "transformers": transformers.__version__}
