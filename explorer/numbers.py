"""How the project writes numbers for people: one function for each kind of quantity, always with its unit.

Covers pages, figures, the command line's tables and the sentences of findings. JSON, CSV and file names have raw
numbers instead. Everywhere: a true minus sign, a space before the percent sign, thousands with commas, and words where
a value is missing or not finite. A value with an uncertainty has as many decimals as the uncertainty deserves: two of
its figures.
"""

from __future__ import annotations

import math

MINUS = "−"
NONE = "–"
"""What stands in the place of a value in a table or a large reading where a word beside it says why there is none."""
UNKNOWN = "not known"
INFINITE = "infinite"

_KIB = 1024
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fixed(value: float | None, places: int, *, sign: bool = False) -> str:
    """`value` with so many decimals; with `sign` a plus before what is above zero. What rounds to zero has no sign."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return INFINITE if value > 0 else f"{MINUS}{INFINITE}"
    text = f"{abs(value):,.{places}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def figures(value: float | None, n: int = 3) -> str:
    """`value` with at most `n` significant figures and no zeros behind them; powers of ten where it is far from 1."""
    if value is None or not math.isfinite(value):
        return fixed(value, 0)
    if value == 0:
        return "0"
    mantissa, power = f"{abs(value):.{n - 1}e}".split("e")
    sign, exponent = MINUS if value < 0 else "", int(power)
    if not -4 <= exponent < 6:
        return f"{sign}{_trimmed(mantissa)} × 10{str(exponent).translate(_SUPERSCRIPT)}"
    return sign + _trimmed(f"{round(abs(value), n - 1 - exponent):,.{max(n - 1 - exponent, 0)}f}")


def decimals(half: float | None, *, usual: int = 3, most: int = 4) -> int:
    """Decimals that a value with this half width of an interval deserves: two figures of it, `usual` without one."""
    if half is None or not math.isfinite(half) or half <= 0:
        return usual
    return min(max(1 - int(f"{half:.1e}".split("e")[1]), 0), most)


def half_width(half: float | None, places: int | None = None) -> str:
    """ "± 0.012", half of a 95 % interval; "no interval" where it is not known, as of one text."""
    if half is None or not math.isfinite(half):
        return "no interval"
    return f"± {fixed(half, decimals(half) if places is None else places)}"


# ------------------------------------------------------------------------------------------------------- losses

def loss(value: float | None, half: float | None = None, *, unit: str = "nats") -> str:
    """A loss or a barrier: "0.312 nats", "0.3124 ± 0.0021 nats" with half of its 95 % interval."""
    return _with_half(value, half, decimals(half), unit)


def difference(value: float | None, half: float | None = None, *, unit: str = "nats") -> str:
    """A difference of losses with its sign: "+0.012 nats", "−0.120 ± 0.013 nats"."""
    return _with_half(value, half, decimals(half), unit, sign=True)


def points(value: float | None, half: float | None = None, *, unit: str = "points") -> str:
    """A difference of two shares (0.012) as points of a percent with its sign: "+1.20 points"."""
    value, half = (None if v is None else 100 * v for v in (value, half))
    return _with_half(value, half, decimals(half, usual=2, most=2), unit, sign=True)


def _with_half(value: float | None, half: float | None, places: int, unit: str, *, sign: bool = False) -> str:
    """A value and half of its interval, if there is one, with so many decimals."""
    if value is None or not math.isfinite(value):
        return fixed(value, 0)
    text = fixed(value, places, sign=sign)
    if half is not None and math.isfinite(half):
        text += f" {half_width(half, places)}"
    return f"{text} {unit}".rstrip()


def between(low: float | None, high: float | None, *, sign: bool = False, unit: str = "") -> str:
    """An interval of losses or other numbers: "0.291 to 0.334 nats". Both ends have the decimals its width deserves."""
    known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    places = decimals((high - low) / 2) if known and low is not None and high is not None else 3
    return f"{fixed(low, places, sign=sign)} to {fixed(high, places, sign=sign)} {unit}".rstrip()


# ------------------------------------------------------------------------------------------------------- shares

def share(value: float | None, places: int = 1, *, aligned: bool = False) -> str:
    """A share of 1 in percent: "91.7 %", and "100 %" where no decimal is left to tell; `aligned` keeps the zeros."""
    if value is None or not math.isfinite(value):
        return fixed(value, 0)
    text = fixed(100 * value, places)
    return f"{text if aligned else _trimmed(text)} %"


def share_told(value: float | None) -> str:
    """A share in a sentence, with three figures at most: "2.67 %", "86.7 %"."""
    return f"{figures(100 * value, 3)} %" if value is not None and math.isfinite(value) else fixed(value, 0)


def share_between(low: float | None, high: float | None, places: int = 0) -> str:
    """An interval of shares: "75 to 90 %"; words where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return "no interval"
    return f"{fixed(100 * low, places)} to {fixed(100 * high, places)} %"


# ------------------------------------------------------------------------------- numbers without a unit of their own

def coefficient(value: float | None, places: int = 2) -> str:
    """A correlation, cosine, index of agreement or likeness, between −1 and 1: "−0.42"."""
    return fixed(value, places)


def weight(value: float | None) -> str:
    """A weight in a mixture: "0.5", "−1.25"; three decimals at most."""
    text = fixed(value, 3)
    return _trimmed(text) if any(c.isdigit() for c in text) else text


def alpha(value: float | None) -> str:
    """A place on a path, without "α = ": "0.25", "−31"; four figures at most."""
    return figures(value, 4)


def distance(value: float | None) -> str:
    """A length in weight space, where nothing has a unit: three figures."""
    return figures(value, 3)


def factor(value: float | None) -> str:
    """A ratio: "4.6 ×"."""
    return f"{figures(value, 2)} ×" if value is not None and math.isfinite(value) else fixed(value, 0)


def in_unit(value: float | None, unit: str) -> str:
    """A value of a finding in its unit: "share" (of 1), "points" (of a percent), "nats" or "factor"."""
    match unit:
        case "share":
            return share(value)
        case "points":
            return points(None if value is None else value / 100)
        case "nats":
            return loss(value)
        case "factor":
            return factor(value)
        case _:
            raise ValueError(f"no unit of a finding: {unit!r}")


def p_value(value: float | None) -> str:
    """A probability by chance: "p = 0.012", "p < 0.001"."""
    if value is None or math.isnan(value):
        return f"p {UNKNOWN}"
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


# --------------------------------------------------------------------------------- counts, times, sizes

def count(n: int | None, one: str = "", many: str = "") -> str:
    """ "1,234", and with a noun "1 win", "3 wins", "2 losses" (its plural is with an s unless it is given)."""
    if n is None:
        return UNKNOWN
    text = f"{n:,}".replace("-", MINUS)
    return text if not one else f"{text} {one if n == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """How long something took: "0.8 s", "42 s", "3 min 05 s", "2 h 10 min"."""
    if seconds is None or not math.isfinite(seconds):
        return fixed(seconds, 0)
    if seconds < 9.95:
        return f"{fixed(seconds, 1)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


def about(seconds: float | None) -> str:
    """A time that is estimated: "about 25 s", "about 3 min", "about 2 h"; never less than a second."""
    if seconds is None or not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {figures(seconds / 3600, 2)} h"


def size(n: float | None) -> str:
    """An amount of bytes: "512 bytes", "1.4 MiB"."""
    if n is None or not math.isfinite(n):
        return fixed(n, 0)
    step = 0
    while abs(n) >= 999.5 and step < len(_UNITS) - 1:
        n, step = n / _KIB, step + 1
    return f"{count(round(n)) if step == 0 else figures(n, 3)} {_UNITS[step]}"


def _trimmed(text: str) -> str:
    """Without the zeros that end its decimals."""
    return text.rstrip("0").rstrip(".") if "." in text else text
