"""What the methods' signatures are written in: the context of a tensor, and annotations for counts and ranges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = Any  # forms are built from signatures in processes that do without torch


def _no_fisher(key: str) -> tuple[Tensor, float]:
    raise RecipeError(f"no Fisher information is at hand for {key or 'the models'}.")


@dataclass(frozen=True, eq=False)
class Context:
    """What a method may need of a parameter besides the task vectors.

    `name` is the parameter's, `ids` are the models' (in the order of the tensors), `base` holds the base's own values,
    float32 in the parameter's shape, and must not be changed. A method that draws random numbers seeds them by name
    and id, so that they do not depend on the order in which parameters or models come. `fisher(key)` is stored Fisher
    information: of this parameter, float32 in its shape and not to be changed, and its mean over all parameters.
    """

    name: str
    ids: tuple[str, ...]
    base: Tensor
    fisher: Callable[[str], tuple[Tensor, float]] = _no_fisher


@dataclass(frozen=True)
class Models:
    """Annotates `tensors`: how many models a method takes; `even`: all count the same, weights mean nothing to it.

    `whole`: it merges the models themselves rather than their task vectors, so that the base can be one of them.
    `turns` names the option that runs from the first model (0) to the second (1), where their order matters.
    `informed` names the option that holds each model's key of stored Fisher information; mergekit has no such method.
    """

    least: int = 1
    most: int | None = None
    even: bool = False
    whole: bool = False
    turns: str = ""
    informed: str = ""


@dataclass(frozen=True)
class Range:
    """Annotates an option: the numbers it may be, from `low` to `high`, both included."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return "any finite number"
        return f"{self.low:g} or more" if math.isinf(self.high) else f"{self.low:g} to {self.high:g}"


SEEDS = Range(0, 2**63 - 1)


@dataclass(frozen=True)
class PerModel:
    """Annotates an option that each model may have its own value of: the method is given one number for each."""
