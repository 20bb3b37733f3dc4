"""The classification heads that models were trained with, read from their folders and written out as arithmetic.

Covers the heads this project trains or fits (one linear layer on pooled states) and those of transformers' sequence
classifiers: BERT and ALBERT (pooler, classifier), RoBERTa and its kin, MPNet, DistilBERT, ELECTRA, DeBERTa,
ModernBERT, and decoders that score the last token (GPT-2, Llama, Qwen …). All of them read one vector a text, so they
need no model, only its pooled states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.special import erf

from explorer.errors import CheckpointError
from explorer.evaluation.encoder import Pooling
from explorer.weights import lora
from explorer.weights.opening import format_of
from explorer.weights.saving import HEAD
from explorer.weights.staleness import LABELS
from explorer.weights.tensors import Tensors, open_file, open_tensors, read_json

_UNNAMED = re.compile(r"LABEL_\d+")
# form → (pooling, (hidden layer, activation, layer norm, output layer))
_FORMS: dict[str, tuple[Pooling, str, str, str, str]] = {
    "linear": ("mean", "", "", "", ""),
    "linear-cls": ("cls", "", "", "", ""),
    "bert": ("cls", "pooler.dense", "tanh", "", "classifier"),
    "albert": ("cls", "pooler", "tanh", "", "classifier"),
    "roberta": ("cls", "classifier.dense", "tanh", "", "classifier.out_proj"),
    "electra": ("cls", "classifier.dense", "gelu", "", "classifier.out_proj"),
    "deberta": ("cls", "pooler.dense", "gelu", "", "classifier"),
    "distilbert": ("cls", "pre_classifier", "relu", "", "classifier"),
    "modernbert": ("cls", "head.dense", "gelu", "head.norm", "classifier"),
    "modernbert-mean": ("mean", "head.dense", "gelu", "head.norm", "classifier"),
    "decoder": ("last", "", "", "", "score"),
}
_KIN = {"bert": "bert", "roberta": "roberta", "xlm-roberta": "roberta", "camembert": "roberta", "mpnet": "roberta",
        "distilbert": "distilbert", "electra": "electra", "albert": "albert", "deberta": "deberta",
        "deberta-v2": "deberta", "modernbert": "modernbert"}
_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0.0), "gelu": lambda x: 0.5 * x * (1 + erf(x / 2**0.5))}
# What a config may say of its head, and the only value that is written out here.
_USUAL = {"pooler_hidden_act": "gelu", "classifier_activation": "gelu"}
_NORM_EPS = 1e-5


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A head of one form: float64 layers by name, and its labels in the order of its classes (None: only numbered).

    The output layer's weight has shape (c, h), its bias (c,).
    """

    form: str
    layers: dict[str, np.ndarray]
    labels: tuple[str, ...] | None

    @property
    def pooling(self) -> Pooling:
        return _FORMS[self.form][0]

    @property
    def classes(self) -> int:
        return len(self.layers["out.weight"])

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Scores (b, c) of pooled states (b, h)."""
        if "dense.weight" in self.layers:
            wide = features @ self.layers["dense.weight"].T + self.layers["dense.bias"]
            features = _ACTIVATIONS[_FORMS[self.form][2]](wide)
        if "norm.weight" in self.layers:
            features = features - features.mean(axis=1, keepdims=True)
            features = features / np.sqrt(np.square(features).mean(axis=1, keepdims=True) + _NORM_EPS)
            features = features * self.layers["norm.weight"] + self.layers["norm.bias"]
        return features @ self.layers["out.weight"].T + self.layers["out.bias"]

    def ordered(self, classes: Sequence[int]) -> TrainedHead:
        """The head with its classes in another order."""
        turned = {k: v[list(classes)] if k.startswith("out.") else v for k, v in self.layers.items()}
        labels = None if self.labels is None else tuple(self.labels[i] for i in classes)
        return replace(self, layers=turned, labels=labels)


def known_kinds() -> str:
    """The model types whose classifiers are written out here, as people read them."""
    return f"{', '.join(sorted(_KIN))} and decoders"


def mixed(heads: Sequence[TrainedHead], coefficients: Sequence[float]) -> TrainedHead:
    """Σ cᵢ headᵢ of heads of one form."""
    layers = {name: sum((c * h.layers[name] for c, h in zip(coefficients, heads, strict=True)),
                        start=np.zeros_like(heads[0].layers[name])) for name in heads[0].layers}
    return replace(heads[0], layers=layers)


@lru_cache(maxsize=32)
def trained_head(folder: Path, base: Path, prefix: str) -> TrainedHead | None:
    """The head that a checkpoint's folder keeps, None where it keeps none.

    An adapter that leaves the pooler alone has the one of the `base` folder.
    """
    if (folder / HEAD).is_file():
        tensors = open_file(folder / HEAD)
        meta = read_json(folder / LABELS) if (folder / LABELS).is_file() else {}
        labels = meta.get("labels")
        layers = {f"out.{k}": tensors[k].double().numpy() for k in ("weight", "bias") if k in tensors}
        if len(layers) < 2:
            raise CheckpointError(f"{folder / HEAD}: holds {', '.join(tensors) or 'nothing'}; weight and bias of "
                                  "a linear head are needed.")
        form = "linear-cls" if meta.get("pooling") == "cls" else "linear"
        return TrainedHead(form, layers, tuple(map(str, labels)) if labels else None)
    if format_of(folder) == "task-vector":
        return None
    config = read_json(base / "config.json") | (
        read_json(folder / "config.json") if (folder / "config.json").is_file() else {})
    stored = lora.open_adapter(folder)[1] if format_of(folder) == "lora" else open_tensors(folder)
    head = _of_transformers(stored, open_tensors(base), config, prefix)
    said = read_json(folder / LABELS).get("labels") if (folder / LABELS).is_file() else None
    if head is not None and isinstance(said, list) and len(said) == head.classes:
        return replace(head, labels=tuple(map(str, said)))
    return head


def _of_transformers(stored: Tensors, base: Tensors, config: dict[str, object], prefix: str) -> TrainedHead | None:
    form = _KIN.get(str(config.get("model_type")), "decoder")
    if form == "modernbert" and config.get("classifier_pooling") == "mean":
        form = "modernbert-mean"
    if any(config.get(key, usual) != usual for key, usual in _USUAL.items()):
        return None
    _, dense, _, norm, out = _FORMS[form]
    found: dict[str, np.ndarray] = {}
    for name, home in (("dense", dense), ("norm", norm), ("out", out)):
        for part in ("weight", "bias"):
            # the pooler belongs to the pretrained model too: what an adapter does not keep, it did not change
            sources = (stored, base) if home.startswith("pooler") else (stored,)
            value = next((v for s in sources if (v := _find(s, f"{home}.{part}", prefix)) is not None), None)
            if home and value is not None:
                found[f"{name}.{part}"] = value
    if form.startswith(("decoder", "modernbert")):  # these have biases only where their config asks for them
        found |= {name.replace("weight", "bias"): np.zeros(len(value)) for name, value in found.items()
                  if name.replace("weight", "bias") not in found}
    needed = [name for name, home in (("dense", dense), ("norm", norm), ("out", out)) if home]
    if not {f"{name}.{part}" for name in needed for part in ("weight", "bias")} <= found.keys():
        return None
    return TrainedHead(form, found, _labels(config, len(found["out.weight"])))


def _find(tensors: Tensors, name: str, prefix: str) -> np.ndarray | None:
    for stored in tensors:
        bare = stored.removeprefix("base_model.model.").replace(".modules_to_save.default", "").replace(
            ".modules_to_save", "")
        if bare in (name, f"{prefix}.{name}"):
            return np.asarray(tensors[stored].double().numpy())
    return None


def _labels(config: dict[str, object], classes: int) -> tuple[str, ...] | None:
    """The names in id2label, None where there are none but LABEL_0, LABEL_1 …"""
    names = config.get("id2label")
    if not isinstance(names, dict) or {str(k) for k in names} != {str(i) for i in range(classes)}:
        return None
    ordered = tuple(str({str(k): v for k, v in names.items()}[str(i)]) for i in range(classes))
    return None if any(_UNNAMED.fullmatch(n) for n in ordered) else ordered
