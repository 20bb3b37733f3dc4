"""Linear probing: the head trains on the frozen backbone, of which no parameter does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def probe(backbone: nn.Module) -> list[str]:
    """No name at all."""
    return []
