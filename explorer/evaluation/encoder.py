"""The model whose parameters are views into one flat buffer: moving to a Point is writing that buffer.

No state dict is rebuilt and no model reloaded between Points.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from explorer import settings
from explorer.errors import JobError
from explorer.evaluation.plain_bert import PlainBert
from explorer.evaluation.texts import Batch
from explorer.types import Point
from explorer.weights.point import FlatPoint
from explorer.weights.tensors import read_json

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Encoder:
    """A bare backbone on its device that can be moved to any Point of its base."""

    def __init__(self, folder: Path, flat: FlatPoint, pooling: Literal["mean", "cls"], dtype: str = "fp32") -> None:
        self.flat, self._pooling, self._dtype = flat, pooling, dtype
        self.model = _backbone(folder, flat)
        # On a CPU each core takes a batch of its own: threads inside one operation wait for each other at every
        # operation, which costs small models half their time, and nearly all of it on a busy machine.
        self._cores = ThreadPoolExecutor(settings.cores(),
                                         initializer=torch.set_num_threads,
                                         initargs=(1,)) if flat.device == "cpu" else None

    def move(self, point: Point) -> None:
        self.flat.move(point)

    def features(self, batches: Sequence[Batch], between: Callable[[], None] = lambda: None) -> np.ndarray:
        """Pooled features of a split, float64 of shape (b, h) in the split's order; `between` is called per batch.

        JobError if a feature is not finite (a Point so far out that the model overflows).
        """
        rows, values = [], []
        for batch, pooled in zip(batches, self._forward(batches), strict=True):
            values.append(pooled)
            rows.append(batch.rows)
            between()
        stacked = torch.cat(values).cpu().double().numpy()
        if not np.isfinite(stacked).all():
            raise JobError("the model's features are not finite at this Point: it lies too far from the base.")
        features = np.empty_like(stacked)
        features[np.concatenate(rows)] = stacked
        return features

    def _forward(self, batches: Sequence[Batch]) -> Iterator[torch.Tensor]:
        return map(self._pooled, batches) if self._cores is None else self._cores.map(self._pooled, batches)

    @torch.inference_mode()
    def _pooled(self, batch: Batch) -> torch.Tensor:
        """Features of one batch, float32 of shape (b, h)."""
        with self._autocast():
            hidden = self.model(**batch.inputs).last_hidden_state.float()
        return self._pool(hidden, batch.inputs["attention_mask"])

    def _pool(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if self._pooling == "cls":
            return hidden[:, 0]
        weight = mask[:, :, None].to(hidden.dtype)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self._dtype == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.flat.device, dtype=_AUTOCAST[self._dtype])


def _backbone(folder: Path, flat: FlatPoint) -> Any:
    """The encoder of a folder, every parameter of the layout a view into the flat buffer."""
    views = {t.name: flat.theta[t.offset : t.offset + t.size].view(t.shape) for t in flat.layout.tensors}
    raw = read_json(folder / "config.json")
    if PlainBert.knows(raw):
        return PlainBert(raw, views)
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    model = AutoModel.from_config(config).float().eval().to(flat.device)
    parameters = dict(model.named_parameters())
    for name, view in views.items():
        parameters[name].data = view
    return model.requires_grad_(False)
