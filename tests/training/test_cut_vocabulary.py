"""The cut vocabulary and the first embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import RecipeError
from explorer.training.vocabulary import SPECIAL, frequent_pieces, principal_embeddings


def test_special_pieces_first_then_characters_then_the_most_frequent(teacher_folder: Path):
    pieces = frequent_pieces(teacher_folder, ["moon moon rocket", "moon star rocket"], 79)
    assert tuple(pieces[:5]) == SPECIAL
    assert {"a", "##a", "0", "##9"} <= set(pieces)
    assert pieces[-2:] == ["moon", "rocket"]
    assert pieces == frequent_pieces(teacher_folder, ["moon star rocket", "moon moon rocket"], 79)


def test_a_size_that_cannot_spell_is_refused(teacher_folder: Path):
    with pytest.raises(RecipeError, match="characters alone are 77"):
        frequent_pieces(teacher_folder, ["moon"], 20)


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_full_width_keeps_every_inner_product(seed: int):
    words = np.random.default_rng(seed).standard_normal((30, 6))
    first, (other,) = principal_embeddings(words, [words[:4]], 6, seed)
    centred = words - words.mean(axis=0)
    assert np.allclose(first @ first.T, centred @ centred.T)
    assert np.allclose(other @ other.T, words[:4] @ words[:4].T)


def test_width_keeps_the_largest_axes_as_scikit_learn_does():
    from sklearn.decomposition import PCA

    words = np.random.default_rng(0).standard_normal((50, 8)) * np.arange(1, 9)
    first, _ = principal_embeddings(words, [], 3, 0)
    theirs = PCA(3).fit_transform(words)
    assert np.allclose(first @ first.T, theirs @ theirs.T)
    with pytest.raises(RecipeError, match="have 8 values"):
        principal_embeddings(words, [], 9, 0)
