"""t-SNE of the task vectors, fitted on their full-rank coordinates (van der Maaten and Hinton 2008)."""

from __future__ import annotations

from explorer.errors import InputError
from explorer.projections._coordinates import check, coordinates, ordered, principal, projection
from explorer.types import Gram, Metric, Projection


def tsne(gram: Gram, dims: int, metric: Metric = "cosine", *, seed: int = 0, perplexity: float = 30.0) -> Projection:
    """Seeded t-SNE of n ≥ 3 task vectors, started at their PCA: coords (n, k).

    `perplexity` shrinks to (n − 1) / 3 where n is small.
    """
    from sklearn.manifold import TSNE

    check(gram, dims, metric, 3, "t-SNE")
    if not perplexity > 0:
        raise InputError(f"perplexity must be above 0, not {perplexity!r}.")
    sorted_gram = ordered(gram)
    start, _, _ = principal(sorted_gram, metric, dims)
    spread = float(start[:, 0].std()) or 1.0
    model = TSNE(n_components=dims, perplexity=min(perplexity, (len(gram.ids) - 1) / 3), random_state=seed, n_jobs=1,
                 init=(start / spread * 1e-4).astype("float32"))
    return projection(gram, model.fit_transform(coordinates(sorted_gram, metric).values), "tsne", metric)
