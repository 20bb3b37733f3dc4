"""PEFT LoRA folders as exact task vectors: ΔW = B A · scale on each target, kept tensors as θ − θ_base.

Scale is α/r, or α/√r with rsLoRA, with PEFT's per-module rank and alpha patterns. Factors and kept tensors of heads and
poolers are left out, as they are of whole models. Refused by name: variants whose result is no fixed low-rank sum (DoRA
and other adapter types), and initialisations that change the base itself (PiSSA and its kin).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.errors import CheckpointError
from explorer.types import Layout, Tensor
from explorer.weights.deltas import LowRank, Weights
from explorer.weights.layout import aliens, spellings
from explorer.weights.tensors import Tensors, open_file, read_json

CONFIG = "adapter_config.json"
FILES = ("adapter_model.safetensors", "adapter_model.bin")
_ROOT = "base_model.model."
_FACTOR = re.compile(r"^(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<which>[AB])(\.default)?(\.weight)?$")
_REFUSED = ("use_dora", "use_qalora", "use_bdlora", "layer_replication", "arrow_config", "corda_config",
            "lora_ga_config",
            "monteclora_config", "kasa_config", "megatron_config", "alora_invocation_tokens", "target_parameters")
# These subtract their first B A from the base's weights, so the adapter alone is not θ − θ_base.
_BASE_CHANGING = re.compile(r"pissa|corda|olora|loftq|lora_ga", re.IGNORECASE)

# What makes a search take time that grows with a power of the name's length: repeated groups, and many repetitions.
_COSTLY = re.compile(r"\)\s*[*+?{]|\\[1-9]|\(\?P?[=<!]")
_REPEATS = re.compile(r"(?<!\\)[*+]|\{\d*,")


def open_adapter(folder: Path) -> tuple[dict[str, Any], Tensors]:
    """(adapter config, tensors) of a PEFT folder; CheckpointError for anything but plain LoRA."""
    config = read_json(folder / CONFIG)
    if (kind := config.get("peft_type")) != "LORA":
        raise CheckpointError(f"{folder / CONFIG}: peft_type {kind!r}; only 'LORA' is a linear task vector.")
    if used := [key for key in _REFUSED if config.get(key)]:
        raise CheckpointError(f"{folder / CONFIG}: {', '.join(used)} set; ΔW is then not B·A·scale. Merge the adapter "
                              "with PEFT and import the merged model.")
    if _BASE_CHANGING.match(start := str(config.get("init_lora_weights"))):
        raise CheckpointError(f"{folder / CONFIG}: init_lora_weights {start!r} changes the base itself; merge the "
                              "adapter with PEFT and import the merged model.")
    for name in FILES:
        if (folder / name).is_file():
            return config, open_file(folder / name)
    raise CheckpointError(f"{folder}: no adapter weights; needed: {' or '.join(FILES)}.")


def in_backbone(tensors: Tensors, layout: Layout, prefix: str) -> set[str]:
    """The tensors of an adapter that make its task vector: factors and kept tensors of the layout's own."""
    canonical = _canonical(layout, prefix)
    return {name for name in tensors if _home(name) in canonical}


def _canonical(layout: Layout, prefix: str) -> dict[str, Tensor]:
    """The layout's tensors by every name that a model may store them under."""
    return {s: t for t in layout.tensors for s in spellings(t.name, prefix)}


def low_rank(folder: Path, layout: Layout, prefix: str, base: Weights, transposed: bool = False) -> LowRank:
    """The adapter's task vector on the layout; CheckpointError names what does not fit the base.

    `transposed`: the base keeps its matrices as (in, out), as GPT-2 does. The config's fan_in_fan_out does not decide
    this: it holds the last target's value where an adapter has targets of both kinds.
    """
    config, tensors = open_adapter(folder)
    canonical = _canonical(layout, prefix)
    foreign = set(aliens(map(_home, tensors), set(), layout, prefix)) - set(canonical)
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    turned = {t.name for t in layout.tensors} if transposed else set()
    modules: dict[str, str] = {}
    kept: dict[str, torch.Tensor] = {}
    for name in tensors:
        if (home := _home(name)) in foreign:
            raise CheckpointError(f"{folder}: {name} is of {home!r}, which is no part of the base's backbone.")
        if (tensor := canonical.get(home)) is None:
            continue  # of a head or a pooler
        if factor := _FACTOR.match(name.removeprefix(_ROOT)):
            pairs.setdefault(tensor.name, {})[factor["which"]] = tensors[name]
            modules[tensor.name] = factor["module"]
            if factor["embedding"]:
                turned.add(tensor.name)
        elif tuple(tensors.shapes[name]) != tensor.shape:
            raise CheckpointError(f"{folder}: {name} is {tensors.shapes[name]}, the base has {tensor.shape}.")
        else:
            kept[tensor.name] = tensors[name]
    if not pairs and not kept:
        raise CheckpointError(f"{folder}: the adapter changes no tensor of the base's backbone.")
    shapes = {t.name: t.shape for t in layout.tensors}
    factors = {name: _factors(folder, name, pair, shapes[name], config, modules[name], name in turned)
               for name, pair in pairs.items()}
    return LowRank(factors, kept, base)


def _home(name: str) -> str:
    """The parameter that a stored tensor is about: its name in the model without PEFT's wrappers."""
    bare = name.removeprefix(_ROOT)
    if factor := _FACTOR.match(bare):
        return f"{factor['module']}.weight"
    return bare.replace(".modules_to_save.default", "").replace(".modules_to_save", "").replace(".base_layer", "")


def _factors(folder: Path, name: str, pair: Mapping[str, torch.Tensor], shape: tuple[int, ...],
             config: Mapping[str, Any],
             module: str, turned: bool) -> tuple[torch.Tensor, torch.Tensor, float]:
    if pair.keys() != {"A", "B"}:
        raise CheckpointError(f"{folder}: {name} has only lora_{''.join(pair)} of the two factors.")
    a, b = pair["A"], pair["B"]
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise CheckpointError(f"{folder}: {name} has factors A {tuple(a.shape)} and B {tuple(b.shape)}, whose product "
                              "is not defined.")
    try:
        scale = _scale(config, module, a.shape[0])
    except (TypeError, ValueError, AttributeError, ZeroDivisionError, re.error) as e:
        raise CheckpointError(f"{folder / CONFIG}: lora_alpha, alpha_pattern or rank can't be used ({e}).") from e
    # an embedding's and a Conv1D's weight is kept transposed: (B A)ᵀ = Aᵀ Bᵀ
    if turned:
        a, b = b.T, a.T
    if (b.shape[0], a.shape[1]) != shape:
        raise CheckpointError(f"{folder}: {name} gives ΔW of {(b.shape[0], a.shape[1])}, the base has {shape}.")
    return b, a, scale


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    alpha = config.get("lora_alpha", 8)
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if len(pattern) > 200 or _COSTLY.search(pattern) or len(_REPEATS.findall(pattern)) > 3:
            raise ValueError(f"the pattern {pattern[:80]!r} repeats groups, or more than three times")
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = value
            break  # the first pattern that fits counts
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)
