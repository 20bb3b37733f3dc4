"""The Compare page: what is known at once, tensors on a click, one model refused, its link."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

App = Callable[..., AppTest]


def metrics(tested: AppTest) -> dict[str, str]:
    return {m.label.replace("\\", ""): m.value for m in tested.metric}


def test_two_models_side_by_side(app: App) -> None:
    tested = app("compare", auto=False)
    assert not tested.exception
    assert not tested.error
    shown = metrics(tested)
    assert -1 <= float(shown["Cosine"]) <= 1
    assert shown["Barrier on toy"] == "–"
    frames = [f.value for f in tested.dataframe]
    assert any("differs" in set(f.get("same", ())) for f in frames)


def test_the_selection_is_compared_and_swapped(app: App) -> None:
    first = app("compare", auto=False)
    a, b = first.session_state["compare_a"], first.session_state["compare_b"]
    next(x for x in first.button if x.label == "Swap").click().run()
    assert (first.session_state["compare_a"], first.session_state["compare_b"]) == (b, a)
    assert "compare_a" in first.query_params


def test_the_tensors_are_read_on_a_click(app: App, until: Callable[..., None]) -> None:
    tested = app("compare", auto=False)
    next(b for b in tested.button if b.key == "controls_tensors").click().run()
    until(tested, lambda: any("difference" in f.value and "shape" in f.value for f in tested.dataframe))
    (frame,) = [f.value for f in tested.dataframe if "shape" in f.value]
    assert list(frame["difference"]) == sorted(frame["difference"], reverse=True)


def test_a_model_is_not_compared_with_itself(app: App) -> None:
    tested = app("compare", auto=False)
    tested.selectbox(key="compare_b").set_value(tested.session_state["compare_a"]).run()
    assert any("two different" in i.value for i in tested.info)
    assert not tested.exception


@pytest.mark.parametrize("wrong", ["nobody", ""])
def test_a_link_to_an_unknown_model_shows_another(app: App, wrong: str) -> None:
    tested = app("compare", auto=False, compare_a=wrong)
    assert not tested.exception
    assert tested.session_state["compare_a"] != "nobody"
