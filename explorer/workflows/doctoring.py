"""Whether an installation and a workspace are sound: each check with what it found and how to mend it.

Reads only, but for opening the workspace and drawing one small picture; the weights are not read again.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from explorer import numbers, settings
from explorer.catalog import Catalog
from explorer.errors import ExplorerError, UnavailableError
from explorer.weights.staleness import is_stale
from explorer.workflows.opening import open_workspace

PACKAGE = "weight-space-explorer"
LITTLE_DISK, LITTLE_MEMORY = 5 << 30, 4 << 30
"""Bytes below which imports, training and evaluation of models of ordinary size are likely to fail."""
_LEFT = (".building-*", "*.part", ".*.part", "jobs.json.*")
_SHOWN = 3
_LARGEST = 1 + 1e-6
"""A cosine, but for rounding."""
_TRIAL = '{"data": [{"type": "scatter", "x": [0, 1], "y": [0, 1]}], "layout": {}}'


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, and what to do where it is not "ok"."""

    name: str
    state: Literal["ok", "warning", "failed"]
    said: str
    mend: str = ""


def examine(path: str | Path | None = None) -> Iterator[Check]:
    """All checks, as they are made; a check that can't be made is one that failed."""
    folder = settings.workspace(path)
    yield from _each({"python": _python, "packages": _packages, "device": _device, "memory": _memory,
                      "pictures": _picture, "disk": lambda: _disk(folder)})
    try:
        ws = open_workspace(folder)
    except ExplorerError as error:
        held = "is held by" in str(error)
        yield Check("workspace", "warning" if held else "failed", str(error),
                    "Stop that process to have its contents checked; /healthz of the app says how it fares." if held
                    else "Restore the folder from a backup, or choose another with --workspace.")
        return
    try:
        yield Check("workspace", "ok", f"{folder}: {_contents(ws.catalog)}")
        yield from _each({"models": lambda: _folders(ws.catalog), "inner products": lambda: _grams(ws.catalog),
                          "texts": lambda: _texts(ws.catalog), "leftovers": lambda: _left(folder)})
    finally:
        ws.close()


def _each(checks: Mapping[str, Callable[[], Check]]) -> Iterator[Check]:
    for name, check in checks.items():
        try:
            yield check()
        except ExplorerError as error:
            yield Check(name, "failed", str(error))


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    wide = sys.version_info >= (3, 11)
    return Check("python", "ok" if wide else "failed", found, "" if wide else "Use Python 3.11 or newer.")


def _packages() -> Check:
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(text) for text in importlib.metadata.requires(PACKAGE) or []]
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", "failed", f"{PACKAGE} is not installed in this environment.", "pip install -e .")
    wrong = []
    core = [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    for needed in core:
        try:
            found = importlib.metadata.version(needed.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{needed.name} is missing")
            continue
        if not needed.specifier.contains(found, prereleases=True):
            wrong.append(f"{needed.name} {found} is not {needed.specifier}")
    if wrong:
        return Check("packages", "failed", "; ".join(wrong), "pip install -e . in this environment")
    return Check("packages", "ok", f"{len(core)} as required")


def _device() -> Check:
    import torch

    chosen = [settings.device(name) for name in settings.devices() or [settings.DEVICE]]
    said = f"torch {torch.__version__} on {', '.join(chosen)}"
    if (gpus := settings.gpus()) and not torch.cuda.is_available():
        return Check("device", "warning", f"{said}; {numbers.count(gpus, 'GPU')} of NVIDIA not used",
                     "Install a build of torch for CUDA and a driver that it knows.")
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        said += f", {numbers.size(free)} of {numbers.size(total)} free"
    return Check("device", "ok", said)


def _memory() -> Check:
    free = psutil.virtual_memory().available
    return Check("memory", "ok" if free >= LITTLE_MEMORY else "warning", f"{numbers.size(free)} available",
                 "" if free >= LITTLE_MEMORY else "Close other programs: a model of 125 M parameters needs some 2 GiB.")


def _picture() -> Check:
    from explorer.figures import exporting
    from explorer.workflows import pictures

    try:
        browser = exporting.chromium()
        drawn = pictures.image(exporting.read(_TRIAL), "png", "column")
    except UnavailableError as error:
        return Check("pictures", "warning", str(error), "The app itself works without; only PNG, SVG and PDF do not.")
    return Check("pictures", "ok", f"{browser} drew one of {numbers.size(len(drawn))}")


def _disk(folder: Path) -> Check:
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not os.access(there, os.W_OK):
        return Check("disk", "failed", f"{there} can't be written", "Choose a folder that can, with --workspace.")
    free = shutil.disk_usage(there).free
    return Check("disk", "ok" if free >= LITTLE_DISK else "warning", f"{numbers.size(free)} free at {there}",
                 "" if free >= LITTLE_DISK else "Make room, or move the workspace folder.")


def _contents(catalog: Catalog) -> str:
    found = catalog.database.counts()
    return ", ".join(f"{numbers.count(found[t])} {t.replace('_', ' ')}" for t in ("bases", "checkpoints", "tasks",
                                                                                   "scores"))


def _folders(catalog: Catalog) -> Check:
    """Models are read from where they were imported, each time a Point is evaluated."""
    kept = [(b.name, b.path) for b in catalog.bases()] + [(c.name, c.path) for c in catalog.checkpoints()]
    gone = [name for name, path in kept if not catalog.resolve(path).exists()]
    if gone:
        return Check("models", "failed", f"{len(gone)} of {len(kept)} are not where they were: {_some(gone)}",
                     "Put their folders back, or import them from where they lie now. Their maps and scores are kept, "
                     "only Points with them can't be evaluated. What is lost for good: `python -m explorer remove`.")
    if changed := [s.name for s in catalog.weight_files.known() if is_stale(s)]:
        return Check("models", "warning", f"files of {len(changed)} of {len(kept)} have changed since they were "
                     f"read: {_some(changed)}",
                     "Nothing, where the weights are the same: they are compared when next used, and refused if they "
                     "are others. Then put the old ones back, import them from where they lie now, or take the models "
                     "out with `python -m explorer remove` and import the folders again.")
    return Check("models", "ok", f"{numbers.count(len(kept), 'folder')} of models there")


def _grams(catalog: Catalog) -> Check:
    """Inner products of every base: finite, with positive squares, and no cosine beyond 1."""
    wrong = []
    for base in catalog.bases():
        if not catalog.checkpoints(base.id):
            continue
        gram = catalog.gram(base.id)
        if not gram.finite or (gram.sketch is None and (np.abs(gram.matrix) > _LARGEST * np.outer(
                gram.norms, gram.norms) + 1e-12).any()):
            wrong.append(base.name)
    if wrong:
        return Check("inner products", "failed", f"those of {_some(wrong)} can't be inner products",
                     "Import the models into a new workspace folder.")
    return Check("inner products", "ok", "finite, and no cosine beyond 1")


def _texts(catalog: Catalog) -> Check:
    tasks = catalog.tasks()
    gone = [t.name for t in tasks if not Path(t.path).is_file()]
    if gone:
        return Check("texts", "warning", f"{len(gone)} of {len(tasks)} tasks have no texts here: {_some(gone)}",
                     "Stored scores are shown; to measure more, fetch them: `python -m explorer datasets fetch`.")
    return Check("texts", "ok", f"of {numbers.count(len(tasks), 'task')} there")


def _left(folder: Path) -> Check:
    left = sorted({p.name for pattern in _LEFT for p in folder.glob(pattern)})
    return Check("leftovers", "warning" if left else "ok", f"{len(left)} unfinished files: {_some(left)}" if left else
                 "none", "They are of work that was interrupted and are never read; delete them." if left else "")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(n) for n in names[:_SHOWN]) + more
