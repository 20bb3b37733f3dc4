"""What every page needs: the one workspace of the server, the appearance, safe text, the selection basket.

The selection is a list of checkpoint ids in the session, in the order in which they were picked, never the state of
a chart.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from explorer import settings, workflows
from explorer.catalog import Catalog
from explorer.errors import ExplorerError, legible
from explorer.figures.colouring import tints
from explorer.figures.theme import Appearance, Dark, Mark
from explorer.pages._pressing import stopped
from explorer.pages._stage import staged
from explorer.pages._visitor import permit
from explorer.types import Base, Checkpoint, Permit, Point, Task
from explorer.workflows.permitting import WRITES, permitted

FETCH_AFTER = 10.0
"""Seconds from the first visit to fetching the texts it lacks: the first map has the machine to itself."""
AHEAD = 5.0
"""Seconds that a page waits at most for what the server is making ahead of it."""
BASKET = "basket"
ENDS = "path_ends"
AS_OF = "models"
"""How many of the base's models a map shows, the first ones to arrive."""
FROZEN = "models_frozen"
"""That number where a link holds the map to it."""
POINTS_AS_OF = "map_points"
"""How many of the base's kept Points a map shows, the first ones to be kept."""
APPEARANCE = "appearance"
"""Key of the chosen look in the session, and name of the cookie that remembers it."""
_CHANGES = "changes"
_MINE = "permitted"


_opening = threading.Lock()
_open: list[workflows.Workspace] = []
_limited: list[Catalog] = []
"""The catalog as viewers have it: one for all of them, because it keeps what it has read."""
_visited = threading.Event()
_made_ahead = threading.Event()
"""Clear while the server makes what the first page shows."""
_made_ahead.set()


def opened() -> workflows.Workspace:
    """The one workspace of this server, opened when first asked for; WorkspaceError if it can't be."""
    with _opening:
        if not _open:
            ws = workflows.open_workspace(backend="local", options={"devices": settings.devices()})
            workflows.watch(ws)
            _open.append(ws)
        return _open[0]


def held() -> workflows.Workspace | None:
    """The workspace if it is open; never opens it."""
    return _open[0] if _open else None


def visited() -> bool:
    """Whether anybody has opened a page since the workspace is open."""
    return _visited.is_set()


def close() -> None:
    """Close the workspace, if it is open."""
    with _opening:
        _visited.clear()
        _limited.clear()
        while _open:
            _open.pop().close()


@contextmanager
def making_ahead() -> Iterator[None]:
    """While the server makes what the first page shows, before there are visitors."""
    _made_ahead.clear()
    try:
        yield
    finally:
        _made_ahead.set()


def await_ahead() -> None:
    """Waits while the server makes what the first page shows: two that make it at once take longer, both of them."""
    _made_ahead.wait(AHEAD)


def workspace() -> workflows.Workspace:
    """The workspace that all sessions of this server share, as this visitor may use it; where it can't be opened the
    page says why and stops."""
    try:
        ws = opened()
        if not _visited.is_set() and not staged():
            _visited.set()
            # The demo ships without texts: they arrive when its map and stored scores are on screen, not before.
            workflows.fetch_demo_texts(ws, after=FETCH_AFTER)
        return _mine(ws, permit())
    except ExplorerError as error:
        st.subheader("The workspace can't be opened")
        fail(error)
        st.button("Try again", icon=":material/refresh:", type="primary")
        stopped()


def _mine(ws: workflows.Workspace, allowed: Permit) -> workflows.Workspace:
    """The workspace as a permit has it; the same one from run to run."""
    if not allowed.owner:
        return ws
    kept: tuple[workflows.Workspace, workflows.Workspace] | None = st.session_state.get(_MINE)
    if kept is None or kept[0] is not ws or kept[1].permit != allowed:
        if not allowed.editor:
            with _opening:
                if not _limited:
                    _limited.append(ws.catalog.limited(WRITES))
        kept = st.session_state[_MINE] = (ws, permitted(ws, allowed, None if allowed.editor else _limited[0]))
    return kept[1]


def me() -> str:
    """A name for this session, by which its jobs are told from those of others."""
    name: str = st.session_state.setdefault("me", uuid.uuid4().hex[:8])
    return name


def fail(error: BaseException | str) -> None:
    """Shows an error's message as text, whatever it holds."""
    st.error(plain(str(error)), icon=":material/error:")


def plain(text: str) -> str:
    """Markdown that shows `text` as it is: names come from data and must not become format, links or icons."""
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(legible(text).split()))
    # addresses become links even where they are escaped, unless something without width stands in them
    return re.sub(r"(?i)(https?\\:|www|\\@)", "\\1\u200b", escaped)


def dark() -> Dark:
    """What figures are drawn for: whether the browser shows the dark theme, or the projector's look where it is on."""
    return Appearance.PROJECTOR if on_projector() else st.context.theme.type == "dark"


def on_projector() -> bool:
    """Whether this visitor has chosen high contrast; a browser remembers it in a cookie, which comes with its visit."""
    if APPEARANCE not in st.session_state:
        st.session_state[APPEARANCE] = st.context.cookies.get(APPEARANCE, "system")
    return bool(st.session_state[APPEARANCE] == Appearance.PROJECTOR.value)


def marks_of(ws: workflows.Workspace, base: str, column: str = "dataset") -> dict[str, Mark]:
    """How the map of a base draws each category of a column, for figures beside it."""
    return tints(ws.catalog.checkpoints(base), column, dark())


def basket(known: Iterable[str] | None = None) -> list[str]:
    """The selected checkpoints' ids, in order; with `known`, those of them that are known."""
    chosen: list[str] = st.session_state.setdefault(BASKET, [])
    return list(chosen) if known is None else [key for key in chosen if key in set(known)]


def select(keys: Sequence[str], how: str = "toggle") -> None:
    """Change the selection. "toggle": each key joins, or leaves if it was there; "replace", "add", "clear" say it all.

    "click" is "toggle" up to two models; a third one begins a new selection, so that clicking on goes from path to
    path.
    """
    chosen = basket()
    if how == "click":
        how = "replace" if len(chosen) > 1 and keys[0] not in chosen else "toggle"
    if how == "toggle":
        chosen = [*(k for k in chosen if k not in keys), *(k for k in keys if k not in chosen)]
    else:
        chosen = [*(chosen if how == "add" else []), *([] if how == "clear" else keys)]
    st.session_state[BASKET] = list(dict.fromkeys(chosen))


def clear() -> None:
    st.session_state[BASKET] = []


def chosen_base(ws: workflows.Workspace) -> Base | None:
    """The base that the session looks at: the one chosen on the map, else the one with most checkpoints, if any."""
    bases = {base.id: base for base in ws.catalog.bases()}
    if not bases:
        return None
    return bases.get(st.session_state.get("base", "")) or workflows.main_base(ws)


def changed(what: str, now: object, key: str) -> bool:
    """Whether `now` is another one than when this was last asked, so that the choice under `key` must follow.

    The first time it must unless there is a choice already: a link has made it.
    """
    seen: dict[str, object] = st.session_state.setdefault(_CHANGES, {})
    first, before = what not in seen, seen.get(what)
    seen[what] = now
    return key not in st.session_state if first else before != now


def first(what: str) -> bool:
    """Whether this is asked for the first time in the visit, or since a link was opened in it."""
    seen: dict[str, object] = st.session_state.setdefault(_CHANGES, {})
    new = what not in seen
    seen[what] = None
    return new


def forget_changes() -> None:
    """What a link sets next is taken as it is, whatever the session was at before."""
    for key in (_CHANGES, "mix_weights", "surface_chosen"):
        st.session_state.pop(key, None)


def map_ids(ws: workflows.Workspace, base: Base) -> tuple[str, ...] | None:
    """The models that maps of a base show where a link holds them to the first ones; None: all of them."""
    everything, held = ws.catalog.checkpoints(base.id), st.session_state.get(FROZEN)
    frozen = held is not None and held < len(everything)
    st.session_state[AS_OF] = held if frozen else len(everything)
    return tuple(c.id for c in everything[:held]) if frozen else None


def kept_points(ws: workflows.Workspace, base: Base) -> dict[str, Point]:
    """The kept Points that the map of a base shows: all, or where a link holds it those that there were then."""
    everything = list(workflows.kept_points(ws, base.id).items())
    return dict(everything[:_held_points(len(everything))])


def _held_points(total: int) -> int:
    """How many of so many kept Points are shown; where no link holds the map, it is noted for the next one."""
    held = total if st.session_state.get(FROZEN) is None else min(st.session_state.get(POINTS_AS_OF, 0), total)
    st.session_state[POINTS_AS_OF] = held
    return held


def thaw(ws: workflows.Workspace, base: Base) -> None:
    """Where a link holds the map to what there was: says so, and shows all on a click. In a row of controls."""
    ids, there = map_ids(ws, base), len(workflows.kept_points(ws, base.id))
    points = there - _held_points(there)
    if ids is None and not points:
        return
    held, total = st.session_state[AS_OF], len(ws.catalog.checkpoints(base.id))
    later = " and ".join(f"{number} {what}" for number, what in ((total - held, "models"), (points, "kept Points"))
                         if number)
    st.button(f"First {held} of {total} models" if ids else "As in the link", key="thaw", icon=":material/ac_unit:",
              on_click=lambda: st.session_state.pop(FROZEN, None),
              help=f"The map as the link has it; {later} came later. Click for the map of all.")


def nothing_yet(message: str) -> None:
    """What a page shows when it has nothing to show, and the way to mend that."""
    st.info(message, icon=":material/inbox:")
    st.page_link("explorer/pages/catalog.py", label="Open the catalog", icon=":material/inventory_2:")


def material(ws: workflows.Workspace, what: str) -> tuple[Base, list[Checkpoint], list[Task]] | None:
    """The base looked at, its checkpoints and all tasks, of which `what` needs some; says what is missing, if it is."""
    base = chosen_base(ws)
    checkpoints, tasks = ws.catalog.checkpoints(base.id) if base else [], ws.catalog.tasks()
    if base is not None and checkpoints and tasks:
        return base, checkpoints, tasks
    lacking = "tasks" if checkpoints else "checkpoints"
    nothing_yet(f"{what} needs {lacking}, and there are none yet. Add some on the Catalog page.")
    return None


@dataclass(frozen=True)
class Place:
    """A Point that can be chosen: how it is called, and the data set it was trained on, if one."""

    name: str
    point: Point
    dataset: str = ""


BASE_KEY = ""
"""The key of the base in a select box of Points, where checkpoints have their ids and kept Points their names."""
KEPT = "kept: "


def choices(ws: workflows.Workspace, base: Base) -> dict[str, Place]:
    """Every model of a base, the base, and the Points kept under a name, by the key of a select box."""
    found = {c.id: Place(c.name, workflows.checkpoint_point(c), c.dataset or "") for c in
             sorted(ws.catalog.checkpoints(base.id), key=lambda c: c.name)}
    found[BASE_KEY] = Place(base.name, Point.of(base.id))
    return found | {KEPT + name: Place(KEPT + name, point) for name, point in ws.catalog.points().items()
                    if point.base == base.id}


def names(checkpoints: Sequence[Checkpoint]) -> dict[str, str]:
    """Names by id."""
    return {c.id: c.name for c in checkpoints}


def has_texts(task: Task) -> bool:
    """Whether a task's texts are on this machine, so that missing scores can be computed."""
    return Path(task.path).is_file()
