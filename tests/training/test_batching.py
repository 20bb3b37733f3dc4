"""Every text once an epoch, batches by length, and inputs that match the tokenizer's own."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.training.batching import Tokens, by_length, epochs, tokenise


def tokens_of(lengths: list[int]) -> Tokens:
    ids = [np.arange(n, dtype=np.uint16) + 1 for n in lengths]
    return Tokens(ids, [np.zeros_like(i) for i in ids], 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_holds_each_row_once(lengths: list[int], batch: int, seed: int):
    tokens = tokens_of(lengths)
    per_epoch = -(-len(lengths) // batch)
    stream = list(itertools.islice(epochs(tokens, batch, seed), 2 * per_epoch))
    for epoch in (stream[:per_epoch], stream[per_epoch:]):
        assert sorted(np.concatenate(epoch)) == list(range(len(lengths)))
    again = list(itertools.islice(epochs(tokens, batch, seed), 2 * per_epoch))
    assert all(np.array_equal(a, b) for a, b in zip(stream, again, strict=True))
    assert sorted(np.concatenate(list(by_length(tokens, batch)))) == list(range(len(lengths)))


def test_padding_is_masked():
    batch = tokens_of([2, 4]).batch([0, 1], "cpu")
    assert batch["input_ids"].tolist() == [[1, 2, 0, 0], [1, 2, 3, 4]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_tokens_are_those_of_auto_tokenizer(made: Path):
    from transformers import AutoTokenizer

    folder = made / "bases" / "M"
    texts, pairs = ["A good FILM, so bright", "moon " * 60], ["the rocket", None]
    tokens = tokenise(folder, texts, pairs, 24)
    theirs = AutoTokenizer.from_pretrained(folder)
    assert tokens.ids[0].tolist() == theirs(texts[0], pairs[0])["input_ids"]
    assert tokens.types[0].tolist() == theirs(texts[0], pairs[0])["token_type_ids"]
    assert tokens.ids[1].tolist() == theirs(texts[1], truncation=True, max_length=24)["input_ids"]
