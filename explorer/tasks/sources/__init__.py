"""Packaged datasets, one file per archive: each module has a tuple `DATASETS`; a new file adds datasets."""
