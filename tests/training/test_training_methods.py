"""The contract of every training method: it names parameters of the backbone, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer import registry
from explorer.training.classifier import encoder
from explorer.training.recipes import METHODS


@pytest.mark.parametrize("name", registry.names(METHODS))
def test_names_parameters_of_the_backbone_once(name: str, made: Path):
    backbone = encoder(made / "bases" / "M")
    chosen = registry.find(METHODS, name)(backbone)
    assert chosen
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= {n for n, _ in backbone.named_parameters()}


def test_full_can_take_the_embeddings_in(made: Path):
    backbone = encoder(made / "bases" / "M")
    full = registry.find(METHODS, "full")
    assert len(full(backbone, embeddings=True)) == len(list(backbone.named_parameters()))
