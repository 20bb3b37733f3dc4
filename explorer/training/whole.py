"""Whole models of the model library: a sequence classifier over a Point's backbone, with or without LoRA adapters.

The head is the architecture's own, drawn from a seed; a pooler is part of it, and starts from the base's where there is
one. What is trained here is what `AutoModelForSequenceClassification.from_pretrained` loads.
"""

from __future__ import annotations

import copy
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from explorer.errors import CheckpointError, RecipeError, UnavailableError
from explorer.training.classifier import Labeller, known_inputs
from explorer.training.quiet import quiet
from explorer.training.recipes import Lora
from explorer.types import Layout
from explorer.weights.tensors import open_tensors

COMPANIONS = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt",
              "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "spiece.model",
              "sentencepiece.bpe.model")
"""What a base's folder may hold that a model made from it needs beside its own config."""


class Whole(Labeller):
    """A sequence classifier. `adapted` is the same model inside its adapters, where it has such."""

    def __init__(self, model: Any, adapted: Any = None) -> None:
        super().__init__()
        self.model, self.adapted = model, adapted
        self.backbone = getattr(model, model.base_model_prefix)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self.model(**known_inputs(self.model.config, inputs)).logits
        return logits

    @property
    def head(self) -> frozenset[str]:
        """Names of the backbone's parameters that belong to the head: the pooler's."""
        return frozenset(n for n, _ in self.backbone.named_parameters() if n.startswith("pooler."))

    @property
    def adapters(self) -> frozenset[str]:
        """Names of the backbone's parameters that train beside the head, where adapters were put in."""
        return frozenset(n for n, p in self.backbone.named_parameters() if p.requires_grad)


def whole(folder: Path, layout: Layout, theta: torch.Tensor, labels: Sequence[str], seed: int) -> Whole:
    """The classifier of the architecture in `folder` whose backbone is `theta` (d,); the head is drawn from `seed`.

    CheckpointError for an architecture that the model library has no sequence classifier of.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    config.num_labels = len(labels)
    config.id2label, config.label2id = dict(enumerate(labels)), {name: i for i, name in enumerate(labels)}
    if getattr(config, "pad_token_id", None) is None:
        config.pad_token_id = getattr(config, "eos_token_id", None) or 0
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
        except ValueError as error:
            raise CheckpointError(f"{folder}: {config.model_type!r} has no sequence classifier; choose format "
                                  "task-vector.") from error
    made = Whole(model)
    parameters = dict(made.backbone.named_parameters())
    with torch.no_grad():
        for t in layout.tensors:
            parameters[t.name].copy_(theta[t.offset : t.offset + t.size].view(t.shape))
        stored = open_tensors(folder)
        for name in made.head:
            if source := next((s for s in stored if s == name or s.endswith(f".{name}")), None):
                parameters[name].copy_(stored[source])
    return made


def with_adapters(made: Whole, lora: Lora, seed: int, base: str) -> Whole:
    """The classifier with LoRA adapters, by PEFT; `base` is the name they are stored for.

    UnavailableError without PEFT, RecipeError for targets that the architecture has none of.
    """
    peft = require_peft()
    model = made.model
    # PEFT keeps "classifier" and "score" by itself
    alone = (model.base_model_prefix, "classifier", "score")
    kept = [name for name, part in model.named_children() if name not in alone and list(part.parameters())]
    kept += ["pooler"] if made.head else []
    config = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout,
                             target_modules=targets(model.config.model_type, lora), modules_to_save=kept,
                             task_type="SEQ_CLS")
    with _kindly(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            adapted = peft.get_peft_model(model, config)
        except ValueError as error:
            raise RecipeError(f"lora.targets: {str(error).splitlines()[0]} Name linear modules of "
                              f"{model.config.model_type!r}, or leave targets out.") from error
    adapted.peft_config["default"].base_model_name_or_path = base
    return Whole(model, adapted)


def require_peft() -> Any:
    """The package PEFT; UnavailableError says how to get it."""
    try:
        with _kindly():
            import peft
    except ImportError as error:
        raise UnavailableError("the method lora needs the package PEFT: pip install -e '.[lora]'") from error
    return peft


def targets(model_type: str, lora: Lora) -> list[str]:
    """The ends of the names of the modules that get adapters."""
    if lora.targets:
        return list(lora.targets)
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as KNOWN

    found = {"distilbert": ["q_lin", "v_lin"], **KNOWN}.get(model_type)
    if not found:
        raise RecipeError(f"no LoRA targets are known of {model_type!r}; name them in lora.targets.")
    return list(found)


def save_whole(folder: Path, made: Whole, source: Path) -> None:
    """Weights (fp32, adapters merged), config and the base's tokenizer."""
    model = made.model
    if made.adapted is not None:
        with _kindly():
            model = copy.deepcopy(made.adapted).merge_and_unload()
    with quiet():
        model.save_pretrained(folder)
    copy_tokenizer(source, folder)


def save_adapters(folder: Path, made: Whole, source: Path) -> None:
    """A PEFT folder: adapters, head and pooler, and the base's tokenizer."""
    with quiet(), _kindly():
        made.adapted.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # a model card of blanks
    copy_tokenizer(source, folder)


def copy_tokenizer(source: Path, folder: Path) -> None:
    """The files of a base's tokenizer."""
    for name in COMPANIONS:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)


def changes(made: Labeller, layout: Layout, base: torch.Tensor) -> Mapping[str, torch.Tensor]:
    """Δ by name on the layout, on the processor: a backbone without adapters minus `base` (d,)."""
    parameters = dict(made.backbone.named_parameters())
    return {t.name: (parameters[t.name].detach() - base[t.offset : t.offset + t.size].view(t.shape)).cpu()
            for t in layout.tensors}


def _kindly() -> warnings.catch_warnings[Any]:
    return warnings.catch_warnings(action="ignore")  # PEFT uses names that the model library is about to drop
