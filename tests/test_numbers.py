"""Numbers as people read them: read back they are the value, within the figures that are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer import numbers

finite = st.floats(-1e9, 1e9)
small = st.floats(-50, 50)
halves = st.floats(1e-6, 20)
WRITERS = (numbers.loss, numbers.difference, numbers.points, numbers.share, numbers.share_told, numbers.coefficient,
           numbers.weight, numbers.alpha, numbers.distance, numbers.factor, numbers.duration, numbers.size,
           numbers.figures)


def back(text: str) -> float:
    """The first number of a text."""
    head = text.split(" × 10")
    value = float(head[0].split()[0].replace(numbers.MINUS, "-").replace(",", ""))
    power = head[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) if len(head) > 1 else "0"
    return value * 10.0 ** int(power)


@given(finite, st.integers(0, 6))
def test_fixed_reads_back(value: float, places: int) -> None:
    text = numbers.fixed(value, places, sign=True)
    assert back(text) == pytest.approx(value, abs=0.5 * 10.0**-places * 1.001 + 1e-6)
    assert "-" not in text
    assert "e" not in text


@given(finite.filter(bool), st.integers(1, 6))
def test_figures_are_significant(value: float, n: int) -> None:
    text = numbers.figures(value, n)
    assert back(text) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - n))
    assert "-" not in text


@given(small, halves)
def test_a_value_has_the_decimals_of_its_interval(value: float, half: float) -> None:
    shown, rest = numbers.loss(value, half).split(" ± ")
    width = rest.removesuffix(" nats")
    assert len(shown.partition(".")[2]) == len(width.partition(".")[2]) <= 4
    assert back(shown) == pytest.approx(value, abs=max(half, 1e-4))


@given(halves)
def test_two_figures_of_an_interval_are_shown(half: float) -> None:
    digits = numbers.half_width(half).removeprefix("± ").replace(".", "").lstrip("0")
    assert len(digits) <= 2 or half > 9.5


@given(small)
def test_signs(value: float) -> None:
    text = numbers.difference(value)
    assert text[0] == ("0" if abs(value) < 0.0005 else "+" if value > 0 else numbers.MINUS) or abs(value) == 0.0005
    assert text.endswith(" nats")


@given(st.floats(0, 1))
def test_shares(value: float) -> None:
    text = numbers.share(value)
    assert text.endswith(" %")
    assert back(text) / 100 == pytest.approx(value, abs=5.1e-4)


@given(st.floats(0, 1e7))
def test_durations_grow(seconds: float) -> None:
    parts = numbers.duration(seconds).replace(",", "").split()
    total = sum(float(v) * {"h": 3600, "min": 60, "s": 1}[u] for v, u in zip(parts[::2], parts[1::2], strict=True))
    assert total == pytest.approx(seconds, abs=31 if seconds > 3600 else 0.51)
    assert all(float(v) < 60 for v, u in zip(parts[::2], parts[1::2], strict=True) if u != "h")


@given(st.integers(0, 2**49))
def test_sizes(n: int) -> None:
    text = numbers.size(n)
    scale = 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(text.split()[-1])
    assert back(text) * scale == pytest.approx(n, rel=6e-3, abs=0.5)


@pytest.mark.parametrize("write", WRITERS, ids=lambda f: f.__name__)
def test_what_is_missing_or_not_finite_is_said_in_words(write) -> None:
    assert write(None) == write(math.nan) == "not known"
    assert write(math.inf) == "infinite"
    assert write(-math.inf) == "−infinite"


@pytest.mark.parametrize(("shown", "expected"), [
    (numbers.loss(0.31244, 0.0213), "0.312 ± 0.021 nats"), (numbers.loss(0.31244, 0.00213), "0.3124 ± 0.0021 nats"),
    (numbers.loss(0.31244, 0.213), "0.31 ± 0.21 nats"), (numbers.loss(0.31244), "0.312 nats"),
    (numbers.loss(0.3, math.nan), "0.300 nats"), (numbers.difference(-0.1, 0.02), "−0.100 ± 0.020 nats"),
    (numbers.difference(-1e-9), "0.000 nats"), (numbers.points(0.01234, 0.004), "+1.23 ± 0.40 points"),
    (numbers.share(0.917), "91.7 %"), (numbers.share_between(0.75, 0.9), "75 to 90 %"),
    (numbers.share_between(math.nan, 0.9), "no interval"), (numbers.between(0.2912, 0.3344, unit="nats"),
                                                            "0.291 to 0.334 nats"),
    (numbers.p_value(0.0004), "p < 0.001"), (numbers.p_value(0.0123), "p = 0.012"),
    (numbers.p_value(0.5), "p = 0.50"),
    (numbers.count(1, "win"), "1 win"), (numbers.count(2, "loss", "losses"), "2 losses"),
    (numbers.count(12345), "12,345"),
    (numbers.distance(0.012345), "0.0123"), (numbers.distance(1.2e-7), "1.2 × 10⁻⁷"),
    (numbers.distance(12345), "12,300"), (numbers.share(1.0), "100 %"), (numbers.share_told(0.02671), "2.67 %"),
    (numbers.alpha(-31.0), "−31"), (numbers.alpha(0.25), "0.25"), (numbers.weight(-0.5), "−0.5"),
    (numbers.duration(125), "2 min 05 s"), (numbers.duration(7260), "2 h 01 min"), (numbers.about(200), "about 3 min"),
    (numbers.size(1_500_000), "1.43 MiB"), (numbers.factor(4.62), "4.6 ×"), (numbers.p_value(None), "p not known")])
def test_examples(shown: str, expected: str) -> None:
    assert shown == expected
