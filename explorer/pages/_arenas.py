"""Memory that a server gives back to itself: threads that come and go share a few of glibc's arenas.

Streamlit runs every visit of a page in a thread of its own. glibc gives threads up to eight arenas a core, and what an
ended one leaves free in its arena no other takes: a server that is used for hours would grow all the time.
"""

from __future__ import annotations

import ctypes
import os
import sys

MOST = 2
_ARENA_MAX = -8
"""The option's number in glibc's malloc.h."""


def few_arenas() -> None:
    """To be called before there are many threads: arenas that are there stay, and the first limit holds. Nothing is
    changed where the C library has no such option, or where MALLOC_ARENA_MAX says how many."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt") and "MALLOC_ARENA_MAX" not in os.environ:
        libc.mallopt(_ARENA_MAX, MOST)  # type: ignore[union-attr]
