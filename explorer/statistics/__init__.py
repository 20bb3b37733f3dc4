"""What losses say: readings off a curve, estimates from subsamples, predictions where nothing was measured.

Every number comes with its uncertainty. Nothing here reads a catalog or runs a model.
"""
