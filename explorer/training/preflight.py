"""What a sweep needs and costs, found out before its first step: bases, texts, packages, room on the disk, time.

Sizes come from layouts and headers; time from a few steps that are timed. Nothing is written here but data sets that a
recipe fetches from the hub.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer import numbers
from explorer.errors import RecipeError, TaskError
from explorer.training.bases import Known, Located, located
from explorer.training.corpus import find_tasks
from explorer.training.plan import Run
from explorer.training.recipes import LORA, Architecture, BaseRecipe, HubDataset, Lora, ModelsRecipe, Recipe, held_out
from explorer.types import Layout, Progress, Task

if TYPE_CHECKING:
    from explorer.training.loop import Step

_SPARE = 64 << 20
"""Bytes that a sweep leaves free."""
_FOLDER = 16 << 10
"""Bytes of explorer.json, config and the like."""
_TIMED = 8
"""Texts in a step that is timed; seconds are scaled by texts."""


@dataclass(frozen=True)
class Cost:
    """Of runs that are to be made: their number, steps, bytes on the disk, and hours on a device (None: not timed)."""

    runs: int
    steps: int
    bytes: int
    hours: float | None
    device: str


def fetch(recipe: Recipe, names: Sequence[str], tasks: Path) -> Iterator[Progress | Task]:
    """Brings the data sets that the recipe fetches and that are not in `tasks`; yields each.

    UnavailableError for other ones that are missing, before anything is fetched.
    """
    wanted: dict[str, HubDataset] = {}
    for name in names:
        if name in recipe.sources and not (tasks / f"{name}.parquet").is_file():
            wanted[name] = recipe.sources[name]
    find_tasks(tasks, [name for name in names if name not in wanted])
    from explorer.tasks.hub import from_hub

    for i, (name, source) in enumerate(wanted.items()):
        yield Progress(i, len(wanted), f"fetching {name} from the hub")
        yield from_hub(name, source.hub, source.text, source.label, tasks, config=source.config,
                       revision=source.revision, family=source.family, domain=source.domain)


def check(recipe: Recipe, waiting: Sequence[Run], texts: Mapping[str, Task], out: Path, known: Known) -> None:
    """RecipeError, TaskError, UnavailableError or CheckpointError for what can't go well, with what to do."""
    blocks = {(r.block.base, r.block.method): r.block for r in waiting if isinstance(r.block, ModelsRecipe)}
    if any(block.method == LORA for block in blocks.values()):
        from explorer.training.whole import require_peft

        require_peft()
    for r in waiting:
        if isinstance(r.block, ModelsRecipe):
            _texts(r, r.block, texts[str(r.dataset)])
    for r in waiting:
        if isinstance(r.block, ModelsRecipe) and r.block.start != "base" and r.name not in known.starts:
            raise RecipeError(f"{r.name} starts from {r.block.start!r}, which is looked for among the models of a "
                              "workspace; give its base by the name it has there.")
    layouts = {name: _layout(recipe, name, out, known) for name in dict.fromkeys(base for base, _ in blocks)}
    for r in waiting:
        if isinstance(r.block, ModelsRecipe):
            limit = layouts[r.block.base][1]
            if limit is not None and r.block.length > limit:
                raise RecipeError(f"length is {r.block.length}; the base {r.block.base!r} has positions for {limit} "
                                  "tokens.")
    needed = sum(bytes_of(recipe, r, layouts[r.block.base][0]) for r in waiting if isinstance(r.block, ModelsRecipe))
    _room(out, needed, len(waiting))


def cost(recipe: Recipe, waiting: Sequence[Run], out: Path, known: Known, device: str) -> Cost:
    """What runs that were checked will take; every base and method is timed for a few steps."""
    seconds: dict[tuple[Any, ...], float] = {}
    total, size = 0.0, 0
    for r in waiting:
        if not isinstance(r.block, ModelsRecipe):
            continue
        key = (r.block.base, r.block.method, r.block.length, recipe.format_of(r.block))
        layout, _ = _layout(recipe, r.block.base, out, known)
        size += bytes_of(recipe, r, layout)
        base = located(recipe, r.block.base, out, known)
        if key not in seconds and (base.folder / "config.json").is_file():
            seconds[key] = _seconds(recipe, r.block, base, device)
        if key in seconds:
            total += r.steps * r.block.batch * seconds[key]
    timed = bool(seconds) and all(isinstance(r.block, ModelsRecipe) for r in waiting)
    return Cost(len(waiting), sum(r.steps for r in waiting), size, total / 3600 if timed else None, device)


def bytes_of(recipe: Recipe, r: Run, layout: Layout) -> int:
    """An upper bound of what a run's folders take on the disk, checkpoints included."""
    block = r.block
    if not isinstance(block, ModelsRecipe):
        return 2 * layout.size + _FOLDER
    width = max((t.size for t in layout.tensors if t.group.kind == "norm"), default=0)
    head, form = 4 * width * (width + 64), recipe.format_of(block)
    if form == "huggingface":
        body = 4 * layout.size
    elif form == "lora":
        body = sum(4 * (block.lora or Lora()).rank * sum(t.shape) for t in layout.tensors if _adapted(t.name, block)
                   and len(t.shape) == 2)
    else:
        body = sum(t.size + 4 * t.shape[0] if len(t.shape) > 1 else 2 * t.size for t in layout.tensors
                   if block.start != "base" or _moves(t.group.kind, t.group.layer, block))
    return (body + head + _FOLDER) * (1 + block.checkpoints)


def _moves(kind: str, layer: str, block: ModelsRecipe) -> bool:
    return kind == "bias" if block.method == "bitfit" else block.embeddings or layer != "embeddings"


def _adapted(name: str, block: ModelsRecipe) -> bool:
    chosen = (block.lora or Lora()).targets
    module = name.removesuffix(".weight")
    return any(module == t or module.endswith(f".{t}") for t in chosen) if chosen else "att" in name


def _texts(r: Run, block: ModelsRecipe, task: Task) -> None:
    n = r.train_size or task.n_train
    if n > task.n_train:
        raise TaskError(f"{task.name} has {task.n_train} train texts; the recipe asks for {n}.")
    if block.patience and not held_out(n, block.held_out):
        raise RecipeError(f"{r.name}: a share {block.held_out} of {n} train texts holds none out; leave patience at 0, "
                          "or hold out more.")


def _layout(recipe: Recipe, name: str, out: Path, known: Known) -> tuple[Layout, int | None]:
    """A base's layout and the longest text in tokens that it has positions for."""
    from explorer.weights.layout import layout_of
    from explorer.weights.opening import open_base

    base = next(b for b in recipe.bases if b.name == name)
    if isinstance(base, BaseRecipe):
        from transformers import BertConfig

        shape = recipe.architecture or Architecture()
        config: Any = BertConfig(vocab_size=shape.vocabulary, hidden_size=shape.width, num_hidden_layers=shape.layers,
                                 num_attention_heads=shape.heads, intermediate_size=shape.feed_forward,
                                 max_position_embeddings=shape.positions)
        return layout_of(config)[0], shape.positions
    opened = open_base(located(recipe, name, out, known).folder)
    limit: int | None = getattr(opened.config, "max_position_embeddings", None)
    # RoBERTa and its kin count positions from the padding token's id on
    if limit is not None and opened.config.model_type in ("roberta", "xlm-roberta", "camembert"):
        limit -= (opened.config.pad_token_id or 0) + 1
    return opened.layout, limit


def _room(out: Path, needed: int, runs: int) -> None:
    place = next(p for p in (out, *out.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(place).free
    if needed + _SPARE > free:
        raise RecipeError(f"{runs} runs need about {numbers.size(needed)}, {place} has {numbers.size(free)} free. Make "
                          "room, choose another folder, fewer seeds or checkpoints, or format task-vector or lora.")


def _seconds(recipe: Recipe, block: ModelsRecipe, base: Located, device: str) -> float:
    """Seconds a text in training: the fastest of a few steps on texts of full length."""
    import numpy as np
    import torch

    from explorer.training.batching import Tokens
    from explorer.training.fine_tuning import ground, trained
    from explorer.training.fitting import fit
    from explorer.training.threads import threads_for
    from explorer.types import Point, Tuning

    here = ground(base, device)
    brief = replace(block, steps=4, epochs=None, batch=min(_TIMED, block.batch), patience=0, checkpoints=0)
    form = recipe.format_of(block)
    ids = [np.full(block.length, 5, np.uint32)] * brief.batch
    tokens = Tokens(ids, [np.zeros(block.length, np.uint16)] * brief.batch, 0)
    with threads_for(here.layout.size):
        model = here.model(form, brief, ("0", "1"), Point.of(""), 0)
        steps: Iterator[Step] = fit(model, trained(model, brief), tokens, np.zeros(brief.batch, np.int64),
                                    Tuning(brief.method, 4, 1e-5, brief.batch, block.length), seed=0, device=device)
        spent, last = [], time.perf_counter()
        for _ in steps:
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            spent.append(time.perf_counter() - last)
            last = time.perf_counter()
            if sum(spent) > 10:
                break
    return min(spent[1:] or spent) / brief.batch
