"""Numbers as pages show them: one figure in large type with its terms explained, and tables of numbers.

What a number looks like is said in explorer.numbers; here is where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import pandas as pd
import streamlit as st

from explorer import numbers, workflows
from explorer.pages._glossary import said
from explorer.statistics.readings import NORMAL, Reading
from explorer.types import Sketch

Write = Callable[[float], str]


def metric(name: str, value: str | None, under: str = "", *, words: Sequence[str] = (), about: str = "",
           where: Any = st) -> None:
    """One figure in large type; `under` it its interval, or why there is none yet.

    Its help says what it is (`about`) and what the glossary has of the `words` that it rests on.
    """
    text = "\n\n".join(part for part in (about, said(*words)) if part)
    where.metric(name, numbers.NONE if value is None else value, delta=under or None, delta_color="off",
                 delta_arrow="off", help=text or None)


def estimated(sketch: Sketch | None) -> str:
    """How exact geometry from sketches is, as a clause; empty where inner products are exact."""
    return "" if sketch is None else (f"estimated from sketches of {numbers.count(sketch.dimension)} numbers a "
                                      f"parameter group, squared distances to ±{sketch.error:.0%} (95 %)")


def say_estimated(ws: workflows.Workspace, base: str) -> None:
    """One line on a page whose geometry comes from sketches; nothing where it is exact."""
    if text := estimated(ws.catalog.gram(base).sketch):
        st.caption(f"Geometry is {text}.")


def of_reading(reading: Reading | None, where: str = "") -> tuple[str | None, str]:
    """A reading of a path as value and what stands below: half its interval, and its α unless `where` says a place."""
    if reading is None:
        return None, "not yet"
    half = NORMAL * reading.stderr
    place = where or f"at α = {numbers.alpha(reading.alpha)}"
    return (f"{numbers.fixed(reading.value, numbers.decimals(half))} nats",
            f"{numbers.half_width(half)} {place}".rstrip())


def tabled(rows: pd.DataFrame | Sequence[Mapping[str, Any]], writes: Mapping[str, Write], titles: Mapping[str, Any],
           *, height: int | Literal["auto"] = "auto", order: Sequence[str] | None = None) -> None:
    """A table whose columns of numbers are written by `writes` and still sort by the number; `titles` are as
    st.dataframe's column_config. A cell without a value has a dash.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    known = {name: write for name, write in writes.items() if name in frame}
    frame = frame.assign(**{name: pd.to_numeric(frame[name]) for name in known})
    st.dataframe(frame.style.format(cast(Any, known), na_rep=""), hide_index=True, height=height, column_order=order,
                 column_config=dict(titles), placeholder=numbers.NONE)


# ------------------------------------------------------------------ columns, with their unit in the column's title

def loss(value: float) -> str:
    return numbers.fixed(value, 4)


def change(value: float) -> str:
    return numbers.fixed(value, 4, sign=True)


def percent(value: float) -> str:
    return numbers.share(value, aligned=True)


def whole_percent(value: float) -> str:
    return numbers.share(value, 0)


def points(value: float) -> str:
    """A difference of shares in points of a percent."""
    return numbers.fixed(100 * value, 2, sign=True)


def coefficient(value: float) -> str:
    return numbers.coefficient(value, 3)


distance = numbers.distance
alpha = numbers.alpha


def count(value: float) -> str:
    return numbers.count(round(value))
