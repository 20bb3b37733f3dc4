"""Texts to token ids, and token ids to padded batches.

Batches hold texts of like length, so that little of a forward pass is spent on padding; which texts meet in a batch is
drawn anew in every epoch from a seed of the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.errors import UnavailableError

_PADS = ("[PAD]", "<pad>")
_POOL = 16  # batches that are sorted by length together: enough to save padding, few enough to stay random


@dataclass(frozen=True, eq=False)
class Tokens:
    """b tokenised texts: per text its token ids and its segment ids (0 first text, 1 second), of one length."""

    ids: Sequence[np.ndarray]
    types: Sequence[np.ndarray]
    pad: int

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, n: int) -> Tokens:
        """The first n texts."""
        return Tokens(self.ids[:n], self.types[:n], self.pad)

    def after(self, n: int) -> Tokens:
        """The others."""
        return Tokens(self.ids[n:], self.types[n:], self.pad)

    def batch(self, rows: Sequence[int] | np.ndarray, device: str) -> dict[str, torch.Tensor]:
        """Model inputs of some rows, int64 (rows, longest): input_ids, token_type_ids, attention_mask."""
        longest = max(len(self.ids[i]) for i in rows)
        ids = np.full((len(rows), longest), self.pad, np.int64)
        types, mask = np.zeros_like(ids), np.zeros_like(ids)
        for k, i in enumerate(rows):
            n = len(self.ids[i])
            ids[k, :n], types[k, :n], mask[k, :n] = self.ids[i], self.types[i], 1
        named = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
        return {name: torch.from_numpy(array).to(device) for name, array in named.items()}


def tokenise(folder: str | Path, texts: Sequence[str], pairs: Sequence[str | None], length: int) -> Tokens:
    """Tokens of b texts (and second texts, None where there is none), cut to `length`, by the tokenizer in `folder`."""
    tokenizer = _tokenizer(Path(folder))
    tokenizer.no_padding()
    tokenizer.enable_truncation(length, strategy="longest_first")
    inputs = [text if pair is None else (text, pair) for text, pair in zip(texts, pairs, strict=True)]
    encoded = tokenizer.encode_batch(inputs)
    pad = next((i for token in _PADS if (i := tokenizer.token_to_id(token)) is not None), 0)
    kind = np.uint16 if tokenizer.get_vocab_size() < 2**16 else np.uint32
    # a text of which the vocabulary knows nothing may have no token at all: one padding token stands for it
    return Tokens([np.array(e.ids or [pad], kind) for e in encoded],
                  [np.array(e.type_ids or [0], np.uint16) for e in encoded], pad)


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False,
                                             local_files_only=True).backend_tokenizer
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as e:
        raise UnavailableError(f"{folder}: no usable tokenizer beside the base ({str(e).splitlines()[0]}); put its "
                               "tokenizer.json there.") from e


def epochs(tokens: Tokens, batch: int, seed: int) -> Iterator[np.ndarray]:
    """Endless batches of row numbers: every epoch holds each row once, in an order drawn from `seed`."""
    random = np.random.default_rng(seed)
    lengths = np.array([len(i) for i in tokens.ids])
    while True:
        order = random.permutation(len(tokens))
        cut: list[np.ndarray] = []
        for start in range(0, len(order), batch * _POOL):
            pool = order[start:start + batch * _POOL]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            cut += [pool[i:i + batch] for i in range(0, len(pool), batch)]
        for i in random.permutation(len(cut)):
            yield cut[i]


def by_length(tokens: Tokens, batch: int) -> Iterator[np.ndarray]:
    """Every row once, longest texts first, in batches of row numbers: for a forward pass over all texts."""
    order = np.argsort([-len(i) for i in tokens.ids], kind="stable")
    for start in range(0, len(order), batch):
        yield order[start:start + batch]
