"""How a model is trained from a Point, and what one such run gave."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property

from explorer.types._identity import canonical_json, digest
from explorer.types.points import Point


@dataclass(frozen=True)
class Tuning:
    """How a model is trained, whatever it starts from. Every field is part of a run's identity.

    `method` says which parameters train beside the head. `steps` updates of `batch` texts of at most `length` tokens;
    the rate rises to `lr` over the first `warmup` share of the steps, then falls to 0. With `patience` above 0 a tenth
    of the train texts is held out, its loss taken twenty times on the way, and training ends when that has not fallen
    for so many times; the parameters with the lowest one are kept.
    """

    method: str = "bitfit"
    steps: int = 100
    lr: float = 4e-2
    batch: int = 32
    length: int = 64
    warmup: float = 0.06
    weight_decay: float = 0.01
    patience: int = 0

    @cached_property
    def key(self) -> str:
        return digest("tuning", canonical_json(asdict(self)))


@dataclass(frozen=True)
class Started:
    """One run: trained from `point` on the first `size` train texts of a task (None: all), measured on its test split.

    `task` is the task's digest, `tuning` a Tuning's key. `loss` is the mean cross-entropy of n test texts in nats and
    `stderr` its standard error; `accuracy` is a share. `steps` were taken, in `seconds` on `device`.
    """

    point: Point
    task: str
    tuning: str
    size: int | None
    seed: int
    accuracy: float
    loss: float
    stderr: float
    n: int
    steps: int
    seconds: float
    device: str

    @property
    def key(self) -> tuple[str, str, str, int | None, int]:
        """The run's identity: the same training is never run twice."""
        return self.point.hash, self.task, self.tuning, self.size, self.seed
