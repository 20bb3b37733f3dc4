"""Surfaces with known values, and how an adaptive one compares with a full grid on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import map_coordinates

from explorer.paths.quadtree import next_cells, surface

Height = Callable[[np.ndarray, np.ndarray], np.ndarray]

SURFACES: dict[str, Height] = {
    "bowl": lambda x, y: 1 + 1.3 * (x - 0.1) ** 2 + 0.7 * (y + 0.2) ** 2 + 0.5 * x * y,
    "valley": lambda x, y: 0.5 + 5 * (y - 0.6 * x * x + 0.1) ** 2 + 0.2 * (x - 0.3) ** 2,
    "cliff": lambda x, y: 0.7 + 0.1 * (x * x + y * y) + 2 / (1 + np.exp(-(x + 0.4 * y - 0.45) / 0.03)),
    "basins": lambda x, y: (2 - 1.2 * np.exp(-((x + 0.5) ** 2 + (y + 0.3) ** 2) / 0.08)
                            - 1.5 * np.exp(-((x - 0.45) ** 2 + (y - 0.4) ** 2) / 0.05) + 0.1 * x),
    "round cliff": lambda x, y: 0.7 + 1.5 / (1 + np.exp(-(np.hypot(x, y) - 0.55) / 0.04)) + 0.1 * x,
    "step": lambda x, y: 1.0 * (x + 0.4 * y > 0.3) + 0.1 * x,
    "plane": lambda x, y: 1 + 0.3 * x - 0.2 * y,
}
"""On [−1, 1]²."""

SMOOTH = ("bowl", "valley", "cliff", "basins", "round cliff")


def measured(height: Height, depth: int = 5) -> dict[tuple[int, int], float]:
    """The nodes that are asked for, with their losses, in order."""
    side = 2**depth
    known: dict[tuple[int, int], float] = {}
    while asked := next_cells(known, depth):
        known.update({(i, j): float(height(2 * j / side - 1, 2 * i / side - 1)) for i, j in asked})
    return known


def compared(height: Height, depth: int = 5) -> dict[str, float]:
    """Errors against the truth at places four times as dense as the lattice, over those of the full grid drawn
    linearly between its nodes."""
    side = 2**depth
    dense, lattice = np.linspace(-1, 1, 4 * side + 1), np.linspace(-1, 1, side + 1)
    truth, full = (np.asarray(height(*np.meshgrid(at, at))) for at in (dense, lattice))
    places = np.stack(np.meshgrid(*[np.arange(4 * side + 1) / 4] * 2, indexing="ij"))
    known = measured(height, depth)
    drawn = surface(known, 4 * side + 1, depth)
    ours, theirs = np.abs(drawn.values - truth), np.abs(map_coordinates(full, places, order=1, mode="nearest") - truth)
    floor = 1e-9 * float(np.ptp(truth))
    return {"evaluations": len(known) / (side + 1) ** 2,
            "error over the full grid's": float((np.sqrt(np.square(ours).mean()) + floor)
                                                / (np.sqrt(np.square(theirs).mean()) + floor)),
            "largest error over the full grid's": float((ours.max() + floor) / (theirs.max() + floor)),
            "largest error, share of the range": float(ours.max() / np.ptp(truth)),
            "share of places within the estimated error": float((ours <= drawn.errors + floor).mean())}
