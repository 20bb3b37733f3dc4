"""Which verbs change what others see: those are an editor's, and say so themselves before they do anything.

What such a verb would hand to the backend or write into the catalog is refused there as well (see `permitting`); here
it is refused before a path is looked at, a table read or a file written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from explorer.workflows.opening import Workspace

P = ParamSpec("P")
R = TypeVar("R")
Verb = Callable[Concatenate[Workspace, P], R]

CHANGES = "__changes__"
"""The attribute under which such a verb has what it does, in words; a class that is one has it too."""


def changes(what: str) -> Callable[[Verb[P, R]], Verb[P, R]]:
    """Makes a verb an editor's; `what` is what it does ("importing models"). It raises ForbiddenError for viewers."""
    def declared(verb: Verb[P, R]) -> Verb[P, R]:
        @wraps(verb)
        def asked(ws: Workspace, /, *args: P.args, **kwargs: P.kwargs) -> R:
            ws.permit.require(what)
            return verb(ws, *args, **kwargs)

        setattr(asked, CHANGES, what)
        return asked

    return declared
