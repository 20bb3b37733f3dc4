"""What is seen of signing in: the page before it, and in the header who is signed in and the way out."""

from __future__ import annotations

import base64
import logging

import streamlit as st

from explorer.errors import ExplorerError, ForbiddenError
from explorer.pages._session import plain
from explorer.pages._visitor import claims, permit, roles
from explorer.types import Permit
from explorer.workflows.roles import Roles

_log = logging.getLogger(__name__)


def admitted() -> bool:
    """Whether the visitor may see the app; where not, the page says why and how to sign in."""
    try:
        known = roles()
        if known is None:
            return True
        if not (said := claims()):
            _sign_in(known)
            return False
        known.permit(said)
    except ForbiddenError as error:
        _card("No access", str(error), (), leave=True)
    except ExplorerError as error:
        _log.error("sign-in: %s", error)  # for whoever runs the server: settings are nothing for strangers to read
        _card("Nobody can sign in yet", "The sign-in settings of this server are not right, so it lets nobody in. Its "
              "log says what is wrong with them and what to do.", ())
    else:
        return True
    return False


ICONS: dict[str, str] = {"editor": ":material/edit:", "viewer": ":material/visibility:"}
_HEADER = """<style>
/* beside Help, at the right end of the header; Share leaves room for the longest name */
.stAppHeader { padding-right: 22rem }
.st-key-frame { flex-flow: row nowrap !important; align-items: center; gap: .6rem !important }
.st-key-frame > * { width: auto !important; flex: 0 0 auto }
.st-key-visitor { width: auto !important }
[data-testid="stLayoutWrapper"]:has(> .st-key-share), .st-key-share { right: 15.5rem }
@media (max-width: 1100px) {
  .stAppHeader { padding-right: 18rem }
  .st-key-visitor button [data-testid="stMarkdownContainer"] {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  [data-testid="stLayoutWrapper"]:has(> .st-key-share), .st-key-share { right: 11rem }
}
</style>"""


def badge() -> None:
    """For the header, where people sign in: who this is, as what, and the way out."""
    if roles() is None:
        return
    mine = permit()
    st.html(_HEADER)
    with st.container(key="visitor"), st.popover(plain(_short(mine.name)), icon=":material/account_circle:",
                                                 type="tertiary", key="visitor_open"):
        with st.container(width=300, gap="small"):
            st.markdown(f"**{plain(mine.name)}**")
            st.badge(mine.role.capitalize(), icon=ICONS[mine.role], color="blue" if mine.editor else "gray")
            st.markdown(_means(mine))
        st.button("Sign out", icon=":material/logout:", on_click=st.logout, key="sign_out")


def _short(name: str) -> str:
    """A name in the room that the header has: its first word."""
    first = (name.partition("@")[0].split() or [name])[0]
    return first if len(first) <= 12 else f"{first[:11]}…"


def _means(mine: Permit) -> str:
    """A role in a sentence."""
    if mine.editor or mine.limits is None:
        return "May do everything here: measure, import, train, export, keep, remove."
    most = mine.limits
    return (f"Looks at everything and measures up to {most.points:,} points at once, on up to {most.texts:,} "
            f"texts, in up to {most.jobs} jobs. The rest is for editors; ask {plain(mine.ask)}.")


def _sign_in(known: Roles) -> None:
    said = "Fine-tuned language models as points in weight space. This server is for people who are known to it."
    if st.query_params:
        said += " You have followed a link: it opens when you have signed in."
    _card("Weight-Space Explorer", said, known.providers)


_STYLE = """<style>
.stAppHeader { display: none }
.stMainBlockContainer { padding-top: 0 }
.st-key-sign_in { max-width: 27rem; margin: 18vh auto 0; padding: 2.2rem 2.2rem 2rem; border-radius: .8rem;
  border: 1px solid color-mix(in srgb, currentColor 16%, transparent);
  background: color-mix(in srgb, currentColor 2.5%, transparent) }
.wse-mark { width: 3rem; display: block; margin-bottom: .4rem }
</style>"""
_MARK = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M8 23 23 9" stroke="#6f83d8" '
         'stroke-width="2.4"/><circle cx="8" cy="23" r="6" fill="#6f83d8"/><circle cx="23" cy="9" r="6" '
         'fill="#d98a2b"/></svg>')


def _card(title: str, said: str, providers: tuple[str, ...], *, leave: bool = False) -> None:
    """All that is seen of the app by who is not in it."""
    st.html(_STYLE)
    with st.container(key="sign_in", gap="small"):
        picture = base64.b64encode(_MARK.encode()).decode()
        st.html(f'<img class="wse-mark" alt="" src="data:image/svg+xml;base64,{picture}">')
        st.title(title, anchor=False)
        st.markdown(plain(said))
        for name in providers:
            label = f"Sign in with {plain(name.capitalize())}" if name else "Sign in"
            st.button(label, key=f"sign_in_{name}", type="primary", icon=":material/login:", width="stretch",
                      on_click=st.login, args=(name or None,))
        if leave:
            st.button("Sign out", icon=":material/logout:", on_click=st.logout, key="sign_out", width="stretch")
