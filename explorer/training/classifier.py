"""Backbone, mean pooling and a linear head: the model that fine-tuning trains and whose own accuracy it records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.training.batching import Tokens, by_length
from explorer.training.quiet import quiet


def encoder(folder: Path) -> Any:
    """The encoder in a Hugging Face folder, in float32 and without pooler."""
    from transformers import AutoModel

    with quiet():
        return AutoModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32)


def mean_pooled(backbone: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean of the last hidden states over a text's tokens, padding left out: shape (b, h)."""
    states: torch.Tensor = backbone(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).to(states.dtype)
    return (states * mask).sum(dim=1) / mask.sum(dim=1)


class Classifier(torch.nn.Module):
    """logits (b, c) = dropout(mean pooled states) Wᵀ + b; W (c, h) starts small and random, b at zero."""

    def __init__(self, backbone: torch.nn.Module, width: int, classes: int, seed: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(width, classes)
        with torch.no_grad():
            self.head.weight.normal_(0, 0.02, generator=torch.Generator().manual_seed(seed))
            self.head.bias.zero_()

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.dropout(mean_pooled(self.backbone, inputs)))
        return logits


def own_scores(model: Classifier, tokens: Tokens, labels: np.ndarray, device: str,
               batch: int = 128) -> dict[str, float]:
    """The model's own accuracy and mean cross-entropy (nats), head included, over b texts with labels (b,)."""
    model.eval()
    right, loss = 0, 0.0
    for rows in by_length(tokens, batch):
        with torch.inference_mode():
            logits = model(tokens.batch(rows, device)).float()
            target = torch.from_numpy(labels[rows]).to(device)
            loss += float(torch.nn.functional.cross_entropy(logits, target, reduction="sum"))
            right += int((logits.argmax(dim=1) == target).sum())
    return {"accuracy": right / len(tokens), "loss": loss / len(tokens), "n": len(tokens)}
