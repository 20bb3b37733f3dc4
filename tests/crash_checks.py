"""What must hold after a kill of the crash loop: what was told of is there, and what is there is whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from crash_acts import MAYBE, contents

KINDS = frozenset({"model", "view", "point", "task", "score", "story", "export", "trained"})
"""What a ledger tells of that is looked for; the rest is told for the count alone."""
Found = tuple[str, str, str]
"""("checked" | "lost" | "broken", kind, sentence)."""
Latest = dict[tuple[str, str], Any]


def check(place: Path, peace: dict[str, Any]) -> list[Found]:
    """Of everything that was said to be done, and of what is there."""
    from explorer.catalog import Catalog

    catalog = Catalog(place / "ws")
    latest = {(kind, key): value for kind, key, value in ledger(place) if kind in KINDS}
    found = [*_kept(catalog, place, latest), *_gram(catalog, peace), *_folders(place, latest), *_texts(catalog)]
    catalog.close()
    return found


def _kept(catalog: Any, place: Path, latest: Latest) -> Iterator[Found]:
    """What was told of is there."""
    from explorer.types import Point, Probe
    from explorer.workflows import stories
    from explorer.workflows.opening import Workspace

    ws = Workspace(place / "ws", catalog, None)  # type: ignore[arg-type]
    models = {c.name: c.id for c in catalog.checkpoints()}
    views = {v.name: v.title for v in stories.saved_views(ws)}
    told = {s.name: [s.title, len(s.steps)] for s in stories.stories(ws)}
    points = {name: p.hash for name, p in catalog._kept()}
    tasks = {t.name: t.digest for t in catalog.tasks()}

    def score(key: str) -> float | None:
        raw = json.loads(key)
        found = catalog.scores([Point.of(raw["base"], raw["terms"])], catalog.task("toy"), Probe(train=12, test=12))[0]
        return None if found is None else found.loss

    look: dict[str, Callable[[str], Any]] = {
        "model": models.get, "view": views.get, "point": points.get, "task": tasks.get, "score": score,
        "story": told.get, "export": lambda name: contents(place / name) if (place / name).is_dir() else None,
        "trained": lambda folder: contents(Path(folder)) if Path(folder).is_dir() else None}
    for (kind, key), value in latest.items():
        there = look[kind](key)
        newer = kind == "story" and there == [f"{value[0]} again", value[1]]  # told of only before the next change
        same = there == value or newer or value == MAYBE
        yield ("checked" if same else "lost"), kind, f"{kind} {key}: {value} was told of, {there} is there"


def _gram(catalog: Any, peace: dict[str, Any]) -> Iterator[Found]:
    """Inner products are those of models that were made in peace."""
    import numpy as np

    if not catalog.checkpoints():
        return
    gram = catalog.gram()
    names = [catalog.checkpoint(i).name for i in gram.ids]
    rows = [peace["names"].index(n) for n in names]
    right = np.array(peace["gram"])[:, rows][:, :, rows]
    fits = np.isfinite(gram.values).all() and np.allclose(gram.values, right, rtol=1e-9, atol=1e-12)
    yield ("checked" if fits else "broken"), "gram", f"inner products of {names}"
    signs = catalog.gram(signs=True)
    yield ("checked" if np.isfinite(signs.values).all() else "broken"), "signs", "signs that are no numbers"


def _folders(place: Path, latest: Latest) -> Iterator[Found]:
    """Model folders that can be seen are whole."""
    from explorer.weights.tensors import open_tensors

    for kind, folder in _visible(place):
        try:
            tensors = open_tensors(folder) if (folder / "config.json").is_file() else None
            size = (len(tensors) if tensors is not None else (folder / "task_vector.safetensors").stat().st_size)
            whole = bool(size) and (folder / "explorer.json").is_file() and (
                kind != "export" or contents(folder) == latest.get((kind, folder.name), contents(folder)))
            json.loads((folder / "explorer.json").read_text())
        except Exception as e:  # noqa: BLE001 - any stumble is what is looked for
            yield "broken", kind, f"{folder}: visible and {type(e).__name__}: {e}"
        else:
            yield ("checked" if whole else "broken"), kind, f"{folder} is not whole"


def _texts(catalog: Any) -> Iterator[Found]:
    """Tables of tasks hold all their texts."""
    for task in catalog.tasks():
        count = catalog.database.rows("SELECT count(*) FROM read_parquet(?)", [task.path])[0][0]
        whole = count == task.n_train + task.n_test
        yield ("checked" if whole else "broken"), "texts", f"{task.path} holds {count} texts"


def _visible(place: Path) -> list[tuple[str, Path]]:
    found = [("export", p) for p in sorted(place.glob("export-*")) if p.is_dir()]
    return found + [("trained", p) for p in sorted((place / "trained" / "models").glob("*")) if p.is_dir()
                    and not p.name.startswith(".")]


def leftovers(place: Path) -> list[str]:
    """What is hidden, temporary or unfinished in and beside a workspace."""
    found = [p for p in place.rglob("*") if p.name.startswith(".") or ".part" in p.name or ".tmp" in p.name]
    return sorted(p.relative_to(place).as_posix() for p in found if p.parent == place or not
                  p.parent.name.startswith("."))


def ledger(place: Path) -> list[list[Any]]:
    file = place / "ledger"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
