"""Accuracies of models trained from several starts: per target and start, their difference to a reference, and tallies.

Runs are paired: with one seed, every start has the same head, order of texts and dropout. Differences are taken seed by
seed; a target's is the mean over its seeds, and the mean over targets has Student's interval over targets. As in the
paper, a start wins, ties or loses on a target by its mean over seeds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics.averages import Average, mean

REFERENCE = "base"
TIE = 0.0005
"""Targets whose mean accuracies differ by less, which would be printed as the same tenth of a percent, are ties."""


@dataclass(frozen=True)
class Outcome:
    """The accuracy, a share, of one run; `size` None is the whole train split."""

    target: str
    size: int | None
    start: str
    seed: int
    accuracy: float


@dataclass(frozen=True)
class Cell:
    """A start on a target: mean accuracy over seeds, and its mean paired difference to the reference.

    None for the reference itself, and where no seed has both. Intervals speak of further seeds.
    """

    target: str
    size: int | None
    start: str
    accuracy: Average
    difference: Average | None


@dataclass(frozen=True)
class Tally:
    """A start over all targets that have it and the reference: mean difference, and on how many it wins."""

    size: int | None
    start: str
    difference: Average
    wins: int
    ties: int
    losses: int


def cells(outcomes: Iterable[Outcome], reference: str = REFERENCE) -> list[Cell]:
    """One cell for each target, size and start, in order of first mention."""
    runs: dict[tuple[str, int | None, str], dict[int, float]] = defaultdict(dict)
    for o in outcomes:
        runs[o.target, o.size, o.start][o.seed] = o.accuracy
    found = []
    for (target, size, start), known in runs.items():
        beside = runs.get((target, size, reference), {}) if start != reference else {}
        paired = [value - beside[seed] for seed, value in known.items() if seed in beside]
        found.append(Cell(target, size, start, mean(list(known.values())), mean(paired) if paired else None))
    return found


def tallies(found: Iterable[Cell]) -> list[Tally]:
    """One tally for each size and start that has a difference on a target."""
    differences: dict[tuple[int | None, str], list[float]] = defaultdict(list)
    for cell in found:
        if cell.difference is not None:
            differences[cell.size, cell.start].append(cell.difference.value)
    return [Tally(size, start, mean(some), sum(d >= TIE for d in some), sum(abs(d) < TIE for d in some),
                  sum(d <= -TIE for d in some)) for (size, start), some in differences.items()]


@dataclass(frozen=True)
class Agreement:
    """How a ranking predicted without training agrees with what training gave, by Spearman's rank correlation.

    `single` are the targets' own, of those with three starts or more whose values differ; `mean` theirs, None without
    one. `across` is over the `pairs` of a target and a start that is not the reference: what is predicted to be gained
    over the reference against what was; None for fewer than three, or where all are equal.
    """

    single: Mapping[str, float]
    mean: Average | None
    across: float | None
    pairs: int


def agreement(predicted: Mapping[tuple[str, str], float], gained: Mapping[tuple[str, str], float],
              reference: str = REFERENCE) -> Agreement:
    """`predicted` and `gained` by target and start; of both, larger is better. Pairs that one lacks are left out."""
    both = [key for key in predicted if key in gained and math.isfinite(predicted[key])]
    of_target: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key in both:
        of_target[key[0]].append(key)
    single = {target: rho for target, keys in of_target.items()
              if (rho := rank_correlation([predicted[k] for k in keys], [gained[k] for k in keys])) is not None}
    over = [k for k in both if k[1] != reference and (k[0], reference) in of_target[k[0]]]
    ours, theirs = ([values[k] - values[k[0], reference] for k in over] for values in (predicted, gained))
    return Agreement(single, mean(list(single.values())) if single else None, rank_correlation(ours, theirs),
                     len(over))


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's, equal values sharing their ranks; None for fewer than three pairs, or where one side is constant."""
    if len(a) != len(b):
        raise InputError(f"{len(a)} and {len(b)} values make no pairs.")
    if len(a) < 3 or len(set(a)) == 1 or len(set(b)) == 1:
        return None
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])
