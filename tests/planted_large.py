"""A catalog of thousands of models by planted sketches: no weights, no files, a few seconds to build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from explorer.catalog import Catalog
from explorer.types import Base, Group, Layout, Sketch, SketchRow

KIND = Sketch(64)
LAYOUT = Layout.of([(f"layer.{i}.{kind}", (500 + i,), Group(str(i), kind)) for i in range(6)
                    for kind in ("attention", "feed-forward")])
BASE = Base("id-base", "base", "models/base", "bert", LAYOUT)
DATASETS, TASKS = 40, 5


def build(folder: Path, n: int = 10_000, seed: int = 0) -> Path:
    """A workspace of n models of 40 data sets of 5 tasks, ten seeds and sizes; data sets and tasks are clusters."""
    catalog = Catalog(folder)
    catalog.add_base(BASE)
    rng = np.random.default_rng(seed)
    sizes = KIND.sizes(LAYOUT)
    width = sum(sizes)
    tasks, sets = (rng.normal(size=(k, width)) for k in (TASKS, DATASETS))
    rows = []
    for i in range(n):
        of = i % DATASETS
        values = (tasks[of % TASKS] + sets[of] + 0.8 * rng.normal(size=width)).astype("<f4")
        squares = SketchRow(KIND, values).squares(sizes)
        key = f"{i:032x}"
        columns = json.dumps({"norm": float(np.sqrt(squares.sum())), "learning_rate": 10.0 ** -(3 + i % 3)})
        rows.append((key, f"set{of:02}-s{i // DATASETS}", of, i, columns, squares.tobytes(), values.tobytes()))
    frame = pd.DataFrame(rows, columns=["id", "name", "set", "i", "columns", "squares", "sketch"])  # noqa: F841
    with catalog.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO checkpoints BY NAME SELECT id, name, ? AS base, 'models/' || name AS path, "
            "'weights' AS format, printf('set%02d', set) AS dataset, printf('task%d', set % ?) AS task, "
            "printf('domain%d', set % 7) AS domain, "
            "i // ? % 10 AS seed, 1000 * (1 + i % 4) AS train_size, 'full' AS method, columns, ? AS layout_key, "
            "i AS rank, ''::BLOB AS gram FROM frame", [BASE.id, TASKS, DATASETS, LAYOUT.key])
        cursor.execute("INSERT INTO sketches BY NAME SELECT id, ? AS dimension, ? AS seed, squares, sketch FROM frame",
                       [KIND.dimension, KIND.seed])
    catalog.close()
    return folder
