"""Files and folders made under a hidden name, whole when they get their own, and what killed processes left of them.

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


def hidden(place: Path) -> Path:
    """The name beside a file or a folder under which this process makes it."""
    return place.with_name(f".{place.name}.{HOST}.{os.getpid()}")


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
