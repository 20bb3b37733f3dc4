"""From a model's config to the layout of its shared backbone, and from a checkpoint's names to the layout's.

The layout comes from the architecture itself (its modules built without memory), not from lists of names: tied weights
occur once, buffers do not occur, heads do not exist on a bare backbone, the pooler is left out (it belongs to the
head).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from explorer.errors import CheckpointError
from explorer.types import Group, Layout
from explorer.weights.tensors import read_json

_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?|block|albert_layer_groups)\.(\d+)\.")
_ATTENTION = re.compile(r"attention|attn|selfatt|encdec", re.IGNORECASE)
_NORM = re.compile(r"norm|(?:^|\.)ln_?(?:f|\d)?(?:\.|$)", re.IGNORECASE)
_EMBEDDING = re.compile(r"embed|(?:^|\.)w[tp]e(?:\.|$)|shared|relative_attention_bias", re.IGNORECASE)
# Persistent buffers of older releases: not parameters, so neither compared nor missed.
_BUFFER = re.compile(r"(position_ids|token_type_ids|masked_bias|inv_freq|attn\.bias|attention\.bias|"
                     r"num_batches_tracked)$")
# Older files repeat the embeddings that both halves of an encoder-decoder share.
_REPEATED = re.compile(r"(?:encoder|decoder)\.embed_tokens\.weight$")
_LARGEST = 10**12
_MODULES = 100_000


def group_of(name: str, ndim: int) -> Group:
    """The parameter group of a canonical name: layer × kind. A bias is of kind "bias" wherever it stands (BitFit)."""
    layer = _LAYER.search(name)
    embedding = _EMBEDDING.search(name) is not None and layer is None
    where = layer.group(1) if layer else "embeddings" if embedding else "final"
    leaf = name.rpartition(".")[2]
    if leaf in {"bias", "beta"} or leaf.endswith("_bias"):
        kind = "bias"
    elif _NORM.search(name) and ndim <= 1:
        kind = "norm"
    elif embedding:
        kind = "embeddings"
    elif _ATTENTION.search(name):
        kind = "attention"
    elif layer and ndim >= 2:
        kind = "feed-forward"
    else:
        kind = "other"
    return Group(where, kind)


def read_config(folder: Path) -> Any:
    """The transformers config of a folder, without code from the folder; CheckpointError if it can't be used."""
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: no config.json; a Hugging Face model folder is needed.")
    raw = read_json(folder / "config.json")
    if not raw.get("model_type"):
        raise CheckpointError(f"{folder / 'config.json'}: no 'model_type'.")
    if raw.get("auto_map"):
        raise CheckpointError(f"{folder / 'config.json'}: the model needs code of its own ('auto_map'), which is not "
                              f"run.")
    _harmless(raw, folder / "config.json")
    try:
        return AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as e:  # the library stumbles anywhere over values that no architecture has
        raise CheckpointError(f"{folder / 'config.json'}: {str(e) or type(e).__name__}") from e


def _harmless(value: Any, where: Path, key: str = "") -> None:
    """CheckpointError for what would fetch code when a model is built, or take memory by a number alone."""
    if isinstance(value, dict):
        for name, inside in value.items():
            _harmless(inside, where, name)
    elif isinstance(value, list):
        for inside in value:
            _harmless(inside, where, key)
    elif key.endswith("_implementation") and isinstance(value, str) and not value.replace("_", "").isalnum():
        raise CheckpointError(f"{where}: {key} {value!r} names code to be fetched, which is not run; remove the key.")
    elif isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        raise CheckpointError(f"{where}: {key} is {value}, more than any model has.")
    elif key == "num_labels" and isinstance(value, int) and value > _MODULES:
        raise CheckpointError(f"{where}: {key} is {value}; at most {_MODULES} are read.")


def layout_of(config: Any) -> tuple[Layout, str]:
    """(layout, name prefix under which models with a head keep the backbone) of an architecture.

    Names are those that its files have. Layers of a decoder are counted on from those of its encoder.
    """
    from transformers import AutoModel

    try:
        with torch.device("meta"), _at_most(_MODULES):
            model = AutoModel.from_config(config)
    except Exception as e:  # as above
        raise CheckpointError(f"no backbone can be built for model type {config.model_type!r}: {e}") from e
    rows = [(name, tuple(p.shape), group_of(name, p.ndim)) for name, p in _as_in_files(model).items()
            if not name.startswith("pooler.")]
    return Layout.of(_counted_on(rows)), model.base_model_prefix


def _as_in_files(model: Any) -> dict[str, torch.Tensor]:
    """The parameters by the names that files of its architecture give them, which its modules may not."""
    from transformers.core_model_loading import revert_weight_conversion

    own = dict(model.named_parameters())
    stored: dict[str, torch.Tensor] = revert_weight_conversion(model, own)
    return own if stored.keys() == own.keys() else stored


def _counted_on(rows: list[tuple[str, tuple[int, ...], Group]]) -> list[tuple[str, tuple[int, ...], Group]]:
    """Rows whose decoder layers, if there is an encoder too, have numbers of their own."""
    layers = {int(g.layer) for name, _, g in rows if name.startswith("encoder.") and g.layer.isdecimal()}
    first = max(layers, default=-1) + 1
    return [(name, shape, Group(str(int(g.layer) + first), g.kind))
            if name.startswith("decoder.") and g.layer.isdecimal() else (name, shape, g) for name, shape, g in rows]


@contextmanager
def _at_most(modules: int) -> Iterator[None]:
    """Building a model ends with a ValueError once it has more modules: a number of layers costs a file nothing."""
    made = itertools.count()

    def count(*_: object) -> None:
        if next(made) > modules:
            raise ValueError(f"it has more than {modules} modules")

    hook = torch.nn.modules.module.register_module_module_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def match(shapes: Mapping[str, tuple[int, ...]], layout: Layout, prefix: str, where: str) -> dict[str, str]:
    """Canonical name → stored name for every tensor of the layout.

    Accepts names with and without the backbone prefix and the old LayerNorm names (gamma, beta). CheckpointError names
    missing tensors, wrong shapes, and tensors of the backbone that the base does not have; heads are ignored.
    """
    found, missing, wrong = {}, [], []
    for tensor in layout.tensors:
        stored = next((s for s in spellings(tensor.name, prefix) if s in shapes), None)
        if stored is None:
            missing.append(tensor.name)
        elif tuple(shapes[stored]) != tensor.shape:
            wrong.append(f"{stored} is {tuple(shapes[stored])}, the base has {tensor.shape}")
        else:
            found[tensor.name] = stored
    if wrong:
        raise CheckpointError(f"{where}: {len(wrong)} tensors of another shape: {_few(wrong)}. Only models with the "
                              "base's architecture and vocabulary can be compared with it.")
    if missing:
        raise CheckpointError(f"{where}: {len(missing)} of the base's {len(layout.tensors)} tensors are missing: "
                              f"{_few(missing)}.")
    if alien := aliens(shapes, set(found.values()), layout, prefix):
        raise CheckpointError(f"{where}: {len(alien)} backbone tensors that the base does not have: {_few(alien)}.")
    return found


def spellings(name: str, prefix: str) -> Iterable[str]:
    """The ways in which a canonical name is spelt in checkpoint files."""
    old = re.sub(r"LayerNorm\.weight$", "LayerNorm.gamma", re.sub(r"LayerNorm\.bias$", "LayerNorm.beta", name))
    for spelt in dict.fromkeys((name, old)):
        yield spelt
        if prefix:
            yield f"{prefix}.{spelt}"


def aliens(names: Iterable[str], used: set[str], layout: Layout, prefix: str) -> list[str]:
    """Stored names that belong to a backbone, but not to this one (a further layer, say); heads and poolers do not."""
    roots = {t.name.split(".", 1)[0] for t in layout.tensors} - {prefix}
    found, shared = [], {t.name for t in layout.tensors}
    for name in names:
        bare = name.removeprefix(f"{prefix}.") if prefix else name
        inside = bare != name or (bare.split(".", 1)[0] in roots)
        if name not in used and inside and not bare.startswith("pooler.") and not _BUFFER.search(bare) and not (
                "shared.weight" in shared and _REPEATED.match(bare)):
            found.append(name)
    return found


def _few(items: list[str]) -> str:
    return "; ".join(items[:4]) + (" …" if len(items) > 4 else "")
