"""Places in weight space: Points and the lines between them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from explorer.errors import InputError, RecipeError
from explorer.types._identity import canonical_json, digest


@dataclass(frozen=True)
class Point:
    """A place in weight space: base + Σ cᵢ Δᵢ. Its canonical JSON is its identity.

    `base` and the keys of `terms` are ids (content hashes); `terms` is sorted by id and holds no zero, so the same
    place written in two ways is one Point. Coefficients are kept to 12 significant digits, so that the α of a grid
    (0.30000000000000004) and the α a person types (0.3) name the same Point.
    """

    base: str
    terms: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, base: str, terms: Mapping[str, float] | None = None) -> Point:
        """Canonical Point; RecipeError where a coefficient is not a finite number."""
        kept = []
        for key, raw in (terms or {}).items():
            if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not abs(raw) <= sys.float_info.max:
                raise RecipeError(f"the coefficient of {key!r} is {str(raw)[:40]}; a finite number is needed.")
            if value := float(f"{raw:.12g}"):
                kept.append((key, value))
        return cls(base, tuple(sorted(kept)))

    def as_dict(self) -> dict[str, Any]:
        return {"base": self.base, "terms": dict(self.terms)}

    @cached_property
    def hash(self) -> str:
        return digest("point", canonical_json(self.as_dict()))

    def coefficients(self, ids: Sequence[str]) -> np.ndarray:
        """The coefficient of each of `ids`, shape (n,); InputError if a term is none of them."""
        known = dict(self.terms)
        if missing := known.keys() - set(ids):
            raise InputError(f"the Point uses checkpoints outside the selection: {', '.join(sorted(missing))}.")
        return np.array([known.get(i, 0.0) for i in ids])

    def moved(self, other: Point, alpha: float) -> Point:
        """self + α (other − self): 0 is self, 1 is other. Paper: θ(α) = θ_B + α (θ_A − θ_B)."""
        if self.base != other.base:
            raise InputError("the two ends have different bases; a line needs both ends on one base.")
        mine, theirs = dict(self.terms), dict(other.terms)
        mixed = {k: (1 - alpha) * mine.get(k, 0.0) + alpha * theirs.get(k, 0.0) for k in mine.keys() | theirs.keys()}
        return Point.of(self.base, mixed)


@dataclass(frozen=True)
class Line:
    """Points along a line: α = 0 is `zero` (the paper's B), α = 1 is `one` (A)."""

    zero: Point
    one: Point
    alphas: tuple[float, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        return tuple(self.zero.moved(self.one, a) for a in self.alphas)
