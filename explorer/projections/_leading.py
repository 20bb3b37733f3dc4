"""The few largest eigenvalues of a large symmetric matrix that is known by what it does to vectors.

Block Lanczos with full reorthogonalisation (Golub and Underwood 1977): a few products with the matrix where all of its
eigenvectors would take n³ operations. Seeded, so that a map is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_EXTRA = 8
_STEPS = 60


def leading(apply: Callable[[np.ndarray], np.ndarray], n: int, k: int,
            tolerance: float) -> tuple[np.ndarray, np.ndarray] | None:
    """(values (k,) falling, vectors (n, k)) of a positive semidefinite matrix; `apply` multiplies it with (n, b).

    None where ‖A v − λ v‖ is still above `tolerance` times the largest eigenvalue after the last step.
    """
    width = min(k + _EXTRA, n)
    block = np.linalg.qr(np.random.default_rng(0).normal(size=(n, width)))[0]
    basis, images = np.zeros((n, 0)), np.zeros((n, 0))
    for step in range(_STEPS):
        image = apply(block)
        basis, images = np.hstack([basis, block]), np.hstack([images, image])
        if step < 3 or step % 4 == 0 or basis.shape[1] == n:
            small = basis.T @ images
            values, turn = np.linalg.eigh((small + small.T) / 2)
            values, turn = values[::-1][:k], turn[:, ::-1][:, :k]
            vectors = basis @ turn
            wrong = np.linalg.norm(images @ turn - vectors * values, axis=0)
            if (wrong <= tolerance * max(values[0], 0.0)).all():
                return np.maximum(values, 0.0), vectors
        if basis.shape[1] == n:
            return None
        block = image[:, : n - basis.shape[1]]
        for _again in range(2):  # once is not enough where a direction is nearly exhausted
            block = np.linalg.qr(block - basis @ (basis.T @ block))[0]
    return None
