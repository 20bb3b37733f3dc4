"""The tokenizer of a base's folder, and what language-model losses need to know of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.errors import UnavailableError
from explorer.evaluation.plain_bert import PlainBert
from explorer.weights.tensors import read_json

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model",
               "sentencepiece.bpe.model")
_MASKS = ("[MASK]", "<mask>")


class WordPieces:
    """A folder's tokenizer.json behind the part of transformers' interface that is used here, without its import."""

    def __init__(self, folder: Path, pad: int) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self.pad_token_id = pad
        self.mask_token_id = next((i for m in _MASKS if (i := self._tokenizer.token_to_id(m)) is not None), None)
        self.all_special_ids = [i for i, t in self._tokenizer.get_added_tokens_decoder().items() if t.special]

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
