"""Files and folders made under a hidden name, whole when they get their own, and what killed processes left of them.

The hidden name says which process of which machine fills it: what belongs to one that is gone can be removed, on a disk
that several machines share too.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
_NAME = re.compile(r"\.(?P<of>.+)\.(?P<host>[A-Za-z0-9-]+)\.(?P<pid>\d+)")


def hidden(place: Path) -> Path:
    """The name beside a file or a folder under which this process makes it."""
    return place.with_name(f".{place.name}.{HOST}.{os.getpid()}")


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """A hidden file beside `file` to write, which takes its place at the end; removed if writing it fails."""
    making = hidden(file)
    try:
        with taken_by_disk(file):
            yield making
            making.replace(file)
    finally:
        making.unlink(missing_ok=True)


@contextmanager
def taken_by_disk(place: Path) -> Iterator[None]:
    """What a disk does not take is told as one OSError that names the place, whoever was writing: the library of
    weights has an error of its own for it, and a copy names what it reads from."""
    try:
        yield
    except Exception as error:
        if (number := _refusal(error)) is None:
            raise
        raise OSError(number, os.strerror(number), str(place)) from error


_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _refusal(error: Exception) -> int | None:
    """The number of the system's refusal to write more, if this error is one."""
    number = error.errno if isinstance(error, OSError) else None
    if type(error).__name__ == "SafetensorError" and (said := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(said[1])
    elif number is None and isinstance(error, OSError) and re.fullmatch(r"\d+ requested and \d+ written", str(error)):
        number = errno.ENOSPC  # NumPy does not say why
    return number if number in _REFUSALS else None


def clear_leftovers(parent: Path, of: str = "") -> list[str]:
    """Removes what processes of this machine were making in `parent` when they were killed; `of`: what was to get this
    name alone. Gives the hidden names."""
    found = []
    for place in parent.iterdir() if parent.is_dir() else ():
        match = _NAME.fullmatch(place.name)
        if match and of in ("", match["of"]) and match["host"] == HOST and not psutil.pid_exists(int(match["pid"])):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
            found.append(place.name)
    return found
