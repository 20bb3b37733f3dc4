"""Who a visitor is to this server: the settings that name editors and viewers, and the permit that follows from them.

Nothing here asks an identity provider; a page hands over what the provider has said of a visitor. Settings are checked
whole, and whatever is not plainly allowed in them is refused: a misspelt key must not let anybody in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from explorer.errors import ForbiddenError, InputError
from explorer.types import Limits, Permit, digest

SECTION = "explorer"
CALLBACK = "/oauth2callback"
ANYONE = "anyone"
LONG = 32
"""Characters of a secret that signs cookies: who guesses it can be anybody."""
_KEYS = ("editors", "viewers", "contact", "limits")
_NEEDED = ("redirect_uri", "cookie_secret")
_PROVIDER = ("client_id", "client_secret", "server_metadata_url")
_ADDRESS = re.compile(r"[^@\s]*@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Roles:
    """Who signs in as what. Addresses are in lower case; "@lab.org" is everyone of exactly that domain.

    `viewers` None: whoever signs in. `providers` are the names of those to sign in with; "" the only one.
    """

    editors: frozenset[str]
    viewers: frozenset[str] | None
    providers: tuple[str, ...] = ("",)
    limits: Limits = field(default_factory=Limits)
    contact: str = ""

    @property
    def ask(self) -> str:
        return self.contact or "whoever runs this server"

    def permit(self, claims: Mapping[str, Any]) -> Permit:
        """What the provider says of a visitor (`email`, `email_verified`, `name`, `iss`, `sub`) → what they may do.

        An address counts only where the provider says that it is verified: without, a visitor is a viewer where anyone
        may be one. ForbiddenError for those who are neither.
        """
        said = claims.get("email")
        email = said.strip().lower() if isinstance(said, str) else ""
        proven = email if claims.get("email_verified") in (True, "true") else ""
        name = str(claims.get("name") or email or "a visitor without a name")
        owner = digest("visitor", str(claims.get("iss", "")), str(claims.get("sub") or email))[:12]
        if _listed(proven, self.editors):
            return Permit("editor", owner, name, None, self.ask)
        if self.viewers is None or _listed(proven, self.viewers):
            return Permit("viewer", owner, name, self.limits, self.ask)
        unproven = " The identity provider does not say that this address is verified." if email and not proven else ""
        raise ForbiddenError(f"{email or name} has no access to this server.{unproven} Ask {self.ask}.")


def _listed(email: str, known: frozenset[str]) -> bool:
    name, at, domain = email.partition("@")
    return bool(name and at) and "@" not in domain and (email in known or f"@{domain}" in known)


def read_roles(secrets: Mapping[str, Any]) -> Roles | None:
    """The roles that the server's secrets set; None where they set no login at all, so that nobody signs in.

    InputError for whatever is not plainly right: what came, what is allowed, what to do.
    """
    for key in secrets:
        if key not in ("auth", SECTION) and (near := difflib.get_close_matches(key.lower(), ("auth", SECTION), n=1,
                                                                               cutoff=0.75)):
            raise InputError(f"the secrets have {key!r}; if [{near[0]}] is meant, write it so, else name it otherwise.")
    if "auth" not in secrets:
        if SECTION in secrets:
            raise InputError(f"the secrets have a section [{SECTION}], which says who may do what, but no [auth], by "
                             "which they would sign in. Add it (README, On a server), or take both away.")
        return None
    providers = _providers(_table(secrets["auth"], "auth"))
    if SECTION not in secrets:
        raise InputError(f"[auth] lets people sign in, but no section [{SECTION}] says who may do what. Add it with "
                         'editors = ["you@example.org"] (README, On a server).')
    said = _table(secrets[SECTION], SECTION)
    _known(said, _KEYS, SECTION)
    if "editors" not in said:
        raise InputError(f'[{SECTION}] has no editors. Write editors = ["you@example.org"], or editors = [] for none.')
    contact = said.get("contact", "")
    if not isinstance(contact, str):
        raise InputError(f"[{SECTION}] contact is {contact!r}; a text is needed, such as an address to ask at.")
    viewers = said.get("viewers", [])
    return Roles(_addresses(said["editors"], "editors", "a list"),
                 None if viewers == ANYONE else _addresses(viewers, "viewers", f'"{ANYONE}" or a list'), providers,
                 _limits(said.get("limits", {})), contact.strip())


def check_place(secrets: Mapping[str, Any], answered: bool) -> None:
    """InputError where the provider would send people back to a host that this server does not answer under."""
    address = str(secrets["auth"]["redirect_uri"])
    if not answered:
        raise InputError(f"[auth] redirect_uri is {address!r}, but this server does not answer as "
                         f"{urlsplit(address).hostname!r}. Start it with --allow-host {urlsplit(address).hostname}.")


def _providers(auth: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the providers, each of which has what Streamlit needs."""
    for key in _NEEDED:
        if not isinstance(auth.get(key), str) or not auth[key].strip():
            raise InputError(f"[auth] has no {key}; it needs {', '.join(_NEEDED)} and of one provider or more "
                             f"{', '.join(_PROVIDER)}.")
    place = urlsplit(auth["redirect_uri"])
    if place.scheme not in ("http", "https") or not place.hostname or not place.path.endswith(CALLBACK):
        raise InputError(f"[auth] redirect_uri is {auth['redirect_uri']!r}; an address of this server that ends in "
                         f"{CALLBACK} is needed, https://explorer.example.org{CALLBACK}.")
    if len(auth["cookie_secret"].strip()) < LONG:
        raise InputError(f"[auth] cookie_secret has {len(auth['cookie_secret'].strip())} characters; at least {LONG} "
                         "random ones are needed: python -c 'import secrets; print(secrets.token_urlsafe(48))'.")
    named = {name: value for name, value in auth.items() if isinstance(value, Mapping) and name != "client_kwargs"}
    single = any(key in auth for key in _PROVIDER)
    if single == bool(named):
        raise InputError(f"[auth] needs either {', '.join(_PROVIDER)} of its own, or sections [auth.NAME] that have "
                         "them; it has " + ("both." if single else "neither."))
    for name, section in named.items() or [("", auth)]:
        where = f"[auth.{name}]" if name else "[auth]"
        if "_" in name:
            raise InputError(f"{where}: the name of a provider has no underscore.")
        if lacking := [key for key in _PROVIDER if not isinstance(section.get(key), str) or not section[key]]:
            raise InputError(f"{where} lacks {', '.join(lacking)}.")
    return tuple(named) or ("",)


def _table(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} in the secrets is {value!r}; a section [{name}] is needed.")
    return value


def _known(said: Mapping[str, Any], allowed: Sequence[str], section: str) -> None:
    for key in said:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise InputError(f"[{section}] has a key {key!r}, which means nothing.{hint} Known: {', '.join(allowed)}.")


def _addresses(value: Any, key: str, allowed: str) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f"[{SECTION}] {key} is {value!r}; {allowed} of e-mail addresses is needed, of whole domains "
                         'as "@lab.org".')
    for one in value:
        if not isinstance(one, str) or not _ADDRESS.fullmatch(one.strip()):
            raise InputError(f"[{SECTION}] {key} has {one!r}, which is no e-mail address and no domain as "
                             '"@lab.org".')
    return frozenset(one.strip().lower() for one in value)


def _limits(value: Any) -> Limits:
    said, names = _table(value, f"{SECTION}.limits"), [f.name for f in fields(Limits)]
    _known(said, names, f"{SECTION}.limits")
    for key, number in said.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(f"[{SECTION}.limits] {key} is {number!r}; a whole number from 1 on is needed.")
    return Limits(**said)
