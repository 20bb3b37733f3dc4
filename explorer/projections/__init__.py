"""Maps of weight space: Gram → coordinates in 2 or 3 dimensions. One file, one method; the folder is the registry.

A method is `name(gram, dims, metric, *, seed, options…) -> Projection` and never sees weights. Algebra that the
methods share lies in `_coordinates.py`, placing further Points in an existing map in `_placing.py`.
"""
