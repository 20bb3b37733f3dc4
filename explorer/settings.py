"""Machine facts and places: the workspace folder, the shipped demo, devices, memory budgets, seeds.

Every fact can be set by an environment variable; nothing here imports torch except `device`, which needs it.
"""

from __future__ import annotations

import os
from pathlib import Path

from explorer.errors import InputError, UnavailableError

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "data" / "demo"
RECIPES = ROOT / "data" / "recipes"

DEVICES = ("auto", "cpu", "cuda", "mps")
DEVICE = os.environ.get("EXPLORER_DEVICE", "auto")

# The streamed pass holds one block of this many bytes whatever the model size (all checkpoints' rows together).
BLOCK_BYTES = int(os.environ.get("EXPLORER_BLOCK_BYTES", 32 << 20))
# From more checkpoints of one architecture on, geometry is estimated from sketches: a Gram of g groups takes 8 g n²
# bytes of memory, 1.7 GB for 2,000 checkpoints of RoBERTa-base.
SKETCH_FROM = int(os.environ.get("EXPLORER_SKETCH_FROM", 2000))
# Numbers that a sketch keeps of each parameter group; the error of a distance falls with their square root.
SKETCH_DIMENSION = int(os.environ.get("EXPLORER_SKETCH_DIMENSION", 1024))
# A map of more dots is drawn by WebGL, of so many or fewer by SVG, which is finer and slower.
WEBGL_FROM = int(os.environ.get("EXPLORER_WEBGL_FROM", 2000))
# Task vectors kept on the device between two evaluations.
DELTA_CACHE_BYTES = int(os.environ.get("EXPLORER_DELTA_CACHE_BYTES", 2 << 30))
# What was computed of each text at Points visited before (pooled states, losses), kept in main memory.
ROW_CACHE_BYTES = int(os.environ.get("EXPLORER_ROW_CACHE_BYTES", 256 << 20))

# A worker that says nothing for so many seconds while it has work is ended and started anew; 0: never.
STALL_SECONDS = float(os.environ.get("EXPLORER_STALL_SECONDS", 3600))


def workspace(path: str | Path | None = None) -> Path:
    """The workspace folder: the argument, else EXPLORER_WORKSPACE, else the demo's working copy."""
    chosen = path or os.environ.get("EXPLORER_WORKSPACE") or ROOT / "data" / "workspaces" / "demo"
    return Path(chosen).expanduser().resolve()


def is_demo(path: Path) -> bool:
    return path == (ROOT / "data" / "workspaces" / "demo").resolve()


def cores() -> int:
    """The processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def devices() -> list[str] | None:
    """The devices that evaluation is spread over, known without loading torch; None: the best one there is.

    EXPLORER_DEVICE may name several, separated by commas; "auto" takes every NVIDIA GPU of the machine when there are
    several.
    """
    if "," in DEVICE:
        return [name.strip() for name in DEVICE.split(",") if name.strip()]
    return [f"cuda:{i}" for i in range(gpus())] if DEVICE == "auto" and gpus() > 1 else None


def gpus() -> int:
    """The NVIDIA GPUs of this machine, known without loading torch."""
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def check_device(name: str) -> str:
    """The name, if it is one that a device can have; whether it is here is found out by whoever computes on it."""
    kind, numbered, number = name.partition(":")
    if kind not in DEVICES or (numbered and (kind != "cuda" or not number.isdecimal())):
        raise InputError(f"unknown device {name!r}; allowed: {', '.join(DEVICES)}, cuda:0, cuda:1 …")
    return name


def device(name: str = "auto") -> str:
    """The device to compute on: the one named ("cuda:1" is the second GPU), or the best there is.

    "auto" prefers cuda to mps and mps to cpu.
    """
    import torch

    kind, numbered, number = check_device(name).partition(":")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(d for d in ("cuda", "mps", "cpu") if present[d])
    if not present[kind] or (numbered and int(number) >= torch.cuda.device_count()):
        raise UnavailableError(f"device {name!r} is not on this machine; use --device auto.")
    return name
