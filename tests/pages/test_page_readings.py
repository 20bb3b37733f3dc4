"""Figures and controls of all pages explain the terms they use, and every term they name is in the glossary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import explorer.pages
from explorer.pages._glossary import PAGES, TERMS, said

FOLDER = Path(explorer.pages.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
CONTROLS = {"selectbox", "multiselect", "segmented_control", "toggle", "number_input", "slider", "select_slider"}
SPOKEN = re.compile(r"α|barrier\b|basin|excess|hull|concentration|projection|metric$|spread|head\b|λ", re.IGNORECASE)
"""Terms of the field in the label of a control."""
EXEMPT = {"From α": "the row's range explains α", "To α": "the row's range explains α"}


def calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if name in names:
                yield node


def given(call: ast.Call) -> set[str | None]:
    return {k.arg for k in call.keywords}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_every_figure_in_large_type_says_what_it_is(file: Path) -> None:
    for call in calls(ast.parse(file.read_text(encoding="utf-8")), {"metric"}):
        if file.name == "_readings.py":
            assert "help" in given(call)
        else:
            assert isinstance(call.func, ast.Name), f"line {call.lineno}: use explorer.pages._readings.metric"
            assert {"words", "about"} & given(call), f"line {call.lineno} explains nothing"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_term_in_the_label_of_a_control_is_explained(file: Path) -> None:
    for call in calls(ast.parse(file.read_text(encoding="utf-8")), CONTROLS):
        word = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        if isinstance(word, str) and SPOKEN.search(word) and word not in EXEMPT:
            assert "help" in given(call), f"{word}, line {call.lineno}"


def test_every_page_names_its_terms_and_all_are_known() -> None:
    named = {word for file in FILES for call in calls(ast.parse(file.read_text(encoding="utf-8")), {"said", "metric"})
             for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)
             and node.value in TERMS for word in [node.value]}
    assert len(named) >= 25
    for file in FILES:
        for call in calls(ast.parse(file.read_text(encoding="utf-8")), {"said"}):
            if file.name not in ("_region_tabs.py", "_region_view.py"):  # a function of their own
                words = [a.value for a in call.args if isinstance(a, ast.Constant)]
                assert words == [w for w in words if w in TERMS], f"{file.name}, line {call.lineno}"
    for page, words in PAGES.items():
        assert set(words) <= TERMS.keys()
        assert (FOLDER / f"{page}.py").is_file()
    assert {f.stem for f in FILES if not f.stem.startswith("_")} - PAGES.keys() <= {"glossary", "jobs", "stories"}


def test_words_come_with_their_source() -> None:
    assert said("p_b").endswith("section 5)*")
    assert said("hull", "p_b").count("**") == 4


def test_a_table_writes_its_numbers_and_keeps_them() -> None:
    def script() -> None:
        from explorer.pages._readings import loss, metric, percent, tabled

        tabled([{"name": "a", "loss": 0.31244, "share": 0.5}, {"name": "b", "loss": None, "share": None}],
               {"loss": loss, "share": percent, "absent": loss}, {"name": "Name", "loss": "Loss (nats)"})
        metric("P_B", None, "not yet", words=("p_b",), about="Of all pairs.")

    tested = AppTest.from_function(script).run()
    assert not tested.exception
    frame: pd.DataFrame = tested.dataframe[0].value
    assert frame["loss"][0] == 0.31244
    assert b"0.3124" in tested.dataframe[0].proto.SerializeToString(), "as it is shown"
    assert (tested.metric[0].value, tested.metric[0].delta) == ("–", "not yet")
    assert tested.metric[0].help == "Of all pairs.\n\n" + said("p_b")
