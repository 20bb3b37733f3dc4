"""Saved views and stories outside the app: as figures, and as one HTML file.

Views of Map and Path are drawn from what the catalog holds, so that α can be dragged. Of other pages the file shows the
figures that were on the page when the view was saved: they are kept with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.catalog import views
from explorer.errors import InputError
from explorer.types import Drawings, SavedView, Story
from explorer.workflows import pictures, stories
from explorer.workflows.opening import Workspace

if TYPE_CHECKING:
    from explorer.components.standalone import Slide
    from explorer.figures.exporting import Figure
    from explorer.figures.theme import Dark

WITHOUT = "No figure was kept with this view; it can be looked at in the app."
GONE = "A view that is kept no more"


def figures(ws: Workspace, saved: SavedView, dark: Dark = False) -> dict[str, Figure]:
    """The figures of a view by name; those of other pages than Map and Path are "1", "2", … as they were saved.

    InputError for a view of another page that was not saved, or saved without a figure.
    """
    if saved.page in pictures.DRAWN:
        return pictures.figures_of(ws, saved.page, saved.state, dark=dark)
    from explorer.figures.exporting import read

    return {str(i): read(text) for i, text in enumerate(drawings(ws, saved).figures, 1)}


def drawings(ws: Workspace, saved: SavedView) -> Drawings:
    """The figures that were kept with a view; InputError where there are none."""
    if (kept := views.drawings(ws.catalog.database, saved.name)) is None:
        raise InputError(f"views of the page {saved.page!r} are drawn in the app alone; save the view there, with a "
                         "figure on the page, and it is kept with it.")
    return kept


def slide(ws: Workspace, saved: SavedView, dark: Dark = False) -> Slide:
    """A view as the HTML file shows it; one without any figure says so in its place."""
    from explorer.components.standalone import Slide

    if saved.page in pictures.DRAWN:
        return pictures.slide(ws, saved.page, saved.state, title=saved.title, note=saved.note, dark=dark)
    kept = views.drawings(ws.catalog.database, saved.name)
    if kept is None:
        return Slide(saved.title, "\n".join(filter(None, (saved.note, WITHOUT))))
    return Slide(saved.title, saved.note, figures=kept.figures, colours=pictures.colours(kept.look))


def html(ws: Workspace, story: Story, dark: Dark = False) -> str:
    """A story as one HTML file, in its order; the speaker's notes are not in it."""
    return pictures.html(slides(ws, story, dark), title=story.title, dark=dark)


def slides(ws: Workspace, story: Story, dark: Dark = False) -> Sequence[Slide]:
    """The steps of a story; InputError if it has none."""
    from explorer.components.standalone import Slide

    told = stories.told(ws, story)
    if not told:
        raise InputError(f"the story {story.title!r} has no step yet.")
    return [Slide(GONE) if step.saved is None else slide(ws, step.saved, dark) for step in told]
