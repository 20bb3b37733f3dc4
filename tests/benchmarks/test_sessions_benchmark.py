"""The measurement of several sessions counts what it should; its seconds are for the benchmark."""

from __future__ import annotations

import math
from typing import Any

from sessions import ALPHAS, START, Found, Session, link, slope


def curve(path: str, alpha: float) -> Any:
    import json

    from streamlit.proto.Delta_pb2 import Delta

    delta = Delta(fragment_id="f")
    drawn = delta.new_element.bidi_component
    drawn.id = "c"
    drawn.json = json.dumps({"part": "curve", "path": path, "alpha": alpha})
    return delta


def test_another_sessions_answer_is_seen() -> None:
    found = Found()
    session = Session(None, found, link(("a", "b")))
    session._drawn(curve("p", START))
    session.asked.add(ALPHAS[3])
    session._drawn(curve("p", ALPHAS[3]))
    assert found.crossed == 0
    session._drawn(curve("p", ALPHAS[7]))
    assert found.crossed == 1


def test_growth_of_memory_has_an_interval() -> None:
    rate, half = slope([(60.0 * k, 100.0 + 2 * k + (k % 2)) for k in range(40)])
    assert 110 < rate < 130
    assert half < 15
    assert math.isnan(slope([(0.0, 1.0)])[0])
