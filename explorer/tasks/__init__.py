"""Labelled text to evaluate and fine-tune on: packaged datasets, tables, hub datasets, all as Parquet files."""
