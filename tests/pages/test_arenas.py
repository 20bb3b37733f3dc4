"""Threads that come and go share a few arenas: what one leaves free the next one takes."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

# Threads that hold blocks at the same time, so that each would have an arena of its own; then glibc's own count.
SCRIPT = """
import ctypes, threading
{first}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
together = threading.Barrier(12)

def hold():
    together.wait()
    libc.malloc(5000)
    together.wait()

threads = [threading.Thread(target=hold) for _ in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
text, length = ctypes.c_char_p(), ctypes.c_size_t()
libc.open_memstream.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.open_memstream(ctypes.byref(text), ctypes.byref(length)))
libc.malloc_info(0, out)
libc.fclose(out)
print(text.value.count(b"<heap nr"))
"""


def arenas(first: str, **environment: str) -> int:
    known = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"} | environment
    ran = subprocess.run([sys.executable, "-c", SCRIPT.format(first=first)], env=known, text=True, check=True,
                         capture_output=True)
    return int(ran.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="of glibc alone")
def test_threads_share_two_arenas_unless_the_environment_says_otherwise():
    limited = "from explorer.pages._arenas import few_arenas; few_arenas()"
    assert arenas("") > 3
    assert arenas(limited) == 2
    assert arenas(limited, MALLOC_ARENA_MAX="4") in (3, 4)
