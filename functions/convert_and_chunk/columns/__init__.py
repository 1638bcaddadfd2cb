"""Columns of a Parquet file as the tags, fields and times of points."""
