"""State FindStale: find the points that a load's file no longer has, and that no other current file contains."""

from shared.first_array import create_first_array_without_pandas

create_first_array_without_pandas()
