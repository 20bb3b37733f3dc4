"""The workspace that every verb takes, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer import backends, settings
from explorer.backends import Backend
from explorer.catalog import Catalog, bundle
from explorer.errors import WorkspaceError


@dataclass(frozen=True)
class Workspace:
    """An open workspace: its catalog, the backend that works for it, and the device evaluation runs on.

    `closing` is called when it is closed, after the backend has ended and before the catalog does.
    """

    folder: Path
    catalog: Catalog
    backend: Backend
    device: str = "auto"
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
        return Workspace(folder, _catalog(folder), started, device or settings.DEVICE)
    except BaseException:
        started.close()
        raise


def _catalog(folder: Path) -> Catalog:
    if settings.is_demo(folder) and (settings.DEMO / "catalog").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        bundle.unpack(settings.DEMO / "catalog", folder)
    return Catalog(folder)
