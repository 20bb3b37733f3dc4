"""Task vectors and adapters that must be refused, as `bad_checkpoints` has whole models; MAKERS holds all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_checkpoints import MAKERS, QUERY, empty, refused_for

__all__ = ["MAKERS", "adapter_config"]


@refused_for("no parameter of the base", "bert.alien")
def task_vector_with_alien_names(zoo: Path, folder: Path) -> None:
    import torch

    from explorer.weights.saving import save_task_vector

    empty(folder)
    save_task_vector(folder, {"bert.alien": torch.ones(3)}, quantize=False)


@refused_for("(7,)")
def task_vector_of_another_shape(zoo: Path, folder: Path) -> None:
    import torch

    from explorer.weights.saving import save_task_vector

    empty(folder)
    save_task_vector(folder, {QUERY.removeprefix("bert."): torch.ones(7)}, quantize=False)


@refused_for("header")
def task_vector_without_its_header(zoo: Path, folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "task_vector.safetensors")


@refused_for("int8", "scale")
def task_vector_without_its_scales(zoo: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from explorer.weights.saving import FILE, FORMAT

    empty(folder)
    save_file({QUERY.removeprefix("bert."): torch.ones(32, 32, dtype=torch.int8)}, folder / FILE, metadata=FORMAT)


def _lora(zoo: Path, folder: Path, **options: Any) -> None:
    from tiny_models import adapter

    empty(folder)
    adapter(zoo / "base", folder, **{"target_modules": ["query", "value"], "task_type": "SEQ_CLS", **options})


def adapter_config(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@refused_for("use_dora")
def dora(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder, use_dora=True)


@refused_for("pissa")
def pissa(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder, init_lora_weights="pissa")


@refused_for("peft_type", "IA3")
def other_adapter(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    adapter_config(folder, peft_type="IA3")


@refused_for("adapter weights")
def adapter_without_weights(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    (folder / "adapter_model.safetensors").unlink()


def _rewrite_adapter(folder: Path, edit: Callable[[str, Any], tuple[str, Any] | None]) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "adapter_model.safetensors"
    edited = [edit(k, v) for k, v in load_file(file).items()]
    save_file(dict(e for e in edited if e is not None), file)


@refused_for("ΔW")
def adapter_of_another_width(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    _rewrite_adapter(folder, lambda k, v: (k, v[:, :16].contiguous() if "lora_A" in k else v))


@refused_for("only lora_B", "two factors")
def adapter_with_one_factor(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    _rewrite_adapter(folder, lambda k, v: None if "layer.0" in k and "query.lora_A" in k else (k, v))


@refused_for("layer.7")
def adapter_of_another_layer(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    _rewrite_adapter(folder, lambda k, v: (k.replace("layer.1", "layer.7"), v))


@refused_for("changes no tensor")
def adapter_of_the_head_alone(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder, target_modules=["classifier"], task_type=None)


@refused_for("NaN")
def adapter_with_nan(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    _rewrite_adapter(folder, lambda k, v: (k, v * float("nan")))


@refused_for("adapter_config.json", "lora_alpha")
def adapter_with_a_broken_scale(zoo: Path, folder: Path) -> None:
    _lora(zoo, folder)
    adapter_config(folder, lora_alpha="much")
