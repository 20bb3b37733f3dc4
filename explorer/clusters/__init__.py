"""Clusters of fine-tuned models: Gram → labels. One file, one method; the folder is the registry.

A method is `name(gram, k, metric, *, seed, options…) -> Clusters` and never sees weights. What the methods share lies
in `_geometry.py` (distances, likeness, checks) and `_eigengap.py` (how many clusters, where nobody says); the order of
a heat map and its dendrogram in `_ordering.py`. How clusters agree with groups is for `statistics` to say.
"""
