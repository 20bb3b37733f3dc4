"""Heat maps: rows where the tree puts them, nothing counted on the diagonal, thousands of models in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.clusters._ordering import ordering
from explorer.figures.heat import BLOCKS, confusion, layer_grid, similarity_map
from explorer.statistics.agreement import agreement
from explorer.types import Gram, Group

HOSTILE = "<img src=x onerror=alert(1)>"


def planted(n: int, groups: int) -> tuple[Gram, list[str]]:
    rng = np.random.default_rng(0)
    names = [f"g{i % groups}" for i in range(n)]
    centres = rng.normal(size=(groups, 30))
    vectors = centres[[i % groups for i in range(n)]] + 0.3 * rng.normal(size=(n, 30))
    return Gram(tuple(f"id{i:05}" for i in range(n)), (Group("0", "bias"),), (vectors @ vectors.T)[None]), names


def test_rows_are_in_the_order_of_the_tree_and_the_diagonal_is_blank():
    gram, groups = planted(12, 3)
    order, merges = ordering(gram)
    figure = similarity_map(gram.cosines, [HOSTILE, *gram.ids[1:]], groups, order, merges, title="cosine")
    matrix = np.asarray(figure.data[0].z)
    assert np.isnan(np.diag(matrix)).all()
    expected = gram.cosines[np.ix_(order, order)]
    off = ~np.eye(12, dtype=bool)
    assert np.allclose(matrix[off], expected[off])
    assert [groups[i] for i in order] == [t[0] for t in figure.data[1].text]
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_the_tree_stands_on_its_rows():
    gram, groups = planted(9, 3)
    order, merges = ordering(gram)
    tree = similarity_map(gram.cosines, gram.ids, groups, order, merges, title="cosine").data[2]
    feet = {x for x, y in zip(tree.x, tree.y, strict=True) if y == 0}
    assert feet == set(range(9))


def test_thousands_of_models_are_drawn_in_blocks():
    gram, groups = planted(1500, 5)
    order, merges = ordering(gram)
    figure = similarity_map(gram.cosines, gram.ids, groups, order, merges, title="cosine")
    matrix = np.asarray(figure.data[0].z)
    assert matrix.shape == (BLOCKS, BLOCKS)
    assert np.nanmax(matrix) <= 1
    # a row of the picture is the mean of its models, the diagonal of the whole left out
    first = gram.cosines[np.ix_(order[:3], order[-4:])]
    assert matrix[0, -1] == pytest.approx(first.mean(), abs=0.05)
    assert len(figure.to_json()) < 5e6


def test_confusion_and_grid():
    found = agreement(np.array([0, 0, 1, 1, -1]), ["a", "a", "b", "b", HOSTILE])
    figure = confusion(found)
    assert list(figure.data[0].x) == ["1", "2", "none"]
    assert "<img" not in figure.to_json().replace("\\u003c", "<")
    grid = layer_grid(["0"], ["bias", "norm"], np.array([[0.5, np.nan]]), np.array([[0.2, np.nan]]))
    assert grid.data[0].zmax == 1
