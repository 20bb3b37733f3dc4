"""A classifier fitted on texts: which of its parameters train, for how many steps, and when to stop earlier.

Recipes and trainings from a Point both come through here. What it starts from, and what becomes of it, is theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import torch

from explorer import registry
from explorer.training.batching import Tokens, epochs
from explorer.training.classifier import Labeller, measured
from explorer.training.loop import Autocast, Schedule, Step, train
from explorer.training.recipes import METHODS
from explorer.types import Tuning, digest

CHECKS = 20
"""How often on the way the held-out loss is taken, where training may stop early."""
HELD_OUT = 10
"""One of so many train texts, the last ones, is held out then."""


def run_seed(dataset: str, seed: int, train_size: int | None = None) -> int:
    """The seed of a run, 31 bits of a hash of its data set, seed and training-set size (None: all).

    One seed shared by runs on different data would share their first heads, data order and dropout masks, and models
    would then gather by seed. It is the same whatever the run starts from, so that runs from several starts differ in
    their start alone.
    """
    return int(digest("run", dataset, str(seed), str(train_size))[:8], 16) >> 1


def trained_names(method: str, backbone: Any, **options: Any) -> frozenset[str]:
    """Names of the backbone's parameters that a method trains; UnknownNameError lists the methods there are."""
    return frozenset(registry.find(METHODS, method)(backbone, **options))


def fit(model: Labeller, trained: Collection[str], tokens: Tokens, labels: np.ndarray, how: Tuning, *, seed: int,
        device: str, autocast: Autocast = "off", held_out: int | None = None, every: int | None = None,
        accumulate: int = 1) -> Iterator[Step]:
    """Trains the head and the backbone's parameters named `trained` on b texts with labels (b,); yields every step.

    With patience the last `held_out` texts (None: one of HELD_OUT) are held out and measured `every` so many steps
    (None: CHECKS times). A batch is computed in `accumulate` pieces. The backbone is left as it is at the end, or, with
    patience, as it was where the held-out loss was lowest. A backbone of which nothing trains is frozen whole: without
    dropout.
    """
    for name, parameter in model.backbone.named_parameters():
        parameter.requires_grad_(name in trained)
    parameters = [p for p in model.parameters() if p.requires_grad]
    out = len(tokens) // HELD_OUT if held_out is None else held_out
    kept = len(tokens) - (out if how.patience else 0)
    shown, known = tokens.first(kept), torch.from_numpy(labels)
    _training(model, trained)

    def loss(rows: np.ndarray) -> torch.Tensor:
        logits = model(shown.batch(rows, device))
        return torch.nn.functional.cross_entropy(logits.float(), known[rows].to(device))

    def pieces(rows: np.ndarray) -> list[tuple[np.ndarray, float]]:
        return [(part, len(part) / len(rows)) for part in np.array_split(rows, accumulate) if len(part)]

    steps = train(parameters, epochs(shown, how.batch, seed), loss,
                  Schedule(how.steps, how.lr, how.warmup, how.weight_decay), seed=seed, device=device,
                  autocast=autocast, pieces=pieces if accumulate > 1 else None)
    if not how.patience:
        yield from steps
        return
    lowest, best, failed = np.inf, [p.detach().clone() for p in parameters], 0
    for step in steps:
        yield step
        if step.number % (every or max(1, how.steps // CHECKS)) and step.number < step.total:
            continue
        held = float(measured(model, tokens.after(kept), labels[kept:], device)[0].mean())
        _training(model, trained)
        failed = 0 if held < lowest else failed + 1
        if held < lowest:
            lowest, best = held, [p.detach().clone() for p in parameters]
        if failed >= how.patience:
            break
    with torch.no_grad():
        for parameter, value in zip(parameters, best, strict=True):
            parameter.copy_(value)


def _training(model: Labeller, trained: Collection[str]) -> None:
    model.train()
    if not trained:
        model.backbone.eval()
