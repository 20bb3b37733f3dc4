"""The ledger as text: one claim a row, as Markdown for a README or a report, or as plain lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from explorer import numbers
from explorer.statistics.paper import LEDGER
from explorer.types import Entry, Figure

_MARKS = {"agrees": "✓ agrees", "differs": "✗ differs", "not enough models": "– not enough models"}


def shown(figure: Figure) -> str:
    """A figure in words: value, interval, sample, chance; its name is not part of it."""
    return f"{number(figure, figure.value)}{interval(figure)}{chance(figure)}"


def number(figure: Figure, value: float) -> str:
    """A value in the figure's unit."""
    return numbers.in_unit(value, figure.unit)


def interval(figure: Figure) -> str:
    """The interval in brackets, in the value's unit, or nothing."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = (number(figure, v).removesuffix(" %").removesuffix(" nats").removesuffix(" ×").removesuffix(" points")
                 for v in (figure.low, figure.high))
    return f" [{low}, {high}]"


def chance(figure: Figure) -> str:
    return "" if figure.chance is None else f", chance < {number(figure, figure.chance)}"


def markdown(entries: Mapping[str, Entry], claims: Iterable[str], *, figures: bool = True) -> str:
    """A table of claims with the paper's figure, ours and the verdict; a claim without a finding says so.

    `figures`: with every figure, its interval and sample, and not in a sentence alone.
    """
    rows = ["| | the paper's claim | the paper's figure | here | |", "|---|---|---|---|---|"]
    for claim in claims:
        known, entry = LEDGER[claim], entries.get(claim)
        doubt = f" (doubtful: {known.conflict})" if known.conflict else ""
        cells = [claim, known.text, known.figure + doubt]
        if entry is None:
            cells += ["not computed yet", ""]
        else:
            more = [f"{f.name}: {shown(f)}; {f.n} {f.of}" for f in entry.finding.figures if figures]
            cells += ["<br>".join([entry.finding.said, *more]), _MARKS[entry.finding.verdict]]
        rows.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(rows)
