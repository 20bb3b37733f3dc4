"""Findings: what a catalog says of one of the paper's claims, with every figure's interval, chance and sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["agrees", "differs", "not enough models"]
Unit = Literal["share", "nats", "factor", "points"]


@dataclass(frozen=True)
class Figure:
    """One number: its 95 % interval, what was drawn for that (`n` of `of`), chance's 95 % quantile, and the paper's.

    None where there is none. A "share" lies in [0, 1]; "factor" is without unit; "points" are a difference of percents.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    of: str = "models"
    unit: Unit = "share"
    chance: float | None = None
    paper: float | None = None


@dataclass(frozen=True)
class Finding:
    """A claim on one catalog. `said` is the verdict in a sentence, `sample` what it was found on.

    `page` and `settings` are where the view is that shows it, and what its controls must be set to.
    """

    claim: str
    verdict: Verdict
    said: str
    figures: tuple[Figure, ...] = ()
    sample: str = ""
    page: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Finding:
        return cls(**{**raw, "figures": tuple(Figure(**f) for f in raw["figures"])})


@dataclass(frozen=True)
class Entry:
    """A stored finding: when it was made (UTC, ISO), of which base, how losses were measured, and of what.

    `state` identifies the models and texts it was found on: where the catalog has another by now, it is out of date.
    """

    base: str
    finding: Finding
    probe: str
    state: str
    made: str
