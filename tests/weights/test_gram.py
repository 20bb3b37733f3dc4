"""The streamed Gram against a float64 reference, and how often it reads what."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from explorer.types import Gram, Group, Layout, Tensor
from explorer.weights import gram as module
from explorer.weights.deltas import Delta, Difference, InMemory, Weights
from explorer.weights.gram import gram_rows
from explorer.weights.tensors import open_file

LAYOUT = Layout.of([
    ("embeddings.weight", (300, 70), Group("embeddings", "embeddings")),
    ("layer.0.q.weight", (64, 64), Group("0", "attention")),
    ("layer.0.q.bias", (64,), Group("0", "bias")),
    ("layer.0.up.weight", (129, 67), Group("0", "feed-forward")),
    ("layer.1.q.weight", (64, 64), Group("1", "attention")),
    ("layer.1.norm.weight", (1,), Group("1", "norm")),
])


def vectors(n: int, seed: int = 0, shared: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    own = torch.randn(n, LAYOUT.size, generator=generator)
    return own + shared * torch.randn(LAYOUT.size, generator=generator)


def reference(rows: torch.Tensor) -> np.ndarray:
    """Per group in float64, shape (g, n, n)."""
    wide = rows.double().numpy()
    total = np.zeros((len(LAYOUT.groups), len(wide), len(wide)))
    for t in LAYOUT.tensors:
        part = wide[:, t.offset : t.offset + t.size]
        total[LAYOUT.groups.index(t.group)] += part @ part.T
    return total


class Counted(Delta):
    """A task vector that counts how often each of its values is read."""

    def __init__(self, values: torch.Tensor) -> None:
        self._inner = InMemory(values)
        self.reads: Counter[tuple[str, int]] = Counter()

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        self.reads.update((tensor.name, i) for i in range(lo, hi))
        self._inner.slice(tensor, lo, hi, out)


class Partial(InMemory):
    """A task vector that is zero outside some tensors, and says so."""

    def __init__(self, values: torch.Tensor, names: set[str]) -> None:
        values = values.clone()
        for t in LAYOUT.tensors:
            if t.name not in names:
                values[t.offset : t.offset + t.size] = 0
        self.values, self._names = values, names
        super().__init__(values)

    def touches(self, tensor: Tensor) -> bool:
        return tensor.name in self._names

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        assert tensor.name in self._names, "read although it was said to be zero"
        super().slice(tensor, lo, hi, out)


@pytest.mark.parametrize("block_bytes", [1, 4000, 1 << 20, 1 << 30])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_it_equals_the_float64_reference_whatever_the_block(n: int, block_bytes: int) -> None:
    rows = vectors(n)
    np.testing.assert_allclose(gram_rows([InMemory(r) for r in rows], LAYOUT, block_bytes=block_bytes), reference(rows),
                               rtol=1e-12, atol=1e-9)


def test_products_of_nearly_orthogonal_vectors_keep_their_digits() -> None:
    rows = vectors(6, seed=3, shared=0.0)
    found = gram_rows([InMemory(r) for r in rows], LAYOUT).sum(axis=0)
    np.testing.assert_allclose(found, reference(rows).sum(axis=0), rtol=1e-9)


@pytest.mark.parametrize("block_bytes", [1, 1 << 30])
def test_large_sets_in_float32_are_near_enough(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EXACT", 0)
    rows = vectors(6, shared=0.3)
    found, exact = gram_rows([InMemory(r) for r in rows], LAYOUT, block_bytes=block_bytes), reference(rows)
    norms = np.sqrt(np.diagonal(exact, axis1=1, axis2=2))
    assert (np.abs(found - exact) / (norms[:, :, None] * norms[:, None])).max() < 1e-6


def test_no_task_vector_and_a_zero_one() -> None:
    assert gram_rows([], LAYOUT).shape == (len(LAYOUT.groups), 0, 0)
    rows = vectors(2)
    rows[0] = 0
    found = gram_rows([InMemory(r) for r in rows], LAYOUT)
    assert not found[:, 0].any()
    assert found[:, 1, 1].all()


@given(n=st.integers(1, 6), seed=st.integers(0, 1000), scale=st.sampled_from([1e-8, 1.0, 1e8]), data=st.data())
@settings(max_examples=25, deadline=None)
def test_it_is_symmetric_positive_and_equivariant(n: int, seed: int, scale: float, data: st.DataObject) -> None:
    rows = vectors(n, seed) * scale
    whole = gram_rows([InMemory(r) for r in rows], LAYOUT)
    np.testing.assert_allclose(whole, whole.transpose(0, 2, 1), rtol=1e-12, atol=1e-12 * np.abs(whole).max())
    assert np.linalg.eigvalsh(whole.sum(axis=0)).min() >= -1e-9 * np.abs(whole).max()
    order = data.draw(st.permutations(range(n)))
    moved = gram_rows([InMemory(rows[i]) for i in order], LAYOUT)
    np.testing.assert_allclose(moved, whole[:, order][:, :, order], rtol=1e-12, atol=1e-12 * np.abs(whole).max())


def test_the_same_vectors_give_the_same_bits() -> None:
    deltas = [InMemory(r) for r in vectors(5)]
    first = gram_rows(deltas, LAYOUT, block_bytes=1)
    for _ in range(5):
        np.testing.assert_array_equal(gram_rows(deltas, LAYOUT, block_bytes=1), first)


def test_rows_added_one_by_one_equal_all_at_once() -> None:
    rows = vectors(5)
    deltas = [InMemory(r) for r in rows]
    whole = gram_rows(deltas, LAYOUT)
    for i in range(5):
        row = gram_rows(deltas[: i + 1], LAYOUT, new=1)
        assert row.shape == (len(LAYOUT.groups), 1, i + 1)
        np.testing.assert_allclose(row[:, 0], whole[:, i, : i + 1], rtol=1e-12)


@pytest.mark.parametrize("new", [1, 3, 6])
def test_each_value_of_each_checkpoint_is_read_once(new: int) -> None:
    deltas = [Counted(r) for r in vectors(6)]
    gram_rows(deltas, LAYOUT, new=new, block_bytes=20_000)
    for delta in deltas:
        assert set(delta.reads.values()) == {1}
        assert len(delta.reads) == LAYOUT.size


def test_what_no_new_checkpoint_touches_is_not_read() -> None:
    rows = vectors(4)
    full = [Counted(r) for r in rows[:2]]
    partial = [Partial(rows[2], {"layer.0.q.weight"}), Partial(rows[3], {"layer.0.q.weight", "layer.1.norm.weight"})]
    found = gram_rows([*full, *partial], LAYOUT, new=2)
    expected = reference(torch.stack([rows[0], rows[1], partial[0].values, partial[1].values]))[:, 2:]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert {name for name, _ in full[0].reads} == {"layer.0.q.weight", "layer.1.norm.weight"}


def test_progress_comes_to_d_and_may_stop_the_pass() -> None:
    seen: list[tuple[int, int]] = []
    gram_rows([InMemory(r) for r in vectors(3)], LAYOUT, block_bytes=1, progress=lambda *a: seen.append(a))
    assert seen[-1] == (LAYOUT.size, LAYOUT.size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gram_rows([InMemory(r) for r in vectors(3)], LAYOUT, block_bytes=1, progress=stop)


def test_an_error_of_a_source_is_raised() -> None:
    class Broken(InMemory):
        def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        gram_rows([InMemory(vectors(1)[0]), Broken(vectors(1)[0])], LAYOUT)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_in_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    base = {t.name: torch.randn(t.shape) for t in LAYOUT.tensors}
    save_file(base, tmp_path / "base.safetensors")
    expected = []
    for i in range(3):
        model = {k: (v + 0.1 * torch.randn_like(v)).to(dtype) for k, v in base.items()}
        save_file(model, tmp_path / f"{i}.safetensors")
        expected.append(torch.cat([(model[t.name].double() - base[t.name].double()).reshape(-1)
                                   for t in LAYOUT.tensors]))

    def weights(name: object) -> Weights:
        return Weights(open_file(tmp_path / f"{name}.safetensors"), {t.name: t.name for t in LAYOUT.tensors})

    deltas = [Difference(weights(i), weights("base")) for i in range(3)]
    np.testing.assert_allclose(gram_rows(deltas, LAYOUT), reference(torch.stack(expected)), rtol=1e-9)


def test_selections_of_groups_add_up_to_the_whole() -> None:
    values = gram_rows([InMemory(r) for r in vectors(4)], LAYOUT)
    gram = Gram(tuple("abcd"), LAYOUT.groups, values)
    kinds = {g.kind for g in LAYOUT.groups}
    np.testing.assert_allclose(sum(gram.select(kinds=[k]).matrix for k in kinds), gram.matrix, rtol=1e-12)
    layers = {g.layer for g in LAYOUT.groups}
    np.testing.assert_allclose(sum(gram.select(layers=[k]).matrix for k in layers), gram.matrix, rtol=1e-12)
