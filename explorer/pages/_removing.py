"""Taking models out of the catalog: what goes, what stays, and the button."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from explorer import workflows
from explorer.errors import ExplorerError
from explorer.numbers import count
from explorer.pages._pressing import pressed
from explorer.pages._session import fail, plain
from explorer.pages._visitor import editors
from explorer.workflows.removing import plan

_DONE, _TURN = "removed", "removals"


def remove_button(ws: workflows.Workspace, ids: Sequence[str]) -> None:
    """A button that opens what removing these checkpoints does, and does it there."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(done, icon=":material/delete:")
    turn = st.session_state.setdefault(_TURN, 0)  # another one, so that it is closed, once it has done its work
    with st.popover("Remove from the catalog …", icon=":material/delete:", key=f"remove_{turn}",
                    **editors(disabled=not ids)):
        if ids:
            _ask(ws, ids)


def _ask(ws: workflows.Workspace, ids: Sequence[str]) -> None:
    planned = plan(ws, ids)
    st.markdown(f"**Goes:** {plain(planned.going)}\n\n**Stays:** {plain(planned.staying)}")
    force = False
    if needed := planned.uses.points:
        one = len(needed) == 1
        force = st.checkbox(f"Hide {count(len(needed), 'kept Point')} that need{'s' * one} "
                            f"{'it' if len(ids) == 1 else 'them'}: {plain(', '.join(needed))}")
    if pressed(f"Remove {count(len(ids), 'model')}", type="primary", key="remove_go", of=tuple(ids),
               icon=":material/delete:", **editors(disabled=bool(needed) and not force)):
        try:
            with st.spinner("Removing …"):
                workflows.remove(ws, ids, force=force)
        except ExplorerError as error:
            fail(error)
        else:
            st.session_state[_TURN] += 1
            st.session_state[_DONE] = f"Removed {plain(', '.join(planned.names[:3]))}" + (
                f" and {len(ids) - 3} more" if len(ids) > 3 else "")
            st.rerun()
