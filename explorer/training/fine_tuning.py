"""One fine-tuning run: a base and a task in, a folder with a task vector, a head and the run's own scores out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer import registry
from explorer.errors import TaskError
from explorer.tasks import prepare
from explorer.training.batching import epochs, tokenise
from explorer.training.classifier import Classifier, encoder, own_scores
from explorer.training.loop import Autocast, Schedule, Step, train
from explorer.training.recipes import METHODS, ModelsRecipe
from explorer.training.writing import write_model
from explorer.types import Task, digest


def run_seed(dataset: str, seed: int, train_size: int | None = None) -> int:
    """The seed of a run, 31 bits of a hash of its data set, seed and training-set size (None: all).

    One seed shared by runs on different data would share their first heads, data order and dropout masks, and models
    would then gather by seed.
    """
    return int(digest("run", dataset, str(seed), str(train_size))[:8], 16) >> 1


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
    model = Classifier(backbone, backbone.config.hidden_size, len(task.labels), drawn).to(device).train()
    start = {name: p.detach().clone() for name, p in backbone.named_parameters()}
    trained = registry.find(METHODS, block.method)(backbone)
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(name in set(trained))
    tokens = tokenise(base, texts.train.texts[:train_size], _pairs(texts.train, train_size), block.length)
    labels = torch.from_numpy(texts.train.labels[:train_size])

    def loss(rows: np.ndarray) -> torch.Tensor:
        logits = model(tokens.batch(rows, device))
        return torch.nn.functional.cross_entropy(logits.float(), labels[rows].to(device))

    yield from train([p for p in model.parameters() if p.requires_grad], epochs(tokens, block.batch, drawn), loss,
                     Schedule(block.steps, block.lr, block.warmup, block.weight_decay), seed=drawn, device=device,
                     autocast=autocast)
    held_out = tokenise(base, texts.test.texts, _pairs(texts.test, None), block.length)
    scores = own_scores(model, held_out, texts.test.labels, device)
    deltas = {name: (p.detach() - start[name]).cpu() for name, p in backbone.named_parameters() if name in trained}
    write_model(folder, deltas, dict(model.head.state_dict()),
                {**meta, "train_size": len(tokens), "run_seed": drawn, "scores": scores})


def _pairs(split: prepare.Split, first: int | None) -> list[str | None]:
    """The second texts of the first rows of a split; None where there is none."""
    texts = split.texts[:first]
    return [None] * len(texts) if split.pairs is None else list(split.pairs[:first])
