"""The models that fine-tuning trains and whose own scores are taken: a backbone with a head that gives logits.

`Classifier` is a pooled linear head; whole models of the model library are in `whole`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from explorer.training.batching import Tokens, by_length
from explorer.training.quiet import quiet

Pooling = Literal["mean", "cls"]


def encoder(folder: Path) -> Any:
    """The encoder in a Hugging Face folder, in float32 and without pooler."""
    from transformers import AutoModel

    def load(**options: Any) -> Any:
        return AutoModel.from_pretrained(folder, dtype=torch.float32, **options)

    with quiet():
        return _without_pooler(load)


def untrained(folder: Path) -> Any:
    """The same architecture with weights of no meaning, for parameters that are put in their places."""
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    with quiet(), torch.random.fork_rng(devices=[]):
        return _without_pooler(lambda **options: AutoModel.from_config(config, **options)).float()


def _without_pooler(make: Any) -> Any:
    try:
        return make(add_pooling_layer=False)
    except TypeError:  # an architecture that has none does not know the word
        return make()


def longest(backbone: Any) -> int | None:
    """The longest text in tokens that a backbone has positions for; None where it is not bounded."""
    limit: int | None = getattr(backbone.config, "max_position_embeddings", None)
    # RoBERTa and its kin count positions from the padding token's id on
    padding: int | None = getattr(getattr(backbone, "embeddings", None), "padding_idx", None)
    return limit if limit is None or padding is None else limit - padding - 1


def mean_pooled(backbone: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean of the last hidden states over a text's tokens, padding left out: shape (b, h)."""
    states, mask = _states(backbone, inputs), inputs["attention_mask"].unsqueeze(-1)
    weight = mask.to(states.dtype)
    return (states * weight).sum(dim=1) / weight.sum(dim=1)


def _states(backbone: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    states: torch.Tensor = backbone(**known_inputs(backbone.config, inputs)).last_hidden_state
    return states


def known_inputs(config: Any, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inputs that an architecture takes: many do not tell texts and second texts apart by segment."""
    if getattr(config, "type_vocab_size", 0) < 2:
        return {name: value for name, value in inputs.items() if name != "token_type_ids"}
    return inputs


class Labeller(torch.nn.Module):
    """A model whose `forward` gives logits (b, c) of a batch; its parameters are those of `backbone` and of a head."""

    backbone: torch.nn.Module


class Classifier(Labeller):
    """logits (b, c) = dropout(pooled states) Wᵀ + b; W (c, h) starts small and random, b at zero.

    `pooling` "mean" is the mean over a text's tokens, "cls" its first token's state.
    """

    def __init__(self, backbone: torch.nn.Module, width: int, classes: int, seed: int, dropout: float = 0.1,
                 pooling: Pooling = "mean") -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(width, classes)
        with torch.no_grad():
            self.head.weight.normal_(0, 0.02, generator=torch.Generator().manual_seed(seed))
            self.head.bias.zero_()

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.pooling == "mean":
            features = mean_pooled(self.backbone, inputs)
        else:
            features = _states(self.backbone, inputs)[:, 0]
        logits: torch.Tensor = self.head(self.dropout(features))
        return logits


def measured(model: Labeller, tokens: Tokens, labels: np.ndarray, device: str,
             batch: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """(cross-entropy in nats, float64, and whether it is right) of b texts, head included, both (b,).

    The model is left in evaluation mode. Where it overflows the loss is no number, and the answer not right.
    """
    model.eval()
    losses, right = np.zeros(len(tokens)), np.zeros(len(tokens), bool)
    for rows in by_length(tokens, batch):
        with torch.inference_mode():
            logits = model(tokens.batch(rows, device)).float()
            target = torch.from_numpy(labels[rows]).to(device)
            losses[rows] = torch.nn.functional.cross_entropy(logits, target, reduction="none").cpu().numpy()
            right[rows] = ((logits.argmax(dim=1) == target) & logits.isfinite().all(dim=1)).cpu().numpy()
    return losses, right


def own_scores(model: Labeller, tokens: Tokens, labels: np.ndarray, device: str,
               batch: int = 128) -> dict[str, float]:
    """The model's own accuracy and mean cross-entropy (nats) with its standard error, over b texts with labels (b,).

    Head included. Without loss and error where they are no number: a model that overflows, one text.
    """
    losses, right = measured(model, tokens, labels, device, batch)
    found = {"accuracy": float(right.mean()), "loss": float(losses.mean()), "n": len(tokens),
             "stderr": float(losses.std(ddof=1) / np.sqrt(len(losses))) if len(losses) > 1 else float("nan")}
    return {name: value for name, value in found.items() if np.isfinite(value)}
