"""The training loop: it learns, repeats itself, leaves the global random state alone and can be stopped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.training.loop import Schedule, train


def regression(seed: int = 0, steps: int = 60):
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(64, 4, generator=draw)
    y = x @ torch.tensor([1.0, -2.0, 0.5, 3.0])
    weight = torch.nn.Parameter(torch.zeros(4))
    dropout = torch.nn.Dropout(0.2)

    def loss(rows: slice) -> torch.Tensor:
        return ((dropout(x[rows]) @ weight - y[rows]) ** 2).mean()

    batches = itertools.cycle([slice(0, 32), slice(32, 64)])
    return weight, train([weight], batches, loss, Schedule(steps, 0.1), seed=seed, device="cpu")


def test_loss_decreases_and_steps_are_counted():
    _, steps = regression()
    seen = list(steps)
    assert [s.number for s in seen] == list(range(1, 61))
    assert np.mean([s.loss for s in seen[-10:]]) < 0.5 * np.mean([s.loss for s in seen[:10]])


def test_same_seed_same_weights_whatever_happens_in_between():
    first, steps = regression(seed=3)
    list(steps)
    second, steps = regression(seed=3)
    for _ in steps:
        torch.rand(7)
    other, steps = regression(seed=4)
    list(steps)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_global_random_state_is_left_alone():
    torch.manual_seed(5)
    aim = torch.rand(3)
    torch.manual_seed(5)
    list(regression()[1])
    assert torch.equal(torch.rand(3), aim)


def test_closing_stops_between_steps():
    weight, steps = regression()
    next(steps)
    steps.close()
    kept = weight.detach().clone()
    with pytest.raises(StopIteration):
        next(steps)
    assert torch.equal(weight, kept)


def test_equals_torch_s_own_optimiser():
    """The loop without dropout, clipping in reach or warm-up is AdamW under a linear decay."""
    x = torch.linspace(-0.1, 0.1, 10)
    mine, plain = torch.nn.Parameter(torch.tensor(1.0)), torch.nn.Parameter(torch.tensor(1.0))
    list(train([mine], itertools.repeat(x), lambda b: (mine * b).pow(2).mean(), Schedule(20, 0.01, 0.0), seed=0,
               device="cpu"))
    optimiser = torch.optim.AdamW([plain], lr=0.01, weight_decay=0.01)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, Schedule(20, 0.01, 0.0).factor)
    for _ in range(20):
        optimiser.zero_grad()
        (plain * x).pow(2).mean().backward()
        optimiser.step()
        decay.step()
    assert torch.allclose(mine, plain, atol=1e-7)


@given(st.integers(1, 500), st.floats(0, 0.99))
def test_schedule_stays_within_bounds_and_peaks_once(steps: int, warmup: float):
    factors = [Schedule(steps, 1.0, warmup).factor(i) for i in range(steps)]
    assert all(0 < f <= 1 for f in factors)
    peak = int(np.argmax(factors))
    assert factors[:peak + 1] == sorted(factors[:peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_a_batch_in_pieces_is_the_same_step():
    x = torch.linspace(-1, 1, 12)
    found = []
    for pieces in (None, lambda rows: [(part, len(part) / len(rows)) for part in np.array_split(rows, 5)]):
        weight = torch.nn.Parameter(torch.tensor(1.0))
        steps = list(train([weight], itertools.repeat(np.arange(12)), lambda r, w=weight: (w * x[r]).pow(2).mean(),
                           Schedule(5, 0.05), seed=0, device="cpu", pieces=pieces))
        found.append((float(weight.detach()), [s.loss for s in steps]))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-6)
