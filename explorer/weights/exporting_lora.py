"""A Point as an adapter folder that PEFT loads onto the base: matrices as low-rank products, the rest as it is.

Sums of LoRA checkpoints are exact: their factors side by side. Any other task vector is cut to a rank by its singular
values, and the relative error of every matrix is told. Biases go in whole (bias "all"), norms as modules to save; a
parameter that is neither a matrix of a linear or embedding layer nor one of these is refused by name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from explorer.errors import InputError
from explorer.types import Tensor
from explorer.weights import lora
from explorer.weights.deltas import LowRank
from explorer.weights.exporting import Exporting
from explorer.weights.model_card import Loss
from explorer.weights.streaming import Stream

RANK = 16
"""Of matrices that have no exact low rank, where none is asked for."""
_ROOT = "base_model.model."
Kind = Literal["linear", "transposed", "embedding", "other"]


@dataclass
class _Adapter:
    """What is written: tensors by PEFT's names, rank of each target module, modules kept whole, errors of matrices."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    saved: dict[str, None] = field(default_factory=dict)
    biases: list[Tensor] = field(default_factory=list)
    lost: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Squared norms of what a matrix loses and of the matrix."""


def write(request: Exporting, stream: Stream, folder: Path) -> Iterator[int | str | Loss]:
    """Yields how many parameters are done, and what the adapter loses, in words and matrix by matrix."""
    kinds, made = _modules(Path(request.base_folder)), _Adapter()
    exact = request.rank is None and all(isinstance(d, LowRank) for d, _ in stream.terms)
    for done, tensor in enumerate(request.base.layout.tensors, start=1):
        if stream.touches(tensor):
            _add(made, tensor, stream, kinds, request.rank or RANK, exact)
        yield done
    if not made.ranks:
        raise InputError("this Point changes no matrix of the base, so an adapter of low rank has nothing to hold; "
                         "export it as a task-vector or as a model.")
    for tensor in request.base.layout.tensors:  # PEFT wants such modules whole
        if tensor.name.rpartition(".")[0] in made.saved:
            made.tensors[_ROOT + tensor.name] = stream.parameter(tensor).clone()
    for tensor in made.biases:
        module = tensor.name.rpartition(".")[0]
        place = f"{module}.base_layer.bias" if module in made.ranks else tensor.name
        made.tensors[_ROOT + place] = stream.parameter(tensor).clone()
    _save(made, folder, any(kinds[m] == "transposed" for m in made.ranks))
    yield _told(made, exact)
    yield from (Loss(name, math.sqrt(less / whole)) for name, (less, whole) in made.lost.items())


def _add(made: _Adapter, tensor: Tensor, stream: Stream, kinds: Mapping[str, Kind], rank: int, exact: bool) -> None:
    """One parameter's part of the adapter."""
    delta = stream.delta(tensor)
    if not bool(delta.any()):
        return
    module, _, leaf = tensor.name.rpartition(".")
    kind = kinds.get(module, "other")
    if len(tensor.shape) == 2 and leaf == "weight" and kind != "other":
        b, a = _concatenated(stream, tensor) if exact else (None, None)
        if b is None or a is None or b.shape[1] > min(tensor.shape):
            b, a = _truncated(delta, min(tensor.shape) if exact else rank)
        less, whole = float((delta - b @ a).double().square().sum()), float(delta.double().square().sum())
        made.lost[tensor.name], made.ranks[module] = (less, whole), b.shape[1]
        if kind != "linear":
            b, a = a.T, b.T
        ends = ("lora_embedding_A", "lora_embedding_B") if kind == "embedding" else ("lora_A.weight", "lora_B.weight")
        made.tensors |= {f"{_ROOT}{module}.{end}": value.contiguous() for end, value in zip(ends, (a, b), strict=True)}
    elif leaf == "bias" and kind != "other":
        made.biases.append(tensor)
    elif module and leaf in ("weight", "bias") and len(tensor.shape) == 1:
        made.saved[module] = None
    else:
        raise InputError(f"{tensor.name} of shape {tensor.shape} is no matrix of a linear or embedding layer, no bias "
                         "and no norm: an adapter can't hold its change. Export a task-vector or a model.")


def _concatenated(stream: Stream, tensor: Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """B (rows, r) and A (r, columns) of a sum of adapters: their factors side by side; None where one is kept whole."""
    parts = [(c, delta.factors(tensor)) for delta, c in stream.terms
             if isinstance(delta, LowRank) and delta.touches(tensor)]
    known = [(c, factors) for c, factors in parts if factors is not None]
    if len(known) < len(parts):
        return None, None
    return (torch.cat([c * scale * b.float() for c, (b, _, scale) in known], dim=1),
            torch.cat([a.float() for _, (_, a, _) in known], dim=0))


def _truncated(delta: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best B A of a rank (Eckart and Young): both factors share the singular values."""
    u, s, v = torch.linalg.svd(delta, full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]


def _modules(base: Path) -> dict[str, Kind]:
    """What each module of the bare backbone is, from its config alone."""
    from transformers import AutoConfig, AutoModel
    from transformers.pytorch_utils import Conv1D

    config = AutoConfig.from_pretrained(str(base), trust_remote_code=False, local_files_only=True)
    with torch.device("meta"):
        model = AutoModel.from_config(config)

    def kind(module: torch.nn.Module) -> Kind:
        if isinstance(module, Conv1D):
            return "transposed"
        return ("linear" if isinstance(module, torch.nn.Linear) else
                "embedding" if isinstance(module, torch.nn.Embedding) else "other")

    return {name: kind(module) for name, module in model.named_modules()}


def _save(made: _Adapter, folder: Path, transposed: bool) -> None:
    from safetensors.torch import save_file

    most = max(made.ranks.values())
    apart = {re.escape(module): r for module, r in made.ranks.items() if r != most}
    config: dict[str, Any] = {
        "peft_type": "LORA", "task_type": "FEATURE_EXTRACTION", "base_model_name_or_path": None, "inference_mode": True,
        "r": most, "lora_alpha": most, "rank_pattern": apart, "alpha_pattern": apart, "lora_dropout": 0.0,
        "bias": "all" if made.biases else "none", "fan_in_fan_out": transposed,
        "target_modules": sorted(made.ranks), "modules_to_save": sorted(made.saved) or None}
    (folder / lora.CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    save_file({name: value.contiguous() for name, value in made.tensors.items()}, str(folder / lora.FILES[0]),
              metadata={"format": "pt"})


def _told(made: _Adapter, exact: bool) -> str:
    less = sum(loss for loss, _ in made.lost.values())
    whole = sum(square for _, square in made.lost.values())
    error, most = math.sqrt(less / whole), max(made.ranks.values())
    if exact:
        return f"Exact: a sum of adapters, its factors side by side, rank {most} at most (relative error {error:.1e})."
    return (f"Cut to rank {most}: the matrices' change is kept with relative error {error:.3f} in all (Frobenius norm "
            "of what is lost over that of the change); biases and norms are whole.")
