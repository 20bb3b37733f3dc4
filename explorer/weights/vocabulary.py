"""Whether two model folders read text the same way: token → id of their tokenizer files."""

from __future__ import annotations

import json
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.weights.tensors import read_json


def vocabulary(folder: Path) -> dict[str, int] | None:
    """Token → id from tokenizer.json, vocab.json or vocab.txt; None where the folder has none of them."""
    if (path := folder / "tokenizer.json").is_file():
        model = read_json(path).get("model")
        vocab = model.get("vocab") if isinstance(model, dict) else None
        if isinstance(vocab, dict):
            return vocab
        if isinstance(vocab, list):  # unigram: [token, score] in order of id
            return {str(row[0]): i for i, row in enumerate(vocab) if isinstance(row, list) and row}
        raise CheckpointError(f"{path}: no 'model.vocab' in it.")
    if (path := folder / "vocab.json").is_file():
        return read_json(path)
    if (path := folder / "vocab.txt").is_file():
        try:
            lines = path.read_text(encoding="utf-8").split("\n")  # tokens may hold other kinds of line ends
        except (OSError, UnicodeDecodeError) as e:
            raise CheckpointError(f"{path}: not readable as UTF-8 text ({e}).") from e
        return {token.rstrip("\r"): i for i, token in enumerate(lines) if token}
    return None


def same_vocabulary(folder: Path, base: Path) -> None:
    """CheckpointError if both folders bring a vocabulary and a token of the base has another id."""
    mine, theirs = vocabulary(folder), vocabulary(base)
    if mine is None or theirs is None:
        return
    moved = [token for token, i in theirs.items() if mine.get(token) != i]
    if moved:
        shown = ", ".join(f"{json.dumps(t)} {mine.get(t, 'absent')} ≠ {theirs[t]}" for t in moved[:3])
        raise CheckpointError(f"{folder}: the vocabulary differs from the base's in {len(moved)} of {len(theirs)} "
                              f"tokens ({shown}). It was fine-tuned from another base.")
