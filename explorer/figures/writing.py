"""Numbers that plotly writes itself, on axes and where a card is the same for all dots: explorer.numbers in its words.

Cards that are made here, one a dot, take their numbers from explorer.numbers.
"""

from __future__ import annotations

from typing import Any

LOSS_OF_Y = "%{y:.3f} nats"
DISTANCE_OF_X = "%{x:.3~g}"

PERCENT: dict[str, Any] = {
    "tickformat": ".0%",
    # a space before the percent sign, which plotly's own notation does not know
    "labelalias": {f"{i}%".replace("-", "−"): f"{i} %".replace("-", "−")
                   for i in (*range(101), *range(-200, 0, 5), *range(105, 301, 5))}}
"""The ticks of an axis or a colour bar of shares."""


def short(text: str) -> str:
    """A name of at most 60 characters."""
    return text if len(text) <= 60 else text[:59] + "…"
