"""A Point written out as a folder: what is asked for, where it may go, and a folder that is there whole or not at all.

How each format is written is `exporting_FORMAT`: a model that transformers loads, a task vector that this program
imports, an adapter that PEFT loads. What people read of it is `model_card`.
"""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from explorer.errors import InputError, UnknownNameError
from explorer.numbers import size
from explorer.types import Base, Point, Progress
from explorer.weights.hidden import clear_leftovers, hidden, taken_by_disk
from explorer.weights.model_card import Card, Loss

if TYPE_CHECKING:
    import numpy as np

Format = Literal["hf", "task-vector", "lora", "projector"]
FORMATS: tuple[str, ...] = get_args(Format)
SHARD = 5_000_000_000
"""Bytes of weights in one file of a model folder."""
META, MARK = "explorer.json", "export"
_SLACK = 16 << 20


@dataclass(frozen=True, eq=False)
class Linear:
    """A classification head fitted on a task: logits = weight · (pooled − centre) + bias, in float64.

    weight (c, h), bias (c,), centre (h,).
    """

    task: str
    labels: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True, eq=False)
class Exporting:
    """A Point, where its parts lie (`folders` by checkpoint id), where to and how, and what its explorer.json says.

    `head` is written into a model folder; `rank` is of an adapter (None: exact where that can be), `shard` the bytes of
    one file; `force` replaces a folder that an export made.
    """

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    point: Point
    out: str
    meta: Mapping[str, Any]
    card: Card
    format: Format = "hf"
    head: Linear | None = None
    force: bool = False
    rank: int | None = None
    shard: int = SHARD


@dataclass(frozen=True)
class Exported:
    """The finished folder, and what should be known of it."""

    folder: str
    notes: tuple[str, ...] = ()


def check_format(name: str) -> Format:
    """The format of a name; UnknownNameError lists those there are."""
    if name not in FORMATS:
        raise UnknownNameError("export format", name, FORMATS)
    found: Format = name  # type: ignore[assignment]
    return found


def check_target(out: Path, force: bool = False) -> None:
    """InputError unless a folder can be made there: only what an export made is ever replaced, and only by `force`."""
    _restore(out)
    if out.exists() and not force:
        raise InputError(f"{out}: exists already; name a folder that does not, or replace an older export "
                         "with --force.")
    if out.exists() and not made_here(out):
        raise InputError(f"{out}: not made by an export (its {META} does not say so), so it is not replaced; name "
                         "another folder.")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder; make it first, or choose another place.")


def made_here(folder: Path) -> bool:
    """Whether a folder says that an export made it."""
    try:
        said = json.loads((folder / META).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and isinstance(said.get(MARK), dict)


def check_room(out: Path, needed: int) -> None:
    """InputError where the disk has not that many bytes left."""
    free = shutil.disk_usage(out.parent).free
    if free < needed + _SLACK:
        raise InputError(f"{out}: {size(needed + _SLACK)} are needed and {size(free)} are free; make room or choose "
                         "another place.")


@contextmanager
def whole_folder(out: Path, force: bool = False) -> Iterator[Path]:
    """A hidden folder beside `out` to fill, which takes its place at the end; nothing is left where filling fails.

    What a killed process of this machine had left of the same folder is removed. A folder that is replaced is moved
    aside before and deleted after, and comes back should the new one not get there.
    """
    check_target(out, force)
    making, aside = hidden(out), _aside(out)
    shutil.rmtree(making, ignore_errors=True)
    clear_leftovers(out.parent, out.name)
    try:
        with taken_by_disk(out):
            making.mkdir()
            yield making
        check_target(out, force)  # it may have come while this one was made
        if out.exists():
            out.rename(aside)
        making.rename(out)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        _restore(out)
        shutil.rmtree(making, ignore_errors=True)


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")


def _restore(out: Path) -> None:
    """Put back a folder that was moved aside by a replacement that never ended."""
    if _aside(out).is_dir():
        if out.exists():
            shutil.rmtree(_aside(out), ignore_errors=True)
        else:
            _aside(out).rename(out)


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """explorer.json."""
    (folder / META).write_text(json.dumps(dict(meta), indent=1, ensure_ascii=False), encoding="utf-8")


def export(request: Exporting) -> Iterator[Progress | Exported]:
    """Write the folder; NotFiniteError where the Point is not finite."""
    from explorer.weights.opening import open_term, reopen_base
    from explorer.weights.streaming import Stream

    out = Path(request.out)
    check_target(out, request.force)
    check_room(out, 4 * request.base.layout.size)
    parts = len(request.base.layout.tensors)
    yield Progress(0, parts, "reading the models")
    opened = reopen_base(request.base, Path(request.base_folder))
    folders = {i: Path(folder) for i, folder in request.folders.items()}
    stream = Stream(request.point, opened.weights, lambda term: open_term(term, folders, opened))
    writer = importlib.import_module(f"explorer.weights.exporting_{request.format.replace('-', '_')}").write
    with whole_folder(out, request.force) as making:
        notes: list[str] = []
        losses: list[Loss] = []
        for step in writer(request, stream, making):
            if isinstance(step, str):
                notes.append(step)
            elif isinstance(step, Loss):
                losses.append(step)
            else:
                yield Progress(step, parts, "writing")
        write_meta(making, request.meta)
        text = request.card.text(request.format, head=request.head is not None, notes=notes, losses=losses)
        (making / "README.md").write_text(text, encoding="utf-8")
        for file in making.iterdir():
            shutil.copymode(making / META, file)  # safetensors writes for the user alone
    yield Exported(str(out), tuple(notes))
    yield Progress(parts, parts, "written")
