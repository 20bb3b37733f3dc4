"""Every view is a link: what a page is set to, as the parameters of its address, and back.

A view is a page and the values of its controls, by their keys in the session. Short ones stand in the address itself;
longer ones are kept by the catalog, and the address names them. Values of an address are data: an unknown key, or a
value that is not of its kind, is left out and told; of what a control does not offer, the control takes its first.

A map shows the models it was made with: an address says how many of the base's models there were (`models`), and
whoever opens it when there are more sees the first ones, where they lay.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from explorer import registry, workflows
from explorer.catalog import views
from explorer.merges._contract import Range
from explorer.merges._recipe import method
from explorer.pages._session import (
    AS_OF,
    BASKET,
    FROZEN,
    POINTS_AS_OF,
    forget_changes,
    plain,
    workspace,
)
from explorer.pages._stage import FIGURES, VIEW_TURN, staged, turn
from explorer.workflows import stories
from explorer.workflows.retaining import METHODS

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

LONGEST = 1500
"""Characters of parameters that an address may have; some programs that pass links on cut longer ones."""
STORED = "view"
"""The parameter that names a view which the catalog keeps."""
WRITTEN, PAGE = "link_written", "page"
UNHEARD = 50
"""Addresses of a page that are remembered until the browser has heard of a later one."""
FIRST_PAGE = "map"


@dataclass(frozen=True)
class Held:
    """The kind of value that a key holds, and of numbers their limits. A choice is a text or a whole number."""

    kind: Literal["text", "texts", "choice", "number", "numbers", "whole", "flag"]
    low: float = -math.inf
    high: float = math.inf


TEXT, TEXTS, CHOICE, FLAG, NUMBER = Held("text"), Held("texts"), Held("choice"), Held("flag"), Held("number")
WHOLE = Held("whole", 0, 2**31 - 1)
SIDE = Held("whole", 10, 100_000)


def _merge_options() -> dict[str, Held]:
    """The fields of every merge method's options, within the limits of their controls."""
    found = {}
    for name in registry.names(METHODS):
        for option in method(name).options.values():
            allowed = option.allowed or Range()
            kinds = {bool: FLAG, int: Held("whole", 0, 10_000),
                     float: Held("number", max(allowed.low, 0.0), allowed.high)}
            scale = Held("number", 0.0, 2.0) if option.name == "lambda" else kinds.get(option.kind)
            if scale is not None:
                found[f"merge-o-{name}-{option.name}"] = scale
    return found


MAP = {"base": TEXT, BASKET: TEXTS, AS_OF: Held("whole", 1, 10**9)}
VIEWS: Mapping[str, Mapping[str, Held]] = {
    "map": {**MAP, "colour": TEXT, "scores_on": TEXT, "method": TEXT, "dims": WHOLE, "metric": TEXT, "layers": TEXTS,
            "kinds": TEXTS, "map_task": TEXT, "alpha": NUMBER,
            POINTS_AS_OF: Held("whole", 0, 10**9)},
    "path": {**MAP, "zero": TEXT, "one": TEXT, "tasks": TEXTS, "quantity": TEXT, "range": TEXT, "low": NUMBER,
             "high": NUMBER, "points": Held("whole", 2, 201), "head": TEXT, "find_boundary": FLAG,
             "excess": Held("number", 0.01, 5.0), "path_dims": WHOLE, "alpha": NUMBER},
    "mix": {**MAP, "mix_models": TEXTS, "mix_task": TEXT, "mix_kind": TEXT, "weights": Held("numbers")},
    "clusters": {"base": TEXT, "cluster_base": TEXT, "cluster_by": TEXT, "cluster_method": TEXT, "cluster_metric": TEXT,
                 "cluster_layers": TEXTS, "cluster_kinds": TEXTS, "cluster_shown": WHOLE, "cluster_where": FLAG,
                 "cluster_count": TEXT, "cluster_k": Held("whole", 2, 400), "cluster_only": TEXTS},
    "region": {"base": TEXT, "region_level": TEXT, "region_trait_dataset": TEXT, "region_trait_task": TEXT,
               "region_trait_general": TEXT,
               "region_task": TEXT, "region_samples": Held("whole", 5, 500),
               "region_concentration": Held("number", 0.05, 50.0),
               "region_full": FLAG, "region_out": FLAG, "region_random": TEXT, "region_seed": Held("whole", 0, 9999),
               "region_train": SIDE, "region_test": SIDE, "region_tabs": TEXT, "locate_point": TEXT,
               "locate_layers": TEXTS, "locate_kinds": TEXTS, "leaving_seeds": Held("whole", 1, 20),
               "leaving_far": NUMBER},
    "barriers": {"base": TEXT, "barrier_models": TEXTS, "barrier_task": TEXT, "barrier_points": WHOLE,
                 "barrier_above": TEXT, "barrier_train": SIDE, "barrier_test": SIDE,
                 "barrier_limit": Held("number", 0.0, 0.5)},
    "surface": {"base": TEXT, "surface_kind": TEXT, "surface_depth": WHOLE, "surface_shape": TEXT, "surface_a": TEXT,
                "surface_b": TEXT, "surface_c": TEXT, "surface_task": TEXT, "surface_task_coefficients_0": TEXT,
                "surface_task_coefficients_1": TEXT, "surface_range": NUMBER, "surface_seed": Held("whole", 0, 10**6),
                **{f"surface_margin_{k}": Held("number", 0.0, 3.0) for k in ("models", "components", "random")},
                "surface_clip": FLAG, "surface_above": Held("number", 0.05, 20.0), "surface_dots": FLAG,
                "surface_models": FLAG, "place": Held("numbers")},
    "start_points": {"base": TEXT, "start_targets": TEXTS, "start_size": CHOICE, "start_method": TEXT,
                     "start_kinds": TEXTS, "start_region": TEXT, "start_tuning": TEXT,
                     "start_samples": Held("whole", 1, 20),
                     "start_seeds": Held("whole", 1, 50), "start_steps": Held("whole", 1, 100_000),
                     "start_rate": Held("number", 1e-7, 1.0), "start_batch": Held("whole", 1, 1024),
                     "start_length": Held("whole", 4, 4096), "start_patience": Held("whole", 0, 20)},
    "merge": {"base": TEXT, "merge_view": TEXT, "merge_models": TEXTS, "merge_method": TEXT, "merge_tasks": TEXTS,
              "merge_form": TEXT, "merge_tabs": TEXT, "merge_weights": Held("numbers"), **_merge_options(),
              "soup_task": TEXT, "soup_models": TEXTS, "soup_by": TEXT,
              "search_target": TEXT, "search_models": TEXTS, "search_shots": Held("whole", 2, 1000),
              "search_budget": Held("whole", 10, 10_000), "search_penalty": Held("number", 0.0, 10.0),
              "search_bound": Held("number", 0.1, 10.0), "search_seed": WHOLE,
              "board_points": TEXTS, "board_merges": TEXTS, "board_tasks": TEXTS, "board_by": TEXT},
    "compare": {"base": TEXT, "compare_a": TEXT, "compare_b": TEXT, "compare_task": TEXT},
    "claims": {"base": TEXT},
}
"""What is restored of each page, by the key that the session has it under."""


def state(page: str) -> dict[str, Any]:
    """What a page is set to: the values that the session holds under the page's keys, empty ones left out."""
    kept = {}
    for key, held in VIEWS.get(page, {}).items():
        value = st.session_state.get(key)
        value = list(value) if isinstance(value, tuple) else value
        if value is not None and value != [] and _fits(held, value):
            kept[key] = value
    return kept


def put(page: str, wanted: Mapping[str, Any]) -> list[str]:
    """Set a page to a view before its controls are drawn; the keys whose values are of another kind, which are not set.

    Keys that the view does not have are emptied, so that a link gives the same page to everyone.
    """
    known = VIEWS.get(page, {})
    for key in known:
        st.session_state.pop(key, None)
    forget_changes()
    refused = []
    for key, value in wanted.items():
        if key in known and _fits(known[key], value):
            st.session_state[key] = value
        elif key in known:
            refused.append(key)
    st.session_state[FROZEN] = st.session_state.get(AS_OF)
    st.session_state[VIEW_TURN] = turn() + 1
    return refused


def name_of(page: StreamlitPage) -> str:
    """The name of a page, as its file and its views have it."""
    return Path(str(page.url_path)).name or FIRST_PAGE


def lacking(ws: workflows.Workspace, wanted: Mapping[str, Any]) -> None:
    """Says what a view refers to and this workspace does not hold."""
    if said := stories.absent(stories.here(ws), wanted):
        st.warning(plain(f"This view was made on another workspace, or with models that are gone. {said} The rest is "
                         "shown."), icon=":material/link_off:")


def follow(page: StreamlitPage) -> None:
    """Run a page as its address sets it, and make the address say what it is set to then."""
    name = name_of(page)
    st.session_state[PAGE] = name
    st.session_state[FIGURES] = {}
    if name in VIEWS:
        opened(workspace(), name)
    page.run()
    written()


def opened(ws: workflows.Workspace, page: str) -> None:
    """Sets the page to what its address says, if the address came from outside; says what of it can't be read."""
    given = _given()
    if not given or _own(page, given):
        return
    st.session_state[WRITTEN] = [(page, given)]
    if STORED in given:
        found = views.view(ws.catalog.database, given[STORED])
        if found is None or found[0] != page:
            st.warning(plain(f"This workspace keeps no view {given[STORED][:40]!r} of this page: the link was made on "
                             "another one. The page is shown as it begins."), icon=":material/link_off:")
            return
        wanted = found[1]
    else:
        known = VIEWS.get(page, {})
        wanted = {key: read(known[key], text) for key, text in given.items() if key in known}
    if refused := put(page, wanted):
        st.warning(plain(f"The link's {', '.join(refused)} can't be read and is left out."),
                   icon=":material/link_off:")
    lacking(ws, wanted)


def written() -> None:
    """Makes the address say what the page is set to now; for fragments too, of which the page does not hear."""
    page = st.session_state[PAGE]
    if page not in VIEWS or staged():
        return
    now = parameters(page)
    if now != _given():
        st.query_params.from_dict(now)
    earlier = [w for w in st.session_state.get(WRITTEN, []) if w[0] == page]
    if earlier[-1:] != [(page, now)]:
        st.session_state[WRITTEN] = [*earlier[1 - UNHEARD:], (page, now)]


def _given() -> dict[str, str]:
    """The address with which the browser asked, or as it was written since."""
    return {key: st.query_params.get_all(key)[-1] for key in st.query_params}


def _own(page: str, given: dict[str, str]) -> bool:
    """Whether an address is what this page has written: its last one, or one that the browser still had when it asked.

    A control that is moved right after another one comes with the address before both. Taken for a link, it would undo
    the first. An address that was written before the browser's is forgotten, so that a way back to it is a link again.
    """
    written: list[tuple[str, dict[str, str]]] = st.session_state.get(WRITTEN, [])
    if _turned_back():
        written = written[-1:]
    if (page, given) not in written:
        return False
    st.session_state[WRITTEN] = written[written.index((page, given)):]
    return True


def _turned_back() -> bool:
    """Whether the visitor went back or forward in the browser's history."""
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation


def parameters(page: str) -> dict[str, str]:
    """What the address of a page as it is set now has; where that is long, the short name of the view."""
    now = state(page)
    given = {key: text(VIEWS[page][key], value) for key, value in now.items()}
    if sum(len(quote(v)) + len(k) + 2 for k, v in given.items()) > LONGEST:
        return {STORED: views.add_view(workspace().catalog.database, page, now)}
    return given


def text(held: Held, value: Any) -> str:
    """A value as a parameter holds it."""
    if held.kind in ("texts", "numbers"):
        return ",".join(quote(_plain_number(v) if held.kind == "numbers" else v, safe=" ") for v in value)
    if held.kind == "flag":
        return "yes" if value else "no"
    return value if isinstance(value, str) else _plain_number(value)


def read(held: Held, given: str) -> Any:
    """The value that a parameter holds; None if it is none of that kind."""
    try:
        match held.kind:
            case "texts":
                return [unquote(part) for part in given.split(",")]
            case "numbers":
                return [float(part) for part in given.split(",")]
            case "whole":
                return int(given)
            case "number":
                return float(given)
            case "flag":
                return {"yes": True, "no": False}.get(given)
            case "choice":
                return int(given) if given.lstrip("-").isdecimal() else given
            case _:
                return given
    except ValueError:
        return None


def _fits(held: Held, value: Any) -> bool:
    match held.kind:
        case "text":
            return _is_text(value)
        case "choice":
            return _is_text(value) or _is_number(value, int)
        case "texts":
            return isinstance(value, list) and all(map(_is_text, value))
        case "numbers":
            return isinstance(value, list) and all(_is_number(v, (int, float)) for v in value)
        case "flag":
            return isinstance(value, bool)
        case "whole":
            return _is_number(value, int) and held.low <= value <= held.high
        case _:
            return _is_number(value, (int, float)) and held.low <= value <= held.high


def _is_text(value: Any) -> bool:
    """A text that can be sent back: half a pair of surrogates can't."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def _is_number(value: Any, kind: type | tuple[type, ...]) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isinstance(value, kind):
        return False
    return abs(value) <= sys.float_info.max  # a whole number may be too large to be asked whether it is finite


def _plain_number(value: float) -> str:
    return repr(value)
