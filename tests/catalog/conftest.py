"""A catalog that holds one base."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.catalog import Catalog


@pytest.fixture
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """A new catalog with the module's BASE."""
    made = Catalog(tmp_path / "ws")
    made.add_base(request.module.BASE)
    yield made
    made.close()
