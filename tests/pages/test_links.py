"""Views as links: what pages are set to goes into the address and comes back from it, on this page or another visit."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from explorer import settings
from explorer.pages import _links
from explorer.pages._links import VIEWS, Held

VALUES = {
    "text": st.text(max_size=20), "texts": st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5),
    "choice": st.one_of(st.integers(0, 10**6), st.text(st.characters(categories=["L"]), min_size=1, max_size=9)),
    "number": st.floats(-1e6, 1e6), "numbers": st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    "whole": st.integers(-(10**6), 10**6), "flag": st.booleans(),
}


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_a_value_comes_back_from_the_address_as_it_was(kind):
    @each(VALUES[kind])
    def comes_back(value):
        assert _links.read(Held(kind), _links.text(Held(kind), value)) == value

    comes_back()


@pytest.mark.parametrize(("kind", "given_text"), [
    ("number", "x"), ("number", "nan"), ("number", "1e999"), ("whole", "1.5"), ("whole", ""), ("flag", "true"),
    ("numbers", "1,,2"), ("numbers", "inf"), ("whole", "9" * 30)])
def test_what_is_no_such_value_is_not_taken(kind, given_text):
    limited = Held(kind, 0, 100) if kind == "whole" else Held(kind)
    assert not _links._fits(limited, _links.read(limited, given_text))


PAGES = sorted(VIEWS)
NOT_A_VIEW = {"auto", "add", "locate_point", "cluster_shown", "barrier_pair", "start_compared", "surface_name",
              "surface_keep", "surface_mix", "mix_from"}
LOCAL = ("-export-", "surface_x_", "surface_y_", "merge-w-", "merge_pick_")
"""Controls that do not belong to what is looked at: how work begins, a name that is being typed."""


@pytest.mark.parametrize("name", PAGES)
def test_every_control_of_a_page_is_part_of_its_link(app, name):
    tested = app(name)
    assert not tested.exception
    kinds = ("selectbox", "multiselect", "toggle", "number_input", "slider", "select_slider", "button_group")
    keys = {widget.key for kind in kinds for widget in getattr(tested, kind, ()) if widget.key}
    lacking = keys - VIEWS[name].keys() - NOT_A_VIEW
    assert not [key for key in lacking if not any(part in key for part in LOCAL)]


@pytest.mark.parametrize("name", PAGES)
def test_a_link_gives_the_same_page_to_another_visitor(app, name):
    first = app() if name == "map" else app().switch_page(f"explorer/pages/{name}.py").run()
    asked = dict(first.query_params)
    assert asked
    again = visit(app, name, asked)
    assert not again.exception
    assert not again.warning
    assert dict(again.query_params) == asked
    assert shown(again, name) == shown(first, name)


def test_alpha_and_weights_come_with_the_link(app):
    found = visit(app, "path", {"alpha": "0.25", "zero": "nobody", "range": "Far"})
    assert not found.exception
    assert found.session_state["alpha"] == 0.25
    assert dict(found.query_params)["alpha"] in ("0.25", ["0.25"])
    ids = app("mix").session_state["mix_models"]
    mixed = visit(app, "mix", {"mix_models": ",".join(ids), "weights": "0.5,0.25,0.25"})
    assert not mixed.exception
    assert mixed.session_state["weights"] == [0.5, 0.25, 0.25]


def test_a_merge_comes_with_the_link(app):
    ids = app("merge").session_state["merge_models"][:2]
    asked = {"merge_method": "ties", "merge_models": ",".join(ids), "merge_weights": "0.5,1.5",
             "merge-o-ties-density": "0.3"}
    found = visit(app, "merge", asked)
    assert not found.exception
    assert not found.warning
    assert [found.slider(key=f"merge-w-ties-{i}").value for i in ids] == [0.5, 1.5]
    assert found.slider(key="merge-o-ties-density").value == 0.3
    found.slider(key=f"merge-w-ties-{ids[0]}").set_value(0.75).run()
    assert found.session_state["merge_weights"] == [0.75, 1.5]


def test_weights_of_single_layers_come_with_a_link(app):
    begun = app("merge", merge_method="ties", merge_form="layers")
    ids, count = begun.session_state["merge_models"][:2], len(begun.session_state["merge_weights"])
    layers = count // len(begun.session_state["merge_models"])
    weights = [0.25, *[1.0] * (2 * layers - 2), 5.0]
    found = visit(app, "merge", {"merge_method": "ties", "merge_models": ",".join(ids), "merge_form": "layers",
                                 "merge_weights": ",".join(map(str, weights))})
    assert not found.exception
    assert layers > 1
    assert found.session_state["merge_weights"] == [*weights[:-1], 2.0]  # 2 is the most there is


def test_an_address_that_the_browser_still_had_is_no_link(app):
    """A control moved so soon after another one that the browser had not heard of its new address."""
    tested = app("surface")
    before = dict(tested.query_params)
    tested.button_group(key="surface_depth").set_value(5).run()
    after = dict(tested.query_params)
    assert after != before
    address(tested, before)
    tested.toggle(key="surface_dots").set_value(False).run()
    assert tested.session_state["surface_depth"] == 5
    assert not tested.session_state["surface_dots"]
    address(tested, after)
    tested.run()
    assert not tested.session_state["surface_dots"]
    address(tested, before | {"surface_depth": "3"})
    tested.run()
    assert tested.session_state["surface_depth"] == 3


def test_going_back_in_the_browser_goes_back_in_the_page(app, monkeypatch):
    tested = app("surface")
    before = dict(tested.query_params)
    tested.button_group(key="surface_depth").set_value(5).run()
    address(tested, before)
    monkeypatch.setattr(_links, "_turned_back", lambda: True)
    tested.run()
    assert tested.session_state["surface_depth"] == 4


def test_what_a_link_says_wrong_is_left_out_and_told(app):
    found = visit(app, "path", {"excess": "zz", "points": "1e9", "quantity": "colour", "alien": "1"})
    assert not found.exception
    assert [w.value for w in found.warning] == ["The link\\'s excess\\, points can\\'t be read and is left out\\."]
    assert found.session_state["quantity"] == "loss"
    lost = visit(app, "map", {"view": "<b>nothing</b>"})
    assert not lost.exception
    assert "keeps no view" in lost.warning[0].value


def test_a_long_view_is_kept_under_a_short_name(app, monkeypatch):
    monkeypatch.setattr(_links, "LONGEST", 60)
    first = app("barriers")
    assert set(first.query_params) == {"view"}
    asked = dict(first.query_params)
    again = visit(app, "barriers", asked)
    assert not again.warning
    assert dict(again.query_params) == asked
    assert shown(again, "barriers") == shown(first, "barriers")
    elsewhere = visit(app, "map", asked)
    assert "keeps no view" in elsewhere.warning[0].value


def test_every_finding_of_the_demo_leads_to_a_view():
    file = settings.ROOT / "data" / "demo" / "catalog" / "findings.parquet"
    found = [json.loads(row) for (row,) in duckdb.sql(f"SELECT finding FROM '{file}'").fetchall()]
    assert len(found) == 14
    for finding in found:
        for key, value in finding["settings"].items():
            assert _links._fits(VIEWS[finding["page"]][key], value), (finding["claim"], key, value)


def shown(tested, name):
    held = {key: tested.session_state[key] for key in VIEWS[name] if key in tested.session_state}
    return {key: value for key, value in held.items() if value != []}


def visit(app, page, given):
    """The page as a new visitor has it who follows a link."""
    tested = app()
    tested.switch_page(f"explorer/pages/{page}.py")
    address(tested, given)
    return tested.run()


def address(tested, given):
    """The address with which the browser asks from here on."""
    tested.query_params.clear()
    for key, value in given.items():
        tested.query_params[key] = value
