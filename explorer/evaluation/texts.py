"""Texts as token batches: tokenised once, sorted by length, padded only to the longest of their batch.

Also the masked form of a text, from which a masked language model's loss is taken. Which texts, and what is kept of
them between two Points, is `reading`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from explorer.tasks.prepare import Split

MASKED = 0.15
"""Share of a text's tokens that are masked (Devlin et al. 2019)."""
NO_TARGET = -100


@dataclass(frozen=True)
class Encoded:
    """b tokenised texts: ids of each (ragged); `targets` are the ids to be predicted, NO_TARGET where there is none."""

    ids: tuple[tuple[int, ...], ...]
    types: tuple[tuple[int, ...], ...] | None
    pad: int
    targets: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True)
class Batch:
    """Padded texts on the device: `rows` are their numbers in the split, `inputs` the model's arguments.

    `targets` (b, s) are the ids to be predicted, None where no language model is asked; `tokens` counts no padding.
    """

    rows: np.ndarray
    inputs: dict[str, torch.Tensor]
    tokens: int
    targets: torch.Tensor | None = None


def encode(split: Split, tokenizer: Any, length: int) -> Encoded:
    """The texts of a split, cut at `length` tokens."""
    pairs = None if split.pairs is None else list(split.pairs)
    out = tokenizer([_head(t, length) for t in split.texts], pairs, truncation=True, max_length=length)
    types = out.get("token_type_ids") if pairs else None
    pad = tokenizer.pad_token_id or 0
    # a text of which the vocabulary knows nothing may have no token at all: one padding token stands for it
    ids = tuple(tuple(row) or (pad,) for row in out["input_ids"])
    return Encoded(ids, tuple(tuple(row) or (0,) for row in types) if types else None, pad)


def masked(encoded: Encoded, mask: int, special: Collection[int]) -> Encoded:
    """The texts with MASKED of their tokens (at least one) hidden behind `mask`, and the hidden ones as targets.

    Places are drawn from a seed made of the text, so that every Point is asked for the same tokens. A text of special
    tokens alone has no target.
    """
    rows, targets = [], []
    for ids in encoded.ids:
        places = [i for i, token in enumerate(ids) if token not in special]
        seed = np.random.default_rng(np.asarray(ids, np.uint64))
        count = min(len(places), max(1, round(MASKED * len(places))))
        hidden = set(seed.choice(places, count, replace=False).tolist()) if places else set()
        rows.append(tuple(mask if i in hidden else token for i, token in enumerate(ids)))
        targets.append(tuple(token if i in hidden else NO_TARGET for i, token in enumerate(ids)))
    return replace(encoded, ids=tuple(rows), targets=tuple(targets))


def shifted(encoded: Encoded) -> Encoded:
    """The texts with each token's successor as its target; a text of one token has no target."""
    return replace(encoded, targets=tuple((*ids[1:], NO_TARGET) for ids in encoded.ids))


# Characters a token that is surely enough: a text's head of so many is tokenised instead of a whole page.
_GENEROUS = 40


def _head(text: str, length: int) -> str:
    """The part of a text that its first `length` tokens come from, cut between two words."""
    if len(text) <= length * _GENEROUS:
        return text
    cut = text.rfind(" ", 0, length * _GENEROUS)
    return text[:cut] if cut > 0 else text


def batches(encoded: Encoded, tokens: int, device: str, start: int = 0) -> list[Batch]:
    """The texts in batches of at most `tokens` padded tokens (at least one text each), longest first.

    Longest first, so that memory that does not suffice shows at once. `start` is the number of the first text in its
    split.
    """
    order = sorted(range(len(encoded.ids)), key=lambda i: -len(encoded.ids[i]))
    made, at = [], 0
    while at < len(order):
        width = len(encoded.ids[order[at]])
        rows = order[at : at + max(1, tokens // width)]
        at += len(rows)
        inputs = {"input_ids": _padded([encoded.ids[i] for i in rows], width, encoded.pad),
                  "attention_mask": _padded([(1,) * len(encoded.ids[i]) for i in rows], width, 0)}
        if encoded.types is not None:
            inputs["token_type_ids"] = _padded([encoded.types[i] for i in rows], width, 0)
        targets = None
        if encoded.targets is not None:
            targets = _to(_padded([encoded.targets[i] for i in rows], width, NO_TARGET), device)
        made.append(Batch(np.array(rows) + start, {k: _to(v, device) for k, v in inputs.items()},
                          sum(len(encoded.ids[i]) for i in rows), targets))
    return made


def _padded(rows: Sequence[Sequence[int]], width: int, fill: int) -> torch.Tensor:
    out = torch.full((len(rows), width), fill, dtype=torch.long)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = torch.tensor(values)
    return out


def _to(values: torch.Tensor, device: str) -> torch.Tensor:
    return values.pin_memory().to(device, non_blocking=True) if device.startswith("cuda") else values.to(device)
