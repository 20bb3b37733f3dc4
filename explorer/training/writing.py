"""Writing bases and models as folders that are either whole or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import InputError
from explorer.weights.hidden import hidden, taken_by_disk

if TYPE_CHECKING:
    import torch

META = "explorer.json"


@contextmanager
def new_folder(folder: Path, *, again: bool = False) -> Iterator[Path]:
    """A hidden folder beside `folder` to fill, renamed to it at the end; removed if the filling fails or is stopped.

    `again`: a folder that is there already is replaced.
    """
    temporary = hidden(folder)
    try:
        with _writable(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
        with taken_by_disk(folder):
            yield temporary
        with _writable(folder):
            if again and folder.is_dir():
                shutil.rmtree(folder)
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{folder} can't be written ({error}); choose another output folder or make room.") from error


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """explorer.json, which says what the folder is and how it was made."""
    text = json.dumps(meta, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / META).write_text(text + "\n", encoding="utf-8")


def read_meta(folder: Path) -> dict[str, Any] | None:
    """What explorer.json in `folder` says; None where there is no whole folder."""
    file = folder / META
    if not file.is_file():
        return None
    try:
        meta: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} is no valid JSON ({error}); delete the folder {folder} to make it anew.") from error
    return meta


def write_base(folder: Path, backbone: Any, pieces: list[str], meta: Mapping[str, Any]) -> None:
    """A Hugging Face folder: weights as float16, tokenizer, explorer.json. `backbone` is rounded to float16 as well.

    Rounding before anything is fine-tuned makes the stored base exactly the one that task vectors are measured from.
    """
    import torch

    from explorer.training.quiet import quiet
    from explorer.training.vocabulary import write_tokenizer

    with quiet():
        backbone.cpu().half().save_pretrained(folder)
    backbone.to(torch.float32)
    write_tokenizer(folder, pieces, backbone.config.max_position_embeddings)
    write_meta(folder, meta)


def write_model(folder: Path, deltas: Mapping[str, torch.Tensor], head: Mapping[str, torch.Tensor],
                meta: Mapping[str, Any]) -> None:
    """A fine-tuned model: task vector (matrices as scaled int8, the rest float16), head (float16), explorer.json."""
    from safetensors.torch import save_file

    from explorer.weights.saving import HEAD, save_task_vector

    save_task_vector(folder, deltas, quantize=True)
    save_file({name: tensor.detach().cpu().half().contiguous() for name, tensor in head.items()},
              str(folder / HEAD))
    write_meta(folder, meta)
