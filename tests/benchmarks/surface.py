"""An adaptive surface against a full grid of as many nodes a side: evaluations, and errors at places of neither.

    python tests/benchmarks/surface.py [--json] [--depth 5]
    python tests/benchmarks/surface.py --demo [--task FILE] [--models A B C] [--texts 60] [--places 200]

1. Planted surfaces (bowl, valley, cliff, basins, a round cliff, a step): root mean square and largest error of the
   adaptive surface over those of the full grid drawn linearly between its nodes, as figures draw it; and over those of
   the full grid under the adaptive surface's own spline, which is the best that can be hoped for.
2. With --demo: the same on the plane through three models of the demo, evaluated in this process; every node of the
   full grid and `--places` random places are measured once. FILE is a task of a workspace (tasks/NAME.parquet); without
   one synthetic texts over the demo's vocabulary are taken.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from explorer.paths.quadtree import BUDGET, Node, next_cells, surface

sys.path.insert(0, str(Path(__file__).parents[1] / "paths"))
from planted_surfaces import SURFACES

MODELS = ("imdb-s0", "imdb-s1", "airline-tweets-s0")
DRAWN = 129

# a plane is exact on any lattice: there is no error to compare
PLANTED = {name: height for name, height in SURFACES.items() if name != "plane"}


def adaptive(loss: Callable[[Node], float], depth: int, budget: float) -> dict[Node, float]:
    """The nodes that are asked for, with their losses, in order."""
    known: dict[Node, float] = {}
    while asked := next_cells(known, depth, budget=budget):
        known.update({node: loss(node) for node in asked})
    return known


def compared(full: np.ndarray, places: np.ndarray, truth: np.ndarray, depth: int, budget: float) -> dict[str, float]:
    """Figures of a surface whose full grid is `full` (side, side) with losses `truth` (m,) at places (m, 2) in steps.

    Both surfaces are read off drawings of at least 129 × 129, linearly between their pixels.
    """
    known = adaptive(lambda node: float(full[node]), depth, budget)
    everything = {(i, j): float(full[i, j]) for i, j in np.ndindex(full.shape)}
    fine = max(DRAWN, 4 * 2**depth + 1)
    scale = (fine - 1) / 2**depth
    drawn = surface(known, fine, depth)
    ours, best = (np.abs(map_coordinates(image, scale * places.T, order=1, mode="nearest") - truth)
                  for image in (drawn.values, surface(everything, fine, depth).values))
    theirs = np.abs(map_coordinates(full, places.T, order=1, mode="nearest") - truth)
    doubt = np.where(np.isfinite(drawn.errors), drawn.errors, 0.0)
    said = map_coordinates(doubt, scale * places.T, order=1, mode="nearest")
    rise = float(np.ptp(full))
    floor = 1e-9 * rise
    return {"evaluations": len(known), "share of the full grid's": len(known) / full.size,
            "rms error over the full grid's": (_rms(ours) + floor) / (_rms(theirs) + floor),
            "largest error over the full grid's": float((ours.max() + floor) / (theirs.max() + floor)),
            "rms error over the full spline's": (_rms(ours) + floor) / (_rms(best) + floor),
            "rms error, share of the range": _rms(ours) / rise, "full grid's, share of the range": _rms(theirs) / rise,
            "within the estimated error": float((ours <= said + floor).mean()), "range": rise}


def planted(depth: int, budget: float) -> dict[str, dict[str, float]]:
    """Figures of the planted surfaces, by name."""
    side = 2**depth
    steps = np.arange(4 * side + 1) / 4
    places = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    found = {}
    for name, height in PLANTED.items():
        lattice = np.linspace(-1, 1, side + 1)
        full = np.asarray(height(*np.meshgrid(lattice, lattice)), dtype=float)
        truth = np.asarray(height(2 * places[:, 1] / side - 1, 2 * places[:, 0] / side - 1), dtype=float)
        found[name] = compared(full, places, truth, depth, budget)
    return found


def demo(depth: int, budget: float, models: tuple[str, ...], task_file: Path | None, texts: int, places: int,
         ) -> dict[str, float]:
    """Figures of the plane through three models of the demo, evaluated here."""
    import torch

    from explorer import settings
    from explorer.evaluation.evaluator import Evaluator
    from explorer.paths.plane import through
    from explorer.tasks.prepare import read_task
    from explorer.types import Base, Gram, Group, Point, Probe
    from explorer.weights.opening import open_base, open_delta

    folder = settings.DEMO / "bases" / "M"
    opened = open_base(folder)
    made = Evaluator(Base("M", "M", str(folder), "bert", opened.layout, opened.prefix), folder, "cpu")
    made.folders.update({name: settings.DEMO / "models" / name for name in models})
    vectors = torch.stack([open_delta(made.folders[m], opened).flat(opened.layout).double() for m in models])
    gram = Gram(models, (Group("all", "other"),), (vectors @ vectors.T).numpy()[None])
    plane = through(gram, *(Point.of("M", {name: 1.0}) for name in models))
    xs, ys = (np.array(a) for a in plane.axes(2**depth + 1))
    with tempfile.TemporaryDirectory() as place:
        if task_file is None:
            from path import synthetic_task

            task = synthetic_task(Path(place), texts)
        else:
            task = read_task(task_file)
        probe = Probe(train=texts, test=texts)

        def loss(row: float, column: float) -> float:
            x, y = np.interp(column, np.arange(len(xs)), xs), np.interp(row, np.arange(len(ys)), ys)
            return made.score(plane.point(float(x), float(y)), task, probe).loss

        start = time.perf_counter()
        full = np.array([[loss(i, j) for j in range(len(xs))] for i in range(len(ys))])
        seconds = (time.perf_counter() - start) / full.size
        anywhere = np.random.default_rng(0).uniform(0, 2**depth, (places, 2))
        truth = np.array([loss(*at) for at in anywhere])
    start = time.perf_counter()
    found = compared(full, anywhere, truth, depth, budget)
    return {**found, "seconds an evaluation": seconds, "seconds of choosing and drawing": time.perf_counter() - start}


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.square(errors).mean()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--depth", type=int, default=5, help="2^depth + 1 nodes a side")
    options.add_argument("--budget", type=float, default=BUDGET, help="share of the nodes that may be measured")
    options.add_argument("--demo", action="store_true", help="the plane through three models of the demo")
    options.add_argument("--task", type=Path, help="a workspace's tasks/NAME.parquet")
    options.add_argument("--models", nargs=3, default=MODELS, metavar="MODEL")
    options.add_argument("--texts", type=int, default=60, help="train and test texts an evaluation")
    options.add_argument("--places", type=int, default=200, help="random places between the nodes")
    options.add_argument("--json", action="store_true", help="one JSON object")
    given = options.parse_args()
    found = ({"demo": demo(given.depth, given.budget, tuple(given.models), given.task, given.texts, given.places)}
             if given.demo else planted(given.depth, given.budget))
    if given.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(name, *(f"{value:12.4g}  {what}" for what, value in figures.items()), sep="\n")


if __name__ == "__main__":
    main()
