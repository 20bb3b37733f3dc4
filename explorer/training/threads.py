"""How many processor cores a training shares its work among."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_SHARED = 20_000_000
"""Parameters below which an operation is too small to be shared by cores, which would wait for each other: on a busy
machine that costs ten times what it gains."""


@contextmanager
def threads_for(size: int) -> Iterator[None]:
    """One core inside for a model of so many parameters where it is small; the number found is put back."""
    before = torch.get_num_threads()
    if size < _SHARED:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
