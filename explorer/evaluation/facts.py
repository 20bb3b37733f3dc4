"""What the device does while it evaluates: its name, pace and memory."""

from __future__ import annotations

from collections import deque
from statistics import median

import psutil
import torch

from explorer.types import DeviceFacts

_RECENT = 101


class Meter:
    """Counts Points and the pace of forward passes on one device."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._paces: deque[float] = deque(maxlen=_RECENT)
        self.points = 0

    def passed(self, tokens: int, seconds: float) -> None:
        """A forward pass over so many tokens, padding not counted."""
        if seconds > 0:
            self._paces.append(tokens / seconds)

    def facts(self, dtype: str, batch_tokens: int) -> DeviceFacts:
        used, total = memory(self._device)
        return DeviceFacts(self._device, device_name(self._device), dtype,
                           median(self._paces) if self._paces else 0.0, used, total, batch_tokens, self.points)


def memory(device: str) -> tuple[int, int]:
    """(used, total) bytes: the accelerator's own, or this process's and the machine's."""
    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(device)
        return total - free, total
    if device == "mps":
        return torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
    return psutil.Process().memory_info().rss, psutil.virtual_memory().total


def device_name(device: str) -> str:
    """The device as people know it."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device
