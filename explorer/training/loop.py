"""The one training loop: AdamW with linear warm-up and linear decay, as a stream of steps that can be stopped.

What a batch is and what its loss is, is the caller's: fine-tuning, masked-language modelling and distillation all run
through here. Nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch

Autocast = Literal["off", "bf16", "fp16"]
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
B = TypeVar("B")


@dataclass(frozen=True)
class Schedule:
    """`steps` updates; the rate rises linearly over the first `warmup` share of them to `lr`, then falls to 0."""

    steps: int
    lr: float
    warmup: float = 0.06
    weight_decay: float = 0.01

    def factor(self, step: int) -> float:
        """Share of `lr` at step 0, 1, …, steps − 1; never 0, so that every batch counts."""
        rising = max(1, round(self.warmup * self.steps))
        if step < rising:
            return (step + 1) / rising
        return max(self.steps - step, 0) / max(self.steps - rising, 1)


@dataclass(frozen=True)
class Step:
    """Step `number` of `total` is done; `loss` is that of its batch, in nats or the objective's own unit."""

    number: int
    total: int
    loss: float


def train(parameters: Sequence[torch.nn.Parameter], batches: Iterable[B], loss: Callable[[B], torch.Tensor],
          schedule: Schedule, *, seed: int, device: str, autocast: Autocast = "off",
          pieces: Callable[[B], Sequence[tuple[B, float]]] | None = None) -> Iterator[Step]:
    """Updates `parameters` in place, one step per item yielded; closing the iterator stops between two steps.

    `pieces` cuts a batch into parts that are computed one after the other, each with its share of the loss.
    Randomness inside `loss` (dropout, masking) is drawn from `seed` and the step's number alone, whatever else draws
    random numbers between two steps; the global random state is left as it was.
    """
    optimiser = torch.optim.AdamW(parameters, lr=schedule.lr, weight_decay=schedule.weight_decay)
    kind = device.partition(":")[0]
    scaler = torch.amp.GradScaler(kind, enabled=autocast == "fp16" and kind == "cuda")
    stream = iter(batches)
    for number in range(schedule.steps):
        optimiser.param_groups[0]["lr"] = schedule.lr * schedule.factor(number)
        batch = next(stream)
        with torch.random.fork_rng(devices=_cuda(device)):
            torch.manual_seed((seed * 1_000_003 + number) % 2**63)
            total = 0.0
            for piece, share in pieces(batch) if pieces else [(batch, 1.0)]:
                with casting(device, autocast):
                    value = loss(piece) if share == 1.0 else share * loss(piece)
                scaler.scale(value).backward()
                total += float(value.detach())
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        scaler.step(optimiser)
        scaler.update()
        optimiser.zero_grad(set_to_none=True)
        yield Step(number + 1, schedule.steps, total)


def casting(device: str, autocast: Autocast) -> AbstractContextManager[object]:
    """The context in which a forward pass runs in the asked-for precision."""
    return nullcontext() if autocast == "off" else torch.autocast(device.partition(":")[0], _DTYPES[autocast])


def _cuda(device: str) -> list[int]:
    kind, _, number = device.partition(":")
    return [] if kind != "cuda" else [int(number)] if number else [torch.cuda.current_device()]
