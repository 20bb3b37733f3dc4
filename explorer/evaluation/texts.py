"""A task's texts as token batches: tokenised once, sorted by length, padded only to the longest of their batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.errors import UnavailableError
from explorer.evaluation.plain_bert import PlainBert
from explorer.tasks.prepare import Split, load
from explorer.types import Probe, Task
from explorer.weights.tensors import read_json

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model",
               "sentencepiece.bpe.model")


@dataclass(frozen=True)
class Encoded:
    """One split, tokenised: ids of each text (ragged), and labels (b,) int64."""

    ids: tuple[tuple[int, ...], ...]
    types: tuple[tuple[int, ...], ...] | None
    labels: np.ndarray
    pad: int

    @property
    def tokens(self) -> int:
        return sum(map(len, self.ids))


@dataclass(frozen=True)
class Batch:
    """Padded texts on the device: `rows` are their numbers in the split, `inputs` the model's arguments."""

    rows: np.ndarray
    inputs: dict[str, torch.Tensor]


class WordPieces:
    """A folder's tokenizer.json behind the part of transformers' interface that is used here, without its import."""

    def __init__(self, folder: Path, pad: int) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self.pad_token_id = pad

    def __call__(self, texts: list[str], pairs: list[str] | None, truncation: bool, max_length: int) -> dict[str, Any]:
        self._tokenizer.enable_truncation(max_length)
        found = self._tokenizer.encode_batch(texts if pairs is None else list(zip(texts, pairs, strict=True)))
        return {"input_ids": [e.ids for e in found], "token_type_ids": [e.type_ids for e in found]}


def tokenizer_of(folder: Path) -> Any:
    """The tokenizer of a base's folder, without code from the folder."""
    config = read_json(folder / "config.json")
    if PlainBert.knows(config) and (folder / "tokenizer.json").is_file():
        return WordPieces(folder, config.get("pad_token_id", 0))
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in _TOKENIZERS):  # one that knows no word would be made up
        raise UnavailableError(f"{folder}: no tokenizer beside the base; put its files there "
                               f"({', '.join(_TOKENIZERS[:3])} …).")
    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as e:
        raise UnavailableError(f"{folder}: no usable tokenizer beside the base ({str(e).splitlines()[0]}); put its "
                               "tokenizer files there.") from e


def positions(model: Any) -> int | None:
    """The longest text in tokens that a backbone has positions for; None where it is not bounded."""
    limit: int | None = getattr(model.config, "max_position_embeddings", None)
    # RoBERTa and its kin count positions from the padding token's id on
    padding: int | None = getattr(getattr(model, "embeddings", None), "padding_idx", None)
    return limit if limit is None or padding is None else limit - padding - 1


def encode(task: Task, tokenizer: Any, probe: Probe, longest: int | None = None) -> tuple[Encoded, Encoded]:
    """(train, test) of a task: the first `probe.train` and `probe.test` texts of its splits (0: all).

    Texts are cut at `probe.length` tokens, or at the `longest` that the model can read.
    """
    texts = load(task)
    length = probe.length if longest is None else min(probe.length, longest)
    return (_encode(texts.train, tokenizer, probe.train, length), _encode(texts.test, tokenizer, probe.test, length))


def _encode(split: Split, tokenizer: Any, limit: int, length: int) -> Encoded:
    some = split.first(limit)
    pairs = None if some.pairs is None else list(some.pairs)
    out = tokenizer([_head(t, length) for t in some.texts], pairs, truncation=True, max_length=length)
    types = out.get("token_type_ids") if pairs else None
    pad = tokenizer.pad_token_id or 0
    # a text of which the vocabulary knows nothing may have no token at all: one padding token stands for it
    ids = tuple(tuple(row) or (pad,) for row in out["input_ids"])
    return Encoded(ids, tuple(tuple(row) or (0,) for row in types) if types else None, some.labels, pad)


# Characters a token that is surely enough: a text's head of so many is tokenised instead of a whole page.
_GENEROUS = 40


def _head(text: str, length: int) -> str:
    """The part of a text that its first `length` tokens come from, cut between two words."""
    if len(text) <= length * _GENEROUS:
        return text
    cut = text.rfind(" ", 0, length * _GENEROUS)
    return text[:cut] if cut > 0 else text


def batches(encoded: Encoded, tokens: int, device: str) -> list[Batch]:
    """The split in batches of at most `tokens` padded tokens (at least one text each), longest first.

    Longest first, so that memory that does not suffice shows at once.
    """
    order = sorted(range(len(encoded.ids)), key=lambda i: -len(encoded.ids[i]))
    made, start = [], 0
    while start < len(order):
        width = len(encoded.ids[order[start]])
        rows = order[start : start + max(1, tokens // width)]
        start += len(rows)
        inputs = {"input_ids": _padded([encoded.ids[i] for i in rows], width, encoded.pad),
                  "attention_mask": _padded([(1,) * len(encoded.ids[i]) for i in rows], width, 0)}
        if encoded.types is not None:
            inputs["token_type_ids"] = _padded([encoded.types[i] for i in rows], width, 0)
        made.append(Batch(np.array(rows), {k: _to(v, device) for k, v in inputs.items()}))
    return made


def _padded(rows: Sequence[Sequence[int]], width: int, fill: int) -> torch.Tensor:
    out = torch.full((len(rows), width), fill, dtype=torch.long)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = torch.tensor(values)
    return out


def _to(values: torch.Tensor, device: str) -> torch.Tensor:
    return values.pin_memory().to(device, non_blocking=True) if device == "cuda" else values.to(device)
