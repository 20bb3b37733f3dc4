"""What lies in a model's folder beside the weights that make its id, and what its losses depend on all the same.

A model's own head and its config, and the tokenizer of a base, are no part of a task vector. They are remembered as
hashes, so that a loss is never that of another head or of other tokens under the old name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.types import Layout, canonical_json
from explorer.weights import lora
from explorer.weights.layout import match
from explorer.weights.saving import FILE, HEAD
from explorer.weights.staleness import LABELS, TOKENIZER
from explorer.weights.tensors import Tensors, open_file, open_tensors, read_json

# Keys of a config that say how a model was saved, not what it computes.
_SAVED = ("transformers_version", "_name_or_path", "dtype", "torch_dtype")


def beside_base(folder: Path, layout: Layout, prefix: str) -> dict[str, str]:
    """Hashes of a base folder's head, config and tokenizer, of those that are there."""
    return beside_checkpoint(folder, layout, prefix) | _said({"tokenizer": _tokenizer(folder)})


def beside_checkpoint(folder: Path, layout: Layout, prefix: str) -> dict[str, str]:
    """Hashes of a checkpoint folder's head and config, of those that are there; its texts are read by its base's
    tokenizer."""
    return _said({"head": _head(folder, layout, prefix), "config": _config(folder)})


def _said(parts: Mapping[str, str]) -> dict[str, str]:
    return {part: found for part, found in parts.items() if found}


def _head(folder: Path, layout: Layout, prefix: str) -> str:
    """Of every tensor that is none of the layout's, and of what explorer.json says of them."""
    h, some = hashlib.sha256(), False
    for tensors, own in _stored(folder, layout, prefix):
        for name in sorted(set(tensors) - own):
            some = True
            h.update(_bytes([name, list(tensors.shapes[name]), tensors.dtypes[name]]))
            h.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    said = read_json(folder / LABELS) if (folder / LABELS).is_file() else {}
    h.update(_bytes([said.get("labels"), said.get("pooling")]))
    return h.hexdigest()[:32] if some else ""


def _stored(folder: Path, layout: Layout, prefix: str) -> list[tuple[Tensors, set[str]]]:
    """The folder's files of tensors, each with the names of those in it that make the task vector."""
    found: list[tuple[Tensors, set[str]]] = []
    if (folder / lora.CONFIG).is_file():
        tensors = lora.open_adapter(folder)[1]
        found.append((tensors, lora.in_backbone(tensors, layout, prefix)))
    elif not (folder / FILE).is_file():
        tensors = open_tensors(folder)
        found.append((tensors, set(match(tensors.shapes, layout, prefix, str(folder)).values())))
    if (folder / HEAD).is_file():
        found.append((open_file(folder / HEAD), set()))
    return found


def _config(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        return ""
    said = read_json(folder / "config.json")
    return _hash(_bytes({key: value for key, value in said.items() if key not in _SAVED}))


def _tokenizer(folder: Path) -> str:
    there = [folder / name for name in TOKENIZER if (folder / name).is_file()]
    return _hash(*(part for file in there for part in (file.name.encode(), file.read_bytes())))


def _bytes(value: Any) -> bytes:
    return canonical_json(value).encode(errors="surrogatepass")  # JSON may hold half of a pair


def _hash(*parts: bytes) -> str:
    """Of byte strings, told apart by their lengths; empty of none."""
    h = hashlib.sha256()
    for part in parts:
        h.update(f"{len(part)}:".encode() + part)
    return h.hexdigest()[:32] if parts else ""
