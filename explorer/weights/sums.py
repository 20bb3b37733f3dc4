"""Sums of a Gram that is being made, kept in files beside the catalog, so that an interrupted pass goes on.

One file a group holds the sum of its first units, float64 (new, n) behind a checksum; every finished unit makes the
next one of these and removes the one before. Units that another worker finished early wait in files of their own.
Whatever is half written, damaged or of other rows is not there: its units are computed again. Units are added in their
order, so an interrupted pass ends with the same bits as one that was not.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from explorer.types import Layout, canonical_json, digest
from explorer.weights.hidden import whole_file
from explorer.weights.units import Unit

_VERSION = 1
_HEAD = 16
_META = "rows.json"


class Sums:
    """The sums of the products of rows `first` … n with all n rows, which `ids` name; `folder` None: kept in memory.

    A folder is used again only for the same ids and layout; rows that were new when it was begun and have come into the
    catalog since may be left out by a larger `first`. A helper joins a pass that another worker has begun.
    """

    def __init__(self, folder: Path | None, layout: Layout, ids: Sequence[str], first: int, work: Sequence[Unit], *,
                 helper: bool = False) -> None:
        self._shape = (len(ids) - first, len(ids))
        self._work, self._skip = work, 0
        self._count = [sum(u.group == g for u in work) for g in range(len(layout.groups))]
        self._start = np.cumsum([0, *self._count])
        self._sums: dict[int, np.ndarray] = {}
        self._have = [0] * len(self._count)
        self.folder = None if folder is None else folder / digest(str(_VERSION), layout.key, *ids)
        if self.folder is not None and not helper:
            self._open(first)

    def _open(self, first: int) -> None:
        assert self.folder is not None
        meta = self.folder / _META
        try:
            began = int(json.loads(meta.read_text(encoding="utf-8"))["first"])
        except (OSError, ValueError, KeyError, TypeError):
            began = -1
        if not 0 <= began <= first:
            for other in self.folder.parent.glob("[0-9a-f]*"):  # one pass at a time: what others left is given up
                shutil.rmtree(other, ignore_errors=True)
            self.folder.mkdir(parents=True)
            _write(meta, canonical_json({"first": first, "rows": self._shape[1]}).encode())
            return
        self._skip = first - began
        for group, count in enumerate(self._count):
            for file in sorted(self.folder.glob(f"{group:04}-*.sum"), reverse=True):
                done = int(file.stem.partition("-")[2])
                if done <= count and self._read(file) is not None:
                    self._have[group] = done
                    break

    @property
    def done(self) -> int:
        """How many values of the layout are summed."""
        return sum(u.size for u in self._work if u.number < self._start[u.group] + self._have[u.group])

    def missing(self) -> list[Unit]:
        """The units that are in no sum yet, in their order."""
        return [u for u in self._work if u.number >= self._start[u.group] + self._have[u.group]]

    def finished(self, unit: Unit) -> bool:
        """Whether someone has a unit's products by now, or there is nobody left who wants them; for helpers."""
        if self.folder is None or not (self.folder / _META).is_file() or self._early(unit).is_file():
            return True
        done = max((int(f.stem.partition("-")[2]) for f in self.folder.glob(f"{unit.group:04}-*.sum")), default=0)
        return unit.number < self._start[unit.group] + done

    def early(self, unit: Unit) -> np.ndarray | None:
        """A unit's products where a helper has finished them already."""
        return None if self.folder is None else self._read(self._early(unit))

    def offer(self, unit: Unit, products: np.ndarray) -> None:
        """Keep the products (new, n) of a unit that is not the next one."""
        if self.folder is not None:
            self._write(self._early(unit), products)

    def add(self, unit: Unit, products: np.ndarray) -> None:
        """Add the products (new, n) of the first of the missing units of a group."""
        group, before = unit.group, self._have[unit.group]
        if unit.number != self._start[group] + before:
            raise ValueError(f"unit {unit.number} is not the next one of its group")
        have = self._sums.pop(group, None)
        if have is None and before:
            have = self._read(self._file(group, before))
        total = products if have is None else have + products
        self._have[group] += 1
        if self.folder is None:
            self._sums[group] = total
            return
        self._write(self._file(group, before + 1), total)
        if before + 1 < self._count[group]:
            self._sums = {group: total}  # the group that is being summed; those that are finished are in their files
        self._file(group, before).unlink(missing_ok=True)
        self._early(unit).unlink(missing_ok=True)

    def row(self, i: int, end: int) -> np.ndarray:
        """Row i of the new ones with the first `end` rows, of all groups: float64 (end, g)."""
        found = np.empty((end, len(self._count)))
        for group in range(len(self._count)):
            found[:, group] = self._group(group)[i, :end]
        return found

    def _group(self, group: int) -> np.ndarray:
        if group not in self._sums:
            self._sums[group] = np.zeros(self._shape) if self.folder is None else self._mapped(group)
        return self._sums[group]

    def _mapped(self, group: int) -> np.ndarray:
        shape = (self._shape[0] + self._skip, self._shape[1])
        values = np.memmap(self._file(group, self._count[group]), "<f8", "r", _HEAD, shape)
        return values[self._skip :]

    def close(self) -> None:
        """The sums are in the catalog: their files go."""
        self._sums.clear()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, group: int, done: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{group:04}-{done:06}.sum"

    def _early(self, unit: Unit) -> Path:
        assert self.folder is not None
        return self.folder / f"{unit.number:07}.unit"

    def _write(self, file: Path, values: np.ndarray) -> None:
        if self._skip:  # as it was begun, with rows for those that are in the catalog by now
            values = np.concatenate([np.zeros((self._skip, self._shape[1])), values])
        raw = np.ascontiguousarray(values, "<f8").tobytes()
        _write(file, struct.pack("<QQ", zlib.crc32(raw), len(raw)) + raw)

    def _read(self, file: Path) -> np.ndarray | None:
        """The rows of a file that are still new; None where it is not whole."""
        try:
            raw = file.read_bytes()
        except FileNotFoundError:
            return None
        rows, columns = self._shape[0] + self._skip, self._shape[1]
        if len(raw) != _HEAD + 8 * rows * columns or struct.unpack("<QQ", raw[:_HEAD]) != (
                zlib.crc32(raw[_HEAD:]), len(raw) - _HEAD):
            return None
        return np.frombuffer(raw, "<f8", offset=_HEAD).reshape(rows, columns)[self._skip :]


def _write(file: Path, raw: bytes) -> None:
    """Whole or not at all, also when the power fails."""
    with whole_file(file) as making, making.open("wb") as out:
        out.write(raw)
        out.flush()
        os.fsync(out.fileno())
