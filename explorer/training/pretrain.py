"""Making a base: masked-language modelling, or distillation of a teacher's sentence vectors.

Both train every parameter, embeddings included, in the one loop. Dropout stays off: a model this small is far from
remembering its corpus, and forgetting parts of it at every step only slows it down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from explorer.training.batching import Tokens, epochs
from explorer.training.classifier import mean_pooled
from explorer.training.loop import Autocast, Schedule, Step, train
from explorer.training.recipes import Architecture, BaseRecipe
from explorer.training.vocabulary import SPECIAL, principal_embeddings

Loss = Callable[[np.ndarray], torch.Tensor]


def untrained(shape: Architecture, pieces: list[str], source: tuple[dict[str, int], np.ndarray, np.ndarray, np.ndarray],
              seed: int) -> Any:
    """A BERT encoder (no pooler) of the given shape; embeddings from the teacher's, layers random from `seed`."""
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=len(pieces), hidden_size=shape.width, num_hidden_layers=shape.layers,
                        num_attention_heads=shape.heads, intermediate_size=shape.feed_forward,
                        max_position_embeddings=shape.positions)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = BertModel(config, add_pooling_layer=False)
    rows, words, positions, segments = source
    first, (place, segment) = principal_embeddings(
        words[[rows[p] for p in pieces]], [positions[:shape.positions], segments], shape.width, seed)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.copy_(torch.from_numpy(first))
        model.embeddings.position_embeddings.weight[:len(place)].copy_(torch.from_numpy(place))
        model.embeddings.token_type_embeddings.weight.copy_(torch.from_numpy(segment))
    return model


def pretrain(base: BaseRecipe, model: Any, tokens: Tokens, targets: np.ndarray | None, *, device: str,
             autocast: Autocast = "off") -> Iterator[Step]:
    """Trains `model` in place on b tokenised passages; `targets` (b, t) are the vectors to distil, if any."""
    model.to(device).eval()
    if base.objective == "masked-language":
        head, loss = _masked_language(base, model, tokens, device)
    else:
        if targets is None or len(targets) != len(tokens):
            raise ValueError("distillation needs one target vector per passage")
        head, loss = _distillation(base, model, tokens, targets, device)
    parameters = [*model.parameters(), *head.parameters()]
    steps = base.epochs * math.ceil(len(tokens) / base.batch)
    schedule = Schedule(steps, base.lr, base.warmup, base.weight_decay)
    yield from train(parameters, epochs(tokens, base.batch, base.seed), loss, schedule, seed=base.seed, device=device,
                     autocast=autocast)


class _PieceHead(torch.nn.Module):
    """Scores of every word piece at a place: a transform, then the (tied) word embeddings and a bias."""

    def __init__(self, width: int, pieces: int) -> None:
        super().__init__()
        self.transform = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.GELU(), torch.nn.LayerNorm(width))
        self.bias = torch.nn.Parameter(torch.zeros(pieces))

    def forward(self, states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        return F.linear(self.transform(states), embeddings, self.bias)


def _masked_language(base: BaseRecipe, model: Any, tokens: Tokens, device: str) -> tuple[torch.nn.Module, Loss]:
    """Devlin et al. 2019: of the masked places 80 % show [MASK], 10 % a random piece, 10 % the piece itself."""
    words = model.embeddings.word_embeddings.weight
    head = _seeded(base.seed, lambda: _PieceHead(words.shape[1], words.shape[0])).to(device)
    mask_id, first = SPECIAL.index("[MASK]"), len(SPECIAL)

    def loss(rows: np.ndarray) -> torch.Tensor:
        inputs = tokens.batch(rows, device)
        truth = inputs["input_ids"]
        hidden = (torch.rand(truth.shape, device=device) < base.masked) & (truth >= first)
        fate = torch.rand(truth.shape, device=device)
        shown = torch.where(hidden & (fate < 0.8), torch.full_like(truth, mask_id), truth)
        guess = torch.randint(first, words.shape[0], truth.shape, device=device)
        inputs["input_ids"] = torch.where(hidden & (fate >= 0.9), guess, shown)
        scores = head(model(**inputs).last_hidden_state[hidden], words)
        return F.cross_entropy(scores.float(), truth[hidden], reduction="sum") / hidden.sum().clamp(min=1)

    return head, loss


def _distillation(base: BaseRecipe, model: Any, tokens: Tokens, targets: np.ndarray,
                  device: str) -> tuple[torch.nn.Module, Loss]:
    """1 − cosine between a linear image of the mean-pooled states and the teacher's sentence vector."""
    head = _seeded(base.seed, lambda: torch.nn.Linear(model.config.hidden_size, targets.shape[1])).to(device)

    def loss(rows: np.ndarray) -> torch.Tensor:
        aim = torch.from_numpy(targets[rows]).to(device).float()
        return 1 - F.cosine_similarity(head(mean_pooled(model, tokens.batch(rows, device))).float(), aim).mean()

    return head, loss


def _seeded(seed: int, make: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        return make()
