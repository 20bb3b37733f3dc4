"""A small vocabulary, and first embeddings for it, cut out of a larger model's.

The word pieces that the corpus uses most are kept, together with every single character, so that any word can still
be spelt; their embeddings are the larger model's, projected on their principal axes.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from explorer.errors import RecipeError

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def frequent_pieces(folder: str | Path, texts: Sequence[str], size: int) -> list[str]:
    """The vocabulary of `size` word pieces: special ones, single characters, then the most frequent in `texts`.

    `folder` holds the larger model's tokenizer. RecipeError where `size` can't hold the characters.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = tokenizer.get_vocab()
    characters = [p for c in string.ascii_lowercase + string.digits + string.punctuation for p in (c, f"##{c}")]
    kept = [*SPECIAL, *(p for p in characters if p in known)]
    if size < len(kept):
        raise RecipeError(f"architecture.vocabulary is {size}; special pieces and characters alone are {len(kept)}.")
    counts: Counter[str] = Counter()
    for start in range(0, len(texts), 1000):
        for encoded in tokenizer.encode_batch(list(texts[start:start + 1000]), add_special_tokens=False):
            counts.update(encoded.tokens)
    # Ties are broken by the larger vocabulary's own order, so that the outcome doesn't depend on the texts' order.
    ranked = sorted(counts, key=lambda p: (-counts[p], known.get(p, len(known))))
    return (kept + _new(ranked, kept))[:size]


def _new(pieces: Iterable[str], kept: Sequence[str]) -> list[str]:
    seen = set(kept)
    return [p for p in pieces if p not in seen]


def principal_embeddings(words: np.ndarray, others: Sequence[np.ndarray], width: int,
                         seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """`words` (v, h) on their first `width` principal axes, shape (v, width), and each of `others` on the same axes.

    The axes are turned by a random rotation drawn from `seed`: that leaves every inner product as it is, spreads the
    variance over the coordinates, and makes the coordinates of two bases unrelated. RecipeError if width > h.
    """
    if width > words.shape[1]:
        raise RecipeError(f"architecture.width is {width}; the teacher's embeddings have {words.shape[1]} values.")
    mean = words.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((words - mean).T))
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))
    project = axes[:, ::-1][:, :width] @ turn
    return (words - mean) @ project, [o @ project for o in others]


def write_tokenizer(folder: str | Path, pieces: Sequence[str], positions: int) -> None:
    """Lower-casing word-piece tokenizer files, readable by `AutoTokenizer`, for texts of up to `positions` tokens."""
    from transformers import BertTokenizer

    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=positions).save_pretrained(str(folder))
    (Path(folder) / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
