"""PEFT LoRA folders as exact task vectors: ΔW = B A · scale on each target, kept tensors as θ − θ_base.

Scale is α/r, or α/√r with rsLoRA, with PEFT's per-module rank and alpha patterns. Variants whose result is no fixed
low-rank sum (DoRA and other adapter types) are refused by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.errors import CheckpointError
from explorer.types import Layout
from explorer.weights.deltas import LowRank, Weights
from explorer.weights.layout import spellings
from explorer.weights.tensors import Tensors, open_file, read_json

CONFIG = "adapter_config.json"
FILES = ("adapter_model.safetensors", "adapter_model.bin")
_ROOT = "base_model.model."
_FACTOR = re.compile(r"^(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<which>[AB])(\.default)?(\.weight)?$")
# What a head is called; an adapter's kept tensors of these modules are no part of the shared backbone.
_REFUSED = ("use_dora", "use_qalora", "layer_replication", "arrow_config", "corda_config", "megatron_config",
            "alora_invocation_tokens", "target_parameters")


def open_adapter(folder: Path) -> tuple[dict[str, Any], Tensors]:
    """(adapter config, tensors) of a PEFT folder; CheckpointError for anything but plain LoRA."""
    config = read_json(folder / CONFIG)
    if (kind := config.get("peft_type")) != "LORA":
        raise CheckpointError(f"{folder / CONFIG}: peft_type {kind!r}; only 'LORA' is a linear task vector.")
    if used := [key for key in _REFUSED if config.get(key)]:
        raise CheckpointError(f"{folder / CONFIG}: {', '.join(used)} set; ΔW is then not B·A·scale. Merge the adapter "
                              "with PEFT and import the merged model.")
    for name in FILES:
        if (folder / name).is_file():
            return config, open_file(folder / name)
    raise CheckpointError(f"{folder}: no adapter weights; needed: {' or '.join(FILES)}.")


def low_rank(folder: Path, layout: Layout, prefix: str, base: Weights) -> LowRank:
    """The adapter's task vector on the layout; CheckpointError names what does not fit the base."""
    config, tensors = open_adapter(folder)
    canonical = {s: t for t in layout.tensors for s in spellings(t.name, prefix)}
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    turned: set[str] = set()
    modules: dict[str, str] = {}
    kept: dict[str, torch.Tensor] = {}
    for name in tensors:
        bare = name.removeprefix(_ROOT)
        if factor := _FACTOR.match(bare):
            module = factor["module"]
            tensor = canonical.get(f"{module}.weight")
            if tensor is None:
                raise CheckpointError(f"{folder}: {name} targets {module!r}, which is no part of the base's backbone.")
            pairs.setdefault(tensor.name, {})[factor["which"]] = tensors[name]
            modules[tensor.name] = module
            if factor["embedding"]:
                turned.add(tensor.name)
        else:
            bare = bare.replace(".modules_to_save.default", "").replace(".modules_to_save", "").replace(".base_layer", "")
            if tensor := canonical.get(bare):
                if tuple(tensors.shapes[name]) != tensor.shape:
                    raise CheckpointError(f"{folder}: {name} is {tensors.shapes[name]}, the base has {tensor.shape}.")
                kept[tensor.name] = tensors[name]
            elif prefix and bare.startswith(f"{prefix}.") and not bare.startswith(f"{prefix}.pooler."):
                raise CheckpointError(f"{folder}: {name} is a backbone tensor that the base does not have.")
    if not pairs and not kept:
        raise CheckpointError(f"{folder}: the adapter changes no tensor of the base's backbone.")
    shapes = {t.name: t.shape for t in layout.tensors}
    factors = {name: _factors(folder, name, pair, shapes[name], config, modules[name], name in turned)
               for name, pair in pairs.items()}
    return LowRank(factors, kept, base)


def _factors(folder: Path, name: str, pair: Mapping[str, torch.Tensor], shape: tuple[int, ...], config: Mapping[str, Any],
             module: str, embedding: bool) -> tuple[torch.Tensor, torch.Tensor, float]:
    if pair.keys() != {"A", "B"}:
        raise CheckpointError(f"{folder}: {name} has only lora_{''.join(pair)} of the two factors.")
    a, b = pair["A"], pair["B"]
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise CheckpointError(f"{folder}: {name} has factors A {tuple(a.shape)} and B {tuple(b.shape)}, whose product "
                              "is not defined.")
    scale = _scale(config, module, a.shape[0])
    # an embedding's and a Conv1D's weight is kept transposed: (B A)ᵀ = Aᵀ Bᵀ
    if embedding or (config.get("fan_in_fan_out") and shape == (a.shape[1], b.shape[0])):
        a, b = b.T, a.T
    if (b.shape[0], a.shape[1]) != shape:
        raise CheckpointError(f"{folder}: {name} gives ΔW of {(b.shape[0], a.shape[1])}, the base has {shape}.")
    return b, a, scale


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    alpha = config.get("lora_alpha", 8)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = value
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
