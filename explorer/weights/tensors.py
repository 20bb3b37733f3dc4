"""Lazy reading of the named tensors of a folder: safetensors (one file or shards) or a restricted state dict.

Opening reads headers only. Safetensors are mapped into memory, so a tensor costs nothing until its values are used. A
`.bin`/`.pt` state dict is read through `torch.load(weights_only=True)` alone: a pickle that would run code is refused.
"""

from __future__ import annotations

import ctypes
import mmap
import pickle
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from explorer import documents
from explorer.errors import CheckpointError, InputError

SAFETENSORS = ("model.safetensors", "model.safetensors.index.json")
STATE_DICTS = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.bin", "pytorch_model.pt")
MAX_JSON = 64 << 20
# The number formats of weights, as safetensors headers call them.
FLOATING = ("F32", "F16", "BF16", "F64")


class Tensors(Mapping[str, torch.Tensor]):
    """Names → tensors of one or several files.

    `shapes` and `dtypes` are known without reading a value; `metadata` is the header's.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._where: dict[str, Any] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self.metadata: dict[str, str] = {}
        handles = {path: _open(path) for path in dict.fromkeys(files.values())}
        held = {path: set(handle.keys()) for path, handle in handles.items()}
        for handle in handles.values():
            self.metadata |= handle.metadata() or {}
        for name, path in files.items():
            handle = handles[path]
            if name not in held[path]:
                raise CheckpointError(f"{path}: the index promises tensor {name!r}, the file does not hold it.")
            self._where[name] = handle
            header = handle.get_slice(name)
            self.shapes[name], self.dtypes[name] = tuple(header.get_shape()), header.get_dtype()

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._where[name].get_tensor(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


def open_tensors(folder: Path) -> Tensors:
    """The tensors of a model folder; CheckpointError if it holds none that can be read safely."""
    for name in (*SAFETENSORS, *STATE_DICTS):
        if (path := folder / name).is_file():
            return open_file(path)
    loose = sorted(p for p in folder.glob("*") if p.suffix in {".safetensors", ".bin", ".pt"} and p.is_file())
    if len(loose) == 1:
        return open_file(loose[0])
    found = ", ".join(p.name for p in sorted(folder.iterdir())[:8]) or "nothing"
    raise CheckpointError(f"{folder}: no weights. Found {found}; needed: one of "
                          f"{', '.join((*SAFETENSORS, *STATE_DICTS))}.")


def open_file(path: Path) -> Tensors:
    """The tensors of one file or of the shards that an index file names."""
    if path.name.endswith(".index.json"):
        return Tensors(_shards(path))
    return Tensors({name: path for name in _open(path).keys()})  # noqa: C420, SIM118 - a handle has keys() and is no mapping


def _shards(index: Path) -> dict[str, Path]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index}: no 'weight_map' of tensor names to shard files.")
    files = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or Path(shard).name != shard or len(shard) > 128 or not shard.isprintable():
            raise CheckpointError(f"{index}: shard {shard!r} is no file name inside the folder.")
        files[name] = index.parent / shard
    if missing := sorted({str(p.name) for p in files.values() if not p.is_file()}):
        raise CheckpointError(f"{index}: shards missing from the folder: {', '.join(missing[:5])}.")
    return files


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of bounded size; CheckpointError otherwise."""
    try:
        if path.stat().st_size > MAX_JSON:
            raise CheckpointError(f"{path}: {path.stat().st_size} bytes of JSON; at most {MAX_JSON} are read.")
        value = documents.read_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise CheckpointError(f"{path}: not readable as JSON ({e}).") from e
    except InputError as e:
        raise CheckpointError(f"{path}: {e}") from e
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a JSON object is needed, got {type(value).__name__}.")
    return value


def will_need(values: torch.Tensor) -> None:
    """Ask the kernel to read what is mapped of a file here; nothing happens where it can't be asked."""
    if _MADVISE is not None and values.numel() and values.is_contiguous():
        first = values.data_ptr() // mmap.PAGESIZE * mmap.PAGESIZE
        _MADVISE(ctypes.c_void_p(first), ctypes.c_size_t(values.data_ptr() + values.nbytes - first), mmap.MADV_WILLNEED)


_MADVISE = getattr(ctypes.CDLL(None), "madvise", None) if hasattr(mmap, "MADV_WILLNEED") else None


def _open(path: Path) -> Any:
    if path.suffix == ".safetensors":
        try:
            return safe_open(str(path), framework="pt")
        except (SafetensorError, OSError) as e:
            raise CheckpointError(f"{path}: not a complete safetensors file ({e}); copy or download it again.") from e
    return _StateDict(path)


class _StateDict:
    """A restricted state dict behind the part of `safe_open`'s interface that is used here."""

    def __init__(self, path: Path) -> None:
        try:
            with warnings.catch_warnings(action="ignore"):  # it wonders about formats that are refused in a moment
                state = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
        except pickle.UnpicklingError as e:
            raise CheckpointError(
                f"{path}: refused, it is damaged or holds more than tensors, which could run code when loaded. Nothing "
                "of it was run. Save the model as safetensors.") from e
        except Exception as e:  # a damaged file makes the reader stumble anywhere
            raise CheckpointError(f"{path}: not a readable state dict ({type(e).__name__}: {str(e)[:200]}).") from e
        if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
            state = state["state_dict"]
        if not isinstance(state, dict) or not all(_is_plain(k, v) for k, v in state.items()):
            raise CheckpointError(f"{path}: a mapping of names to dense tensors is needed, got {type(state).__name__} "
                                  "of something else.")
        self._state = state

    def keys(self) -> list[str]:
        return list(self._state)

    def metadata(self) -> dict[str, str]:
        return {}

    def get_tensor(self, name: str) -> torch.Tensor:
        return self._state[name]

    def get_slice(self, name: str) -> _StateDict._Slice:
        return self._Slice(self._state[name])

    class _Slice:
        def __init__(self, tensor: torch.Tensor) -> None:
            self._tensor = tensor

        def get_shape(self) -> list[int]:
            return list(self._tensor.shape)

        def get_dtype(self) -> str:
            return _DTYPES.get(self._tensor.dtype, str(self._tensor.dtype))


_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64", torch.int8: "I8"}


def _is_plain(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, torch.Tensor) and value.layout is torch.strided


def _is_zip(path: Path) -> bool:
    with path.open("rb") as f:
        return f.read(4) == b"PK\x03\x04"
