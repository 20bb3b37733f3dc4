"""The one exception tree of the project.

ExplorerError                     anything a user can mend; the message says what came, what is allowed, what to do
├── InputError                    a value, file or name given by the user is wrong
│   ├── CheckpointError           a checkpoint folder is refused
│   ├── TaskError                 a labelled-text source is refused
│   ├── RecipeError               a recipe or a Point's JSON is refused
│   └── UnknownNameError          a name is not one of the known ones; lists the nearest
├── WorkspaceError                the workspace can't be opened, read or written
├── ForbiddenError                this visitor's role or limits do not allow it
├── UnavailableError              a thing needs a package, a device, the network or texts that are not here
└── JobError                      work failed in a backend; carries the cause
    ├── Cancelled                 work was cancelled by its user
    └── NotFiniteError            a model overflows at a Point, which therefore has no loss
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

LONGEST = 2000
"""Characters of a message: what came may be as long as whoever made it wished."""


def legible(text: str) -> str:
    """A text of one line in which everything that does not print is written out: control and direction characters,
    halves of pairs."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def told(error: BaseException) -> str:
    """Any error in words for a user: its own where they are meant to be read, the place and what the system says of it
    where a file could not be read or written, else its class and its words."""
    if isinstance(error, OSError) and error.strerror:
        mend = {errno.ENOSPC: "; free some space", errno.EDQUOT: "; free some space",
                errno.EROFS: "; choose a folder that can be written",
                errno.EACCES: "; choose a folder that you may use"}.get(error.errno or 0, "")
        return f"{error.filename or 'a file'}: {error.strerror}{mend}"
    return str(error) if isinstance(error, ExplorerError) else f"{type(error).__name__}: {error}"


class ExplorerError(Exception):
    """Base of every error that is meant to be read by a user: one line, whatever the names in it hold."""

    def __str__(self) -> str:
        said = legible(super().__str__())
        return said if len(said) <= LONGEST else f"{said[: LONGEST - 2]} …"


class InputError(ExplorerError):
    """A value, file or name given by the user is wrong."""


class CheckpointError(InputError):
    """A checkpoint folder is refused; the message names the file."""


class TaskError(InputError):
    """A source of labelled text is refused."""


class RecipeError(InputError):
    """A training recipe or the JSON of a Point is refused."""


class UnknownNameError(InputError):
    """A name is not one of the known ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        self.what, self.name, self.known = what, name, known
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        shown = ", ".join(known[:20]) + (f" … ({len(known)} in all)" if len(known) > 20 else "")
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"unknown {what} {name!r}.{hint} Known: {shown or 'none'}.")

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return UnknownNameError, (self.what, self.name, self.known)


class WorkspaceError(ExplorerError):
    """The workspace can't be opened, read or written."""


class ForbiddenError(ExplorerError):
    """The visitor's role or limits do not allow it; the message says whom to ask, or what to ask less of."""


class UnavailableError(ExplorerError):
    """A package, device, network or data set that is needed is not here."""


class JobError(ExplorerError):
    """Work failed in a backend."""


class Cancelled(JobError):
    """Work was cancelled by its user."""


class NotFiniteError(JobError):
    """A model's states are not finite at a Point, which therefore has no loss."""
