"""Diagonal Fisher information of models, kept on disk: one safetensors file a model, named by its key.

The key is a hash of the checkpoint, the texts and how it was estimated, so a file that is there holds what its name
says. A tensor is read when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import RecipeError
from explorer.types import Layout, Tensor
from explorer.weights.hidden import whole_file

if TYPE_CHECKING:
    import torch

    from explorer.weights.tensors import Tensors

FOLDER = "fisher"
"""The folder inside of a workspace, and the name under which requests to workers know it."""


def file_of(folder: Path, key: str) -> Path:
    return folder / f"{key}.safetensors"


def save_fisher(folder: Path, key: str, values: torch.Tensor, layout: Layout, about: Mapping[str, str]) -> Path:
    """Write Fisher information, float32 of shape (d,), and what is known of it; whole or not at all."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {t.name: values[t.offset : t.offset + t.size].view(t.shape).contiguous() for t in layout.tensors}
    with whole_file(file_of(folder, key)) as making:
        save_file(tensors, str(making), metadata={**about, "mean": repr(float(values.double().mean()))})
    return file_of(folder, key)


class Fishers:
    """The stored Fisher information of a folder (None: there is none)."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: dict[str, Tensors] = {}

    def of(self, key: str, tensor: Tensor) -> tuple[torch.Tensor, float]:
        """(values of one parameter, float32 in its shape; mean over all parameters); RecipeError if it is not there."""
        if self._folder is None or not key or not file_of(self._folder, key).is_file():
            raise RecipeError(f"the Fisher information {key or 'of a model'} is not in this workspace; estimate it "
                              "first (`merge --method fisher --models …` does, and so does the Merge page).")
        if key not in self._open:
            from explorer.weights.tensors import open_file

            self._open[key] = open_file(file_of(self._folder, key))
        found = self._open[key]
        return found[tensor.name].float().view(tensor.shape), float(found.metadata["mean"])
