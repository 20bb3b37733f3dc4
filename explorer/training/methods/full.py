"""Full fine-tuning: every parameter of the layers trains.

The embeddings stay where the base has them unless asked for: on a small model they are most of the parameters, a
fine-tuning run touches few of their rows, and a task vector that leaves them out is a third of the size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def full(backbone: nn.Module, *, embeddings: bool = False) -> list[str]:
    """Names of the backbone's parameters that train, in the backbone's order; `embeddings` takes those in as well."""
    from explorer.weights.layout import group_of

    return [name for name, parameter in backbone.named_parameters() if not name.startswith("pooler.")
            and (embeddings or group_of(name, parameter.ndim).layer != "embeddings")]
