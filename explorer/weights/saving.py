"""Writing task vectors: a folder with `task_vector.safetensors`, exact or as scaled int8.

int8 keeps one scale a row: Δ[r, :] ≈ q[r, :] · scale[r] with q in −127 … 127. What that costs (cosine, loss) is tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from explorer.weights.hidden import whole_file

FORMAT = {"format": "explorer-task-vector", "version": "1"}
FILE = "task_vector.safetensors"
HEAD = "head.safetensors"


def save_task_vector(folder: Path, deltas: Mapping[str, torch.Tensor], *, quantize: bool) -> Path:
    """Write the non-zero tensors of Δ by canonical name; matrices as int8 with row scales if `quantize`, else fp32.

    Written under a temporary name and renamed, so that a half-written file is never seen. Returns the file.
    """
    stored: dict[str, torch.Tensor] = {}
    for name, delta in deltas.items():
        if not delta.any():
            continue
        if quantize and delta.ndim >= 2:
            rows = delta.detach().float().reshape(delta.shape[0], -1)
            scale = rows.abs().amax(dim=1) / 127
            safe = torch.where(scale > 0, scale, torch.ones_like(scale))
            stored[name] = (rows / safe[:, None]).round().clamp(-127,
                                                                127).to(torch.int8).reshape(delta.shape).contiguous()
            stored[f"{name}::scale"] = scale.contiguous()
        else:
            stored[name] = delta.detach().to(torch.float16 if quantize else torch.float32).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / FILE) as making:
        save_file(stored, str(making), metadata=FORMAT)
    return folder / FILE
