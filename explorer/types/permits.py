"""What a visitor of the server may do: a role, and how much of the machine they may ask for at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.errors import ForbiddenError

Role = Literal["viewer", "editor"]


@dataclass(frozen=True)
class Limits:
    """The most that one person may ask for: `jobs` that are not over, `points` (Points × tasks) in one job, `texts` of
    a split in one measurement."""

    jobs: int = 6
    points: int = 400
    texts: int = 1000


@dataclass(frozen=True)
class Permit:
    """An editor may do everything; a viewer looks, and measures within `limits` (None: without any).

    `owner` is whose jobs theirs are, the same in all of a person's browsers; empty where nobody signs in. `name` is
    how they are shown, `ask` whom they may ask for more.
    """

    role: Role = "editor"
    owner: str = ""
    name: str = ""
    limits: Limits | None = None
    ask: str = "whoever runs this server"

    @property
    def editor(self) -> bool:
        return self.role == "editor"

    @property
    def reason(self) -> str:
        """Why a viewer may not do something, in a few words."""
        return f"Editors only; ask {self.ask}."

    def require(self, what: str) -> None:
        """ForbiddenError unless this is an editor's; `what` is what was to be done ("importing models")."""
        if not self.editor:
            raise ForbiddenError(f"{what} is for editors; {self.name or 'this visitor'} is a viewer here and may look "
                                 f"and measure. Ask {self.ask}.")


EVERYTHING = Permit()
"""What everybody may do where nobody signs in."""
