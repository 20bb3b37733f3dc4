"""Files that do not fit on their disk: told in one line that names them, and nothing of them is left."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from explorer.errors import told
from explorer.training.writing import new_folder
from explorer.types import Layout, Tensor
from explorer.verbs.pictures import _written
from explorer.weights.exporting import whole_folder
from explorer.weights.fishers import save_fisher
from explorer.weights.hidden import taken_by_disk
from explorer.weights.saving import save_task_vector
from explorer.weights.sums import _write

MANY = torch.arange(4000.0)
LAYOUT = Layout((Tensor("one", (4000,), ("embeddings", "bias"), 0),))


@contextmanager
def full() -> Iterator[None]:
    """No file may grow beyond some bytes: the system refuses as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def exported(folder: Path) -> None:
    with whole_folder(folder / "out") as making:
        save_file({"one": MANY}, str(making / "model.safetensors"))


def trained(folder: Path) -> None:
    with new_folder(folder / "out") as making:
        np.save(making / "curve.npy", MANY.numpy())


WRITERS: dict[str, Callable[[Path], object]] = {
    "export": exported, "training": trained,
    "task vector": lambda folder: save_task_vector(folder, {"one": MANY}, quantize=False),
    "Fisher information": lambda folder: save_fisher(folder, "key", MANY, LAYOUT, {}),
    "Gram": lambda folder: _write(folder / "sums", bytes(9000)),
    "picture": lambda folder: _written(folder / "map.png", bytes(9000), {})}


@pytest.mark.parametrize("what", WRITERS)
def test_what_does_not_fit_is_told_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    with full(), pytest.raises(OSError, match=r"File too large|No space left") as refused:
        WRITERS[what](tmp_path)
    assert told(refused.value).startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    WRITERS[what](tmp_path)
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not-there"), taken_by_disk(tmp_path):
        (tmp_path / "not-there").read_text()
    with pytest.raises(ValueError, match="os error 28"), taken_by_disk(tmp_path):
        raise ValueError("said by somebody else: (os error 28)")
