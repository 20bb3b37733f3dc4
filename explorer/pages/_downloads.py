"""A small popover beside a figure: the figure as a picture, its data, its settings, and views as one HTML file.

Nothing is made before its button is clicked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from explorer.errors import UnavailableError
from explorer.figures.exporting import FORMATS, SIZES, chromium, image
from explorer.pages._links import PAGE, state
from explorer.pages._session import dark, plain, workspace
from explorer.pages._stage import staged
from explorer.workflows import pictures

NAMES = {"column": "One column", "two-columns": "Two columns", "slide": "Slide"}
DATA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
KINDS = ("Picture", "Data", "Settings", "HTML")
Figures = Mapping[str, Callable[[], Any]]


def offer_figure(figure: Any, key: str) -> None:
    """The popover of one figure of the page."""
    _popover(lambda: ({"figure": lambda: figure}, None), key)


def offer_view(alphas: Sequence[float] | None = None) -> None:
    """The popover of the Map and the Path page: map and curve, and both in one HTML file.

    `alphas` are those of the path that is looked at; None: there is none.
    """
    ws, page = workspace(), str(st.session_state.get(PAGE, "map"))

    def made() -> tuple[Figures, Callable[[], str]]:
        now, look = state(page), dark()  # what a button makes, it makes without the session

        def of(name: str) -> Callable[[], Any]:
            return lambda: pictures.figures_of(ws, page, now, dark=look, alphas=alphas)[name]

        def whole() -> str:
            return pictures.html([pictures.slide(ws, page, now, dark=look, alphas=alphas)], dark=look)

        return {name: of(name) for name in ("map", *(["curve"] if alphas else []))}, whole

    _popover(made, page)


def _popover(made: Callable[[], tuple[Figures, Callable[[], str] | None]], key: str) -> None:
    if staged():
        return

    @st.fragment
    def shown() -> None:
        opened = st.popover("Download", icon=":material/download:", type="tertiary", key=f"{key}_download",
                            on_change="rerun")
        if opened.open:
            figures, html = made()
            with opened, st.container(width=360):
                _form(figures, key, html)

    shown()


def _form(figures: Figures, key: str, html: Callable[[], str] | None) -> None:
    kind = st.segmented_control("What", [k for k in KINDS if k != "HTML" or html], default="Picture", required=True,
                                key=f"{key}_download_kind", label_visibility="collapsed")
    name = next(iter(figures))
    if len(figures) > 1 and kind in ("Picture", "Data"):
        name = str(st.segmented_control("Figure", list(figures), default=name, required=True,
                                        key=f"{key}_download_figure", format_func=str.capitalize))
    page = str(st.session_state.get(PAGE, "figure"))
    stem = f"{page}-{name}" if name not in ("figure", page) else page
    if kind == "Picture":
        _picture(figures[name], key, stem)
    elif kind == "Data":
        form = str(st.segmented_control("Format", list(DATA), default="csv", required=True, format_func=_upper,
                                        key=f"{key}_download_data"))
        st.caption("What the figure shows, one row a dot or cell.")
        _button(lambda: pictures.table(figures[name](), "csv" if form == "csv" else "parquet"), f"{stem}.{form}",
                DATA[form], key)
    elif kind == "HTML" and html is not None:
        st.caption("One file of about 5 MB that works without a network: the map, and the curve with its α to drag.")
        _button(lambda: html().encode(), f"{page}.html", "text/html", key)
    else:
        st.caption("Page and view, the models with the hashes of their weights, tasks, versions.")
        ws, now = workspace(), state(page)
        _button(lambda: json.dumps(pictures.settings(ws, page, now), indent=2, ensure_ascii=False).encode(),
                f"{page}-settings.json", "application/json", key)


def _picture(figure: Callable[[], Any], key: str, stem: str) -> None:
    form = str(st.segmented_control("Format", list(FORMATS), default="png", required=True, format_func=_upper,
                                    key=f"{key}_download_format"))
    size = str(st.segmented_control("Size", list(SIZES), default="two-columns", required=True,
                                    format_func=NAMES.__getitem__, key=f"{key}_download_size"))
    chosen = SIZES[size]
    st.caption(f"{chosen.width:g} in wide{', 300 dots an inch' if form == 'png' else ', text stays text'}.")
    try:
        chromium()
    except UnavailableError as error:
        st.info(plain(str(error)), icon=":material/image_not_supported:")
        return
    _button(lambda: image(figure(), form, size), f"{stem}.{form}", FORMATS[form], key)


def _button(made: Callable[[], bytes], name: str, mime: str, key: str) -> None:
    st.download_button("Download", made, name, mime, key=f"{key}_download_go", type="primary", on_click="ignore",
                       icon=":material/download:")


def _upper(form: str) -> str:
    return form.upper() if form != "parquet" else "Parquet"
