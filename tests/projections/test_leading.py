"""The leading eigenvalues against all of them."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.projections import _coordinates as module
from explorer.projections import _leading
from explorer.projections._coordinates import principal
from explorer.projections._leading import leading
from explorer.types import Gram, Group


def gram(n: int, rank: int, seed: int = 0) -> Gram:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, rank)) * np.linspace(3, 1, rank)
    return Gram(tuple(f"{i:04}" for i in range(n)), (Group("0", "attention"),), (rows @ rows.T)[None])


@pytest.mark.parametrize(("n", "rank"), [(40, 3), (200, 60), (60, 200), (12, 1)])
def test_they_are_the_largest(n: int, rank: int) -> None:
    matrix = gram(n, rank).matrix
    values, vectors = np.linalg.eigh(matrix)
    found = leading(lambda v: matrix @ v, n, 3, 1e-10)
    assert found is not None
    np.testing.assert_allclose(found[0], np.maximum(values[::-1][:3], 0), rtol=1e-9, atol=1e-8 * values[-1])
    kept = min(rank, 3)
    np.testing.assert_allclose(np.abs(np.einsum("ni,ni->i", found[1][:, :kept], vectors[:, ::-1][:, :kept])), 1,
                               rtol=1e-7)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_large_map_equals_the_one_from_all_axes(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = gram(80, 30)
    wanted = principal(given, metric, 3)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "_MANY", 10)
    for a, b in zip(principal(given, metric, 3), wanted, strict=True):  # type: ignore[arg-type]
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8 * np.abs(b).max())


def test_what_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_leading, "_STEPS", 5)
    values = 1 - np.arange(300) * 1e-9
    assert leading(lambda v: values[:, None] * v, 300, 3, 1e-15) is None
