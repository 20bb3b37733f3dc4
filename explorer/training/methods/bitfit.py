"""BitFit (Ben Zaken et al. 2022, arXiv 2106.10199): the bias terms train, and the head; all else stays.

A bias of a normalisation layer is a bias too. Which parameter is one is told by its name, as for parameter groups: a
relative position's "attention bias" is a weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def bitfit(backbone: nn.Module) -> list[str]:
    """Names of the backbone's bias terms, in the backbone's order; a pooler's is none of them."""
    from explorer.weights.layout import group_of

    return [name for name, parameter in backbone.named_parameters()
            if group_of(name, parameter.ndim).kind == "bias" and not name.startswith("pooler.")]
