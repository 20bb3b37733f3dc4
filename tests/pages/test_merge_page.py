"""The Merge page: a merge by every method, its retention, what can be taken away; the search of weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from explorer import workflows

App = Callable[..., AppTest]


@pytest.fixture
def own_tasks(workspace: Path, zoo: Path) -> dict[str, str]:
    ws = workflows.open_workspace(workspace)
    for name in ("d0", "d1"):
        workflows.add_task(ws, name, zoo / "toy.csv", None, ["text"], "y")
    ids = {c.name: c.id for c in ws.catalog.checkpoints()}
    ws.close()
    return ids


def words(tested: AppTest) -> str:
    shown = (*tested.caption, *tested.error, *tested.info, *tested.code, *tested.markdown)
    return " ".join(e.value for e in shown).replace("\\", "")


def pick(tested: AppTest, key: str, value: object) -> AppTest:
    next(s for s in tested.selectbox if s.key == key).set_value(value)
    return tested.run()


def test_a_merge_is_shown_measured_and_taken_away(app: App, own_tasks: dict[str, str],
                                                  until: Callable[..., None]) -> None:
    chosen = [own_tasks["m0"], own_tasks["m3"]]
    tested = app("merge", merge_models=chosen, merge_method="ties")
    assert not tested.exception
    until(tested, lambda: "points are measured" in words(tested))
    assert not tested.exception
    assert not tested.error
    table = tested.dataframe[0].value
    assert list(table["task"]) == ["d0", "d1"]
    assert table["merge_loss"].notna().all()
    assert list(table["own"]) == ["m0", "m3"]
    density = next(s for s in tested.slider if s.key == "merge-o-ties-density")
    assert density.value == 0.2
    tested.session_state["merge_tabs"] = "Take away"
    tested.run()
    assert not tested.exception
    code = " ".join(c.value for c in tested.code)
    assert "merge --method ties --models m0,m3 --density=0.2 --name NAME" in code
    assert "merge_method: ties" in code


@pytest.mark.parametrize("method", ["linear", "slerp", "model_stock", "karcher", "dare_ties", "breadcrumbs"])
def test_every_kind_of_method_has_its_form(app: App, own_tasks: dict[str, str], method: str) -> None:
    tested = app("merge", merge_models=[own_tasks["m0"], own_tasks["m3"]], merge_method=method, auto=False,
                 merge_form="gradient", merge_tabs="Take away")
    assert not tested.exception
    assert not tested.error
    assert f"--method {method}" in " ".join(c.value for c in tested.code)


def test_a_preset_is_task_arithmetic_with_its_weights(app: App, own_tasks: dict[str, str]) -> None:
    tested = app("merge", merge_models=[own_tasks["m0"], own_tasks["m1"], own_tasks["m3"]], auto=False,
                 merge_method="linear", merge_tabs="Take away")
    next(b for b in tested.button if b.key == "merge-preset-C + B − A").click()
    tested.run()
    assert not tested.exception
    assert "--method task_arithmetic --models m0,m1,m3 --weights=-1,1,1" in " ".join(c.value for c in tested.code)


def test_fisher_information_is_offered_where_it_is_lacking(app: App, own_tasks: dict[str, str]) -> None:
    tested = app("merge", merge_models=[own_tasks["m0"], own_tasks["m3"]], merge_method="fisher", auto=False)
    assert not tested.exception
    assert "Fisher information of 2 of 2 models is not estimated yet" in words(tested)
    assert any(b.key == "merge-fisher" for b in tested.button)


def test_models_without_a_task_and_no_models_say_so(app: App) -> None:
    tested = app("merge", auto=False)
    assert not tested.exception
    assert "None of these models was trained on a task" in words(tested)
    tested = app("merge", merge_models=[], auto=False)
    assert "Choose the models to merge" in words(tested)


def test_weights_are_searched_on_a_click(app: App, own_tasks: dict[str, str], until: Callable[..., None]) -> None:
    tested = app("merge", merge_view="Search", search_target="toy", search_of="toy", auto=False,
                 search_models=[own_tasks["m0"], own_tasks["m3"]], search_shots=4, search_budget=10)
    assert not tested.exception
    next(b for b in tested.button if b.key == "search-go").click()
    tested.run()
    until(tested, lambda: "10 evaluations" in words(tested))
    tested.run()
    assert not tested.exception
    assert "10 evaluations; the lowest objective is" in words(tested)
    assert "search --target toy --models m0,m3 --shots 4 --budget 10" in " ".join(c.value for c in tested.code)
    assert {m.label for m in tested.metric} >= {"Found: test loss", "Minus the base's", "Minus the centroid's"}
