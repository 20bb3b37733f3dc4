"""A Point as a model folder that transformers loads: fp32 shards, config, tokenizer, and a fitted head if there is one.

A head on pooled states is a class of transformers only where pooling is the first token's state and the class has
tanh between two linear layers (BERT, RoBERTa and their kin): the first layer then centres the states and takes 2⁻¹⁴ of
them, where tanh is the identity to float32's rounding, and the second takes the factor back. No class pools by the
mean, and others have no inner layer that lets every state through; such a head is a file of its own,
`head.safetensors`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.types import Base, Group, Layout, Tensor
from explorer.weights.exporting import Exporting, Linear
from explorer.weights.exporting_kinds import TANH, carries, class_name
from explorer.weights.saving import HEAD
from explorer.weights.staleness import TOKENIZER
from explorer.weights.streaming import Stream, write_tensors

# What a base's folder may hold besides weights that a model made from it needs.
_COMPANIONS = ("config.json", "generation_config.json", *TOKENIZER)
_NARROW = 2.0**-14
_INDEX = "model.safetensors.index.json"


def write(request: Exporting, stream: Stream, folder: Path) -> Iterator[int | str]:
    """Yields how many parameters are written, and notes."""
    base, source = request.base, Path(request.base_folder)
    for name in _COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    inside = request.head is not None and carries(base)
    extra = _layers(base, request.head) if request.head is not None and inside else {}
    _config(folder / "config.json", base, request.head, inside)
    if request.head is not None and not inside:
        _own_head(folder, request.head)
        yield (f"transformers has no class for {base.model_type} that computes this head on the "
               f"{'mean of all' if base.pooling == 'mean' else 'first'} states, so it is in head.safetensors; the card "
               "has the lines that apply it.")
    prefix = f"{base.prefix}." if inside else ""
    rows = [(f"{prefix}{t.name}", t.shape, t.group) for t in base.layout.tensors]
    rows += [(name, tuple(value.shape), Group("final", "other")) for name, value in extra.items()]
    own = {f"{prefix}{t.name}": t for t in base.layout.tensors}
    yield from _shards(Layout.of(rows), request.shard, folder, own, extra, stream)


def _shards(layout: Layout, size: int, folder: Path, own: Mapping[str, Tensor], extra: Mapping[str, torch.Tensor],
            stream: Stream) -> Iterator[int]:
    """One file, or several with an index that says which parameter is where."""
    parts: list[list[Tensor]] = [[]]
    for tensor in layout.tensors:
        if parts[-1] and 4 * (sum(t.size for t in parts[-1]) + tensor.size) > size:
            parts.append([])
        parts[-1].append(tensor)
    index: dict[str, str] = {}
    done = 0
    for number, part in enumerate(parts, start=1):
        name = "model.safetensors" if len(parts) == 1 else f"model-{number:05}-of-{len(parts):05}.safetensors"
        index |= {t.name: name for t in part}
        piece = Layout.of((t.name, t.shape, t.group) for t in part)
        for _ in write_tensors(folder / name, piece,
                               lambda t: extra[t.name] if t.name in extra else stream.parameter(own[t.name])):
            done += 1
            yield min(done, len(own))
    if len(parts) > 1:
        told = {"metadata": {"total_size": 4 * layout.size}, "weight_map": index}
        (folder / _INDEX).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _layers(base: Base, head: Linear) -> dict[str, torch.Tensor]:
    """The two layers of a classification class that together are the head."""
    first, last = TANH[base.model_type]
    weight = torch.from_numpy(head.weight)
    return {f"{first}.weight": (_NARROW * torch.eye(weight.shape[1])).float(),
            f"{first}.bias": (-_NARROW * torch.from_numpy(head.centre)).float(),
            f"{last}.weight": (weight / _NARROW).float(), f"{last}.bias": torch.from_numpy(head.bias).float()}


def _own_head(folder: Path, head: Linear) -> None:
    from safetensors.torch import save_file

    bias = head.bias - head.weight @ head.centre
    save_file({"weight": torch.from_numpy(head.weight).float().contiguous(), "bias": torch.from_numpy(bias).float()},
              str(folder / HEAD))


def _config(path: Path, base: Base, head: Linear | None, inside: bool) -> None:
    """The config of what is in the folder: fp32, the class that loads it, and the head's labels."""
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config |= {"dtype": "float32", "architectures": [class_name(base.model_type, inside)]}
    if head is not None:
        config |= {"id2label": {str(i): name for i, name in enumerate(head.labels)},
                   "label2id": {name: i for i, name in enumerate(head.labels)}}
    if inside:
        config |= {"problem_type": "single_label_classification", "classifier_dropout": 0.0}
    path.write_text(json.dumps(config, indent=1, ensure_ascii=False), encoding="utf-8")
