"""Columns of a Parquet file become series, fields and times; values that cannot be used become problems."""
