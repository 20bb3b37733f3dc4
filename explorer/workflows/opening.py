"""The workspace that every verb takes, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer import backends, settings
from explorer.backends import Backend
from explorer.catalog import Catalog, bundle
from explorer.errors import WorkspaceError


@dataclass(frozen=True)
class Workspace:
    """An open workspace: its catalog, the backend that works for it, and the device evaluation runs on."""

    folder: Path
    catalog: Catalog
    backend: Backend
    device: str = "auto"

    def close(self) -> None:
        self.backend.close()
        self.catalog.close()


def open_workspace(path: str | Path | None = None, *, backend: str = "inline",
                   device: str | None = None) -> Workspace:
    """Open a workspace folder, made if it is not there; None is EXPLORER_WORKSPACE or the demo's working copy.

    The demo's is built from the shipped files when it is first opened. `device` None is EXPLORER_DEVICE, or the best
    there is. WorkspaceError if it can't be opened.
    """
    folder = settings.workspace(path)
    if settings.is_demo(folder) and (settings.DEMO / "catalog").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        bundle.unpack(settings.DEMO / "catalog", folder)
    elif folder.exists() and not folder.is_dir():
        raise WorkspaceError(f"{folder}: a file; a workspace is a folder.")
    return Workspace(folder, Catalog(folder), backends.start(backend), device or settings.DEVICE)
