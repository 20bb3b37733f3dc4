"""From a folder to a base or a task vector, with every check that needs no weight.

A folder is one of three formats: a PEFT adapter (`adapter_config.json`), a stored task vector
(`task_vector.safetensors`), or a whole model (`config.json` and weights). What does not fit the base is refused here,
naming the file, what came and what is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from explorer.errors import CheckpointError
from explorer.merges._recipe import BASE, Recipe, is_merge
from explorer.types import Base, Layout, Seen, digest
from explorer.weights import lora, staleness
from explorer.weights.deltas import Delta, Difference, Stored, Weights
from explorer.weights.directions import is_generated
from explorer.weights.fishers import FOLDER, Fishers
from explorer.weights.generated import generated
from explorer.weights.layout import layout_of, match, read_config
from explorer.weights.merged import Merged
from explorer.weights.saving import FILE, FORMAT
from explorer.weights.tensors import FLOATING, Tensors, open_file, open_tensors, read_json
from explorer.weights.vocabulary import same_vocabulary

Format = Literal["weights", "lora", "task-vector"]
# Two configs describe one architecture when these agree (those that a config has).
_ARCHITECTURE = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                 "vocab_size", "max_position_embeddings", "type_vocab_size", "dim", "n_layers", "n_embd", "n_layer",
                 "n_head", "embedding_size", "num_key_value_heads", "head_dim", "hidden_act", "position_embedding_type",
                 "rope_theta")
# Architectures whose linear layers keep their weight as (in, out).
_TRANSPOSED = {"gpt2", "openai-gpt", "imagegpt", "decision_transformer"}


@dataclass(frozen=True)
class OpenBase:
    """A base at hand: its parameters on disk, layout, and the prefix its backbone has inside models with a head."""

    folder: Path
    config: Any
    layout: Layout
    prefix: str
    weights: Weights


def folder_at(path: Path) -> Path:
    """`path` if it is a folder that holds anything; CheckpointError otherwise."""
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such folder.")
    if not any(path.iterdir()):
        raise CheckpointError(f"{path}: the folder is empty; a model folder with config.json and weights is needed.")
    return path


def format_of(folder: Path) -> Format:
    """How a checkpoint folder stores its task vector."""
    if (folder / lora.CONFIG).is_file():
        return "lora"
    return "task-vector" if (folder / FILE).is_file() else "weights"


def open_base(folder: Path) -> OpenBase:
    """A base from its folder, all names and shapes checked, no weight read."""
    folder_at(folder)
    if format_of(folder) != "weights":
        raise CheckpointError(f"{folder}: a base must be a whole model, this is a {format_of(folder)} folder.")
    config = read_config(folder)
    layout, prefix = layout_of(config)
    tensors = open_tensors(folder)
    return OpenBase(folder, config, layout, prefix, Weights(tensors, _match(tensors, layout, prefix, folder)))


def reopen_base(base: Base, folder: Path) -> OpenBase:
    """A base that was checked before: its stored layout is used, so that nothing heavy is imported.

    CheckpointError also where its weights are not the ones that were imported (see `staleness`).
    """
    if not folder.is_dir():
        staleness.ensure(base.id, folder, lambda _: False, dict)
    opened = base_at(base, folder)
    ensure_base(base.id, opened)
    return opened


def base_at(base: Base, folder: Path) -> OpenBase:
    """A folder opened with the layout of a base, whether or not it holds that base's weights."""
    raw = read_json(folder / "config.json")
    tensors = open_tensors(folder)
    names = _match(tensors, base.layout, base.prefix, folder)
    return OpenBase(folder, raw, base.layout, base.prefix, Weights(tensors, names))


def ensure_base(identity: str, opened: OpenBase) -> None:
    """CheckpointError unless an opened base still has the weights that make its id, and the same beside them."""
    from explorer.weights.beside import beside_base
    from explorer.weights.fingerprint import base_id

    staleness.ensure(identity, opened.folder, lambda _: base_id(opened.weights, opened.layout) == identity,
                     lambda: beside_base(opened.folder, opened.layout, opened.prefix))


def open_model(identity: str, folder: Path, base: OpenBase) -> Delta:
    """The task vector of a checkpoint of the catalog; CheckpointError also where its weights are others by now."""
    from explorer.weights.beside import beside_checkpoint
    from explorer.weights.fingerprint import fingerprint

    def same(seen: Seen) -> bool:
        found = fingerprint(open_delta(folder, base), base.weights, base.layout, str(folder))
        return digest(seen.base, found.id) == identity or (
            format_of(folder) == "lora" and staleness.nearly(seen, found.norm, found.likeness))

    staleness.ensure(identity, folder, same, lambda: beside_checkpoint(folder, base.layout, base.prefix))
    return open_delta(folder, base)


def open_delta(folder: Path, base: OpenBase) -> Delta:
    """The task vector of a checkpoint folder over a base; CheckpointError says what does not fit."""
    folder_at(folder)
    kind = format_of(folder)
    if kind == "lora":
        transposed = read_json(base.folder / "config.json").get("model_type") in _TRANSPOSED
        return lora.low_rank(folder, base.layout, base.prefix, base.weights, transposed)
    if kind == "task-vector":
        return _stored(folder, base.layout)
    tensors = open_tensors(folder)
    names = _match(tensors, base.layout, base.prefix, folder)
    return Difference(Weights(tensors, names), base.weights)


def open_term(term: str, folders: Mapping[str, Path], base: OpenBase) -> Delta:
    """The task vector of a term of a Point: of a checkpoint, whose folder is known, of a merge of such, or a generated
    one."""
    if is_merge(term):
        recipe = Recipe.parse(term)
        models = {i: None if i == BASE else open_model(i, folders[i], base) for i in recipe.models}
        return Merged(recipe, models, base.weights, base.layout, base.prefix, Fishers(folders.get(FOLDER)))
    if is_generated(term):
        return generated(term, base.layout, base.weights)
    return open_model(term, folders[term], base)


def check_against(folder: Path, base: OpenBase) -> None:
    """Architecture and vocabulary of a folder against the base's; nothing to check where a folder has neither."""
    if not (folder / "config.json").is_file():
        if format_of(folder) == "weights":
            raise CheckpointError(f"{folder}: no config.json; a Hugging Face model folder is needed.")
        same_vocabulary(folder, base.folder)
        return
    mine, theirs = read_json(folder / "config.json"), read_json(base.folder / "config.json")
    if mine.get("auto_map"):
        raise CheckpointError(f"{folder / 'config.json'}: the model needs code of its own ('auto_map'), which is not "
                              f"run.")
    for key in _ARCHITECTURE:
        if key in mine and key in theirs and mine[key] != theirs[key]:
            raise CheckpointError(f"{folder / 'config.json'}: {key} is {mine[key]!r}, the base has {theirs[key]!r}. "
                                  "It was fine-tuned from another base.")
    same_vocabulary(folder, base.folder)


def _match(tensors: Tensors, layout: Layout, prefix: str, folder: Path) -> dict[str, str]:
    """Canonical name → stored name, all of them floating point: quantised weights mean nothing without their scales."""
    names = match(tensors.shapes, layout, prefix, str(folder))
    if wrong := [n for n in names.values() if tensors.dtypes[n] not in FLOATING]:
        raise CheckpointError(f"{folder}: {wrong[0]} is {tensors.dtypes[wrong[0]]}; weights must be one of "
                              f"{', '.join(FLOATING)}.")
    return names


def _stored(folder: Path, layout: Layout) -> Stored:
    path = folder / FILE
    tensors = open_file(path)
    if tensors.metadata.get("format") != FORMAT["format"] or tensors.metadata.get("version") != FORMAT["version"]:
        raise CheckpointError(f"{path}: header says {tensors.metadata or 'nothing'}; needed: {FORMAT}.")
    known = {t.name: t for t in layout.tensors}
    for name, shape in tensors.shapes.items():
        owner, _, scale = name.partition("::")
        if owner not in known or scale not in ("", "scale") or (scale and owner not in tensors):
            raise CheckpointError(f"{path}: tensor {name!r} is no parameter of the base.")
        allowed = known[owner].shape[:1] if scale else known[owner].shape
        if tuple(shape) != allowed:
            raise CheckpointError(f"{path}: {name} is {tuple(shape)}, the base has {allowed}.")
    plain = {name: name for name in tensors if "::" not in name}
    for name in tensors:
        if tensors.dtypes[name] == "I8" and f"{name}::scale" not in tensors:
            raise CheckpointError(f"{path}: {name} is int8 without {name}::scale.")
        if tensors.dtypes[name] not in (*FLOATING, "I8"):
            raise CheckpointError(f"{path}: {name} is {tensors.dtypes[name]}; allowed: {', '.join(FLOATING)}, I8.")
    return Stored(tensors, plain)
