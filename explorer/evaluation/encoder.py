"""The model whose parameters are views into one flat buffer: moving to a Point is writing that buffer.

No state dict is rebuilt and no model reloaded between Points.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from explorer import settings
from explorer.errors import UnavailableError
from explorer.evaluation.plain_bert import PlainBert
from explorer.evaluation.reading import Form
from explorer.evaluation.texts import Batch
from explorer.types import Point
from explorer.weights.point import FlatPoint
from explorer.weights.tensors import read_json

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
Pooling = Literal["mean", "cls", "last"]


@dataclass(frozen=True)
class Reduction:
    """What is kept of a batch's hidden states (b, s, h), float32: one row of w values a text, shape (b, w).

    `name` tells reductions apart; `form` is the form of the texts that it is taken from.
    """

    name: str
    form: Form
    reduce: Callable[[torch.Tensor, Batch], torch.Tensor]


class Encoder:
    """A bare backbone on its device that can be moved to any Point of its base."""

    def __init__(self, folder: Path, flat: FlatPoint) -> None:
        self.flat = flat
        self.views = {t.name: flat.theta[t.offset : t.offset + t.size].view(t.shape) for t in flat.layout.tensors}
        self.model = _backbone(folder, self.views, flat.device)
        self._reads = None if isinstance(self.model, PlainBert) else frozenset(
            inspect.signature(self.model.forward).parameters)
        # On a CPU each core takes a batch of its own: threads inside one operation wait for each other at every
        # operation, which costs small models half their time, and nearly all of it on a busy machine.
        self._cores = ThreadPoolExecutor(settings.cores(),
                                         initializer=torch.set_num_threads,
                                         initargs=(1,)) if flat.device == "cpu" else None

    def move(self, point: Point) -> None:
        self.flat.move(point)

    def rows(self, batches: Sequence[Batch], reduction: Reduction, dtype: str) -> Iterator[torch.Tensor]:
        """The rows (b, w) of each batch in turn, float32 on the device."""

        def one(batch: Batch) -> torch.Tensor:
            return self._rows(batch, reduction, dtype)

        return map(one, batches) if self._cores is None else self._cores.map(one, batches)

    @torch.inference_mode()
    def _rows(self, batch: Batch, reduction: Reduction, dtype: str) -> torch.Tensor:
        with self._autocast(dtype):
            hidden = self.model(**self._known(batch.inputs)).last_hidden_state.float()
        return reduction.reduce(hidden, batch)

    def _known(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without what the architecture does not take; tokenizers tell the two texts of a pair apart for any."""
        return inputs if self._reads is None else {k: v for k, v in inputs.items() if k in self._reads}

    def _autocast(self, dtype: str) -> contextlib.AbstractContextManager[Any]:
        if dtype == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.flat.device.partition(":")[0], dtype=_AUTOCAST[dtype])


def pooled(pooling: Pooling) -> Reduction:
    """One vector a text: the mean over its tokens, its first token's state, or its last one's."""

    def mean(hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        weight = batch.inputs["attention_mask"][:, :, None].to(hidden.dtype)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)

    def first(hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        return hidden[:, 0]

    def last(hidden: torch.Tensor, batch: Batch) -> torch.Tensor:
        end = batch.inputs["attention_mask"].sum(dim=1) - 1
        return hidden[torch.arange(len(hidden), device=hidden.device), end]

    return Reduction(pooling, "plain", {"mean": mean, "cls": first, "last": last}[pooling])


def _backbone(folder: Path, views: dict[str, torch.Tensor], device: str) -> Any:
    """The encoder of a folder, every parameter of the layout a view into the flat buffer.

    Of an encoder-decoder it is the encoder. UnavailableError for what reads no texts, or keeps its parameters in other
    shapes than its files.
    """
    raw = read_json(folder / "config.json")
    if PlainBert.knows(raw):
        return PlainBert(raw, views)
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    model = AutoModel.from_config(config).float().eval().to(device)
    if model.main_input_name != "input_ids":
        raise UnavailableError(f"{folder.name} is a {config.model_type} model, which reads no texts "
                               f"({model.main_input_name}): losses on texts can't be measured with it. Maps, clusters, "
                               "paths, merges and exports need none.")
    parameters = dict(model.named_parameters())
    if strange := [name for name in views if name not in parameters]:
        raise UnavailableError(f"{folder.name}: transformers keeps {strange[0]} and {len(strange) - 1} more of a "
                               f"{config.model_type} model under other names or in other shapes than its files, so no "
                               "loss can be measured with it. Maps, clusters, paths, merges and exports need none.")
    for name, view in views.items():
        parameters[name].data = view
    model.requires_grad_(False)
    return model.get_encoder() if config.is_encoder_decoder else model
