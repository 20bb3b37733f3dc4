"""Readers of metadata tables, of tasks and of the archives that data sets come in."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from scenes import Scene, files, reader, texts


def _parquets(columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _kinds() -> dict[str, Any]:
    """A column of every kind that a Parquet file can have."""
    import datetime
    import decimal

    import pyarrow as pa

    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    return {"name": ["m0", "m1"], "n": [1, None], "x": [0.5, float("nan")], "b": [b"\xff", b""], "l": [[1], []],
            "s": [{"a": 1}, {"a": 2}], "t": [day, day], "far": pa.array([2**62, -(2**62)], pa.timestamp("us")),
            "day": pa.array([2**31 - 1, -(2**31)], pa.date32()), "d": [decimal.Decimal("1.5")] * 2,
            "u": pa.array([2**64 - 1, 0], pa.uint64()), "time": pa.array([1, 2], pa.time64("us"))}


@reader(texts("name,dataset,seed,lr\nm0,d0,1,1e-4\nm1,d1,2,nan\n", "folder,checkpoint,x\na,b,2020-01-01\n"))
def metadata_csv(data: bytes, at: Scene) -> object:
    return _metadata(at.put("runs.csv", data))


@reader(lambda _: [_parquets({"name": ["m0", "m1"], "seed": [1, 2]}), _parquets(_kinds())])
def metadata_parquet(data: bytes, at: Scene) -> object:
    return _metadata(at.put("runs.parquet", data))


def _metadata(path: Path) -> object:
    from explorer.catalog.metadata import read_table
    from explorer.weights.annotations import annotation

    return [annotation(row, "row") for row in read_table(path).values()]


@reader(files("toy.csv"))
def task_csv(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.csv", data))


@reader(texts("".join(f'{{"text": "a b {k}", "y": "{"pn"[k % 2]}"}}\n' for k in range(40)),
               '{"text": "a b c", "y": "pos"}\n{"text": "d e", "y": 1}\n{"text": "f", "y": null}\n' * 20))
def task_jsonl(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.jsonl", data))


@reader(lambda _: [_parquets({"text": [f"a b {k}" for k in range(40)], "y": [1, 2] * 20}),
                   _parquets({**_kinds(), "text": ["a", "b"], "y": [True, False]})])
def task_parquet(data: bytes, at: Scene) -> object:
    return _table(at, at.put("rows.parquet", data))


def _table(at: Scene, path: Path) -> object:
    from explorer.tasks.tables import from_table

    return from_table("fuzzed", path, None, ["text"], "y", at.room)


@reader(lambda s: [(s.workspace / "tasks" / "toy.parquet").read_bytes()])
def task_file(data: bytes, at: Scene) -> object:
    """A task's own file, as `prepare.write` makes it."""
    from explorer.tasks import prepare

    path = at.put("toy.parquet", data)
    task = prepare.read_task(path)
    return len(prepare.load(task).train), prepare.is_intact(path)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/x.txt", "text")
        z.writestr("../y.txt", "outside")
        z.writestr("b.txt", bytes(100_000))
    return out.getvalue()


def _tar(*names: str, link: bool = True) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            t.addfile(member, io.BytesIO(b"text"))
        if link:
            member = tarfile.TarInfo("link")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            t.addfile(member)
    return out.getvalue()


def _archives() -> bytes:
    """Two archives in one, as data sets come."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name in ("a.tar.gz", "b.tar.gz"):
            z.writestr(name, _tar("x.txt", "y/z.txt", link=False))
    return out.getvalue()


@reader(lambda _: [_archives(), _zip(), _zip().replace(b"../y", b"zz/y"), _tar("a/x.txt", "n" * 150), _tar("../x")])
def archive(data: bytes, at: Scene) -> object:
    from explorer.tasks.archives import nested, opened

    with opened(at.put("a.whl", data)) as members:
        read = [members.read(name) for name in members.names[:20]]
        return [nested(raw).names for raw in read[:2]]
