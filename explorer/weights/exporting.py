"""A Point written out as a model folder that transformers loads and this program imports.

The shared backbone alone: a Point has no head. Its parameters are made and written one after the other. The folder
holds `config.json` and the tokenizer of the base, fp32 weights, and `explorer.json` with the recipe.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import InputError
from explorer.types import Base, Point, Progress

# What a base's folder may hold besides weights that a model made from it needs.
_COMPANIONS = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
               "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
               "spiece.model", "sentencepiece.bpe.model")


@dataclass(frozen=True)
class Exporting:
    """A Point, where its parts lie (`folders` by checkpoint id), where to, and what its explorer.json says."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    point: Point
    out: str
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Exported:
    """The finished folder."""

    folder: str


def check_target(out: Path) -> None:
    """InputError unless a new folder can be made there: nothing is ever written over."""
    if out.exists():
        raise InputError(f"{out}: exists already; name a folder that does not.")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder; make it first, or choose another place.")


def export(request: Exporting) -> Iterator[Progress | Exported]:
    """Write the folder under another name beside its place, then rename it: it is there whole, or not at all."""
    from explorer.weights.opening import open_term, reopen_base
    from explorer.weights.streaming import Stream, write

    out = Path(request.out)
    check_target(out)
    yield Progress(0, 2, "reading the models")
    source = Path(request.base_folder)
    opened = reopen_base(request.base, source)
    folders = {i: Path(folder) for i, folder in request.folders.items()}
    stream = Stream(request.point, opened.weights, lambda term: open_term(term, folders, opened))
    yield Progress(1, 2, "writing")
    making = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir()
        for name in _COMPANIONS:
            if (source / name).is_file():
                shutil.copyfile(source / name, making / name)
        _backbone_config(making / "config.json")
        write(making / "model.safetensors", request.base.layout, stream.parameter)
        (making / "explorer.json").write_text(json.dumps(dict(request.meta), indent=1, ensure_ascii=False),
                                              encoding="utf-8")
        making.rename(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    yield Exported(str(out))
    yield Progress(2, 2, "written")


def _backbone_config(path: Path) -> None:
    """The config of what is in the folder: fp32, and the bare backbone instead of a class with a head."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("architectures", None)
    config.pop("torch_dtype", None)
    path.write_text(json.dumps(config | {"dtype": "float32"}, indent=1), encoding="utf-8")
