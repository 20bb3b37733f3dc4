"""What readers are fuzzed on: folders they may use, and the list of readers with good inputs to begin from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_models import annotate, bert_base, sibling, toy_table


@dataclass
class Scene:
    """Folders that readers may use: a zoo of tiny models, a workspace that holds them, and a place for the input."""

    zoo: Path
    workspace: Path
    room: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What is made for the first input and used for all."""
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def put(self, name: str, data: bytes) -> Path:
        """The input as a file."""
        path = self.room / name
        path.write_bytes(data)
        return path

    @property
    def base(self) -> Any:
        from explorer.weights.opening import open_base

        return self.once("base", lambda: open_base(self.zoo / "base"))

    @property
    def ws(self) -> Any:
        from explorer import workflows

        return self.once("ws", lambda: workflows.open_workspace(self.workspace))

    def copy(self, name: str) -> Path:
        """A folder of the zoo that the input is put into."""
        return self.once(f"copy {name}", lambda: Path(shutil.copytree(self.zoo / name, self.room / name)))

    def close(self) -> None:
        if ws := self.kept.pop("ws", None):
            ws.close()


def scene(root: Path) -> Scene:
    """A new scene in an empty folder."""
    from explorer import workflows

    zoo, workspace, room = root / "zoo", root / "ws", root / "room"
    room.mkdir()
    base = bert_base(zoo / "base")
    for i in range(3):
        sibling(base, zoo / f"m{i}", seed=i, group=i // 2)
    _adapter(zoo / "lora")
    toy_table(zoo / "toy.csv")
    ws = workflows.open_workspace(workspace)
    workflows.import_folders(ws, [str(zoo / f"m{i}") for i in range(3)], str(base)).result()
    workflows.add_task(ws, "toy", zoo / "toy.csv", None, ["text"], "y")
    ws.close()
    return Scene(zoo, workspace, room)


def _adapter(folder: Path) -> None:
    """A LoRA folder as PEFT writes it, on the first layer's queries."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    name = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_{}.weight"
    save_file({name.format("A"): torch.ones(4, 32), name.format("B"): torch.ones(32, 4)},
              folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query"], "alpha_pattern": {"query": 4},
         "rank_pattern": {}, "use_rslora": False, "init_lora_weights": True, "use_dora": False}))
    annotate(folder, task="toy")


Run = Callable[[bytes, Scene], object]
READERS: dict[str, tuple[Run, Callable[[Scene], list[bytes]]]] = {}


def reader(seeds: Callable[[Scene], list[bytes]]) -> Callable[[Run], Run]:
    """Register a reader with its first inputs."""

    def add(run: Run) -> Run:
        READERS[run.__name__] = (run, seeds)
        return run

    return add


def as_json(*values: Any) -> Callable[[Scene], list[bytes]]:
    return lambda _: [json.dumps(v).encode() for v in values]


def texts(*values: str) -> Callable[[Scene], list[bytes]]:
    return lambda _: [v.encode() for v in values]


def files(*paths: str) -> Callable[[Scene], list[bytes]]:
    return lambda s: [(s.zoo / p).read_bytes() for p in paths]
