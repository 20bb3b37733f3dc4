"""Buttons whose press is never lost: what `st.button` gives is, when another control moves before its line is reached.

A callback marks the press at the beginning of a run; the mark stays until the button is drawn again, also when that is
some runs later. A press acts once, where its button stands and with what the page shows then. If what it is about is
another thing by then, if the button is disabled or gone, or if the page was left, it is not acted on and a toast says
so: an act that the page no longer offers as it was is not what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import streamlit as st

_KEY = "presses"


@dataclass(frozen=True)
class _Press:
    """A press that waits: what the button said, what it was about, and what stood in its form."""

    label: str
    of: object
    values: tuple[Any, ...] = ()


@dataclass
class _Presses:
    """The presses of a visit that wait, by the keys of their buttons, and those that were acted on."""

    page: str = ""
    waiting: dict[str, _Press] = field(default_factory=dict)
    done: dict[str, object] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    """What the buttons said whose presses were not acted on, until that is told."""

    def mark(self, key: str, press: _Press, fields: Sequence[str]) -> None:
        """The callback; nothing of a run can end it between its first line and its last, unless a form is read."""
        values = tuple(st.session_state[name] for name in fields)
        self.waiting[key] = _Press(press.label, press.of, values)

    def leave(self) -> None:
        """Forgets the presses that wait; the second one of a double click needs no word, its act is done."""
        self.left += [press.label for key, press in self.waiting.items()
                      if key not in self.done or self.done[key] != press.of]
        self.waiting.clear()
        self.done.clear()


def pressed(label: str, *, key: str, of: object = None, **options: Any) -> bool:
    """Draws a button; True once for every press of it.

    `of` is what the press is about, compared by ==: a press for another thing than what the button now is about is
    told instead. `options` are those of `st.button`.
    """
    presses = _presses()
    st.button(label, key=key, on_click=presses.mark, args=(key, _Press(label, of), ()), **options)
    return _taken(presses, key, of, options) is not None


def submitted(label: str, *, key: str, fields: Sequence[str], of: object = None,
              **options: Any) -> tuple[Any, ...] | None:
    """Draws a form's button; once for every press what stood then in the `fields`, by their keys, else None.

    The values are those that came with the press: a form that empties itself has none any more some runs later.
    """
    presses = _presses()
    st.form_submit_button(label, key=key, on_click=presses.mark, args=(key, _Press(label, of), tuple(fields)),
                          **options)
    press = _taken(presses, key, of, options)
    return None if press is None else press.values


def waits(key: str) -> bool:
    """Whether a press of this button waits: what holds the button must be drawn then, even if it was closed since."""
    return key in _presses().waiting


@contextmanager
def heeded(page: str) -> Iterator[None]:
    """A run of a page, with all that is drawn around it: presses that it has not come to are told at its end, and those
    of another page at once; none is kept for when its page is opened again."""
    presses = _presses()
    if presses.page != page:
        presses.leave()
        presses.page = page
    _told(presses)
    yield
    presses.leave()  # not where another run takes over from this one, perhaps before this one knows: it has the presses
    _told(presses)


def stopped() -> NoReturn:
    """Ends a run where a page has said why there is no more of it; what was pressed there is told in the next one."""
    _presses().leave()
    st.stop()


def _presses() -> _Presses:
    found: _Presses = st.session_state.setdefault(_KEY, _Presses())
    return found


def _taken(presses: _Presses, key: str, of: object, options: dict[str, Any]) -> _Press | None:
    """The press that waits, taken off; None if there is none, or none that may be acted on."""
    press = presses.waiting.pop(key, None)
    if press is None:
        return None
    if press.of != of or options.get("disabled"):
        st.toast(f"“{press.label}” was pressed, but what it is about has changed since. Press it again if it is still "
                 "wanted.", icon=":material/info:")
        return None
    presses.done[key] = press.of
    return press


def _told(presses: _Presses) -> None:
    while presses.left:
        st.toast(f"“{presses.left.pop(0)}” was pressed, but not done: the page changed before it came to that.",
                 icon=":material/info:")
