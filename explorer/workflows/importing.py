"""Checkpoints brought into a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer import settings
from explorer.backends import Job, Work
from explorer.catalog.metadata import read_table
from explorer.errors import InputError
from explorer.types import Sketch
from explorer.weights.annotations import Annotation, annotation
from explorer.weights.arrivals import FoundAgain, Import, NewBase, NewCheckpoint, NewSketch, Refused, Sketches
from explorer.weights.passes import Shared
from explorer.workflows.acts import changes
from explorer.workflows.opening import Workspace

_UNFINISHED = "unfinished"
"""The folder in a workspace where an interrupted import finds what it had done."""
_LAST = 30
_WEIGHT_FILES = ("adapter_config.json", "task_vector.safetensors", "config.json")


@dataclass(frozen=True)
class Imported:
    """What became of one folder: a name in the catalog, or the reason why it was refused.

    `relocated` is true of a model that was in the catalog and had gone from where it lay: it is known again, with all
    that was found of it, and read from this folder from now on.
    """

    folder: str
    name: str | None
    error: str | None
    relocated: bool = False


@changes("importing models")
def import_folders(ws: Workspace, folders: Sequence[str], base: str | Sequence[str] | None = None,
                   metadata: Path | None = None) -> Job:
    """Import checkpoint folders (or folders of them); `base` is a base's name, id or folder, or several of them.

    With several, each folder's metadata says which one is meant.
    A folder with the weights of a base or checkpoint that is not where it was any more is its new place. Job results
    are NewBase, NewCheckpoint, FoundAgain and Refused in turn; `outcomes` reads them.
    """
    table = read_table(metadata) if metadata else {}
    asked = [] if base is None else [base] if isinstance(base, str) else list(base)
    listed = [(f, _table_row(table, f, metadata)) for f in _expand(folders, asked)]
    bases = ws.catalog.bases()
    by_name = {key: b.id for b in bases for key in (b.name, b.id)}
    keys = list(dict.fromkeys(b.layout.key for b in bases))
    known = [(c, str(ws.catalog.resolve(c.path))) for key in keys for c in ws.catalog.ranked(key)]
    request = Import(tuple(listed), tuple((b, str(ws.catalog.resolve(b.path))) for b in bases), tuple(known),
                     tuple(_folder(a) for a in asked if a not in by_name),
                     tuple(by_name[a] for a in asked if a in by_name), ws.catalog.point_names(),
                     str(ws.folder / _UNFINISHED), _sketches(ws))

    def keep(found: NewBase | NewCheckpoint | NewSketch | FoundAgain | Refused | Shared) -> None:
        if isinstance(found, NewBase):
            ws.catalog.add_base(replace(found.base, path=ws.catalog.stored(Path(found.folder))))
            ws.catalog.weight_files.add(found.base.id, found.files)
        elif isinstance(found, NewCheckpoint):
            located = replace(found.checkpoint, path=ws.catalog.stored(Path(found.folder)))
            ws.catalog.add_checkpoint(located, found.layout, found.gram_row, found.sketch)
            ws.catalog.weight_files.add(found.checkpoint.id, found.files)
        elif isinstance(found, FoundAgain):
            ws.catalog.relocate(found.model, Path(found.folder), found.format, found.files)
        elif isinstance(found, NewSketch):
            ws.catalog.geometry.add_sketch(found.checkpoint, found.layout, found.sketch)
        elif isinstance(found, Shared):
            _share(ws, found)

    work = Work(f"Import of {len(listed)} folders", "explorer.weights.importing:import_checkpoints", request,
                lane="side")
    return ws.backend.submit(work, keep)


def _sketches(ws: Workspace) -> Sketches:
    """When sketches take the place of the Gram in this workspace."""
    geometry = ws.catalog.geometry
    return Sketches(settings.SKETCH_FROM, Sketch(settings.SKETCH_DIMENSION), tuple(geometry.kinds().items()),
                    geometry.sketched(), geometry.only_sketched())


def _share(ws: Workspace, shared: Shared) -> None:
    """Let workers for several devices or nodes join a pass, behind whatever else they have to do.

    A single one beside the import would only take the same cores.
    """
    if ws.backend.spread or sum(worker.lane == "model" for worker in ws.backend.facts()) > 1:
        ws.backend.submit(Work("Inner products, shared", "explorer.weights.passes:join", shared, priority=_LAST))


def outcomes(results: Sequence[Any]) -> list[Imported]:
    """What became of each folder, from the results of an import job."""
    found = []
    for result in results:
        if isinstance(result, NewCheckpoint):
            found.append(Imported(result.folder, result.checkpoint.name, None))
        elif isinstance(result, FoundAgain):
            found.append(Imported(result.folder, result.name, None, relocated=True))
        elif isinstance(result, Refused):
            found.append(Imported(result.folder, None, result.reason))
    return found


def _folder(text: str) -> str:
    """A local folder as it is, or a hub id to be fetched; the worker finds out which can be had."""
    return str(Path(text).expanduser().absolute()) if Path(text).expanduser().exists() else text


def _expand(folders: Sequence[str], bases: Sequence[str]) -> list[str]:
    """Each folder, or the checkpoint folders in it, but for the bases', where it is none itself."""
    listed, skip = [], {Path(_folder(base)) for base in bases}
    for text in folders:
        folder = Path(_folder(text))
        inside: list[Path] = []
        if folder.is_dir() and not any((folder / f).is_file() for f in _WEIGHT_FILES):
            inside = sorted(p for p in folder.iterdir() if any((p / f).is_file() for f in _WEIGHT_FILES)
                            and p not in skip)
        listed += [str(p) for p in inside] or [str(folder) if folder.is_absolute() else text]
    if not listed:
        raise InputError("no folder was named.")
    return list(dict.fromkeys(listed))


def _table_row(table: Mapping[str, Mapping[str, Any]], folder: str, where: Path | None) -> Annotation:
    row = table.get(Path(folder).name, table.get(folder, {}))
    return annotation(row, f"{where}, {Path(folder).name}")
