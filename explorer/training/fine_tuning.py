"""One fine-tuning run: a Point of a base and a task in, a model's folder out, and its checkpoints along the way.

What is read of a base and of a task is kept for the next run, so that a sweep pays for its steps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.errors import TaskError
from explorer.tasks import prepare
from explorer.training.bases import Located
from explorer.training.batching import Tokens, tokenise
from explorer.training.classifier import Classifier, Labeller, longest, own_scores, untrained
from explorer.training.fitting import fit, run_seed, trained_names
from explorer.training.loop import Autocast, Step
from explorer.training.recipes import LORA, Format, Lora, ModelsRecipe, held_out
from explorer.training.threads import threads_for
from explorer.training.whole import Whole, changes, save_adapters, save_whole, whole, with_adapters
from explorer.training.writing import new_folder, write_meta, write_model
from explorer.types import Point, Task, Tuning
from explorer.weights.opening import ensure_base, open_base, open_term
from explorer.weights.point import FlatPoint

__all__ = ["fine_tune", "run_seed"]

_KEPT = 4
"""Data sets whose tokens are kept, and bases that are."""
_HERE = Point.of("")


class Ground:
    """A base on a device, and every Point of it that training starts from. `folders` may grow."""

    def __init__(self, located: Located, device: str) -> None:
        self.located, self.device = located, device
        self.folders: dict[str, Path] = {}
        opened = open_base(located.folder)
        if located.base is not None:
            ensure_base(located.base.id, opened)
        self.layout = opened.layout
        self._id = located.base.id if located.base is not None else ""
        self._flat = FlatPoint(self._id, opened.weights, opened.layout,
                               lambda term: open_term(term, self.folders, opened), device)
        self._bare: Any = None
        self._texts: OrderedDict[tuple[str, int], tuple[Tokens, Tokens, prepare.Texts]] = OrderedDict()

    def model(self, form: Format, block: ModelsRecipe, labels: tuple[str, ...], start: Point, seed: int) -> Labeller:
        """The model at a Point, with a head drawn from `seed`."""
        self._flat.move(Point.of(self._id) if start == _HERE else start)
        if form == "task-vector":
            return self._pooled(len(labels), seed)
        made = whole(self.located.folder, self.layout, self._flat.theta, labels, seed)
        if block.method == LORA:
            made = with_adapters(made, block.lora or Lora(), seed, self.located.name)
        return made.to(self.device)

    def origin(self) -> torch.Tensor:
        """θ_base, shape (d,), until the next model is made."""
        self._flat.move(Point.of(self._id))
        return self._flat.theta

    def _pooled(self, classes: int, seed: int) -> Classifier:
        if self._bare is None:
            self._bare = untrained(self.located.folder).to(self.device)
        parameters = dict(self._bare.named_parameters())
        with torch.no_grad():
            for t in self.layout.tensors:
                parameters[t.name].copy_(self._flat.theta[t.offset : t.offset + t.size].view(t.shape))
        width = self._bare.config.hidden_size
        return Classifier(self._bare, width, classes, seed, pooling=self.located.pooling).to(self.device)

    def texts(self, task: Task, length: int, config: Any) -> tuple[Tokens, Tokens, prepare.Texts]:
        """Tokens of the train and the test split, and both with their labels."""
        key = task.digest, length
        if key not in self._texts:
            texts = prepare.load(task)
            train, test = (tokenise(self.located.folder, part.texts, second(part), length)
                           for part in (texts.train, texts.test))
            if (pad := getattr(config, "pad_token_id", None)) is not None:
                train, test = replace(train, pad=pad), replace(test, pad=pad)
            self._texts[key] = train, test, texts
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


_grounds: OrderedDict[tuple[str, str, float, str], Ground] = OrderedDict()


def ground(located: Located, device: str) -> Ground:
    """This process's ground of a base, made when first asked for."""
    known = located.base.id if located.base is not None else ""
    key = str(located.folder), known, (located.folder / "config.json").stat().st_mtime, device
    if key not in _grounds:
        _grounds[key] = Ground(located, device)
        while len(_grounds) > _KEPT:
            _grounds.popitem(last=False)
    _grounds.move_to_end(key)
    return _grounds[key]


def fine_tune(folder: Path, base: Located, task: Task, block: ModelsRecipe, seed: int, train_size: int | None,
              meta: Mapping[str, Any], *, form: Format = "task-vector", start: Point = _HERE,
              folders: Mapping[str, str] | None = None, place: Path | None = None, device: str,
              autocast: Autocast = "off") -> Iterator[Step]:
    """Trains a model from a Point of the base and fills `folder` with it; yields after every step.

    The first `train_size` rows of the train split are used (None: all). Checkpoints along the way appear beside `place`
    as NAME@STEP just before this ends. TaskError where there are fewer texts.
    """
    here = ground(base, device)
    here.folders.update({i: Path(f) for i, f in (folders or {}).items()})
    drawn = run_seed(task.name, seed, train_size)
    with threads_for(here.layout.size), ExitStack() as stages:
        model = here.model(form, block, task.labels, start, drawn)
        limit = longest(model.backbone)
        tokens, test, texts = here.texts(task, block.length if limit is None else min(block.length, limit),
                                         model.backbone.config)
        if train_size is not None and len(tokens) < train_size:
            raise TaskError(f"{task.name} has {len(tokens)} train texts; the recipe asks for {train_size}.")
        shown = tokens if train_size is None else tokens.first(train_size)
        how = Tuning(block.method, block.steps_on(len(shown)), block.lr, block.batch, block.length, block.warmup,
                     block.weight_decay, block.patience)
        about = {**meta, "train_size": len(shown), "run_seed": drawn}
        keep = _Keeper(here, model, form, test, texts.test.labels, about)
        names, taken = trained(model, block), 0
        for step in fit(model, names, shown, texts.train.labels[: len(shown)], how, seed=drawn, device=device,
                        autocast=autocast, held_out=held_out(len(shown), block.held_out), every=block.evaluate_every,
                        accumulate=block.accumulate):
            taken = step.number
            yield step
            if place is not None and step.number in _stops(how.steps, block.checkpoints):
                there = stages.enter_context(new_folder(place.with_name(f"{place.name}@{step.number}"), again=True))
                keep(there, {"name": f"{place.name}@{step.number}", "run": place.name, "step": step.number})
                model.train()
        keep(folder, {"run": place.name, "step": taken} if place is not None and block.checkpoints else {})


class _Keeper:
    """Writes the model as it is into a folder."""

    def __init__(self, here: Ground, model: Labeller, form: Format, test: Tokens, labels: np.ndarray,
                 about: Mapping[str, Any]) -> None:
        self._here, self._model, self._form = here, model, form
        self._test, self._labels, self._about = test, labels, about

    def __call__(self, folder: Path, said: Mapping[str, Any]) -> None:
        model, here = self._model, self._here
        meta = {**self._about, "scores": own_scores(model, self._test, self._labels, here.device), **said}
        if isinstance(model, Classifier):
            write_model(folder, changes(model, here.layout, here.origin()), dict(model.head.state_dict()), meta)
            return
        assert isinstance(model, Whole)
        (save_adapters if self._form == "lora" else save_whole)(folder, model, here.located.folder)
        write_meta(folder, meta)


def trained(model: Labeller, block: ModelsRecipe) -> frozenset[str]:
    """Names of the backbone's parameters that train, a pooler that belongs to the head included."""
    if isinstance(model, Whole) and model.adapted is not None:
        return model.adapters
    options = {"embeddings": True} if block.method == "full" and block.embeddings else {}
    return trained_names(block.method, model.backbone, **options) | (
        model.head if isinstance(model, Whole) else frozenset())


def _stops(steps: int, checkpoints: int) -> set[int]:
    """The steps after which checkpoints are kept: evenly on the way, the end left out."""
    return {max(1, round(steps * k / (checkpoints + 1))) for k in range(1, checkpoints + 1)} - {steps}


def second(split: prepare.Split) -> list[str | None]:
    """The second texts of a split; None where there is none."""
    return [None] * len(split) if split.pairs is None else list(split.pairs)
