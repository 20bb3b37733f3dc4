"""What a browser remembers of its visitor's choices: cookies, which come with the next visit, and the theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from explorer.components import serving

_mounts: dict[str, Any] = {}


def component_remembering(cookies: Mapping[str, str], *, key: str, theme: Literal["", "System", "Light", "Dark"] = "",
                          pages: Sequence[str] = ()) -> None:
    """Keeps cookies for a year; with `theme`, sets it for pages ("" and further paths) and loads the page anew.

    Nothing is seen of it. Streamlit has no way to set its theme from the server, but reads it from the browser's
    storage, page by page.
    """
    data = {"cookies": dict(cookies), "theme": theme, "pages": list(pages), "root": serving.root()}
    _mounted("remembering")(data=data, key=key, height=0)


def component_watching(*, key: str) -> None:
    """Runs the page again when the system turns light or dark while it is open. Nothing is seen of it."""
    _mounted("watching")(key=key, height=0, on_turned_change=lambda: None)


def _mounted(name: str) -> Any:
    """The component whose module is the file of that name."""
    if name not in _mounts:
        file = serving.root() + serving.address(f"{name}.js")
        script = (f'const ours = import(new URL("{file}", document.baseURI));\n'
                  "export default async (given) => (await ours).default(given);\n")
        _mounts[name] = st.components.v2.component(name, js=script, isolate_styles=False)
    return _mounts[name]
