"""Lines between whole models: exact ends, no drift, and the same place whichever way it is formed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from bad_checkpoints import rewrite, tensors

from explorer.types import Point
from explorer.weights.opening import OpenBase, open_base, open_delta
from explorer.weights.point import FlatPoint


@pytest.fixture(scope="module")
def base(zoo: Path) -> OpenBase:
    return open_base(zoo / "base")


def flat_point(zoo: Path, base: OpenBase, **options: Any) -> FlatPoint:
    return FlatPoint("b", base.weights, base.layout, lambda i: open_delta(zoo / i, base), **options)


def stored(folder: Path, base: OpenBase) -> torch.Tensor:
    """A model's parameters as its file has them, float32 of shape (d,)."""
    state = {k.removeprefix("bert."): v for k, v in tensors(folder).items()}
    return torch.cat([state[t.name].float().reshape(-1) for t in base.layout.tensors])


def test_both_ends_are_the_stored_models_to_the_bit(zoo: Path, base: OpenBase) -> None:
    flat, zero, one = flat_point(zoo, base), Point.of("b", {"m3": 1.0}), Point.of("b", {"m0": 1.0})
    for alpha in (0.5, 0.0, 1.0, 7.0, 1.0, 0.0):
        flat.move(zero.moved(one, alpha))
        if alpha in (0.0, 1.0):
            assert torch.equal(flat.theta, stored(zoo / ("m0" if alpha else "m3"), base))


def test_a_model_far_from_its_base_is_itself_to_the_bit(zoo: Path, base: OpenBase, tmp_path: Path) -> None:
    """Its task vector alone would not do: small parameters are lost beside the base's large ones."""
    folder = Path(shutil.copytree(zoo / "m1", tmp_path / "far"))
    rewrite(folder, {k: v * 1e-4 for k, v in tensors(folder).items()})
    flat = FlatPoint("b", base.weights, base.layout, lambda _: open_delta(folder, base))
    flat.move(Point.of("b", {"far": 1.0}))
    assert torch.equal(flat.theta, stored(folder, base))
    summed = base.weights.flat(base.layout) + open_delta(folder, base).flat(base.layout)
    assert not torch.equal(summed, stored(folder, base))


def test_a_thousand_points_leave_no_drift_and_no_trace(zoo: Path, base: OpenBase) -> None:
    flat = flat_point(zoo, base)
    before = flat._base.clone()
    zero, one = Point.of("b", {"m3": 1.0}), Point.of("b", {"m0": 1.0})
    exact = [stored(zoo / n, base).double() for n in ("m3", "m0")]
    last = zero.moved(one, 0.3)
    flat.move(last)
    first = flat.theta.clone()
    for k in range(1000):
        flat.move(zero.moved(one, -31 + 0.063 * k))
    flat.move(last)
    assert torch.equal(flat.theta, first)
    assert torch.equal(flat._base, before)
    for alpha in (0.3, 32.0, -31.0):
        flat.move(zero.moved(one, alpha))
        expected = exact[0] + alpha * (exact[1] - exact[0])
        assert float((flat.theta.double() - expected).norm() / expected.norm()) <= 1e-6


def test_a_line_is_the_sum_of_its_terms(zoo: Path, base: OpenBase) -> None:
    """With no room for the line it is formed term by term, and so is a mixture beside it."""
    kept, summed = flat_point(zoo, base), flat_point(zoo, base, budget=0)
    for terms in ({"m1": 0.25, "m4": 0.75}, {"m1": -30.0, "m4": 31.0}, {"m1": 0.5, "m4": 0.6}, {"m2": -1.0}):
        point = Point.of("b", terms)
        kept.move(point)
        summed.move(point)
        torch.testing.assert_close(kept.theta, summed.theta, rtol=1e-5, atol=1e-6)


def test_what_is_kept_stays_in_its_budget(zoo: Path, base: OpenBase) -> None:
    size = base.layout.size * 4
    flat = flat_point(zoo, base, budget=4 * size)
    for k in range(12):
        first, second = Point.of("b", {f"m{k % 6}": 1.0}), Point.of("b", {f"m{(k + 1 + k // 6) % 6}": 1.0})
        flat.move(first.moved(second, 0.4))
        flat.move(Point.of("b", {"m0": 0.1, "m1": 0.1, "m2": 0.1}))
        assert sum(v.nbytes for values in flat._kept.values() for v in values) <= 4 * size
