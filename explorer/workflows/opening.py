"""The workspace that every verb takes, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from explorer import backends, settings
from explorer.backends import Backend
from explorer.catalog import Catalog, bundle
from explorer.errors import WorkspaceError
from explorer.types import EVERYTHING, Permit, Seen
from explorer.weights.staleness import is_stale


@dataclass(frozen=True)
class Workspace:
    """An open workspace: its catalog, the backend that works for it, and the device evaluation runs on.

    `permit` says what whoever holds it may do; `permitting.permitted` makes one whose catalog and backend hold to that.
    `closing` is called when it is closed, after the backend has ended and before the catalog does.
    """

    folder: Path
    catalog: Catalog
    backend: Backend
    device: str = "auto"
    permit: Permit = EVERYTHING
    closing: list[Callable[[], None]] = field(default_factory=list, compare=False, repr=False)

    def close(self) -> None:
        try:
            self.backend.close()
            while self.closing:
                self.closing.pop()()
        finally:
            self.catalog.close()


def open_workspace(path: str | Path | None = None, *, backend: str = "inline", device: str | None = None,
                   options: Mapping[str, Any] | None = None) -> Workspace:
    """Open a workspace folder, made if it is not there; None is EXPLORER_WORKSPACE or the demo's working copy.

    The demo's is built from the shipped files when it is first opened. `device` None is EXPLORER_DEVICE, or the best
    there is; `options` are the backend's own. WorkspaceError if it can't be opened; UnknownNameError for a backend that
    there is none of and UnavailableError for one that can't be had, before anything is written.
    """
    folder = settings.workspace(path)
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder}: a file; a workspace is a folder.")
    started = backends.start(backend, **(options or {}))
    try:
        catalog = _catalog(folder)
        started.known, started.on_seen = partial(_known, catalog), partial(_seen, catalog)
        return Workspace(folder, catalog, started, device or settings.DEVICE)
    except BaseException:
        started.close()
        raise


def stale(ws: Workspace, checkpoints: Collection[str] | None = None) -> frozenset[str]:
    """Ids of bases, and of these checkpoints (None: all), whose files are gone or others than those last known.

    A look at sizes and times alone: what turns out to be the same weights when next read is not stale any more.
    """
    return frozenset(s.model for s in ws.catalog.weight_files.known(checkpoints) if is_stale(s))


def _known(catalog: Catalog, request: Any) -> list[Seen]:
    """What is known of the files of models that a request names; of all where it does not say which."""
    named = getattr(request, "folders", None)
    return catalog.weight_files.known(tuple(named) if isinstance(named, Mapping) else None)


def _seen(catalog: Catalog, seen: Seen) -> None:
    catalog.weight_files.add(seen.model, seen.files)


def _catalog(folder: Path) -> Catalog:
    if settings.is_demo(folder) and (settings.DEMO / "catalog").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        bundle.unpack(settings.DEMO / "catalog", folder)
    return Catalog(folder)
