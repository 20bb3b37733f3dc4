"""One fine-tuning run: a base and a task in, a folder with a task vector, a head and the run's own scores out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from explorer.errors import TaskError
from explorer.tasks import prepare
from explorer.training.batching import tokenise
from explorer.training.classifier import Classifier, encoder, own_scores
from explorer.training.fitting import fit, run_seed, trained_names
from explorer.training.loop import Autocast, Step
from explorer.training.recipes import ModelsRecipe
from explorer.training.writing import write_model
from explorer.types import Task, Tuning

__all__ = ["fine_tune", "run_seed"]


def fine_tune(folder: Path, base: Path, task: Task, block: ModelsRecipe, seed: int, train_size: int | None,
              meta: dict[str, Any], *, device: str, autocast: Autocast = "off") -> Iterator[Step]:
    """Trains a model from the base in folder `base` and fills `folder` with it; yields after every step.

    The first `train_size` rows of the train split are used (None: all). TaskError where there are fewer.
    """
    texts = prepare.load(task)
    n = len(texts.train.texts)
    if train_size is not None and n < train_size:
        raise TaskError(f"{task.name} has {n} train texts; the recipe asks for {train_size}.")
    drawn = run_seed(task.name, seed, train_size)
    backbone = encoder(base)
    model = Classifier(backbone, backbone.config.hidden_size, len(task.labels), drawn).to(device)
    start = {name: p.detach().clone() for name, p in backbone.named_parameters()}
    trained = trained_names(block.method, backbone)
    how = Tuning(block.method, block.steps, block.lr, block.batch, block.length, block.warmup, block.weight_decay)
    shown = texts.train.first(train_size or 0)
    tokens = tokenise(base, shown.texts, second(shown), block.length)
    yield from fit(model, trained, tokens, shown.labels, how, seed=drawn, device=device, autocast=autocast)
    held_out = tokenise(base, texts.test.texts, second(texts.test), block.length)
    scores = own_scores(model, held_out, texts.test.labels, device)
    deltas = {name: (p.detach() - start[name]).cpu() for name, p in backbone.named_parameters() if name in trained}
    write_model(folder, deltas, dict(model.head.state_dict()),
                {**meta, "train_size": len(tokens), "run_seed": drawn, "scores": scores})


def second(split: prepare.Split) -> list[str | None]:
    """The second texts of a split; None where there is none."""
    return [None] * len(split) if split.pairs is None else list(split.pairs)
