"""Folders that are filled under a hidden name, whole when they get their own, and what killed processes left of them.

The hidden name says which process of which machine fills it: what belongs to one that is gone can be removed, on a disk
that several machines share too.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path

import psutil

HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
_NAME = re.compile(r"\.(?P<of>.+)\.(?P<host>[A-Za-z0-9-]+)\.(?P<pid>\d+)")


def hidden(folder: Path) -> Path:
    """The name beside a folder under which this process fills it."""
    return folder.with_name(f".{folder.name}.{HOST}.{os.getpid()}")


def clear_leftovers(parent: Path, of: str = "") -> list[str]:
    """Removes the hidden folders in `parent` that processes of this machine were filling when they were killed; `of`:
    those of one folder alone. Gives their names."""
    found = []
    for place in parent.iterdir() if parent.is_dir() else ():
        match = _NAME.fullmatch(place.name)
        if match and place.is_dir() and of in ("", match["of"]) and match["host"] == HOST and not psutil.pid_exists(
                int(match["pid"])):
            shutil.rmtree(place, ignore_errors=True)
            found.append(place.name)
    return found
