"""Who looks at a page: signed in or not, and as what. The one place that reads `st.user` and the secrets.

Where the secrets set no login, everybody is the one person at this machine and nothing of this is seen.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

import streamlit as st
from streamlit.auth_util import is_authlib_installed
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from explorer.errors import ForbiddenError, InputError, UnavailableError
from explorer.types import EVERYTHING, Permit
from explorer.workflows.roles import Roles, check_place, read_roles

_reading = threading.Lock()
_read: list[Roles | None] = []


def secrets() -> Mapping[str, Any]:
    """What Streamlit's secrets hold; InputError for a file that is there and can't be read, which must not be taken
    for one that sets no login."""
    if secrets_singleton.load_if_toml_exists():
        return secrets_singleton.to_dict()
    if there := [str(file) for file in st.get_option("secrets.files") if Path(file).exists()]:
        raise InputError(f"{there[0]}: can't be read as TOML. Correct it (the server's log says where), or take it "
                         "away if nobody is to sign in.")
    return {}


def roles() -> Roles | None:
    """Who may do what, as the secrets said when this was first asked; None where nobody signs in.

    InputError where they are wrong, UnavailableError where signing in needs a package that is not here.
    """
    with _reading:
        if not _read:
            given = secrets()
            found = read_roles(given)
            if found is not None:
                check_place(given, is_host_allowed(urlsplit(str(given["auth"]["redirect_uri"])).netloc))
                if not is_authlib_installed():
                    raise UnavailableError("[auth] lets people sign in, which needs Authlib, and it is not installed. "
                                           "Install it: pip install -e '.[login]'.")
            _read.append(found)
        return _read[0]


def forget() -> None:
    """Read the secrets anew when they are next asked for."""
    with _reading:
        _read.clear()


def claims() -> Mapping[str, Any]:
    """What the identity provider has said of this visitor, if they are signed in; else nothing."""
    said = st.user.to_dict()
    return said if said.get("is_logged_in") is True else {}


def permit() -> Permit:
    """What this visitor may do. ForbiddenError for who is not signed in, or may not be here."""
    known = roles()
    if known is None:
        return EVERYTHING
    if not (said := claims()):
        raise ForbiddenError("sign in first: this page is for people who are known here.")
    return known.permit(said)


class Lock(TypedDict):
    """What a control takes that is an editor's."""

    disabled: bool
    help: str | None


def editors(*, disabled: bool = False, help: str | None = None) -> Lock:
    """For a control that is an editor's: as given for them, and for a viewer disabled with the reason as its help.

    What the control does is refused to viewers further down as well; this only says so in time.
    """
    mine = permit()
    return {"disabled": disabled, "help": help} if mine.editor else {"disabled": True, "help": mine.reason}
